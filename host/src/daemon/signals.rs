//! What signals ask of a daemon: to read its keys again, and to write its
//! counters.

use std::future::ready;
use std::io;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use log::Level;
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};

use crate::daemon::pipes::Pipes;
use crate::daemon::supervisor::Desk;
use crate::keys::Key;
use crate::observe::LogHandle;
use crate::pipe::Pipe;

/// SIGHUP and SIGUSR1, and whether they have come already.
pub(super) struct Requests {
    hangup: Arc<AtomicBool>,
    user_defined: Arc<AtomicBool>,
}

impl Requests {
    /// From now on, they do not end the program.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub(super) fn catch() -> io::Result<Self> {
        let requests = Self { hangup: Arc::default(), user_defined: Arc::default() };
        flag::register(SIGHUP, requests.hangup.clone())?;
        flag::register(SIGUSR1, requests.user_defined.clone())?;
        Ok(requests)
    }

    /// From now on, on this event loop, SIGHUP asks at the `desk` for a reload,
    /// and SIGUSR1 writes the counters of all `pipes` to `log`.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub(super) fn obey(self, desk: Desk, pipes: Pipes, log: LogHandle) -> io::Result<()> {
        on_each(SignalKind::hangup(), &self.hangup, move || {
            let desk = desk.clone();
            // The supervisor says how it came out.
            async move { drop(desk.reload(false).await) }
        })?;
        on_each(SignalKind::user_defined1(), &self.user_defined, move || {
            pipes.configured().iter().for_each(|pipe| log.answer(Level::Info, counters(pipe)));
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

/// One line for the pipe, and one for each key that has a name.
fn counters(pipe: &Pipe) -> Vec<String> {
    let Pipe { name, counters, .. } = pipe;
    let keys = pipe.current().snapshot.keys.current();
    let of_key = |key: &Key| {
        let line = |key_name| format!("{name}: counters: key={key_name} {}", key.counters());
        key.name().map(line)
    };
    let of_pipe = format!("{name}: counters: {}", counters.connections);
    iter::once(of_pipe).chain(keys.keys().iter().filter_map(of_key)).collect()
}
