//! Those who wait to be listened to when another process accepts.

use std::io::Write as _;
use std::net::{TcpListener as StdTcpListener, TcpStream as StdTcpStream};
use std::sync::Arc;
use std::time::Duration;

use tokio::join;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::lab::{Process, run};
use crate::net::listen::Bound;
use crate::observe::counters::Ending;
use crate::pipe::admission::Budget;
use crate::pipe::listener::Server;
use crate::pipe::orders::{AdmissionPolicy, Command, Orders};

#[test]
fn last_one_who_waits_is_the_last_that_is_waited_for_whatever_the_time_limit() {
    run(async |workers| {
        // It leaves without a word, or is served.
        for leaves in [true, false] {
            let process = Process::new(&workers, 3, "/none".as_ref(), "--timeout never");
            let listening = StdTcpListener::bind("127.0.0.1:0").unwrap();
            let address = listening.local_addr().unwrap();
            let listener = Bound::received(vec![listening.into()]).unwrap().into_listener();
            let admission = AdmissionPolicy {
                budget: Budget::NONE,
                waiting_max: 1,
                allowed: Vec::new(),
                proxy_from: vec!["127.0.0.0/8".parse().unwrap()],
            };
            let orders = Orders::new(listener.unwrap(), admission, false).unwrap();
            let (command, obedience) = Command::new(Arc::new(orders));
            let server = Server::new(process.pipe.clone(), obedience, workers.clone());
            // One has to go, so the other one is there.
            let _gone = StdTcpStream::connect(address).unwrap();
            let mut waits = StdTcpStream::connect(address).unwrap();
            let leave = async {
                let ended = |ending| {
                    let now = process.pipe.counters.connections.now();
                    now.endings().any(|ended| ended == (ending, 1))
                };
                let until = async |ending| {
                    while !ended(ending) {
                        sleep(Duration::from_millis(1)).await;
                    }
                };
                until(Ending::Handshake).await;
                command.finish();
                // It is told while somebody waits.
                for _ in 0..8 {
                    yield_now().await;
                }
                if leaves {
                    drop(waits);
                } else {
                    waits.write_all(b"PROXY UNKNOWN\r\n").unwrap();
                    until(Ending::Target).await;
                }
            };
            join!(server.run(), leave);
        }
    });
}
