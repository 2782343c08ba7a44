//! What the service manager is told while the daemon runs: that every event loop
//! and every thread that computes still turns (`WATCHDOG_USEC`), and how many
//! connections there are.

use std::env;
use std::time::Duration;

use sd_notify::watchdog_enabled;
use tokio::select;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::daemon::pipes::Pipes;
use crate::pipe::State;
use crate::process::compute::Compute;
use crate::process::notify;
use crate::process::workers::Dispatcher;

/// How often to tell the service manager that we are alive, as it asked at the
/// start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watchdog(Option<Duration>);

impl Watchdog {
    /// As the service manager wants it. Call it in the process that it started: a
    /// daemon in the background is another one.
    #[must_use]
    pub(super) fn from_environment() -> Self {
        Self(watchdog_enabled().filter(|limit| !limit.is_zero()))
    }
}

impl Watchdog {
    /// Whether the service manager wants to be told.
    #[must_use]
    pub(super) fn is_on(self) -> bool {
        self.0.is_some()
    }
}

/// Who has to answer.
pub(super) struct Heartbeat {
    pub(super) pipes: Pipes,
    pub(super) workers: Dispatcher,
    pub(super) compute: Compute,
}

impl Heartbeat {
    /// Beats from now on, on this event loop, if anybody listens: until that is
    /// aborted.
    pub(super) fn start(self, watchdog: Watchdog) -> Option<AbortHandle> {
        env::var_os("NOTIFY_SOCKET")?;
        let beating = tokio::spawn(async move {
            select! {
                () = self.say_status() => {}
                () = self.beat(watchdog) => {}
            }
        });
        Some(beating.abort_handle())
    }

    async fn beat(&self, watchdog: Watchdog) {
        let Watchdog(Some(limit)) = watchdog else {
            return std::future::pending().await;
        };
        loop {
            let next = Instant::now() + limit / BEATS;
            // As long as one of them does not answer, nothing is said.
            self.workers.turn_all().await;
            self.compute.turn_all().await;
            notify::alive();
            sleep_until(next).await;
        }
    }

    async fn say_status(&self) {
        let mut times = interval(STATUS_PAUSE);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = String::new();
        loop {
            times.tick().await;
            let status = self.status();
            if status != said {
                notify::status(&status);
                said = status;
            }
        }
    }

    /// In one line.
    fn status(&self) -> String {
        let (configured, removed) = (self.pipes.configured(), self.pipes.removed());
        let all = configured.iter().chain(removed.iter());
        let (mut connections, mut strangers) = (0, 0);
        for pipe in all {
            connections += pipe.counters.connections.open_now();
            strangers += pipe.counters.strangers.now();
        }
        let connections = connections.saturating_sub(strangers);
        let waiting = configured.iter().filter(|pipe| pipe.state() == State::WaitingForDns);
        let numbers = format!(
            "{}, {}, {}",
            count(configured.len(), "pipe"),
            count(connections, "connection"),
            count(strangers, "stranger")
        );
        if configured.iter().all(|pipe| pipe.state() == State::Draining) {
            return format!("Finishing: {numbers}");
        }
        let waiting = match waiting.count() {
            0 => String::new(),
            waiting => format!("; {} for DNS", count_waiting(waiting)),
        };
        let reloaded = self.pipes.last_reload().map_or_else(String::new, |reload| {
            let when = humantime::format_rfc3339_seconds(reload.when);
            let verdict = if reload.verdict.is_ok() { "reloaded" } else { "reload refused" };
            format!("; {verdict} at {when}")
        });
        format!("{numbers}{waiting}{reloaded}")
    }
}

fn count(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn count_waiting(pipes: usize) -> String {
    if pipes == 1 { "1 pipe waits".to_owned() } else { format!("{pipes} pipes wait") }
}

/// In the time that the service manager waits for a beat.
const BEATS: u32 = 3;
/// Between two looks at the numbers.
const STATUS_PAUSE: Duration = Duration::from_secs(5);
