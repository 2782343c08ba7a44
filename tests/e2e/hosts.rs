//! Names that change or have several addresses.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use spiped_tests::{
    Backend, BlackHole, Configured, Conn, Daemon, Endpoint, Hosts, Lab, Spiped, pipe, procfs, wait,
};

#[test]
fn target_name_with_both_families_reaches_whichever_listens() {
    reaches_either(&[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
}

#[test]
fn target_name_with_two_addresses_reaches_whichever_listens() {
    reaches_either(&TWO);
}

#[test]
fn address_that_never_answers_leaves_time_for_the_next() {
    let lab = Lab::new();
    let endpoints = lab.tcp_on_each(&TWO);
    let _unanswered = BlackHole::at(&endpoints[0]);
    let _backend = Backend::echo_at(&endpoints[1]);
    let hosts = Hosts::new(&lab, &lines(&TWO));
    let server = Spiped::decrypt(&lab, &named(&endpoints[0])).time_limit("4");
    let server = server.under(hosts.wrapper()).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    client.connect().expect_echo(b"in time");
}

#[test]
fn source_name_with_two_addresses_listens_on_both() {
    let lab = Lab::new();
    let sources = lab.tcp_on_each(&TWO);
    let backend = Backend::manual(&lab);
    let _daemon = source_on_two(&lab, backend.endpoint(), &sources).start();
    for source in &sources {
        let _conn = Conn::to(source);
        backend.accept();
    }
}

#[test]
fn source_name_needs_its_first_address_only() {
    let lab = Lab::new();
    let sources = lab.tcp_on_each(&TWO);
    let backend = Backend::manual(&lab);
    let occupied = Backend::manual_at(&sources[1]);
    let daemon = source_on_two(&lab, backend.endpoint(), &sources).start();
    daemon.process.wait_for_stderr(&format!("Not listening on {}: ", sources[1]));
    let _conn = daemon.connect();
    backend.accept();
    drop((daemon, occupied));
    let _occupied = Backend::manual_at(&sources[0]);
    let exit = source_on_two(&lab, backend.endpoint(), &sources).run();
    exit.expect_failure("Address already in use");
}

#[test]
fn star_is_told_from_all_interfaces() {
    let lab = Lab::new();
    let source = lab.tcp();
    let written = format!("*:{}", source.port());
    let daemon = Spiped::encrypt(&lab, &lab.tcp()).source_written(&source, &written).spawn();
    daemon.wait_for_stderr("for these write [0.0.0.0]:PORT or [::]:PORT");
}

#[test]
fn failing_look_ups_are_said_once_and_so_is_their_end() {
    let lab = Lab::new();
    let (_backends, hosts, client) = target_on_the_first(&lab, &[]);
    hosts.change("");
    client.process.wait_for_stderr(FAILED);
    // Some more of them.
    wait::observe(Duration::from_secs(3));
    hosts.change(&lines(&TWO[..1]));
    client.process.wait_for_stderr("works again");
    assert_eq!(client.process.stderr().matches(FAILED).count(), 1);
}

#[test]
fn target_name_that_moves_is_followed() {
    let lab = Lab::new();
    followed(target_on_the_first(&lab, &[]));
}

#[test]
fn target_name_that_moves_is_followed_by_somebody_else() {
    let lab = Lab::new();
    followed(target_on_the_first(&lab, &["-u", "nobody:nogroup"]));
}

#[track_caller]
fn followed((backends, hosts, client): (Vec<Backend>, Hosts, Daemon)) {
    hosts.change(&lines(&TWO[1..]));
    wait::until("a connection went to the new address", || {
        let _conn = client.connect();
        wait::until_some("a connection went to either address", || {
            backends.iter().find_map(Backend::try_accept)
        });
        backends[1].accepted() > 0
    });
}

#[test]
fn target_name_that_vanishes_keeps_its_last_address() {
    let lab = Lab::new();
    let (backends, hosts, client) = target_on_the_first(&lab, &[]);
    hosts.change("");
    client.process.wait_for_stderr(NAME);
    let _conn = client.connect();
    backends[0].accept();
}

/// Whoever takes over from a daemon knows what it knows, and looks up what it does
/// not.
#[test]
fn names_that_vanish_stay_known_to_a_process_that_takes_over() {
    let lab = Lab::new();
    let (backend, crypt, plain) = (Backend::echo(&lab), lab.tcp(), lab.tcp());
    let hosts = Hosts::new(&lab, &lines(&[Ipv4Addr::LOCALHOST.into()]));
    let (known, unknown) = (named(&crypt), format!("unknown.test:{}", crypt.port()));
    let pipes = |waits: &str| {
        [
            pipe("in", "encrypt", &named(&plain), &known, "resolve-period = \"1s\""),
            pipe("out", "decrypt", &crypt, backend.endpoint(), ""),
            pipe("waits", "encrypt", &lab.unix("waits"), &waits, "wait-for-dns = true"),
        ]
    };
    let daemon = Configured::new(&lab).under(hosts.wrapper());
    daemon.write("", &pipes(&unknown));
    let _first = daemon.start(&[&plain, &crypt]);
    let mut conn = Conn::to(&plain);
    conn.expect_echo(b"before");
    hosts.change("");
    for _ in 0..2 {
        daemon.run(&["upgrade"]).expect_success();
        conn.expect_echo(b"moved");
        Conn::to(&plain).expect_echo(b"new");
    }
    // A name that is new has to be known to somebody.
    let unknown = pipe("new", "encrypt", &lab.unix("new"), &unknown, "");
    daemon.write("", &[&pipes(&known)[..], &[unknown]].concat());
    daemon.run(&["upgrade"]).expect_failure("Error looking up unknown.test");
    assert!(!lab.path("new").exists());
    hosts.change("127.0.0.1 unknown.test");
    Conn::to(&lab.unix("waits")).expect_echo(b"found at last");
}

#[test]
fn waiting_for_dns_ends_when_the_names_appear() {
    let lab = Lab::new();
    let source = lab.tcp();
    let backend = Backend::manual(&lab);
    let hosts = Hosts::new(&lab, "");
    let mut process = Spiped::encrypt(&lab, &named(backend.endpoint()))
        .source_written(&source, &named(&source))
        .args(&["-D"])
        .under(hosts.wrapper())
        .spawn();
    process.wait_for_stderr(NAME);
    assert!(process.is_running());
    assert!(!procfs::is_listening(&source));
    hosts.change(&lines(&[Ipv4Addr::LOCALHOST.into()]));
    wait::until("it listened", || procfs::is_listening(&source));
    let _conn = Conn::to(&source);
    backend.accept();
}

/// With one of the addresses listened on, then with another.
fn reaches_either(ips: &[IpAddr]) {
    for listening in 0..ips.len() {
        let lab = Lab::new();
        let endpoints = lab.tcp_on_each(ips);
        let _backend = Backend::echo_at(&endpoints[listening]);
        let hosts = Hosts::new(&lab, &lines(ips));
        let server = Spiped::decrypt(&lab, &named(&endpoints[0])).under(hosts.wrapper()).start();
        let client = Spiped::encrypt(&lab, server.source()).start();
        client.connect().expect_echo(b"found");
    }
}

/// A client of a name that has had the first of two addresses so far, and a
/// backend on each. It looks the name up every second.
fn target_on_the_first(lab: &Lab, args: &[&str]) -> (Vec<Backend>, Hosts, Daemon) {
    let endpoints = lab.tcp_on_each(&TWO);
    let backends: Vec<_> = endpoints.iter().map(Backend::manual_at).collect();
    let hosts = Hosts::new(lab, &lines(&TWO[..1]));
    let client = Spiped::encrypt(lab, &named(&endpoints[0]))
        .args(&["-r", "1"])
        .args(args)
        .under(hosts.wrapper())
        .start();
    let _conn = client.connect();
    backends[0].accept();
    (backends, hosts, client)
}

/// A client that listens on all addresses of the name.
fn source_on_two(lab: &Lab, target: &Endpoint, sources: &[Endpoint]) -> Spiped {
    let hosts = Hosts::new(lab, &lines(&TWO));
    Spiped::encrypt(lab, target)
        .source_written(&sources[0], &named(&sources[0]))
        .under(hosts.wrapper())
}

/// The endpoint's port at the name.
fn named(endpoint: &Endpoint) -> String {
    format!("{NAME}:{}", endpoint.port())
}

/// What gives the name these addresses.
fn lines(ips: &[IpAddr]) -> String {
    let mut text = String::new();
    for ip in ips {
        writeln!(text, "{ip} {NAME}").unwrap();
    }
    text
}

const NAME: &str = "service.test";

const FAILED: &str = "Error looking up service.test: ";

const TWO: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11)), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 12))];
