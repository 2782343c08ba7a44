//! Permit, accept, spawn; back off when the system runs short; drain.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::Level;
use tokio::select;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{interval, sleep};

use crate::connection::Ended;
use crate::keys::KeyName;
use crate::net::listen::{Accepted, Listener};
use crate::observe::rate::RateLimit;
use crate::pipe::Pipe;
use crate::process::workers::Dispatcher;

/// The longest pause after an accept that failed for lack of resources. They
/// may be back any time, and the first pause is short.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
const BACK_OFF_MIN: Duration = Duration::from_millis(5);

/// One line about a shortage, and one about a full house, a second.
static SHORTAGE: RateLimit = RateLimit::new(1, Duration::from_secs(1));
static FULL: RateLimit = RateLimit::new(1, Duration::from_secs(1));

/// Lines about connections that went wrong: whoever floods us with bad
/// connections must not flood the log as well.
static TROUBLE: RateLimit = RateLimit::new(10, Duration::from_millis(500));

/// A pipe, listening.
pub struct Server {
    /// The source.
    pub listener: Listener,
    /// What it serves.
    pub pipe: Arc<Pipe>,
    /// Who serves them.
    pub workers: Dispatcher,
    /// The most connections at once.
    pub connection_limit: NonZeroUsize,
}

impl Server {
    /// Serves until `drain` resolves; then closes the listener and returns
    /// when the last connection has ended.
    pub async fn run(self, drain: impl Future<Output = ()>) {
        // Every connection holds a sender, so the channel closes after the
        // last one.
        let (alive, mut last) = mpsc::channel::<()>(1);
        select! {
            () = self.accept_all(&alive) => {}
            () = drain => {}
            () = report_suppressed() => {}
        }
        drop(self.listener);
        drop(alive);
        select! {
            _ = last.recv() => {}
            () = report_suppressed() => {}
        }
    }

    async fn accept_all(&self, alive: &mpsc::Sender<()>) {
        let slots = Arc::new(Semaphore::new(self.connection_limit.get()));
        // The slot comes first: a connection that there is no room for stays
        // in the kernel's queue.
        while let Ok(slot) = slots.clone().acquire_owned().await {
            let accepted = self.accept().await;
            if slots.available_permits() == 0
                && let Some(_) = FULL.check(Instant::now())
            {
                log::warn!("Maximum number of connections ({}) reached", self.connection_limit);
            }
            self.spawn(accepted, slot, alive.clone());
        }
    }

    async fn accept(&self) -> Accepted {
        let mut pause = BACK_OFF_MIN;
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                // The client has left the queue: nothing is wrong with us.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Out of descriptors or memory, as a rule. The listener stays
                // readable, so without a pause this would spin.
                Err(error) => {
                    log_shortage(&self.pipe.name, "accept connections", &error);
                    sleep(pause).await;
                    pause = (pause * 2).min(BACK_OFF_MAX);
                }
            }
        }
    }

    fn spawn(&self, accepted: Accepted, slot: OwnedSemaphorePermit, alive: mpsc::Sender<()>) {
        let (snapshot, name) = (self.pipe.snapshot.clone(), self.pipe.name.clone());
        self.workers.spawn(async move {
            let (config, began) = (snapshot.config(), Instant::now());
            let (source, peer) = match accepted.into_socket() {
                Ok(accepted) => accepted,
                Err(error) => return log_shortage(&name, "watch a connection", &error),
            };
            log::debug!("{name}: {peer}: accepted");
            let Ended { outcome, key } = snapshot.serve(source).await;
            drop(slot);
            let level = outcome.level();
            let suppressed = match level {
                Level::Error | Level::Warn => TROUBLE.check(Instant::now()),
                Level::Info | Level::Debug | Level::Trace => Some(0),
            };
            if let Some(suppressed) = suppressed {
                let words = outcome.describe(config);
                let key = OfKey(key.as_ref().and_then(|key| key.name()));
                let seconds = began.elapsed().as_secs_f64();
                let more = Suppressed(suppressed);
                log::log!(level, "{name}: {peer}: {key}{words}, after {seconds:.1} s{more}");
            }
            drop(alive);
        });
    }
}

/// The system lacks something that `cannot` be done without.
fn log_shortage(name: &str, cannot: &str, error: &io::Error) {
    if let Some(suppressed) = SHORTAGE.check(Instant::now()) {
        log::error!("{name}: cannot {cannot}: {error}{}", Suppressed(suppressed));
    }
}

/// After a flood of bad connections, says how many went unmentioned.
async fn report_suppressed() {
    let mut second = interval(Duration::from_secs(1));
    loop {
        second.tick().await;
        if let Some(count) = TROUBLE.take_suppressed(Instant::now()) {
            log::warn!("{count} more lines like these suppressed");
        }
    }
}

/// In a line about a connection: whose it is.
struct OfKey<'a>(Option<&'a KeyName>);

impl fmt::Display for OfKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, "key {name}: "))
    }
}

/// Appended to a line: how many like it were left out before it.
struct Suppressed(u64);

impl fmt::Display for Suppressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " ({count} more suppressed)"),
        }
    }
}
