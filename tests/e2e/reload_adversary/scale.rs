//! A thousand pipes.

use std::time::{Duration, Instant};

use spiped_tests::{Backend, Endpoint, Lab, Spiped, proc, wait};

use super::{File, reload, start};

#[test]
fn thousand_pipes_start_reload_and_serve() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let sources: Vec<_> = (0..1000).map(|index| lab.unix(&format!("s{index}"))).collect();
    let (one, more) = (lab.tcp(), lab.tcp());
    let mut file = File::new(&lab);
    file.decrypt("one", &one, backend.endpoint(), "max-connections = 2");
    for (index, source) in sources.iter().enumerate() {
        file.decrypt(&format!("p{index}"), source, backend.endpoint(), "max-connections = 2");
    }
    file.write();
    let daemon = start(&lab, &[&one]);
    let client = Spiped::encrypt(&lab, &one).start();
    let mut established = client.connect();
    established.expect_echo(b"one of a thousand");
    file.decrypt("more", &more, backend.endpoint(), "max-connections = 2");
    file.remove("p7").write();
    let mut pending = super::ask(&lab, &["reload"]);
    let mut worst = Duration::ZERO;
    while pending.is_running() {
        let before = Instant::now();
        established.expect_echo(b"meanwhile");
        worst = worst.max(before.elapsed());
    }
    pending.wait().expect_success();
    assert!(worst < Duration::from_secs(1), "a connection stood still for {worst:?}");
    assert!(proc::is_listening(&more) && !proc::is_listening(&sources[7]));
    client.connect().expect_echo(b"and a new one");
    let last = sources.last().unwrap();
    Spiped::encrypt(&lab, last).start().connect().expect_echo(b"the last of them");
    let Endpoint::Unix(path) = &sources[7] else { unreachable!() };
    assert!(!path.exists());
    file.remove("more").write();
    reload(&lab).expect_success();
    wait::until("it was gone", || !proc::is_listening(&more));
    assert!(!daemon.stderr().contains("panicked"));
}
