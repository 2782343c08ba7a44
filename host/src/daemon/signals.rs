//! What signals ask of a daemon: to read its keys again, to write its counters, and
//! to be replaced by a new process.

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};

use crate::daemon::pipes::Pipes;
use crate::daemon::supervisor::Desk;
use crate::observe::LogHandle;
use crate::pipe::Pipe;

/// SIGHUP, SIGUSR1 and SIGUSR2, and whether they have come already.
pub(super) struct Requests {
    hangup: Arc<AtomicBool>,
    user_defined: Arc<AtomicBool>,
    upgrade: Arc<AtomicBool>,
}

impl Requests {
    /// From now on, they do not end the program.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub(super) fn catch() -> io::Result<Self> {
        let requests =
            Self { hangup: Arc::default(), user_defined: Arc::default(), upgrade: Arc::default() };
        flag::register(SIGHUP, requests.hangup.clone())?;
        flag::register(SIGUSR1, requests.user_defined.clone())?;
        flag::register(SIGUSR2, requests.upgrade.clone())?;
        Ok(requests)
    }

    /// From now on, on this event loop, SIGHUP asks at the `desk` for a reload and
    /// SIGUSR2 for an upgrade, and SIGUSR1 writes the counters of all `pipes` to
    /// `log`.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub(super) fn obey(self, desk: Desk, pipes: Pipes, log: LogHandle) -> io::Result<()> {
        // The supervisor says how they came out.
        on_each(SignalKind::user_defined2(), &self.upgrade, {
            let desk = desk.clone();
            move || {
                let desk = desk.clone();
                async move { desk.upgrade_on_signal().await }
            }
        })?;
        on_each(SignalKind::hangup(), &self.hangup, move || {
            let desk = desk.clone();
            async move { desk.reload_on_signal().await }
        })?;
        on_each(SignalKind::user_defined1(), &self.user_defined, move || {
            let (configured, removed) = (pipes.configured(), pipes.removed());
            configured.iter().chain(removed.iter()).for_each(|pipe| tell(log, pipe));
            ready(())
        })
    }
}

/// Acts on each signal, and on one that came `before`. One that comes
/// meanwhile is kept.
fn on_each<F>(
    kind: SignalKind,
    before: &AtomicBool,
    act: impl Fn() -> F + Send + 'static,
) -> io::Result<()>
where
    F: Future<Output = ()> + Send,
{
    let mut signals = signal(kind)?;
    let mut due = before.load(Ordering::Relaxed);
    tokio::spawn(async move {
        while due || signals.recv().await.is_some() {
            due = false;
            act().await;
        }
    });
    Ok(())
}

/// One line for the pipe, and one for each key that has a name and is in use, or
/// has connections still.
fn tell(log: LogHandle, pipe: &Pipe) {
    let Pipe { name, counters, .. } = pipe;
    log.counters(name, None, &counters.connections);
    let keyring = &pipe.current().snapshot.keys;
    for key in keyring.current().keys().iter().chain(&keyring.former()) {
        if let Some(key_name) = key.name() {
            log.counters(name, Some(key_name.to_string()), key.counters());
        }
    }
}
