//! What signals ask of a daemon: to read its keys again, and to write its
//! counters.

use std::future::ready;
use std::io;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Error;
use log::Level;
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

use crate::keys::Key;
use crate::observe::LogHandle;
use crate::pipe::Pipe;
use crate::process::notify;

/// SIGHUP and SIGUSR1, and whether they have come already.
pub struct Requests {
    hangup: Arc<AtomicBool>,
    user_defined: Arc<AtomicBool>,
}

impl Requests {
    /// From now on, they do not end the program.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn catch() -> io::Result<Self> {
        let requests = Self { hangup: Arc::default(), user_defined: Arc::default() };
        flag::register(SIGHUP, requests.hangup.clone())?;
        flag::register(SIGUSR1, requests.user_defined.clone())?;
        Ok(requests)
    }

    /// From now on, on this event loop, SIGHUP reads the keys of `pipe` again,
    /// and SIGUSR1 writes its counters to `log`.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn obey(self, pipe: &Arc<Pipe>, log: LogHandle) -> io::Result<()> {
        let reloaded = pipe.clone();
        on_each(SignalKind::hangup(), &self.hangup, move || reload(reloaded.clone(), log))?;
        let pipe = pipe.clone();
        on_each(SignalKind::user_defined1(), &self.user_defined, move || {
            log.answer(Level::Info, counters(&pipe));
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

async fn reload(pipe: Arc<Pipe>, log: LogHandle) {
    notify::reloading();
    aside(move || match pipe.reload_keys() {
        Ok(said) => log.answer(Level::Info, [format!("Keys read again: {said}")]),
        Err(error) => {
            let error = Error::from(error);
            let line = format!("{error:#}; the old keys stay in use, removed ones too");
            log.answer(Level::Error, [line]);
        }
    })
    .await;
    notify::ready();
}

/// Files may take their time.
async fn aside(act: impl FnOnce() + Send + 'static) {
    // A panic there has had its say already.
    let _ = spawn_blocking(act).await;
}

/// One line for the pipe, and one for each key that has a name.
fn counters(pipe: &Pipe) -> Vec<String> {
    let Pipe { name, snapshot, .. } = pipe;
    let keys = snapshot.keys.current();
    let of_key = |key: &Key| {
        let line = |key_name| format!("{name}: counters: key={key_name} {}", key.counters());
        key.name().map(line)
    };
    let of_pipe = format!("{name}: counters: {}", snapshot.counters);
    iter::once(of_pipe).chain(keys.keys().iter().filter_map(of_key)).collect()
}
