//! Whether all pipes listen and, if that is asked, can reach a target.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::daemon::overview::Outlook;
use crate::observe::clean;
use crate::pipe::{Pipe, State};

/// How many attempts to reach targets at once.
pub(super) const DIALS_MAX: usize = 16;

/// Nothing, or a line for each pipe with a fault.
type Verdict = Result<(), String>;

/// The health of the pipes.
pub(super) struct Health {
    outlook: Arc<Outlook>,
    /// What was found out about targets last, and when. Those who ask meanwhile
    /// wait for it, and share it.
    targets: Mutex<Option<(Instant, Verdict)>>,
}

impl Health {
    #[must_use]
    pub(super) fn new(outlook: Arc<Outlook>) -> Self {
        Self { outlook, targets: Mutex::default() }
    }

    /// Whether all pipes listen and, with `targets`, can reach one of theirs.
    pub(super) async fn check(&self, targets: bool) -> Verdict {
        let mut faults = String::new();
        for pipe in self.outlook.pipes.configured().iter() {
            let words = match pipe.state() {
                State::Listening => continue,
                State::WaitingForDns => "waits for a name to be resolved",
                State::Draining => "accepts no connections",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(faults, "{}: {words}", pipe.name);
        }
        if targets && let Err(more) = self.reach_targets().await {
            faults.push_str(&more);
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    async fn reach_targets(&self) -> Verdict {
        let mut latest = self.targets.lock().await;
        if let Some((when, verdict)) = &*latest
            && when.elapsed() < FRESH
        {
            return verdict.clone();
        }
        let (dials, deadline) = (Arc::new(Semaphore::new(DIALS_MAX)), Instant::now() + ALL_MAX);
        let mut attempts = JoinSet::new();
        for pipe in self.outlook.pipes.configured().iter().cloned() {
            let dials = dials.clone();
            attempts.spawn(async move {
                let attempt = async {
                    // It is never closed.
                    let _turn = dials.acquire().await;
                    reach(&pipe).await
                };
                let late = |_| Some(format!("{}: its targets were not tried in time\n", pipe.name));
                timeout_at(deadline, attempt).await.unwrap_or_else(late)
            });
        }
        let mut faults: Vec<_> = attempts.join_all().await.into_iter().flatten().collect();
        faults.sort();
        let verdict = if faults.is_empty() { Ok(()) } else { Err(faults.concat()) };
        *latest = Some((Instant::now(), verdict.clone()));
        verdict
    }
}

/// What kept a pipe from reaching a target, if anything did.
async fn reach(pipe: &Pipe) -> Option<String> {
    let current = pipe.current();
    let (targets, bind) = (&current.snapshot.targets, current.snapshot.bind.as_ref());
    let dialled = targets.dial(bind, DIAL_MAX).await;
    let error = clean(&dialled.err()?.to_string());
    Some(format!("{}: no target can be reached: {error}\n", pipe.name))
}

/// As long as this, an answer about targets is as good as a new one.
const FRESH: Duration = Duration::from_secs(1);
/// For all targets of a pipe.
const DIAL_MAX: Duration = Duration::from_secs(2);
/// For those of all pipes.
const ALL_MAX: Duration = Duration::from_secs(5);
