//! The control socket in the hands of clients that know no rules:
//! docs/control.md.

use std::io::Read as _;
use std::os::unix::net::UnixStream;

use serde_json::json;
use spiped_tests::{Backend, Lab, Spiped, wait};

use super::{CONTROL, Control, Seen};

#[test]
fn requests_are_answered_one_after_the_other() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    let mut control = seen.control();
    let answer = control.ask(r#"{"version":1,"request":"log-level","level":"info"}"#);
    assert_eq!(answer, json!({"version": 1, "ok": {"log-level": "info"}}));
    let answer = control.ask(r#"{"version":1,"request":"list"}"#);
    assert_eq!(answer, json!({"version": 1, "ok": {"connections": 0}}));
    let answer = control.ask(r#"{"version":1,"request":"status"}"#);
    assert_eq!(answer["ok"]["status"]["log-level"], "info");
    assert_eq!(answer["ok"]["status"]["pid"], seen.daemon.process.pid());
}

#[test]
fn what_is_no_request_gets_an_answer_and_harms_nobody() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    for line in [
        "",
        "status",
        "{}",
        "[]",
        "{\"version\":1}",
        r#"{"version":1,"request":"restart"}"#,
        r#"{"version":1,"request":"drop"}"#,
        r#"{"version":-1,"request":"status"}"#,
        "\u{0}\u{1b}[2J",
        &"[".repeat(4000),
    ] {
        let answer = seen.control().ask(line);
        let error = answer["error"].as_str().unwrap_or_else(|| panic!("{line}: {answer}"));
        assert!(error.starts_with("Not a request: "), "{line}: {error}");
    }
    let answer = seen.control().ask(r#"{"version":2,"request":"status"}"#);
    assert_eq!(answer["error"], "This daemon speaks version 1 of the control protocol, not 2");
    let answer = seen.control().ask(r#"{"version":1,"request":"log-level","level":"trace"}"#);
    assert!(answer["error"].as_str().unwrap().starts_with("Unknown log level: trace"));
    seen.see(&["status"]);
}

#[test]
fn longest_request_is_answered_and_a_longer_one_ends_the_conversation() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    let padded = |len| format!("{:len$}", r#"{"version":1,"request":"log-level"}"#);
    assert_eq!(seen.control().ask(&padded(4096))["ok"]["log-level"], "warn");
    let mut control = seen.control();
    let answer = control.ask(&padded(4097));
    assert_eq!(answer["error"], "The request has more than 4096 bytes");
    assert_eq!(control.line(), "");
}

#[test]
fn ninth_client_is_told_to_come_back_and_can() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    let mut clients: Vec<_> = (0..8).map(|_| seen.control()).collect();
    for control in &mut clients {
        control.ask(r#"{"version":1,"request":"log-level"}"#);
    }
    let refused = seen.control().line();
    assert!(refused.contains("Too many programs are connected"), "{refused}");
    seen.run(&["status"]).expect_failure("Too many programs are connected");
    drop(clients.pop());
    wait::until("there was a place", || seen.run(&["status"]).code() == Some(0));
}

#[test]
fn client_that_does_not_read_keeps_nobody_waiting() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let seen = Seen::server(&lab, backend.endpoint());
    let client = Spiped::encrypt(&lab, seen.daemon.source()).start();
    let mut conn = client.connect();
    let mut deaf = UnixStream::connect(lab.path(CONTROL)).unwrap();
    // More than all buffers in between hold.
    let request = b"{\"version\":1,\"request\":\"status\"}\n";
    deaf.set_nonblocking(true).unwrap();
    let sent = std::iter::repeat_with(|| std::io::Write::write(&mut deaf, request))
        .take(5000)
        .take_while(Result::is_ok)
        .count();
    assert!(sent > 10);
    conn.expect_echo(b"served");
    seen.see(&["list"]);
    assert_eq!(seen.get("/healthz").0, 200);
    // It still has its answers.
    let mut answers = [0; 4096];
    deaf.set_nonblocking(false).unwrap();
    deaf.read_exact(&mut answers).unwrap();
    assert!(answers.starts_with(b"{\"version\":1,\"ok\":{\"status\":"));
}

#[test]
fn client_that_leaves_in_the_middle_is_forgotten() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    let open = || spiped_tests::procfs::open_descriptors(seen.daemon.process.pid());
    seen.see(&["status"]);
    let before = open();
    for _ in 0..20 {
        Control::to(&lab.path(CONTROL)).send(b"{\"version\":1,\"request\":\"status\"}\n{\"ver");
    }
    wait::until("all of their sockets were closed", || open() <= before);
}
