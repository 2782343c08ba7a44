//! Room for connections, while pipes that are gone still have some.

use spiped_tests::{Backend, Configured, Conn, Lab, pipe, wait};

/// How many connections a pipe may have now, as the daemon says.
fn most(daemon: &Configured<'_>, name: &str) -> u64 {
    let status: serde_json::Value =
        serde_json::from_slice(&daemon.run(&["status", "--json"]).stdout).unwrap();
    let pipes = status["pipes"].as_array().unwrap();
    let pipe = pipes.iter().find(|pipe| pipe["name"] == name).unwrap();
    pipe["connections-max"].as_u64().unwrap()
}

#[test]
fn connections_of_a_pipe_that_is_gone_keep_their_room_until_they_end() {
    const ALL: usize = 30;
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let crypt = lab.tcp();
    let plain = lab.tcp();
    let daemon = Configured::new(&lab).under(["prlimit", "--nofile=220:220"]);
    let server = pipe("server", "decrypt", &crypt, backend.endpoint(), "max-connections = 30");
    let client = |name| pipe(name, "encrypt", &plain, &crypt, "max-connections = 30");
    daemon.write("threads = 1", &[server.clone(), client("old")]);
    let _process = daemon.start(&[&plain, &crypt]);
    assert_eq!(most(&daemon, "old"), ALL as u64);
    let mut conns: Vec<_> = (0..20).map(|_| Conn::to(&plain)).collect();
    for conn in &mut conns {
        conn.expect_echo(b"x");
    }
    daemon.write("threads = 1", &[server, client("new")]);
    daemon.reload();
    assert!(most(&daemon, "new") < ALL as u64, "there is no room for both");
    conns[0].expect_echo(b"goes on");
    conns.clear();
    wait::until("the room was shared again", || most(&daemon, "new") == ALL as u64);
}
