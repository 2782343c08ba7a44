//! The signals that end a daemon: SIGTERM lets it finish, a second one and all
//! others end it at once.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;
use tokio::signal::unix::{SignalKind, signal};

/// What a shell says of a process that this signal has ended.
const fn status_of(signal: i32) -> i32 {
    128 + signal
}

/// The signals, once they are caught.
pub(super) struct Endings {
    /// For PID 1: whether SIGTERM ends it at once.
    now: Arc<AtomicBool>,
}

impl Endings {
    /// Catches what has to be caught before anything that waits. The kernel
    /// ignores for PID 1 all that it does not catch, even if it asks for the
    /// default.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub(super) fn catch() -> io::Result<Self> {
        // A write beyond RLIMIT_FSIZE is then an error like any other.
        flag::register(SIGXFSZ, Arc::default())?;
        let now = Arc::new(AtomicBool::new(true));
        if process::id() == 1 {
            let always = || Arc::new(AtomicBool::new(true));
            flag::register_conditional_shutdown(SIGINT, 0, always())?;
            flag::register_conditional_shutdown(SIGQUIT, status_of(SIGQUIT), always())?;
            flag::register_conditional_shutdown(SIGTERM, status_of(SIGTERM), now.clone())?;
            log::warn!("WARNING: Applying workaround for Docker signal-handling bug");
        }
        Ok(Self { now })
    }

    /// From now on SIGTERM ends nothing at once: this resolves on the first; the
    /// second ends the process as if it had never been caught.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub(super) fn drain(self) -> io::Result<impl Future<Output = ()>> {
        let mut terminate = signal(SignalKind::terminate())?;
        self.now.store(false, Ordering::Relaxed);
        Ok(async move {
            terminate.recv().await;
            self.now.store(true, Ordering::Relaxed);
            tokio::spawn(async move {
                terminate.recv().await;
                let _ = emulate_default_handler(SIGTERM);
            });
        })
    }
}
