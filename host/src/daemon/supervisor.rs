//! The only one to change anything while the daemon runs: it takes requests one
//! after the other, whoever makes them.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use log::Level;
use tokio::select;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::timeout;

use crate::config::{Origin, Settings};
use crate::connection::live::Reset;
use crate::daemon::capacity::Room;
use crate::daemon::making::{InUse, Means, Ready};
use crate::daemon::observers::Met;
use crate::daemon::pipes::Pipes;
use crate::daemon::sources::Sources;
use crate::daemon::upgrade::Successor;
use crate::daemon::waiting::wait_for_names;
use crate::pipe::listener::Server;
use crate::pipe::orders::{Command, Orders};
use crate::pipe::{Pipe, State};
use crate::process::notify;
use crate::process::workers::Dispatcher;

/// Where requests are made. Clones are the same.
#[derive(Clone)]
pub(crate) struct Desk(mpsc::Sender<Request>);

/// What is asked for, and who waits for the outcome.
pub(super) struct Request {
    pub(super) wish: Wish,
    answer: oneshot::Sender<Result<Verdict, String>>,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    /// To read settings and keys again.
    Reload {
        /// Only to say what would change.
        dry_run: bool,
    },
    /// To be replaced by a new process.
    Upgrade {
        /// Only to say whether that would work.
        check: bool,
    },
    /// To end, as on SIGTERM.
    End,
}

impl Request {
    /// Says that nothing comes of it.
    pub(super) fn refuse(self, why: String) {
        let _ = self.answer.send(Err(why));
    }

    /// Says what has come of it.
    pub(super) fn answer(self, verdict: Verdict) {
        // Whoever asked may have gone.
        let _ = self.answer.send(Ok(verdict));
    }
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
        self.ask(Wish::Reload { dry_run }).await.unwrap_or_else(Err)
    }

    /// Has a new process take over, unless this is only a `check` of whether it
    /// could. Waits for the outcome.
    ///
    /// # Errors
    /// What is wrong: then this process goes on as before.
    pub(crate) async fn upgrade(&self, check: bool) -> Verdict {
        self.ask(Wish::Upgrade { check }).await.unwrap_or_else(Err)
    }

    /// A reload for somebody who is told nothing: the log has the outcome, or that
    /// there is none.
    pub(super) async fn reload_on_signal(&self) {
        if let Err(why) = self.ask(Wish::Reload { dry_run: false }).await {
            log::error!("Cannot reload: {why}");
        }
    }

    /// The same of an upgrade.
    pub(super) async fn upgrade_on_signal(&self) {
        if let Err(why) = self.ask(Wish::Upgrade { check: false }).await {
            log::error!("Cannot upgrade: {why}");
        }
    }

    /// Has the process end, as on SIGTERM.
    pub(super) async fn end(&self) {
        let (answer, _) = oneshot::channel();
        // If nobody takes it, the process is ending already.
        let _ = self.0.send(Request { wish: Wish::End, answer }).await;
    }

    /// The outcome, or why there is none.
    async fn ask(&self, wish: Wish) -> Result<Verdict, String> {
        let (answer, outcome) = oneshot::channel();
        let ending = || Err("spiped is shutting down and accepts no requests any more".to_owned());
        match self.0.try_send(Request { wish, answer }) {
            Ok(()) => outcome.await.unwrap_or_else(|_| ending()),
            Err(TrySendError::Closed(_)) => ending(),
            Err(TrySendError::Full(_)) => {
                Err("Too many requests are waiting: try again".to_owned())
            }
        }
    }
}

/// Requests that wait. One of them is as good as many.
const REQUESTS_MAX: usize = 8;

/// Acts on requests.
pub(super) struct Supervisor {
    pub(super) means: Means,
    pub(super) room: Room,
    pub(super) settings: Settings,
    pub(super) pipes: Pipes,
    pub(super) sources: Sources,
    /// In the order of the settings.
    pub(super) running: Vec<Running>,
    /// Removed, and with connections still.
    pub(super) leaving: Vec<Running>,
    /// Where observers are met.
    pub(super) observers: Met,
    /// What tells the service manager how we are.
    pub(super) heartbeat: Option<AbortHandle>,
    /// The process that has taken over.
    pub(super) successor: Option<Successor>,
    workers: Dispatcher,
    pub(super) servers: JoinSet<Arc<Pipe>>,
    pub(super) requests: mpsc::Receiver<Request>,
}

