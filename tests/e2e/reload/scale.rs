//! A thousand pipes.

use std::time::{Duration, Instant};

use spiped_tests::{Backend, Configured, Endpoint, Lab, Spiped, pipe, procfs, wait};

#[test]
fn thousand_pipes_start_reload_and_serve() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let sources: Vec<_> = (0..1000).map(|index| lab.unix(&format!("s{index}"))).collect();
    let (one, more) = (lab.tcp(), lab.tcp());
    let decrypt = |name: &str, source| {
        pipe(name, "decrypt", source, backend.endpoint(), "max-connections = 2")
    };
    let mut pipes: Vec<_> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| decrypt(&format!("p{index}"), source))
        .chain([decrypt("one", &one)])
        .collect();
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes);
    let process = daemon.start(&[&one]);
    let client = Spiped::encrypt(&lab, &one).start();
    let mut established = client.connect();
    established.expect_echo(b"one of a thousand");
    pipes.remove(7);
    pipes.push(decrypt("more", &more));
    daemon.write("", &pipes);
    let mut pending = daemon.ask(&["reload"]);
    let mut worst = Duration::ZERO;
    while pending.is_running() {
        let before = Instant::now();
        established.expect_echo(b"meanwhile");
        worst = worst.max(before.elapsed());
    }
    pending.wait().expect_success();
    assert!(worst < Duration::from_secs(1), "a connection stood still for {worst:?}");
    assert!(procfs::is_listening(&more) && !procfs::is_listening(&sources[7]));
    client.connect().expect_echo(b"and a new one");
    let last = sources.last().unwrap();
    Spiped::encrypt(&lab, last).start().connect().expect_echo(b"the last of them");
    let Endpoint::Unix(path) = &sources[7] else { unreachable!() };
    assert!(!path.exists());
    pipes.pop();
    daemon.write("", &pipes);
    daemon.reload();
    wait::until("it was gone", || !procfs::is_listening(&more));
    assert!(!process.stderr().contains("panicked"));
}
