//! The end of a process that another one has replaced: handshakes in progress are
//! completed here and then follow; what cannot move ends here.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use log::Level;
use thiserror::Error;
use tokio::select;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::connection::live::Stage;
use crate::connection::moving::{Removal, TakenBack};
use crate::control::words::count;
use crate::daemon::sources::Sources;
use crate::daemon::supervisor::{Drain, Request, Running, Supervisor, Wish};
use crate::daemon::upgrade::connections::send_some;
use crate::daemon::upgrade::conversation::PATIENCE;
use crate::daemon::upgrade::inventory::{Moving, say_numbers};
use crate::handover::channel::{Channel, ChannelError};
use crate::handover::messages::Message;

/// The process that has taken over.
pub(in crate::daemon) struct Successor {
    pub(super) channel: Arc<Channel>,
    pub(super) pid: u32,
    /// The pipes whose connections it takes.
    pub(super) pipes: Vec<Moving>,
}

impl Successor {
    /// The answer to all further requests.
    fn refusal(&self) -> String {
        format!("Process {} has taken over: send the request to it", self.pid)
    }

    /// Waits until it serves. Tells it to exit if we are told to, because the signal
    /// was meant for it: its pid file names it from then on.
    ///
    /// # Errors
    /// When it does not report that it serves.
    pub(super) async fn hear_serving<F: Future<Output = ()>>(
        &self,
        drain: &mut Drain<F>,
    ) -> Result<(), ChannelError> {
        let serving = async {
            loop {
                let message = self.channel.receive().await?.message;
                if message == Message::Serving {
                    return Ok(());
                }
                if message != Message::Unknown {
                    return Err(ChannelError::Malformed);
                }
            }
        };
        let mut serving = pin!(in_time(serving));
        let heard = loop {
            select! {
                // An order to exit first, so that it is passed on even if the report comes in
                // the same turn.
                biased;
                () = drain.due(), if !drain.is_due() => self.tell_to_end().await,
                heard = &mut serving => break heard,
            }
        };
        if !drain.is_due() && drain.is_there().await {
            self.tell_to_end().await;
        }
        heard
    }

    async fn tell_to_end(&self) {
        let pid = self.pid;
        match self.say(&Message::End).await {
            Ok(()) => log::info!("Telling process {pid}, which has taken over, to end"),
            Err(error) => {
                log::error!("Cannot tell process {pid}, which has taken over, to end: {error}");
            }
        }
    }

    async fn say(&self, message: &Message) -> Result<(), ChannelError> {
        in_time(self.channel.send(message, &[], &[])).await
    }

    /// Passes on requests that this process no longer carries out but that must not be
    /// lost: a reload may be there to revoke a key.
    async fn pass_on(&self, request: Request) {
        let message = match request.wish {
            Wish::Reload { dry_run: false } => Message::Reload,
            Wish::End => Message::End,
            Wish::Reload { dry_run: true } | Wish::Upgrade { .. } => {
                return request.refuse(self.refusal());
            }
        };
        let pid = self.pid;
        match self.say(&message).await {
            Ok(()) => request.answer(Err(format!(
                "Process {pid} has taken over, and the request was passed on: see its log"
            ))),
            Err(error) => request.refuse(format!("{}; {error}", self.refusal())),
        }
    }

    /// Moves connections whose handshakes are complete by now. Returns how many have
    /// moved.
    async fn follow(&mut self) -> Result<u64, Left> {
        let removal = Removal::new(self.channel.clone());
        let moved = async {
            let sent = send_some(&self.pipes, &removal).await?;
            if sent > 0 {
                self.channel.send(&Message::Sent { connections: sent }, &[], &[]).await?;
                self.hear_taken(sent).await?;
                say_numbers(&mut self.pipes, &self.channel).await?;
            }
            Ok::<_, Left>(sent)
        };
        // Connections whose removal is dropped without a verdict continue here.
        let sent =
            timeout(PATIENCE, moved).await.unwrap_or(Err(ChannelError::Slow(PATIENCE).into()))?;
        if sent == 0 {
            return Ok(0);
        }
        if self.channel.is_over() {
            return Err(ChannelError::Gone.into());
        }
        removal.let_go()?;
        if let Err(reason) = self.say(&Message::Commit).await {
            removal.lose();
            return Err(Left::Lost { connections: sent, reason });
        }
        Ok(sent)
    }

    async fn hear_taken(&self, sent: u64) -> Result<(), Left> {
        loop {
            let message = self.channel.receive().await?.message;
            if message == (Message::Taken { connections: sent }) {
                return Ok(());
            }
            if let Message::Fault { said } = message {
                return Err(Left::Refused(said));
            }
            // The report that it serves may be late.
            if !matches!(message, Message::Serving | Message::Unknown) {
                return Err(ChannelError::Malformed.into());
            }
        }
    }

