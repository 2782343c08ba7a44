//! Strangers by the thousand, and those who have the key.

use std::collections::VecDeque;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use spiped_tests::{Crowd, Daemon, Endpoint, Lab, Manner, Spiped, procfs};

use super::{Column, Measured, Subject, less, micros, millis};
use crate::load::{Client, round_trips_for};

pub(super) const COLUMNS: &[Column] = &[
    less("elsewhere_p99_ms", "newcomer from elsewhere, p99 ms"),
    less("same_p99_ms", "newcomer from the same source, p99 ms"),
    less("quiet_p99_us", "round trip, flood goes elsewhere, p99 µs"),
    less("flood_p99_us", "round trip, p99 µs"),
    less("memory_mib", "server's memory grows by MiB"),
    less("recovery_s", "until as before, s"),
];

/// 3,000 silent, 600 that trickle and 500 a second with garbage, all from one
/// address, against a server with so many keys and no options.
pub(super) fn flood(subject: &Subject, keys: usize) -> Result<Measured> {
    let lab = Lab::new();
    fs::create_dir(lab.path("keys"))?;
    for number in 0..keys {
        lab.write_key(&format!("keys/{number}"), format!("key number {number}"));
    }
    let key = format!("keys/{}", keys / 2);
    let server = Spiped::decrypt(&lab, subject.service.endpoint()).key("keys").time_limit("5");
    let server = server.start();
    let elsewhere = Spiped::encrypt(&lab, server.source()).key(&key).start();
    let same = Spiped::encrypt(&lab, server.source()).key(&key);
    let same = same.args(&["-b", &format!("[{ATTACKER}]")]).start();
    let (sink, kept) = sink()?;

    let quiet = {
        let _crowds = crowds(&sink);
        under_load(&elsewhere, &same)?
    };
    // Or the descriptors would not do for the next round.
    kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let memory = || f64::from(procfs::status(server.process.pid(), "VmRSS")[0]) / 1024.0;
    let descriptors = || procfs::open_descriptors(server.process.pid());
    let (before, open) = (memory(), descriptors());
    let (flooded, after) = {
        let _crowds = crowds(server.source());
        (under_load(&elsewhere, &same)?, memory())
    };
    let over = Instant::now();
    while descriptors() > open && over.elapsed() < RECOVERY {
        thread::sleep(Duration::from_millis(10));
    }
    Ok(vec![
        Some(millis(p99(flooded.elsewhere)?)),
        Some(millis(p99(flooded.same)?)),
        Some(micros(p99(quiet.established)?)),
        Some(micros(p99(flooded.established)?)),
        Some(after - before),
        Some(over.elapsed().as_secs_f64()),
    ]
    .into())
}

fn crowds(to: &Endpoint) -> [Crowd; 3] {
    [(Manner::Silent, 3000), (Manner::Trickling, 600), (Manner::Garbage, 500)]
        .map(|(manner, count)| Crowd::start(to, ATTACKER, manner, count))
}

struct Times {
    elsewhere: Vec<Duration>,
    same: Vec<Duration>,
    established: Vec<Duration>,
}

/// One established connection without pause, and newcomers of both kinds.
fn under_load(elsewhere: &Daemon, same: &Daemon) -> Result<Times> {
    thread::scope(|scope| {
        let [first, second] = [elsewhere, same].map(|client| scope.spawn(|| newcomers(client)));
        let mut client = Client::open(elsewhere.source())?;
        let established = round_trips_for(&mut client, DURATION)?;
        let joined = |thread: thread::ScopedJoinHandle<'_, Result<Vec<Duration>>>| {
            thread.join().ok().context("a thread of the load panicked")?
        };
        Ok(Times { elsewhere: joined(first)?, same: joined(second)?, established })
    })
}

/// How long each took to get a message back.
fn newcomers(client: &Daemon) -> Result<Vec<Duration>> {
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < DURATION {
        let start = Instant::now();
        Client::open(client.source())?;
        times.push(start.elapsed());
        thread::sleep(BETWEEN);
    }
    Ok(times)
}

fn p99(mut times: Vec<Duration>) -> Result<Duration> {
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().context("nothing was measured")
}

/// Accepts whoever comes, and keeps as many as a server would.
fn sink() -> Result<(Endpoint, Kept)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let endpoint = Endpoint::Tcp(listener.local_addr()?);
    let all = Kept::default();
    let kept = all.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_back(stream);
            if kept.len() > KEPT {
                kept.pop_front();
            }
        }
    });
    Ok((endpoint, all))
}

type Kept = Arc<Mutex<VecDeque<TcpStream>>>;

const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));
const DURATION: Duration = Duration::from_secs(10);
const BETWEEN: Duration = Duration::from_millis(40);
const RECOVERY: Duration = Duration::from_secs(30);
const KEPT: usize = 4096;
