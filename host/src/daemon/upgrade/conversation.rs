//! What the daemon receives from the process that is to take over, and the time limits
//! for it.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::select;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connection::moving::TakenBack;
use crate::control::words::count;
use crate::daemon::gather::in_words;
use crate::daemon::helper::{Guardian, Helper, HelperError};
use crate::handover::channel::{self, Channel, ChannelError};
use crate::handover::edition::Formats;
use crate::handover::messages::Message;

/// Why no new process takes over.
#[derive(Debug, Error)]
pub(super) enum Failed {
    /// Process 1, whose exit ends its container.
    #[error(
        "spiped is process 1 of a container, which would end with it: start another container in \
         its place"
    )]
    First,
    /// The daemon has been told to exit.
    #[error("spiped is shutting down and accepts no requests any more")]
    Ending,
    /// The process could not be started.
    #[error("{}", in_words(.0))]
    Start(#[from] HelperError),
    /// The channel failed.
    #[error("Cannot send the new process what it takes over: {0}")]
    Channel(ChannelError),
    /// The process exited too early.
    #[error("The new process ended before it could take over: {0}")]
    Ended(String),
    /// The process sent nothing for this long.
    #[error("The new process did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// Handing over took too long, on either side.
    #[error("The connections could not be handed over within {} s", .0.as_secs())]
    Late(Duration),
    /// The inventory could not be made.
    #[error("Cannot hand over: {0}")]
    TakenBack(#[from] TakenBack),
    /// A message was malformed.
    #[error("The new process sent an invalid message")]
    Malformed,
    /// The program is a script or starts another one.
    #[error(
        "The new process is not the one that was started: if --program names a script, it has to \
         use exec"
    )]
    Another,
    /// It has no version of the hand-over in common with us.
    #[error(
        "The new process (spiped {program}) reads versions {} to {} of the hand-over format, and \
         this one writes {} to {}: restart spiped",
        .theirs.oldest, .theirs.newest, .ours.oldest, .ours.newest
    )]
    Formats {
        /// Its version.
        program: String,
        /// The versions it reads.
        theirs: Formats,
        /// The versions we write.
        ours: Formats,
    },
    /// In its words, a line each.
    #[error("{}", .0.join("\n"))]
    Fault(Vec<String>),
    /// The failure came when nothing could be rolled back any more.
    #[error(
        "The new process was lost after the connections had moved ({reason}), and with it {}",
        count(*.connections, "connection")
    )]
    Lost {
        /// How.
        reason: String,
        /// How many.
        connections: u64,
    },
    /// The process has everything, but has not reported that it serves.
    #[error("{0}")]
    Silenced(String),
}

/// The reason for a process that has closed its end.
pub(super) const DEAF: &str = "it has closed the connection";
/// How long the new process may send nothing, or not read.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long its start may take, whatever it sends.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long it may take to exit after its last message.
const END_LIMIT: Duration = Duration::from_secs(1);

/// The new process, until it has taken over. Dropping this ends the process.
pub(super) struct Conversation {
    pub(super) channel: Arc<Channel>,
    pub(super) guardian: Guardian,
    /// The deadline for connections that are frozen, once there are any.
    limit: Option<Instant>,
}

/// The new process's greeting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The version of the program.
    pub(super) program: String,
    /// The version of the hand-over to use with it.
    pub(super) format: u32,
}

impl Conversation {
    /// Has the helper start it.
    pub(super) async fn start(helper: &Helper) -> Result<Self, Failed> {
        let system = |error| Failed::Channel(ChannelError::Io(error));
        let (ours, theirs) = channel::pair().map_err(system)?;
        let channel = Arc::new(Channel::new(ours).map_err(system)?);
        let guardian = helper.upgrade(theirs.as_fd()).await?;
        Ok(Self { channel, guardian, limit: None })
    }

    /// Ends the conversation: when this resolves, the process has exited and removed
    /// what it had created.
    pub(super) async fn end(self) {
        let Self { channel, guardian, .. } = self;
        drop(channel);
        guardian.end().await;
    }

    /// Connections are frozen from now on: everything else has one deadline. There is
    /// only one for the whole: when each group had its own, a slow upgrade could freeze
    /// connections for minutes.
    pub(super) fn hurry(&mut self) {
        self.limit.get_or_insert_with(|| Instant::now() + PATIENCE);
    }

