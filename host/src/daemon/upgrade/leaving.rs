//! The end of a process whose place another one has taken: handshakes under way are
//! done here, and follow; what cannot move ends here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::connection::moving::Removal;
use crate::control::words::count;
use crate::daemon::sources::Sources;
use crate::daemon::supervisor::{Drain, Supervisor};
use crate::daemon::upgrade::connections::send_some;
use crate::daemon::upgrade::conversation::PATIENCE;
use crate::daemon::upgrade::inventory::{Moving, is_established, say_numbers};
use crate::handover::channel::{Channel, ChannelError};
use crate::handover::messages::Message;
use crate::pipe::Pipe;

/// The process that has taken over.
pub(in crate::daemon) struct Successor {
    pub(super) channel: Arc<Channel>,
    pub(super) pid: u32,
    /// Whose connections it takes.
    pub(super) pipes: Vec<Moving>,
}

impl Successor {
    /// What is said to whoever asks for anything.
    pub(in crate::daemon) fn refusal(&self) -> String {
        format!("Process {} has taken over: ask that one", self.pid)
    }

    /// Moves what can move by now: connections whose handshakes are done. Says how many
    /// have gone.
    async fn follow(&mut self) -> Result<u64, ChannelError> {
        let removal = Removal::new(self.channel.clone());
        let moved = async {
            let sent = send_some(&self.pipes, &removal).await?;
            if sent > 0 {
                self.channel.send(&Message::Sent { connections: sent }, &[], &[]).await?;
                self.hear_taken(sent).await?;
                say_numbers(&mut self.pipes, &self.channel).await?;
            }
            Ok(sent)
        };
        // What is dropped without a verdict goes on here.
        let sent = timeout(PATIENCE, moved).await.unwrap_or(Err(ChannelError::Gone))?;
        if sent > 0 {
            removal.let_go().map_err(io::Error::other)?;
            let committed = self.channel.send(&Message::Commit, &[], &[]);
            let committed = timeout(PATIENCE, committed).await.unwrap_or(Err(ChannelError::Gone));
            committed.inspect_err(|_| removal.lose())?;
        }
        Ok(sent)
    }

    async fn hear_taken(&self, sent: u64) -> Result<(), ChannelError> {
        loop {
            let message = self.channel.receive().await?.message;
            if message == (Message::Taken { connections: sent }) {
                return Ok(());
            }
            // It may be late to say that it serves.
            if !matches!(message, Message::Serving | Message::Unknown) {
                return Err(ChannelError::Malformed);
            }
        }
    }
}

impl Supervisor {
    /// The other process serves, or will at once: this one accepts nobody any more, and
    /// says nothing to the service manager.
    pub(super) fn begin_to_leave(&mut self) {
        if let Some(heartbeat) = self.heartbeat.take() {
            heartbeat.abort();
        }
        self.observers.leave();
        for running in &mut self.running {
            running.finish();
        }
        // Their files are the other process's, and stay.
        self.sources = Sources::default();
    }

    /// What is left here, in words.
    pub(super) fn staying(&self) -> String {
        let pipes = self.running.iter().chain(&self.leaving).map(|running| &*running.pipe);
        let all = pipes.flat_map(|pipe: &Pipe| pipe.live.slices()).flatten();
        // Those that are the other process's are about to go.
        let all = all.filter(|live| !live.is_gone());
        let (mut established, mut handshakes) = (0, 0);
        for live in all {
            if is_established(&live) || live.stage() == crate::connection::live::Stage::Closing {
                established += 1;
            } else {
                handshakes += 1;
            }
        }
        let stays = |number, thing: &str, until: &str| match number {
            0 => String::new(),
            1 => format!(", 1 {thing} stays until it {until}"),
            more => format!(", {} stay until they {}", count(more, thing), plural(until)),
        };
        stays(handshakes, "handshake", "is done") + &stays(established, "connection", "ends")
    }

    /// Until the last connection has gone, or at the latest after the drain limit.
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
                biased;
                Some(request) = self.requests.recv() => request.refuse(&successor.refusal()),
                // It is ending already. A second wish ends it at once.
                () = drain.due(), if !drain.is_due() => {}
                gone = self.servers.join_next() => if gone.is_none() {
                    break;
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.reset_all(limit.unwrap_or_default());
                    self.all_gone().await;
                    break;
                }
                // A round is done or has failed before anything else happens.
                () = sleep(pause), if listens => match successor.follow().await {
                    Ok(0) => pause = (pause * 2).min(PAUSE_MAX),
                    Ok(_) => pause = PAUSE_MIN,
                    Err(error) => {
                        log::warn!("Connections stay with this process: {error}");
                        listens = false;
                    }
                },
            }
        }
        // It may have gone itself.
        let numbers = say_numbers(&mut successor.pipes, &successor.channel);
        let _ = timeout(PATIENCE, numbers).await;
        self.observers.empty().await;
    }
}

fn plural(until: &str) -> String {
    until.replacen("is ", "are ", 1).replace("ends", "end")
}

/// Between two looks at which handshakes are done.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);