/// The wish that this process ends.
pub(super) struct Drain<F> {
    wish: Pin<Box<F>>,
    is_due: bool,
}

impl<F: Future<Output = ()>> Drain<F> {
    fn new(wish: F) -> Self {
        Self { wish: Box::pin(wish), is_due: false }
    }

    /// Resolves when it is there, again and again.
    pub(super) async fn due(&mut self) {
        if !self.is_due {
            self.wish.as_mut().await;
            self.is_due = true;
        }
    }

    /// Whether it is known.
    pub(super) fn is_due(&self) -> bool {
        self.is_due
    }

    /// Whether it is there: looks at what has come until now.
    pub(super) async fn is_there(&mut self) -> bool {
        select! {
            biased;
            () = self.due() => true,
            // The event loop has looked at signals meanwhile.
            () = yield_now() => false,
        }
    }
}

/// A pipe that is served.
pub(super) struct Running {
    pub(super) pipe: Arc<Pipe>,
    pub(super) command: Command,
    /// Looks up names that the pipe waits for.
    pub(super) waiting: Option<AbortHandle>,
}

impl Running {
    /// Another process accepts for the pipe; whoever has connected is served here.
    pub(super) fn finish(&mut self) {
        self.accept_no_more();
        self.command.finish();
    }

    fn accept_no_more(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.abort();
        }
        self.pipe.set_state(State::Draining);
    }
}

impl Supervisor {
    /// Of no pipe yet, and where to make requests of it.
    #[must_use]
    pub(super) fn new(
        means: Means,
        room: Room,
        settings: Settings,
        sources: Sources,
        workers: Dispatcher,
    ) -> (Self, Desk) {
        let (desk, requests) = mpsc::channel(REQUESTS_MAX);
        let supervisor = Self {
            means,
            room,
            settings,
            pipes: Pipes::default(),
            sources,
            running: Vec::new(),
            leaving: Vec::new(),
            observers: Met::default(),
            heartbeat: None,
            successor: None,
            workers,
            servers: JoinSet::new(),
            requests,
        };
        (supervisor, Desk(desk))
    }

    /// Puts the first pipes in use, which does not mean yet that they are served.
    pub(super) fn put_in_use(&self, pipes: Vec<Ready>) -> Vec<InUse> {
        pipes.into_iter().map(|ready| ready.put_in_use(None, &self.means)).collect()
    }

    /// Serves the first pipes.
    pub(super) fn begin(&mut self, pipes: Vec<InUse>) {
        for in_use in pipes {
            let running = self.serve(in_use, None);
            self.running.push(running);
        }
        self.show();
    }

    /// What observers look at.
    #[must_use]
    pub(super) fn pipes(&self) -> Pipes {
        self.pipes.clone()
    }

    /// Acts on requests, one after the other, until `drain` resolves or another
    /// process has taken over. Then accepts no more, and returns when the last
    /// connection has ended.
    pub(super) async fn run(mut self, drain: impl Future<Output = ()>) {
        let mut drain = Drain::new(drain);
        loop {
            select! {
                // An order to exit first: requests that wait are no longer carried out.
                biased;
                () = drain.due() => break,
                Some(gone) = self.servers.join_next() => self.forget(gone.ok().as_ref()),
                request = self.requests.recv() => {
                    let Some(request) = request else { break };
                    let verdict = match request.wish {
                        Wish::Reload { dry_run } => select! {
                            biased;
                            () = drain.due() => break,
                            verdict = self.reload(dry_run) => verdict,
                        },
                        Wish::Upgrade { check } => self.upgrade(check, &mut drain).await,
                        Wish::End => break,
                    };
                    request.answer(verdict);
                    if let Some(successor) = self.successor.take() {
                        return self.end_after(successor, drain).await;
                    }
                }
            }
        }
        let mut drained = pin!(self.drain());
        loop {
            select! {
                biased;
                () = &mut drained => return,
                // After another wish than the first signal, that one is heard, too: the
                // second ends the process at once.
                () = drain.due(), if !drain.is_due() => {}
            }
        }
    }

