//! What signals ask of a daemon: to read its keys again, and to write its
//! counters.

use std::future::ready;
use std::io;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use log::Level;
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};

use crate::daemon::helper::{Helper, HelperError};
use crate::keys::{Key, KeySetError};
use crate::observe::LogHandle;
use crate::pipe::Pipe;
use crate::process::compute::{Class, Turn};
use crate::process::notify;

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

    /// From now on, on this event loop, SIGHUP has the keys of `pipe` read again
    /// by `helper`, and SIGUSR1 writes its counters to `log`.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub(super) fn obey(
        self,
        pipe: &Arc<Pipe>,
        helper: Option<Arc<Helper>>,
        log: LogHandle,
    ) -> io::Result<()> {
        let reloaded = pipe.clone();
        on_each(SignalKind::hangup(), &self.hangup, move || {
            reload(reloaded.clone(), helper.clone(), log)
        })?;
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

async fn reload(pipe: Arc<Pipe>, helper: Option<Arc<Helper>>, log: LogHandle) {
    notify::reloading();
    let (level, line) = match read_and_replace(pipe, helper).await {
        Ok(said) => (Level::Info, format!("Keys read again: {said}")),
        Err(error) => {
            (Level::Error, format!("{error:#}; the old keys stay in use, removed ones too"))
        }
    };
    log.answer(level, [line]);
    notify::ready();
}

/// Says what is different.
async fn read_and_replace(pipe: Arc<Pipe>, helper: Option<Arc<Helper>>) -> Result<String> {
    if !pipe.snapshot.keys.can_be_read_again() {
        bail!(KeySetError::StdinAgain);
    }
    let keys = helper.ok_or(HelperError::Gone)?.keys().await?;
    let compute = pipe.snapshot.compute.clone();
    // Before strangers, who may be searched among the former keys.
    let turn = Turn { class: Class::Authenticated, source: 0 };
    let replaced = compute.run(turn, move || Ok(pipe.replace_keys(keys.into_set()?)?)).await;
    replaced.unwrap_or_else(|| bail!("Keys could not be replaced"))
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
