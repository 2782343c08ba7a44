use std::ffi::OsString;
use std::net::TcpListener;

use super::*;
use crate::config::{FileWords, Launch, TextFile};

#[test]
fn keys_are_taken_if_they_are_read_from_where_they_were() {
    let settings = settings("key = { a = \"/a\", b = \"/b\" }");
    let [pipe] = &settings.pipes[..] else { panic!("one pipe") };
    let said = pipe_of(&["a", "b", "former"], 2, &pipe.connection.keys.text());
    let mut handed_over = HandedOver::default();
    assert!(!handed_over.add(received(Message::Pipe(said.clone()), &[[1; 32], [2; 32]])).unwrap());
    let keys = handed_over.adoptable(&settings).remove("redis").unwrap();
    assert!(keys.all().iter().map(Key::is_revoked).eq([false, false, true]));
    let Loaded { keys: taken, .. } = handed_over.keys(pipe).unwrap();
    assert_eq!(taken.psks()[1].expose(), &[2; 32]);
    assert!(taken.keys().iter().zip(keys.all()).all(|(taken, known)| taken.is_same(known)));
    assert!(taken.keys()[1].has_been_without_forward_secrecy());
    // Taken once.
    assert!(handed_over.keys(pipe).is_none());

    let elsewhere = pipe_of(&["a", "b"], 2, "any \"/elsewhere\"");
    let mut handed_over = HandedOver::default();
    handed_over.add(received(Message::Pipe(elsewhere), &[[1; 32], [2; 32]])).unwrap();
    assert!(handed_over.keys(pipe).is_none());
    let named = |name: &str, byte| (KeyName::new(name.as_ref()), Psk::copy_of(&[byte; 32]));
    let mut read = KeySet::of_named(vec![named("b", 3), named("renamed", 1)]).unwrap();
    handed_over.succeed(pipe, &mut read);
    let keys = handed_over.adoptable(&settings).remove("redis").unwrap();
    assert!(read.keys()[1].is_same(&keys.all()[0]));
    assert!(keys.all().iter().map(Key::is_revoked).eq([false, true]));
    let said = handed_over.differences(&settings, &HashMap::new(), &Activation::default());
    assert!(said.iter().any(|line| line.contains("removed: a; replaced: b")), "{said:?}");
}

