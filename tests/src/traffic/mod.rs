//! Many connections at once, of whose every byte and packet is kept account.
//!
//! The test is on both sides of the daemon: at the crypt side it speaks the protocol
//! itself, so that it sees the number of every packet, and at the plain side it is
//! the application or the target. Every byte has its place in a stream, and every
//! packet has to have the next number under its key: one that was sent twice, left
//! out or sealed with a key stream that had been used before is a fault.

mod connection;
mod content;
mod crypt;
mod flow;
mod plain;

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

pub use connection::{Connection, Form, Manner};
pub use flow::Flow;

use crate::wait;

/// Connections at work, on a thread of their own. What went wrong with them, their
/// drop says, unless it was asked for.
pub struct Traffic {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Vec<Connection>>>,
}

struct Shared {
    phase: AtomicU8,
    /// Pauses until now are to be forgotten.
    forgets: AtomicBool,
    seen: Mutex<Seen>,
    /// Those that are still to be set to work.
    joining: Mutex<Vec<Connection>>,
}

/// How things stand.
#[derive(Clone, Default)]
struct Seen {
    connections: usize,
    settled: usize,
    /// How many bytes have arrived on those that never rest.
    moved: Vec<u64>,
    /// The longest that an answer has taken.
    pause: Duration,
}

impl Traffic {
    /// Sets them to work.
    pub fn start(connections: Vec<Connection>) -> Self {
        let shared = Arc::new(Shared {
            phase: AtomicU8::new(WORK),
            forgets: AtomicBool::new(false),
            seen: Mutex::default(),
            joining: Mutex::new(connections),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || run(&shared))
        };
        Self { shared, thread: Some(thread) }
    }

    /// Sets others to work beside them.
    #[must_use]
    pub fn and(self, connections: Vec<Connection>) -> Self {
        self.shared.joining.lock().unwrap().extend(connections);
        self
    }

    /// Waits until each has come to where its manner is at work.
    ///
    /// # Panics
    /// If that does not happen.
    #[track_caller]
    pub fn settle(&self) {
        wait::until("all connections were at work", || {
            let joined = self.shared.joining.lock().unwrap().is_empty();
            let Seen { connections, settled, .. } = *self.shared.seen.lock().unwrap();
            joined && settled == connections && connections > 0
        });
    }

    /// Forgets how long exchanges have taken until now. Says how long at most.
    pub fn forget_pauses(&self) -> Duration {
        let longest = self.shared.seen.lock().unwrap().pause;
        self.shared.forgets.store(true, Ordering::SeqCst);
        wait::until("they were forgotten", || !self.shared.forgets.load(Ordering::SeqCst));
        longest
    }

    /// Waits until bytes have arrived on each connection that never rests.
    ///
    /// # Panics
    /// If that does not happen.
    #[track_caller]
    pub fn expect_progress(&self) {
        let moved = || self.shared.seen.lock().unwrap().moved.clone();
        let before = moved();
        wait::until("bytes had arrived everywhere", || {
            moved().iter().zip(&before).all(|(now, before)| now > before)
        });
    }

    /// Has each send the rest, and the end, and waits for all of that.
    #[track_caller]
    pub fn finish(self) -> Results {
        self.end(FINISH)
    }

    /// Sends nothing more, and waits for the end of each, which others cause.
    #[track_caller]
    pub fn abandon(self) -> Results {
        self.end(ABANDON)
    }