    /// Sends what was counted here since the last time.
    async fn say_last_numbers(&mut self) {
        // It may have exited itself.
        let _ = in_time(say_numbers(&mut self.pipes, &self.channel)).await;
    }
}

async fn in_time<T>(act: impl Future<Output = Result<T, ChannelError>>) -> Result<T, ChannelError> {
    timeout(PATIENCE, act).await.unwrap_or(Err(ChannelError::Slow(PATIENCE)))
}

/// Why connections cannot follow.
#[derive(Debug, Error)]
enum Left {
    /// The channel failed.
    #[error("Connections stay with this process: {0}")]
    Channel(#[from] ChannelError),
    /// The process refused them; they continue here.
    #[error("Connections stay with this process: {0}")]
    TakenBack(#[from] TakenBack),
    /// In its words, a line each.
    #[error("Connections stay with this process: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// The failure came when nothing could be rolled back any more.
    #[error("{} are lost, because the new process has gone: {reason}", count(*.connections, "connection"))]
    Lost {
        /// How many.
        connections: u64,
        /// How.
        reason: ChannelError,
    },
}

impl Supervisor {
    /// The other process serves, or will immediately: this one accepts no more
    /// connections, and reports nothing to the service manager.
    pub(super) fn begin_to_leave(&mut self) {
        if let Some(heartbeat) = self.heartbeat.take() {
            heartbeat.abort();
        }
        self.observers.leave();
        for running in &mut self.running {
            running.finish();
        }
        // The socket files belong to the other process now and are not removed.
        self.sources = Sources::default();
    }

    /// What stays here, as text.
    pub(super) fn staying(&self, successor: &Successor) -> String {
        let (mut following, mut ending, mut handshakes) = (0, 0, 0);
        for Running { pipe, .. } in self.running.iter().chain(&self.leaving) {
            let moves = successor.pipes.iter().any(|moving| Arc::ptr_eq(&moving.pipe, pipe));
            // Connections that belong to the other process are about to be closed.
            for live in pipe.live.slices().flatten().filter(|live| !live.is_gone()) {
                match live.stage() {
                    Stage::Established if moves => following += 1,
                    Stage::Established | Stage::Closing => ending += 1,
                    Stage::Stranger | Stage::Authenticated | Stage::Connecting => handshakes += 1,
                }
            }
        }
        let follow = match following {
            0 => String::new(),
            1 => ", 1 connection follows".to_owned(),
            more => format!(", {} follow", count(more, "connection")),
        };
        let stays = |number, thing: &str, until: &str| match number {
            0 => String::new(),
            1 => format!(", 1 {thing} stays until it {until}"),
            more => format!(", {} stay until they {}", count(more, thing), plural(until)),
        };
        follow + &stays(handshakes, "handshake", "is done") + &stays(ending, "connection", "ends")
    }

    /// Runs until the last connection has ended, or until the drain limit.
    pub(in crate::daemon) async fn end_after<F: Future<Output = ()>>(
        mut self,
        mut successor: Successor,
        mut drain: Drain<F>,
    ) {
        let limit = self.settings.process.drain;
        let deadline = limit.map(|limit| Instant::now() + limit);
        let (mut pause, mut listens) = (PAUSE_MIN, true);
        loop {
            select! {
                // Requests first: a reload may revoke a key, and must be passed on before this
                // process exits.
                biased;
                Some(request) = self.requests.recv() => successor.pass_on(request).await,
                // It is exiting already. A second signal ends it immediately.
                () = drain.due(), if !drain.is_due() => {}
                gone = self.servers.join_next() => if gone.is_none() {
                    break;
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.reset_all(limit.unwrap_or_default());
                    self.all_gone().await;
                    break;
                }
                // A round is not interrupted: it succeeds or fails before anything else
                // happens.
                () = sleep(pause), if listens => match successor.follow().await {
                    Ok(0) => pause = (pause * 2).min(PAUSE_MAX),
                    Ok(_) => pause = PAUSE_MIN,
                    Err(left) => {
                        let level = match left {
                            Left::Lost { .. } => Level::Error,
                            Left::Channel(_) | Left::TakenBack(_) | Left::Refused(_) => Level::Warn,
                        };
                        log::log!(level, "{left}");
                        // The other process drops what it was about to take: otherwise
                        // it might continue connections that also continue here.
                        successor.channel.shut_down();
                        listens = false;
                    }
                },
            }
        }
        successor.say_last_numbers().await;
        self.observers.empty().await;
    }
}

fn plural(until: &str) -> String {
    until.replacen("is ", "are ", 1).replace("ends", "end")
}

/// The pause between two checks for complete handshakes.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);