    async fn reload(&mut self, dry_run: bool) -> Verdict {
        if !dry_run {
            notify::reloading();
        }
        let (head, verdict) = match self.settings.origin.clone() {
            Origin::CommandLine => ("Keys reloaded: ", self.reload_keys(dry_run).await),
            Origin::File(words) => ("Settings reloaded: ", self.reload_file(words, dry_run).await),
        };
        if !dry_run {
            let (level, head, lines) = match &verdict {
                Ok(lines) => (Level::Info, head, lines),
                Err(lines) => (Level::Error, "", lines),
            };
            self.means.log.answer(level, lines.lines().map(|line| format!("{head}{line}")));
            self.pipes.reloaded(verdict.clone());
            notify::ready();
        }
        verdict
    }

    /// A pipe that was put in use is served as it has to be.
    pub(super) fn serve(&mut self, in_use: InUse, former: Option<Running>) -> Running {
        let InUse { pipe, orders, .. } = in_use;
        let command = match former {
            None => self.start(&pipe, orders),
            Some(Running { command, waiting, .. }) => {
                if let Some(waiting) = waiting {
                    waiting.abort();
                }
                match command.give(orders) {
                    Ok(()) => command,
                    // Its last connection has ended just now.
                    Err(orders) => self.start(&pipe, orders),
                }
            }
        };
        let waits = !pipe.current().snapshot.targets.unresolved().is_empty();
        let helper = self.means.helper.clone().filter(|_| waits);
        let waiting = helper.map(|helper| wait_for_names(pipe.clone(), helper));
        Running { pipe, command, waiting }
    }

    fn start(&mut self, pipe: &Arc<Pipe>, orders: Arc<Orders>) -> Command {
        let (command, obedience) = Command::new(orders);
        let server = Server::new(pipe.clone(), obedience, self.workers.clone());
        let pipe = pipe.clone();
        self.servers.spawn(async move {
            server.run().await;
            pipe
        });
        command
    }

    /// A pipe accepts no more; whoever has connected to it is served.
    pub(super) fn leave(running: &mut Running) {
        running.accept_no_more();
        running.command.leave();
    }

    /// The last connection of a pipe has ended that was removed.
    fn forget(&mut self, gone: Option<&Arc<Pipe>>) {
        let is_gone = |running: &Running| gone.is_some_and(|pipe| Arc::ptr_eq(pipe, &running.pipe));
        self.leaving.retain(|running| !is_gone(running));
        self.share_again();
        self.show();
    }

    /// What observers see from now on.
    pub(super) fn show(&self) {
        let pipes = |running: &[Running]| running.iter().map(|it| it.pipe.clone()).collect();
        self.pipes.configure(pipes(&self.running));
        self.pipes.set_removed(pipes(&self.leaving));
    }

    async fn drain(mut self) {
        notify::stopping();
        self.requests.close();
        for running in self.running.iter_mut().chain(&mut self.leaving) {
            Self::leave(running);
            running.command.drain();
        }
        self.sources = Sources::default();
        let Some(limit) = self.settings.process.drain else {
            return self.all_gone().await;
        };
        if timeout(limit, self.all_gone()).await.is_err() {
            self.reset_all(limit);
            self.all_gone().await;
        }
    }

    pub(super) async fn all_gone(&mut self) {
        while self.servers.join_next().await.is_some() {}
    }

    pub(super) fn reset_all(&self, limit: Duration) {
        log::warn!(
            "Some connections have not ended within {} (--drain) and are reset",
            humantime::format_duration(limit)
        );
        for Running { pipe, .. } in self.running.iter().chain(&self.leaving) {
            pipe.live.reset_all(Reset::Drained);
        }
    }
}
