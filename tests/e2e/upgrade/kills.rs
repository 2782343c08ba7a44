use std::thread;

use spiped_tests::traffic::Traffic;
use spiped_tests::{Lab, Upgradable, wait};

use super::all_manners;
use crate::exchange::NAP;

#[test]
fn traffic_is_seen_whole() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).edition(&[]);
    let t = std::time::Instant::now();
    let traffic = Traffic::start(daemon.connections(all_manners().take(36)));
    eprintln!("established {:?}", t.elapsed());
    traffic.settle();
    eprintln!("settled {:?}", t.elapsed());
    wait::observe(NAP);
    let results = traffic.finish();
    eprintln!("finished {:?} {} bytes, {:?}", t.elapsed(), results.bytes(), results.pauses());
    results.expect_all_delivered();

    let traffic = Traffic::start(daemon.connections(all_manners().take(36)));
    traffic.settle();
    daemon.kill(daemon.pid());
    traffic.abandon().expect_all_reset();
    daemon.wait_until_none();
}
