//! What the daemon has handed over but for its connections: one more source of
//! sockets, keys and names for the start.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use crate::config::{PipeSettings, Settings};
use crate::daemon::activation::Activation;
use crate::guest::Side;
use crate::handover::channel::{ChannelError, Received};
use crate::handover::messages::{self, Message, Observer, Process, Role, Source};
use crate::keys::file::Psk;
use crate::keys::{Key, KeyName, KeySet, Loaded};
use crate::net::address::Address;
use crate::net::listen::Bound;
use crate::net::resolve::Endpoint;
use crate::process::secrets::Locked;

/// All of it. Of a daemon that was started by anybody else, nothing.
#[derive(Debug, Default)]
pub(in crate::daemon) struct HandedOver {
    /// What is listened on.
    pub(in crate::daemon) sources: Vec<(Source, Bound)>,
    observers: Vec<(Observer, Bound)>,
    pipes: Vec<HandedOverPipe>,
    /// What is known of the process.
    pub(super) process: Process,
    /// What is different about keys, a line for each pipe.
    keys_said: Vec<String>,
}

/// A pipe, without its connections.
#[derive(Debug)]
struct HandedOverPipe {
    said: messages::Pipe,
    /// Those in use; nothing once they are in use here.
    in_use: Option<KeySet>,
    keys: KeysOfPipe,
}

/// The keys of a pipe as its connections know them, in the order of
/// [`messages::Pipe::keys`].
#[derive(Clone, Debug, Default)]
pub(super) struct KeysOfPipe(Vec<Key>);

impl HandedOver {
    /// Adds what has come. Says whether that was all.
    ///
    /// # Errors
    /// When it makes no sense.
    pub(super) fn add(&mut self, received: Received) -> Result<bool, ChannelError> {
        let Received { message, descriptors, secrets } = received;
        match message {
            Message::Source(source) => self.sources.push((source, listening(descriptors)?)),
            Message::Observer(observer) => self.observers.push((observer, listening(descriptors)?)),
            Message::Pipe(pipe) => {
                let pipe = HandedOverPipe::of(pipe, &secrets).ok_or(ChannelError::Malformed)?;
                self.pipes.push(pipe);
            }
            Message::Inventory(process) => {
                self.process = process;
                return Ok(true);
            }
            Message::Unknown => {}
            Message::Hello { .. }
            | Message::Ready { .. }
            | Message::Fault { .. }
            | Message::Connection(_)
            | Message::Sent { .. }
            | Message::Taken { .. }
            | Message::Numbers(_)
            | Message::Commit
            | Message::Serving => return Err(ChannelError::Malformed),
        }
        Ok(false)
    }

    /// The keys of a pipe that are in use already, if they are read from where they
    /// were.
    pub(in crate::daemon) fn keys(&mut self, pipe: &PipeSettings) -> Option<Loaded> {
        let handed_over = self.pipes.iter_mut().find(|it| *it.said.name == *pipe.name)?;
        if handed_over.said.key_source != pipe.connection.keys.text() {
            return None;
        }
        let keys = handed_over.in_use.take()?;
        Some(Loaded { keys, doubts: Vec::new() })
    }

    /// Has keys of a pipe that were read take over the accounts of those that were in
    /// use, as after a reload.
    pub(in crate::daemon) fn succeed(&mut self, pipe: &PipeSettings, keys: &mut KeySet) {
        let handed_over = self.pipes.iter().find(|it| *it.said.name == *pipe.name);
        if let Some(former) = handed_over.and_then(|it| it.in_use.as_ref()) {
            keys.succeed(former);
            let difference = keys.difference(former);
            self.keys_said.push(format!("pipe {}: keys: {difference}", pipe.name));
        }
    }

    /// What names stand for.
    pub(in crate::daemon) fn names(&self) -> HashMap<Address, Vec<Endpoint>> {
        let targets = self.pipes.iter().flat_map(|pipe| &pipe.said.targets);
        let known = targets.filter_map(|target| {
            let endpoints: Option<Vec<_>> =
                target.endpoints.iter().map(|text| Endpoint::of_text(text)).collect();
            Some((address(&target.address)?, endpoints.filter(|all| !all.is_empty())?))
        });
        known.collect()
    }

    /// Where these observers were met.
    pub(in crate::daemon) fn observer(&mut self, role: Role, address: &OsStr) -> Option<Bound> {
        let is_it = |(it, _): &(Observer, Bound)| it.role == role && it.address == address;
        let place = self.observers.iter().position(is_it)?;
        Some(self.observers.swap_remove(place).1)
    }

    /// Where observers were met that nobody has [asked for](Self::observer).
    pub(super) fn other_observers(&self) -> impl Iterator<Item = Address> {
        self.observers.iter().filter_map(|(it, _)| address(&it.address))
    }

