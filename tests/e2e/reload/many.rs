//! Two hundred pipes in one process.

use std::time::{Duration, Instant};

use spiped_tests::procfs::status;
use spiped_tests::{Backend, Configured, Conn, Lab, pipe, wait};

const PIPES: usize = 200;
/// The release build keeps within these; a test's machine may be busy.
const START_MAX: Duration = Duration::from_secs(2);
const MEMORY_MAX_KIB: u32 = 20 * 1024;

#[test]
fn two_hundred_pipes_start_soon_and_are_small() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let sources: Vec<_> = (0..PIPES).map(|_| lab.tcp()).collect();
    let mut pipes: Vec<_> = (1..PIPES)
        .map(|number| {
            let target = backend.endpoint();
            pipe(&format!("p{number}"), "decrypt", &sources[number], target, "")
        })
        .collect();
    pipes.push(pipe("in", "encrypt", &sources[0], &sources[PIPES - 1], ""));
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes);
    let began = Instant::now();
    let process = daemon.spawn();
    wait::until("the last one listened", || Conn::connect(&sources[0]).is_ok());
    let took = began.elapsed();
    assert!(took < START_MAX, "{took:?}");
    Conn::to(&sources[0]).expect_echo(b"through two of them");
    let memory = status(process.pid(), "VmRSS")[0];
    assert!(memory < MEMORY_MAX_KIB, "{memory} KiB");
    assert!(daemon.reload().contains("nothing has changed"));
    let after = status(process.pid(), "VmRSS")[0];
    assert!(after < MEMORY_MAX_KIB * 5 / 4, "{after} KiB");
}