    #[track_caller]
    fn end(mut self, phase: u8) -> Results {
        self.shared.phase.store(phase, Ordering::SeqCst);
        let thread = self.thread.take().expect("it ends once");
        Results(thread.join().expect("the traffic"))
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.shared.phase.store(STOP, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What became of them.
pub struct Results(Vec<Connection>);

impl Results {
    /// Checks that every byte that was sent has arrived, and every end.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn expect_all_delivered(&self) {
        self.expect("delivered", Connection::is_delivered);
    }

    /// Checks that nothing has arrived but what was sent, and that each connection
    /// has ended in a reset, if its directions had not come to their ends before.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn expect_all_reset(&self) {
        self.expect("reset", Connection::is_reset);
    }

    /// How long exchanges took: of each connection of this manner the longest, in order.
    pub fn pauses_of(&self, manner: Manner) -> Vec<Duration> {
        let such = self.0.iter().filter(|connection| connection.kind().1 == manner);
        let mut pauses: Vec<_> = such.filter_map(Connection::pause).collect();
        pauses.sort();
        pauses
    }

    #[track_caller]
    fn expect(&self, what: &str, has_it: impl Fn(&Connection) -> bool) {
        let others = self.0.iter().filter(|connection| !has_it(connection));
        let others: Vec<_> = others.map(ToString::to_string).collect();
        let mut kinds = BTreeMap::<_, usize>::new();
        for connection in &self.0 {
            *kinds.entry(connection.kind()).or_default() += 1;
        }
        assert!(
            others.is_empty(),
            "{} of {} are not {what}:\n{}\nof {kinds:?}",
            others.len(),
            self.0.len(),
            others[..others.len().min(SHOWN)].join("\n")
        );
    }
}

impl Seen {
    fn of(connections: &[Connection]) -> Self {
        let restless = connections.iter().filter(|connection| connection.is_restless());
        Self {
            connections: connections.len(),
            settled: connections.iter().filter(|connection| connection.is_settled()).count(),
            moved: restless.map(Connection::bytes).collect(),
            pause: connections.iter().filter_map(Connection::pause).max().unwrap_or_default(),
        }
    }
}

/// Moves bytes until all is over.
fn run(shared: &Shared) -> Vec<Connection> {
    let mut connections = Vec::new();
    let mut phase = WORK;
    let mut since = Instant::now();
    let mut last_progress = Instant::now();
    loop {
        let wanted = shared.phase.load(Ordering::SeqCst);
        if wanted != phase {
            phase = wanted;
            since = Instant::now();
            last_progress = since;
            match phase {
                FINISH => connections.iter_mut().for_each(Connection::finish),
                ABANDON => connections.iter_mut().for_each(Connection::abandon),
                _ => return connections,
            }
        }
        connections.append(&mut shared.joining.lock().unwrap());
        if shared.forgets.swap(false, Ordering::SeqCst) {
            connections.iter_mut().for_each(Connection::forget_pause);
        }
        connections.iter_mut().for_each(Connection::plan);
        *shared.seen.lock().unwrap() = Seen::of(&connections);
        if phase != WORK && connections.iter().all(Connection::is_over) {
            return connections;
        }
        // What is stuck then is told in words, by what is checked.
        if phase != WORK && last_progress.elapsed().min(since.elapsed()) > wait::LIMIT {
            return connections;
        }
        if step(&mut connections) {
            last_progress = Instant::now();
        }
    }
}

/// Waits until something can be done, and does it. Says whether any byte has moved.
fn step(connections: &mut [Connection]) -> bool {
    let ready = {
        let mut ends = Vec::new();
        let mut polled = Vec::new();
        for (index, connection) in connections.iter().enumerate() {
            for (end, (fd, events)) in connection.interests().into_iter().enumerate() {
                if !events.is_empty() {
                    ends.push((index, end));
                    polled.push(PollFd::new(fd, events));
                }
            }
        }
        if poll(&mut polled, PollTimeout::from(TICK)).is_err() {
            return false;
        }
        let ready = ends.into_iter().zip(&polled);
        let ready = ready.filter_map(|(end, polled)| Some((end, polled.revents()?)));
        ready.filter(|(_, events)| !events.is_empty()).collect::<Vec<_>>()
    };
    let mut moved = false;
    for ((index, end), events) in ready {
        moved |= connections[index].handle(end, events);
    }
    // So that bulk takes no more than a part of a processor.
    thread::sleep(PACE);
    moved
}

/// What a socket is waited for.
type Interest<'a> = (BorrowedFd<'a>, PollFlags);

fn interest(socket: &impl AsFd, reads: bool, writes: bool) -> Interest<'_> {
    let mut events = PollFlags::empty();
    events.set(PollFlags::POLLIN, reads);
    events.set(PollFlags::POLLOUT, writes);
    (socket.as_fd(), events)
}

const WORK: u8 = 0;
const FINISH: u8 = 1;
const ABANDON: u8 = 2;
const STOP: u8 = 3;

/// How often plans are looked at even if nothing can be done.
const TICK: u8 = 5;
const PACE: Duration = Duration::from_micros(200);
/// How many of what is wrong are told.
const SHOWN: usize = 8;