    /// The keys of all pipes whose connections can go on with these settings, by
    /// their names.
    pub(super) fn adoptable(&self, settings: &Settings) -> HashMap<String, KeysOfPipe> {
        let goes_on = |pipe: &&HandedOverPipe| {
            settings.pipes.iter().any(|wanted| {
                *wanted.name == *pipe.said.name
                    && (wanted.connection.config.side() == Side::Server) == pipe.said.decrypts
            })
        };
        let pipes = self.pipes.iter().filter(goes_on);
        pipes.map(|pipe| (pipe.said.name.clone(), pipe.keys.clone())).collect()
    }

    /// What is different with these settings, a line each. The keys are those of the
    /// [adoptable](Self::adoptable) pipes.
    pub(super) fn differences(
        &self,
        settings: &Settings,
        adoptable: &HashMap<String, KeysOfPipe>,
        activation: &Activation,
    ) -> Vec<String> {
        let before: Vec<_> = self.pipes.iter().map(|pipe| &*pipe.said.name).collect();
        let new = settings.pipes.iter().filter(|pipe| !before.contains(&&*pipe.name));
        let new = new.map(|pipe| format!("pipe {}: new", pipe.name));
        let gone = before.iter().filter(|name| !adoptable.contains_key(**name));
        let gone = gone.map(|name| {
            let is_wanted = settings.pipes.iter().any(|pipe| *pipe.name == **name);
            let why = if is_wanted { "its other side is encrypted" } else { "gone" };
            format!("pipe {name}: {why}; its connections stay where they are")
        });
        let held = activation.held();
        let known = settings.pipes.iter().filter(|pipe| before.contains(&&*pipe.name));
        let sources = known.flat_map(|pipe| {
            let new = pipe.sources.iter().filter(|source| !held.has(pipe, source));
            new.map(|source| format!("pipe {}: listens on {source}, too", pipe.name))
        });
        let unwanted = activation.gone.iter().map(|it| format!("{it}: nobody listens any more"));
        let keys = self.keys_said.iter().cloned();
        new.chain(gone).chain(sources).chain(unwanted).chain(keys).collect()
    }
}

impl HandedOverPipe {
    fn of(said: messages::Pipe, psks: &Locked) -> Option<Self> {
        let (psks, []) = psks.as_chunks::<{ Psk::LEN }>() else { return None };
        if psks.len() != said.keys_in_use || psks.len() > said.keys.len() {
            return None;
        }
        let name = |key: &messages::Key| key.name.as_deref().map(KeyName::new);
        let (with_psk, former) = said.keys.split_at(psks.len());
        let in_use = match (with_psk, psks) {
            ([messages::Key { name: None, .. }], [psk]) => KeySet::of_one(Psk::copy_of(psk)),
            (with_psk, psks) => {
                let named: Option<Vec<_>> = with_psk
                    .iter()
                    .zip(psks)
                    .map(|(key, psk)| Some((name(key)?, Psk::copy_of(psk))))
                    .collect();
                KeySet::of_named(named.filter(|named| !named.is_empty())?).ok()?
            }
        };
        // A set is sorted: as it was before, or indices would mean other keys.
        let names = in_use.keys().iter().map(|key| key.name().cloned());
        let is_as_said = names.eq(with_psk.iter().map(name));
        if !is_as_said {
            return None;
        }
        let former = former.iter().map(|key| Key::former(name(key)));
        let keys: Vec<_> = in_use.keys().iter().cloned().chain(former).collect();
        for (key, said) in keys.iter().zip(&said.keys) {
            if said.without_forward_secrecy {
                let _ = key.is_first_without_forward_secrecy();
            }
        }
        Some(Self { said, in_use: Some(in_use), keys: KeysOfPipe(keys) })
    }
}

impl KeysOfPipe {
    /// All of them.
    pub(super) fn all(&self) -> &[Key] {
        &self.0
    }
}

fn listening(sockets: Vec<OwnedFd>) -> Result<Bound, ChannelError> {
    if sockets.is_empty() {
        return Err(ChannelError::Malformed);
    }
    Ok(Bound::received(sockets)?)
}

fn address(text: &OsStr) -> Option<Address> {
    Address::parse(text).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::ffi::OsString;
    use std::net::TcpListener;

    use super::*;
    use crate::config::{FileWords, TextFile};

    #[test]
    fn keys_are_taken_if_they_are_read_from_where_they_were() {
        let settings = settings("key = { a = \"/a\", b = \"/b\" }");
        let [pipe] = &settings.pipes[..] else { panic!("one pipe") };
        let said = pipe_of(&["a", "b", "former"], 2, &pipe.connection.keys.text());
        let mut handed_over = HandedOver::default();
        assert!(
            !handed_over.add(received(Message::Pipe(said.clone()), &[[1; 32], [2; 32]])).unwrap()
        );
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
        assert!(differences(&handed_over).contains("pipe redis: its other side is encrypted"));
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
}
