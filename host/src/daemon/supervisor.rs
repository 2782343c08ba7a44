//! The only one to change anything while the daemon runs: it takes requests one
//! after the other, whoever makes them.

use std::sync::Arc;

use anyhow::{Result, bail};
use log::Level;
use tokio::sync::{mpsc, oneshot};

use crate::daemon::helper::{Helper, HelperError};
use crate::daemon::pipes::Pipes;
use crate::keys::KeySetError;
use crate::observe::LogHandle;
use crate::pipe::Pipe;
use crate::process::compute::{Class, Turn};
use crate::process::notify;

/// Where requests are made. Clones are the same.
#[derive(Clone)]
pub(crate) struct Desk(mpsc::Sender<Request>);

/// What can be asked for, and who waits for the outcome.
struct Request {
    dry_run: bool,
    answer: oneshot::Sender<Verdict>,
}

/// What has changed, or would; or what is wrong, a fault a line.
pub(crate) type Verdict = Result<String, String>;

impl Desk {
    /// Has the settings and keys read again, and put in use unless it is a
    /// `dry_run`. Waits for the outcome.
    ///
    /// # Errors
    /// What is wrong: then nothing has changed.
    pub(crate) async fn reload(&self, dry_run: bool) -> Verdict {
        let (answer, outcome) = oneshot::channel();
        let request = Request { dry_run, answer };
        if self.0.try_send(request).is_err() {
            return Err("Too many reloads are waiting already".to_owned());
        }
        outcome.await.unwrap_or_else(|_| Err("spiped is ending".to_owned()))
    }
}

/// Requests that wait. One of them is as good as many.
const REQUESTS_MAX: usize = 8;

/// Acts on requests.
pub(super) struct Supervisor {
    pipes: Pipes,
    helper: Option<Arc<Helper>>,
    log: LogHandle,
    requests: mpsc::Receiver<Request>,
}

impl Supervisor {
    /// Of these pipes, and where to make requests of it.
    #[must_use]
    pub(super) fn new(pipes: Pipes, helper: Option<Arc<Helper>>, log: LogHandle) -> (Self, Desk) {
        let (desk, requests) = mpsc::channel(REQUESTS_MAX);
        (Self { pipes, helper, log, requests }, Desk(desk))
    }

    /// Acts on requests, one after the other.
    pub(super) async fn run(mut self) {
        while let Some(Request { dry_run, answer }) = self.requests.recv().await {
            // Whoever asked may have gone.
            let _ = answer.send(self.reload(dry_run).await);
        }
    }

    async fn reload(&self, dry_run: bool) -> Verdict {
        notify::reloading();
        let verdict = self.read_and_replace(dry_run).await;
        let verdict = match verdict {
            Ok(said) => Ok(format!("Keys read again: {said}")),
            Err(error) => Err(format!("{error:#}; the old keys stay in use, removed ones too")),
        };
        let (level, line) = match &verdict {
            Ok(line) => (Level::Info, line),
            Err(line) => (Level::Error, line),
        };
        self.log.answer(level, [line.clone()]);
        self.pipes.reloaded(verdict.clone());
        notify::ready();
        verdict
    }

    /// Says what is different.
    async fn read_and_replace(&self, dry_run: bool) -> Result<String> {
        let pipes = self.pipes.configured();
        let Some(pipe) = pipes.first().cloned() else {
            return Ok(String::new());
        };
        if !pipe.current().settings.connection.keys.can_be_read_again() {
            bail!(KeySetError::StdinAgain);
        }
        let keys = self.helper.as_ref().ok_or(HelperError::Gone)?.keys().await?;
        let compute = pipe.current().snapshot.compute.clone();
        // Before strangers, who may be searched among the former keys.
        let turn = Turn { class: Class::Authenticated, source: 0 };
        let replace = move || replace(&pipe, keys.into_set()?, dry_run);
        let replaced = compute.run(turn, replace).await;
        replaced.unwrap_or_else(|| bail!("Keys could not be replaced"))
    }
}

fn replace(pipe: &Pipe, keys: crate::keys::KeySet, dry_run: bool) -> Result<String> {
    if dry_run {
        return Ok(pipe.current().snapshot.keys.difference(&keys));
    }
    Ok(pipe.replace_keys(keys)?)
}
