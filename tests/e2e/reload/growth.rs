//! Reloads under load: no connection is lost, nothing grows.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use spiped_tests::procfs::{open_descriptors, status};
use spiped_tests::{Backend, Configured, Conn, Endpoint, Lab, pipe};

#[test]
fn reloads_under_load_lose_no_connection_and_leave_nothing_behind() {
    reload_under_load(50);
}

#[test]
#[ignore = "soak"]
fn a_thousand_reloads_under_load_lose_no_connection_and_leave_nothing_behind() {
    reload_under_load(1000);
}

fn reload_under_load(times: usize) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt) = (lab.tcp(), lab.tcp());
    let others: Vec<_> = (0..4).map(|_| lab.tcp()).collect();
    let daemon = Configured::new(&lab);
    let write = |round: usize| write(&daemon, round, &plain, &crypt, &others, backend.endpoint());
    write(0);
    let process = daemon.start(&[&plain, &crypt]);
    let mut long = Conn::to(&plain);
    let (done, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    Conn::to(&plain).expect_echo([7; 3000]);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut early = None;
        for round in 1..=times {
            write(round);
            daemon.reload();
            long.expect_echo(b"goes on");
            if round == times / 5 {
                early = Some(resources(process.pid()));
            }
        }
        done.store(true, Ordering::Relaxed);
        let (descriptors, memory) = early.unwrap();
        let (descriptors_now, memory_now) = resources(process.pid());
        // The load takes some, now these and now those.
        assert!(descriptors_now <= descriptors + 24, "{descriptors} -> {descriptors_now}");
        assert!(memory_now <= memory + memory / 4, "{memory} -> {memory_now} KiB");
    });
    assert!(served.load(Ordering::Relaxed) > times / 10, "there was no load");
}

/// Something is different each time.
fn write(
    daemon: &Configured<'_>,
    round: usize,
    plain: &Endpoint,
    crypt: &Endpoint,
    others: &[Endpoint],
    target: &Endpoint,
) {
    let limit = format!("max-connections = {}\nhandshakes = {}", 50 + round % 7, 40 + round % 5);
    let probes = format!("keep-alive = {}", round.is_multiple_of(2));
    let mut pipes = vec![
        pipe("in", "encrypt", plain, crypt, &probes),
        pipe(&format!("out{}", round % 3), "decrypt", crypt, target, &limit),
    ];
    for (number, source) in
        others.iter().enumerate().filter(|(n, _)| !(round + n).is_multiple_of(3))
    {
        pipes.push(pipe(&format!("other{number}"), "decrypt", source, target, ""));
    }
    daemon.write("", &pipes);
}

fn resources(pid: i32) -> (usize, u32) {
    (open_descriptors(pid), status(pid, "VmRSS")[0])
}
