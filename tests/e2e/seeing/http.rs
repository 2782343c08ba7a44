//! Metrics, health and the page, over HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use spiped_tests::{Backend, Ending, Lab, Spiped, wait};

use super::Seen;

#[test]
fn metrics_are_open_metrics_with_one_line_for_each_label() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    let (code, head, body) = seen.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(code, 200);
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(head.contains("connection: close") && head.contains("cache-control: no-store"));
    assert!(body.ends_with("\n# EOF\n"), "{body}");
    let mut names: Vec<_> = body
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').unwrap().0)
        .collect();
    assert!(names.iter().all(|name| name.starts_with("spiped_")), "{names:?}");
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a line twice");
    assert!(seen.metric("spiped_build_info{version=\"0.1.0\"}") > 0.5);
    assert!(seen.metric("spiped_memory_bytes") > 1e6);
    let descriptors = seen.metric("spiped_descriptors_open");
    assert!(descriptors > 5.0 && descriptors < seen.metric("spiped_descriptors_max"));
    assert!(seen.metric("spiped_start_timestamp_seconds") > 1.6e9);
}

#[test]
fn daemon_is_healthy_when_it_listens_and_if_asked_when_a_target_is_reachable() {
    let lab = Lab::new();
    let target = lab.tcp();
    let server = Spiped::decrypt(&lab, &target).args(&["--log-level", "info"]);
    let seen = Seen::start(&lab, server);
    // The last line of the start.
    seen.daemon.process.wait_for_stderr("Sandbox: ");
    let before = seen.daemon.process.stderr();
    assert_eq!(seen.get("/healthz"), (200, "ok\n".to_owned()));
    let (code, words) = seen.get("/healthz?targets=1");
    assert_eq!(code, 503);
    assert!(words.contains(&format!("no target can be reached: {target}: ")), "{words}");
    let backend = Backend::echo_at(&target);
    wait::until("the target was found", || seen.get("/healthz?targets=1").0 == 200);
    // For a second, that is known.
    let dialled = backend.accepted();
    for _ in 0..20 {
        assert_eq!(seen.get("/healthz?targets=1").0, 200);
    }
    assert!(backend.accepted() <= dialled + 2, "{}", backend.accepted());
    assert_eq!(seen.daemon.process.stderr(), before, "no lines for it");
}

#[test]
fn page_shows_pipes_and_keys_and_needs_no_script() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let seen = Seen::server(&lab, backend.endpoint());
    let client = Spiped::encrypt(&lab, seen.daemon.source()).start();
    let mut conn = client.connect();
    conn.expect_echo(b"page");
    let (code, head, body) = seen.ask("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_eq!(code, 200);
    assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
    let pipe = format!("{} -&gt; {}", seen.daemon.source(), backend.endpoint());
    assert!(body.contains(&pipe) && !body.contains("<script"), "{body}");
    assert!(body.contains("<td class=\"n\">1 of 100"), "{body}");
    assert!(body.contains(&format!("{} reachable", backend.endpoint())), "{body}");
}

#[test]
fn only_reading_is_possible_and_only_what_is_there() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        let request = format!("{method} /metrics HTTP/1.1\r\nHost: [::1]\r\n\r\n");
        let (code, head, _) = seen.ask(&request);
        assert_eq!(code, 405, "{method}");
        assert!(head.contains("allow: get, head"), "{head}");
    }
    let (code, head, body) = seen.ask("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((code, body.as_str()), (200, ""));
    assert!(head.contains("content-length: "), "{head}");
    for path in ["/metrics/", "/favicon.ico", "/../etc/passwd", "/healthz/x"] {
        assert_eq!(seen.get(path).0, 404, "{path}");
    }
    // Nor by a name that others could have led here.
    let rebound = "GET /metrics HTTP/1.1\r\nHost: attacker.example:9464\r\n\r\n";
    let (code, _, body) = seen.ask(rebound);
    assert_eq!(code, 403);
    assert!(!body.contains("spiped_"), "{body}");
    assert_eq!(seen.ask("GET /healthz HTTP/1.0\r\n\r\n").0, 200);
}

#[test]
fn clients_that_dawdle_keep_nobody_from_metrics_for_long() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let seen = Seen::server(&lab, backend.endpoint());
    let client = Spiped::encrypt(&lab, seen.daemon.source()).start();
    let mut conn = client.connect();
    let mut dawdlers: Vec<TcpStream> = (0..17)
        .map(|_| {
            let mut stream = seen.http();
            stream.write_all(b"GET /metrics HTTP/1.1\r\nX: ").unwrap();
            stream
        })
        .collect();
    conn.expect_echo(b"served");
    seen.see(&["status"]);
    // Waits for its turn.
    assert_eq!(seen.get("/metrics").0, 200);
    for stream in &mut dawdlers {
        let mut answer = Vec::new();
        // Some may have been closed with what they had sent unread.
        let _ = stream.read_to_end(&mut answer);
    }
}

#[test]
fn large_or_broken_request_is_refused() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    for request in [
        format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(20_000)),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET /metrics SPIPED/1\r\n\r\n".to_owned(),
    ] {
        let mut stream = seen.http();
        // It may be refused before all of it was sent.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(seen.get("/metrics").0, 200);
}

#[test]
fn metrics_can_be_on_a_unix_socket() {
    let lab = Lab::new();
    let path = lab.path("metrics");
    let args = ["--metrics", path.to_str().unwrap()];
    let server = Spiped::decrypt(&lab, &lab.tcp()).args(&args).start();
    let mut stream = UnixStream::connect(&path).unwrap();
    // Names cannot lead others here.
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: spiped\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("# EOF\n"), "{answer}");
    drop(server);
}

#[test]
fn metrics_are_for_this_host_only() {
    let lab = Lab::new();
    for address in ["[0.0.0.0]:9464", "[192.0.2.1]:9464"] {
        let exit = Spiped::decrypt(&lab, &lab.tcp()).args(&["--metrics", address]).run();
        exit.expect_failure(&format!("Metrics are for this host only: {address} (write "));
    }
    let (taken, target) = (Backend::echo(&lab), lab.tcp());
    let address = taken.endpoint().to_string();
    let exit = Spiped::decrypt(&lab, &target).args(&["--metrics", &address]).run();
    exit.expect_failure(&format!("Cannot serve metrics at {address}"));
    let mut conn = spiped_tests::Conn::to(taken.endpoint());
    conn.half_close();
    conn.expect_nothing_but(Ending::Closed);
}