    /// The deadline for the next step.
    fn deadline(&self) -> Instant {
        let patience = Instant::now() + PATIENCE;
        self.limit.map_or(patience, |limit| limit.min(patience))
    }

    /// The error for a missed deadline.
    fn too_late(&self) -> Failed {
        if self.limit.is_some() { Failed::Late(PATIENCE) } else { Failed::Silent(PATIENCE) }
    }

    /// Its first message.
    pub(super) async fn greeting(&mut self, ours: Formats) -> Result<Greeting, Failed> {
        let Message::Hello { newest, oldest, program, pid } = self.hear().await? else {
            return Err(Failed::Malformed);
        };
        if pid != self.guardian.program() {
            return Err(Failed::Another);
        }
        let theirs = Formats { newest, oldest };
        match ours.in_common_with(theirs) {
            Some(format) => Ok(Greeting { program, format }),
            None => Err(Failed::Formats { program, theirs, ours }),
        }
    }

    /// Sends it a message.
    pub(super) async fn say(
        &mut self,
        message: &Message,
        descriptors: &[BorrowedFd<'_>],
        secrets: &[&[u8]],
    ) -> Result<(), Failed> {
        let channel = self.channel.clone();
        self.during(channel.send(message, descriptors, secrets)).await
    }

    /// Runs something while listening to the process.
    pub(super) async fn during<T>(
        &mut self,
        act: impl Future<Output = Result<T, ChannelError>>,
    ) -> Result<T, Failed> {
        let mut act = pin!(timeout_at(self.deadline(), act));
        loop {
            select! {
                // The action first: if it is complete, a message in the same turn is read later.
                biased;
                done = &mut act => return match done {
                    Ok(Ok(done)) => Ok(done),
                    // It has sent the reason.
                    Ok(Err(ChannelError::Gone)) => Err(self.last_words().await),
                    Ok(Err(error)) => Err(Failed::Channel(error)),
                    Err(_) => Err(self.too_late()),
                },
                heard = self.listen() => if heard? != Message::Unknown {
                    return Err(Failed::Malformed);
                },
            }
        }
    }

    /// Its next message, except those of a later version.
    pub(super) async fn hear(&mut self) -> Result<Message, Failed> {
        let limit = Instant::now() + START_LIMIT;
        loop {
            let silence = limit.min(self.deadline());
            match timeout_at(silence, self.listen()).await {
                // It is still working.
                Ok(Ok(Message::Unknown)) => {}
                Ok(heard) => return heard,
                Err(_) => return Err(self.too_late()),
            }
        }
    }

    /// Its next message, without a time limit.
    async fn listen(&mut self) -> Result<Message, Failed> {
        select! {
            // Messages first: the process may have sent its reason before it exited.
            biased;
            received = self.channel.receive() => match received {
                Ok(received) => understood(received.message),
                Err(ChannelError::Gone) => Err(self.last_words().await),
                Err(ChannelError::Malformed) => Err(Failed::Malformed),
                Err(error) => Err(Failed::Channel(error)),
            },
            words = self.guardian.ended() => Err(self.last_message().await.unwrap_or(Failed::Ended(words))),
        }
    }

    /// Why it has exited.
    async fn last_words(&mut self) -> Failed {
        if let Some(failed) = self.last_message().await {
            return failed;
        }
        let words = timeout(END_LIMIT, self.guardian.ended()).await;
        Failed::Ended(words.unwrap_or_else(|_| DEAF.to_owned()))
    }

    /// The reason among its last messages, if there is one.
    async fn last_message(&mut self) -> Option<Failed> {
        let reason = async {
            while let Ok(received) = self.channel.receive().await {
                if let Err(failed) = understood(received.message) {
                    return Some(failed);
                }
            }
            None
        };
        // Another process may have its end of the channel and continue to send.
        timeout(END_LIMIT, reason).await.ok().flatten()
    }
}

fn understood(message: Message) -> Result<Message, Failed> {
    if let Message::Fault { said } = message { Err(Failed::Fault(said)) } else { Ok(message) }
}

#[cfg(test)]
mod tests;