#[test]
fn connections_stay_whose_pipe_is_gone_or_has_its_other_side_encrypted() {
    let settings = settings("key = \"/a\"");
    let mut handed_over = HandedOver::default();
    for (name, decrypts) in [("redis", true), ("gone", true)] {
        let said = messages::Pipe { name: name.to_owned(), decrypts, ..pipe_of(&[""], 1, "") };
        handed_over.add(received(Message::Pipe(said), &[[1; 32]])).unwrap();
    }
    let adoptable = handed_over.adoptable(&settings);
    assert!(adoptable.keys().eq(["redis"]));
    let differences = |handed_over: &HandedOver| {
        let adoptable = handed_over.adoptable(&settings);
        handed_over.differences(&settings, &adoptable, &Activation::default()).join("\n")
    };
    assert!(differences(&handed_over).contains("pipe gone: gone; its connections stay"));
    handed_over.pipes[0].said.decrypts = false;
    assert!(handed_over.adoptable(&settings).is_empty());
    assert!(differences(&handed_over).contains("pipe redis: its mode has changed"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |said: messages::Pipe, psks: &[[u8; 32]]| {
        let refused = HandedOver::default().add(received(Message::Pipe(said), psks));
        assert!(matches!(refused, Err(ChannelError::Malformed)));
    };
    refused(pipe_of(&["a", "b"], 2, ""), &[[1; 32]]);
    refused(pipe_of(&["a"], 2, ""), &[[1; 32], [2; 32]]);
    refused(pipe_of(&["b", "a"], 2, ""), &[[1; 32], [2; 32]]);
    refused(pipe_of(&["a", "b"], 2, ""), &[[1; 32], [1; 32]]);
    refused(pipe_of(&["a", ""], 2, ""), &[[1; 32], [2; 32]]);
    refused(pipe_of(&[], 0, ""), &[]);
    for message in [Message::Commit, Message::Serving, Message::Sent { connections: 1 }] {
        assert!(HandedOver::default().add(received(message, &[])).is_err());
    }
    let source = Source { address: Some("[::1]:1".into()), pipe: None, inherited: false };
    assert!(HandedOver::default().add(received(Message::Source(source.clone()), &[])).is_err());
    let not_listening = received(Message::Source(source), &[]);
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let not_listening = Received { descriptors: vec![one.into()], ..not_listening };
    assert!(HandedOver::default().add(not_listening).is_err());
}

#[test]
fn what_stays_behind_is_named() {
    let mut settings = settings("key = \"/a\"");
    let mut handed_over = HandedOver::default();
    let process = Process { pid_file: Some("/run/old".into()), ..Process::default() };
    handed_over.add(received(Message::Inventory(process), &[])).unwrap();
    let socket = || Bound::received(vec![TcpListener::bind("127.0.0.1:0").unwrap().into()]);
    let source = |address: Option<&str>, pipe: Option<&str>| {
        let (address, pipe) = (address.map(Into::into), pipe.map(ToOwned::to_owned));
        (Source { address, pipe, inherited: true }, socket().unwrap())
    };
    let sources = vec![
        source(None, Some("redis")),
        source(None, Some("renamed")),
        source(Some("[127.0.0.1]:9"), None),
    ];
    let activation = Activation::handed_over(&settings, sources);
    let said = handed_over.differences(&settings, &HashMap::new(), &activation).join("\n");
    for line in [
        "sockets of the service manager for pipe renamed: no longer listened on",
        "[127.0.0.1]:9 of the service manager: no longer listened on",
        "pid file /run/old: not used any more",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("pipe redis: no longer"), "{said}");
    let pid_file = "/run/old".into();
    settings.process.launch = Launch::Daemon { pid_file, syslog: false };
    let said = handed_over.differences(&settings, &HashMap::new(), &activation).join("\n");
    assert!(!said.contains("pid file"), "{said}");
}

#[test]
fn nobody_listens_for_ever() {
    let mut handed_over = HandedOver::default();
    let heard = (0..=MESSAGES_MAX).map(|_| handed_over.add(received(Message::Unknown, &[])));
    let heard: Vec<_> = heard.map(|heard| heard.is_ok()).collect();
    assert_eq!(heard.iter().filter(|heard| **heard).count(), MESSAGES_MAX);
    assert_eq!(heard.last(), Some(&false));
}

#[test]
fn names_and_observers_are_found_by_their_text() {
    let target = |address: &str, endpoints: &[&str]| messages::Target {
        address: address.into(),
        endpoints: endpoints.iter().map(OsString::from).collect(),
    };
    let targets = vec![
        target("db:1", &["192.0.2.1:1", "[fe80::1%2]:1"]),
        target("unknown:1", &[]),
        target("broken:1", &["nowhere"]),
    ];
    let said = messages::Pipe { targets, ..pipe_of(&[""], 1, "") };
    let mut handed_over = HandedOver::default();
    handed_over.add(received(Message::Pipe(said), &[[1; 32]])).unwrap();
    let names = handed_over.names();
    assert_eq!(names.len(), 1);
    assert_eq!(names[&"db:1".parse().unwrap()].len(), 2);

    let observer = Observer { role: Role::Metrics, address: "[::1]:9".into() };
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let observer = received(Message::Observer(observer), &[]);
    let observer = Received { descriptors: vec![socket.into()], ..observer };
    handed_over.add(observer).unwrap();
    assert!(handed_over.observer(Role::Control, "[::1]:9".as_ref()).is_none());
    assert!(handed_over.other_observers().eq(["[::1]:9".parse().unwrap()]));
    assert!(handed_over.observer(Role::Metrics, "[::1]:9".as_ref()).is_some());
    assert_eq!(handed_over.other_observers().count(), 0);
    assert!(handed_over.add(received(Message::Unknown, &[])).is_ok_and(|all| !all));
    assert!(handed_over.add(received(Message::Inventory(Process::default()), &[])).unwrap());
}

fn settings(keys: &str) -> Settings {
    let text = format!(
        "[pipe.redis]\nmode = \"decrypt\"\nsource = \"[127.0.0.1]:1\"\n\
         target = \"[127.0.0.1]:2\"\n{keys}\n"
    );
    let words = FileWords { path: "/x.toml".into(), foreground: true, pid_file: None };
    let file = TextFile { path: words.path.clone(), text };
    words.parse(&[file]).unwrap().settings
}

/// A key without a name is called nothing.
fn pipe_of(keys: &[&str], keys_in_use: usize, key_source: &str) -> messages::Pipe {
    let key = |name: &&str| messages::Key {
        name: Some(OsString::from(name)).filter(|name| !name.is_empty()),
        without_forward_secrecy: *name == "b",
    };
    messages::Pipe {
        name: "redis".to_owned(),
        decrypts: true,
        key_source: key_source.to_owned(),
        keys: keys.iter().map(key).collect(),
        keys_in_use,
        targets: Vec::new(),
    }
}

fn received(message: Message, psks: &[[u8; 32]]) -> Received {
    let secrets = Locked::copy_of(psks.as_flattened());
    Received { message, descriptors: Vec::new(), secrets }
}
