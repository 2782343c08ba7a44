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

use crate::connection::Pipe;
use crate::net::listen::{Listener, Peer};
use crate::net::socket::Socket;
use crate::observe::rate::RateLimit;

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
    /// What its connections have in common.
    pub pipe: Arc<Pipe>,
    /// What it is called in the log.
    pub name: Arc<str>,
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
            let (source, peer) = self.accept().await;
            if slots.available_permits() == 0
                && let Some(_) = FULL.check(Instant::now())
            {
                log::warn!("Maximum number of connections ({}) reached", self.connection_limit);
            }
            self.spawn(source, peer, slot, alive.clone());
        }
    }

    async fn accept(&self) -> (Socket, Peer) {
        let mut pause = BACK_OFF_MIN;
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                // The client has left the queue: nothing is wrong with us.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Out of descriptors or memory, as a rule. The listener stays
                // readable, so without a pause this would spin.
                Err(error) => {
                    if let Some(suppressed) = SHORTAGE.check(Instant::now()) {
                        let more = Suppressed(suppressed);
                        log::error!("{}: cannot accept connections: {error}{more}", self.name);
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(BACK_OFF_MAX);
                }
            }
        }
    }

    fn spawn(
        &self,
        source: Socket,
        peer: Peer,
        slot: OwnedSemaphorePermit,
        alive: mpsc::Sender<()>,
    ) {
        let (pipe, name) = (self.pipe.clone(), self.name.clone());
        tokio::spawn(async move {
            let (side, began) = (pipe.side, Instant::now());
            log::debug!("{name}: {peer}: accepted");
            let outcome = pipe.serve(source).await;
            drop(slot);
            let level = outcome.level();
            let suppressed = match level {
                Level::Error | Level::Warn => TROUBLE.check(Instant::now()),
                Level::Info | Level::Debug | Level::Trace => Some(0),
            };
            if let Some(suppressed) = suppressed {
                let words = outcome.describe(side);
                let seconds = began.elapsed().as_secs_f64();
                let more = Suppressed(suppressed);
                log::log!(level, "{name}: {peer}: {words}, after {seconds:.1} s{more}");
            }
            drop(alive);
        });
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
