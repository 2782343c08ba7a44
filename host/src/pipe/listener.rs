//! Permit, accept, spawn; back off when the system runs short; drain.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::sleep;

use crate::net::listen::{Accepted, Listener};
use crate::observe::Source;
use crate::pipe::Pipe;
use crate::process::workers::Dispatcher;

/// The longest pause after an accept that failed for lack of resources. They
/// may be back any time, and the first pause is short.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
const BACK_OFF_MIN: Duration = Duration::from_millis(5);

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
        }
        drop(self.listener);
        drop(alive);
        last.recv().await;
    }

    async fn accept_all(&self, alive: &mpsc::Sender<()>) {
        let slots = Arc::new(Semaphore::new(self.connection_limit.get()));
        // The slot comes first: a connection that there is no room for stays
        // in the kernel's queue.
        while let Ok(slot) = slots.clone().acquire_owned().await {
            let accepted = self.accept().await;
            if slots.available_permits() == 0 {
                self.pipe.observe.limit_reached(self.connection_limit);
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
                    self.pipe.observe.shortage("accept connections", &error);
                    sleep(pause).await;
                    pause = (pause * 2).min(BACK_OFF_MAX);
                }
            }
        }
    }

    fn spawn(&self, accepted: Accepted, slot: OwnedSemaphorePermit, alive: mpsc::Sender<()>) {
        let pipe = self.pipe.clone();
        self.workers.spawn(async move {
            let (source, peer) = match accepted.into_socket() {
                Ok(accepted) => accepted,
                Err(error) => return pipe.observe.shortage("watch a connection", &error),
            };
            let observed = pipe.observe.accepted(Source::new(&peer, peer.ip()));
            let ended = pipe.snapshot.clone().serve(source).await;
            drop(slot);
            pipe.report(observed, &ended);
            drop(alive);
        });
    }
}
