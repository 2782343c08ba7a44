//! Sources that change, move between pipes, or belong to the service manager.

use spiped_tests::{Backend, Configured, Conn, Lab, pipe, wait};

#[test]
fn source_moves_to_another_pipe_and_nobody_is_refused_meanwhile() {
    let lab = Lab::new();
    let (first, second) = (Backend::echo(&lab), Backend::echo(&lab));
    let (plain, crypt) = (lab.tcp(), lab.tcp());
    let encrypt = pipe("in", "encrypt", &plain, &crypt, "");
    let daemon = Configured::new(&lab);
    daemon.write("", &[encrypt.clone(), pipe("one", "decrypt", &crypt, first.endpoint(), "")]);
    let _process = daemon.start(&[&plain, &crypt]);
    for round in 0..5 {
        let (name, target) = if round % 2 == 0 { ("two", &second) } else { ("one", &first) };
        let pipes = [encrypt.clone(), pipe(name, "decrypt", &crypt, target.endpoint(), "")];
        daemon.write("", &pipes);
        daemon.reload();
        let before = target.accepted();
        Conn::to(&plain).expect_echo(b"whoever has it");
        assert!(target.accepted() > before);
    }
}

#[test]
fn pipes_exchange_their_sources() {
    let lab = Lab::new();
    let (first, second) = (Backend::echo(&lab), Backend::echo(&lab));
    let (plain, one, other) = (lab.tcp(), lab.tcp(), lab.tcp());
    let pipes = |one: &_, other: &_| {
        [
            pipe("in", "encrypt", &plain, &lab.unix("crypt"), ""),
            pipe("out", "decrypt", &lab.unix("crypt"), first.endpoint(), ""),
            pipe("a", "decrypt", one, first.endpoint(), ""),
            pipe("b", "decrypt", other, second.endpoint(), ""),
        ]
    };
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes(&one, &other));
    let _process = daemon.start(&[&plain, &one, &other]);
    daemon.write("", &pipes(&other, &one));
    daemon.reload();
    let client = spiped_tests::Spiped::encrypt(&lab, &one).start();
    client.connect().expect_echo(b"to the other backend");
    assert_eq!((first.accepted(), second.accepted()), (0, 1));
}

#[test]
fn file_of_a_unix_source_goes_with_its_pipe() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (socket, crypt) = (lab.unix("socket"), lab.tcp());
    let out = pipe("out", "decrypt", &crypt, backend.endpoint(), "");
    let daemon = Configured::new(&lab);
    daemon.write("", &[pipe("in", "encrypt", &socket, &crypt, ""), out.clone()]);
    let _process = daemon.start(&[&socket, &crypt]);
    let mut conn = Conn::to(&socket);
    conn.expect_echo(b"before");
    daemon.write("", std::slice::from_ref(&out));
    daemon.reload();
    wait::until("the file was gone", || !lab.path("socket").exists());
    conn.expect_echo(b"after");
    daemon.write("", &[pipe("in", "encrypt", &socket, &crypt, ""), out]);
    daemon.reload();
    Conn::to(&socket).expect_echo(b"there again");
}

#[test]
fn pipe_of_several_sources_gains_one_and_loses_one() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (one, two, three, crypt) = (lab.tcp(), lab.tcp(), lab.tcp(), lab.tcp());
    let pipes = |sources: [&_; 2]| {
        let list = format!("source = [\"{}\", \"{}\"]", sources[0], sources[1]);
        let written = pipe("in", "encrypt", &"SOURCE", &crypt, "");
        let written = written.replace("source = \"SOURCE\"", &list);
        [written, pipe("out", "decrypt", &crypt, backend.endpoint(), "")]
    };
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes([&one, &two]));
    let _process = daemon.start(&[&one, &two, &crypt]);
    for source in [&one, &two] {
        Conn::to(source).expect_echo(b"each of them");
    }
    daemon.write("", &pipes([&two, &three]));
    daemon.reload();
    for source in [&two, &three] {
        Conn::to(source).expect_echo(b"each of them");
    }
    assert!(Conn::connect(&one).is_err());
}
