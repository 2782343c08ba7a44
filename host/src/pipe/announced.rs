//! Connections from load balancers whose PROXY header has not arrived yet.
//!
//! They wait without being read, as strangers do: their bytes stay in the kernel until
//! the header is complete. All that is known of them is the load balancer, so if there
//! are too many, the oldest is closed.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use log::Level;
use rustix::net::{RecvFlags, recv};
use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::net::listen::Accepted;
use crate::net::proxy::{Announced, HEADER_MAX, NoHeader, parse};
use crate::net::socket::hang_up;
use crate::observe::counters::Ending;
use crate::observe::{Class, Event, Source, What};
use crate::pipe::Pipe;
use crate::pipe::parked::{Parking, Sign};

/// Connections that wait for their header.
pub(super) struct Unannounced {
    pipe: Arc<Pipe>,
    max: usize,
    time_limit: Duration,
    /// Made with the first connection.
    parking: Option<Parking>,
    next_id: u64,
    /// Ordered by number: the oldest has the lowest.
    waiting: BTreeMap<u64, (Accepted, Instant)>,
    announced: VecDeque<Accepted>,
}

/// Why one of them is closed.
enum Lost {
    /// It was closed without a header.
    Closed,
    Malformed,
    TimedOut(Duration),
    Crowded(usize),
}

impl Unannounced {
    /// Without connections, and without room for any until [limits](Self::limit) are
    /// set.
    pub(super) fn new(pipe: Arc<Pipe>) -> Self {
        Self {
            max: 0,
            time_limit: pipe.current().snapshot.time_limit,
            pipe,
            parking: None,
            next_id: 0,
            waiting: BTreeMap::new(),
            announced: VecDeque::new(),
        }
    }

    /// Sets how many may wait, and for how long.
    pub(super) fn limit(&mut self, max: usize, time_limit: Duration) {
        self.max = max;
        self.time_limit = time_limit;
    }

    /// Whether no connection waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.announced.is_empty()
    }

    /// Closes all waiting connections.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.announced.clear();
    }

    /// Adds a connection that waits for its header.
    pub(super) fn add(&mut self, accepted: Accepted) {
        if self.waiting.len() >= self.max {
            self.give_up_oldest(&Lost::Crowded(self.max));
        }
        let id = self.next_id;
        self.next_id += 1;
        match self.watch(&accepted, id) {
            Ok(()) => {
                self.waiting.insert(id, (accepted, Instant::now()));
            }
            Err(error) => {
                hang_up(&accepted);
                self.pipe.counters.connections.turned_away(Ending::Internal);
                self.pipe.observe.shortage(WATCH, &error);
            }
        }
    }

    fn watch(&mut self, accepted: &Accepted, id: u64) -> io::Result<()> {
        let parking = match self.parking.take() {
            Some(parking) => parking,
            None => Parking::new()?,
        };
        self.parking.insert(parking).watch(accepted, id)
    }

    /// The next connection whose header has arrived. Dropping the future loses none.
    pub(super) async fn next(&mut self) -> Accepted {
        loop {
            if let Some(accepted) = self.announced.pop_front() {
                return accepted;
            }
            let due =
                self.waiting.first_key_value().map(|(_, (_, since))| *since + self.time_limit);
            select! {
                signs = signs(self.parking.as_ref()) => match signs {
                    Ok(signs) => signs.into_iter().for_each(|sign| self.take(sign)),
                    Err(error) => self.pipe.observe.shortage(WATCH, &error),
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.give_up_oldest(&Lost::TimedOut(self.time_limit));
                }
            }
        }
    }

    /// Handles a connection that has sent something, or has been closed.
    fn take(&mut self, Sign { id, is_over }: Sign) {
        let Some((accepted, _)) = self.waiting.get(&id) else {
            return;
        };
        let read = read_header(accepted);
        if !is_over && matches!(read, Ok(None)) {
            return;
        }
        let Some((accepted, _)) = self.waiting.remove(&id) else {
            return;
        };
        match read {
            Ok(Some(announced)) => {
                if let Some(parking) = &self.parking {
                    parking.leave_alone(&accepted);
                }
                self.announced.push_back(accepted.announced_as(announced));
            }
            Ok(None) => self.lose(&accepted, &Lost::Closed),
            Err(NoHeader) => self.lose(&accepted, &Lost::Malformed),
        }
    }

    /// Closes the connection that has waited longest, unless its header is there.
    fn give_up_oldest(&mut self, why: &Lost) {
        let Some((&id, _)) = self.waiting.first_key_value() else {
            return;
        };
        self.take(Sign { id, is_over: false });
        if let Some((accepted, _)) = self.waiting.remove(&id) {
            self.lose(&accepted, why);
        }
    }

    fn lose(&self, lost: &Accepted, why: &Lost) {
        hang_up(lost);
        let ending = match why {
            Lost::Closed | Lost::Malformed | Lost::Crowded(_) => Ending::Handshake,
            Lost::TimedOut(_) => Ending::TimeLimit,
        };
        let pipe = &self.pipe;
        pipe.counters.connections.turned_away(ending);
        let peer = lost.peer();
        let observed = pipe.observe.accepted(Source::new(&peer, peer.ip()));
        // A health check may send nothing.
        let level = if matches!(why, Lost::Closed) { Level::Debug } else { Level::Warn };
        let words = format!("refused: {}", why.words());
        observed.ended(Event::new(level, Class::Stranger, What::Ended(ending), words));
    }
}

/// The operation that fails in a shortage of resources.
const WATCH: &str = "watch a connection of a load balancer";

/// Waits for activity. There is none if no connection has waited yet.
async fn signs(parking: Option<&Parking>) -> io::Result<Vec<Sign>> {
    match parking {
        Some(parking) => parking.signs().await,
        None => pending().await,
    }
}

impl Lost {
    fn words(&self) -> String {
        match self {
            Self::Closed => "it closed the connection before it sent a header of the PROXY \
                protocol"
                .to_owned(),
            Self::Malformed => format!("{NoHeader}: --proxy-from requires one from there"),
            Self::TimedOut(limit) => format!(
                "it sent no header of the PROXY protocol within {} s (-o): --proxy-from requires \
                 one from there",
                limit.as_secs_f64()
            ),
            Self::Crowded(max) => {
                format!("{max} newer connections are waiting for a header of the PROXY protocol")
            }
        }
    }
}

/// Reads the header if it is complete. The bytes after it stay in the kernel.
fn read_header(accepted: &Accepted) -> Result<Option<Announced>, NoHeader> {
    let mut bytes = [0; HEADER_MAX];
    let Ok((there, _)) = recv(accepted, &mut bytes, RecvFlags::PEEK | RecvFlags::DONTWAIT) else {
        return Ok(None);
    };
    let Some((announced, len)) = parse(&bytes[..there.min(HEADER_MAX)])? else {
        return Ok(None);
    };
    match recv(accepted.as_fd(), &mut bytes[..len], RecvFlags::DONTWAIT) {
        Ok((read, _)) if read == len => Ok(Some(announced)),
        // It was there when it was peeked at.
        Ok(_) | Err(_) => Err(NoHeader),
    }
}
