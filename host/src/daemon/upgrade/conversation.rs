//! What the daemon hears from the process that is to take over, and how long it
//! waits for it.

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

/// Why there is no new process that takes over.
#[derive(Debug, Error)]
pub(super) enum Failed {
    /// Of one that ends with its container.
    #[error(
        "spiped is process 1, as in a container, which ends with it: start another container in \
         its place"
    )]
    First,
    /// There is something else to do now.
    #[error("spiped is ending: it takes no requests any more")]
    Ending,
    /// It could not be started.
    #[error("{}", in_words(.0))]
    Start(#[from] HelperError),
    /// It cannot be talked to.
    #[error("The new process cannot be told what it takes over: {0}")]
    Channel(ChannelError),
    /// It has not got there.
    #[error("The new process has ended before it could take over: {0}")]
    Ended(String),
    /// It hangs.
    #[error("The new process has said nothing for {} s", .0.as_secs())]
    Silent(Duration),
    /// It is not fast enough, or those are not that have to stop.
    #[error("The connections could not be handed over within {} s", .0.as_secs())]
    Late(Duration),
    /// They are not there to be handed over.
    #[error("Nothing is handed over: {0}")]
    TakenBack(#[from] TakenBack),
    /// That is not how it talks.
    #[error("The new process said something that makes no sense")]
    Malformed,
    /// The program starts another one.
    #[error(
        "The new process is not the one that was started: if the program is a script, it has to \
         use exec"
    )]
    Another,
    /// It is too old, or too new.
    #[error(
        "The new process (spiped {program}) reads versions {} to {} of the hand-over, and this one \
         writes {} to {}: restart spiped",
        .theirs.oldest, .theirs.newest, .ours.oldest, .ours.newest
    )]
    Formats {
        /// Its version.
        program: String,
        /// What it reads.
        theirs: Formats,
        /// What we write.
        ours: Formats,
    },
    /// In its words, a line each.
    #[error("{}", .0.join("\n"))]
    Fault(Vec<String>),
    /// After it was too late to take anything back.
    #[error(
        "The new process was lost at the last moment ({reason}), and with it {}",
        count(*.connections, "connection")
    )]
    Lost {
        /// How.
        reason: String,
        /// How many.
        connections: u64,
    },
    /// It has everything, and does not say what it does with it.
    #[error("{0}")]
    Silenced(String),
}

/// All that is known of one that has closed its end.
pub(super) const DEAF: &str = "it does not listen any more";
/// How long the new process may say nothing, or not read.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take for its start, whatever it says.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long after its last word it may take to be gone.
const END_LIMIT: Duration = Duration::from_secs(1);

/// The new process, until it has taken over. Dropped, it ends.
pub(super) struct Conversation {
    pub(super) channel: Arc<Channel>,
    pub(super) guardian: Guardian,
    /// Until when connections may stand still, once they do.
    limit: Option<Instant>,
}

/// What the new process says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The version of the program.
    pub(super) program: String,
    /// Which form of the hand-over it is told.
    pub(super) format: u32,
}

impl Conversation {
    /// Has it started.
    pub(super) async fn start(helper: &Helper) -> Result<Self, Failed> {
        let system = |error| Failed::Channel(ChannelError::Io(error));
        let (ours, theirs) = channel::pair().map_err(system)?;
        let channel = Arc::new(Channel::new(ours).map_err(system)?);
        let guardian = helper.upgrade(theirs.as_fd()).await?;
        Ok(Self { channel, guardian, limit: None })
    }

    /// There is nothing else to say: it ends, and has taken back what it has made
    /// when this resolves.
    pub(super) async fn end(self) {
        let Self { channel, guardian, .. } = self;
        drop(channel);
        guardian.end().await;
    }

    /// From now on connections stand still: all that is left is to be done before
    /// anybody's patience ends.
    pub(super) fn hurry(&mut self) {
        self.limit.get_or_insert_with(|| Instant::now() + PATIENCE);
    }

    /// Until when the next thing has to be done.
    fn deadline(&self) -> Instant {
        let patience = Instant::now() + PATIENCE;
        self.limit.map_or(patience, |limit| limit.min(patience))
    }

    /// It was not.
    fn too_late(&self) -> Failed {
        if self.limit.is_some() { Failed::Late(PATIENCE) } else { Failed::Silent(PATIENCE) }
    }

    /// What it says first.
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

    /// Says something to it.
    pub(super) async fn say(
        &mut self,
        message: &Message,
        descriptors: &[BorrowedFd<'_>],
        secrets: &[&[u8]],
    ) -> Result<(), Failed> {
        let channel = self.channel.clone();
        self.during(channel.send(message, descriptors, secrets)).await
    }

    /// Does something that it has to play its part in by listening.
    pub(super) async fn during<T>(
        &mut self,
        act: impl Future<Output = Result<T, ChannelError>>,
    ) -> Result<T, Failed> {
        let mut act = pin!(timeout_at(self.deadline(), act));
        loop {
            select! {
                biased;
                done = &mut act => return match done {
                    Ok(Ok(done)) => Ok(done),
                    // It has said why.
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

    /// The next of its messages that is not only for a later version.
    pub(super) async fn hear(&mut self) -> Result<Message, Failed> {
        let limit = Instant::now() + START_LIMIT;
        loop {
            let silence = limit.min(self.deadline());
            match timeout_at(silence, self.listen()).await {
                // It is still at it.
                Ok(Ok(Message::Unknown)) => {}
                Ok(heard) => return heard,
                Err(_) => return Err(self.too_late()),
            }
        }
    }

    /// Its next message, however long that takes.
    async fn listen(&mut self) -> Result<Message, Failed> {
        select! {
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

    /// Why it has gone.
    async fn last_words(&mut self) -> Failed {
        if let Some(failed) = self.last_message().await {
            return failed;
        }
        let words = timeout(END_LIMIT, self.guardian.ended()).await;
        Failed::Ended(words.unwrap_or_else(|_| DEAF.to_owned()))
    }

    /// What it has said before it went, if that is a reason.
    async fn last_message(&mut self) -> Option<Failed> {
        let reason = async {
            while let Ok(received) = self.channel.receive().await {
                if let Err(failed) = understood(received.message) {
                    return Some(failed);
                }
            }
            None
        };
        // Another process may have its end, and go on.
        timeout(END_LIMIT, reason).await.ok().flatten()
    }
}

fn understood(message: Message) -> Result<Message, Failed> {
    if let Message::Fault { said } = message { Err(Failed::Fault(said)) } else { Ok(message) }
}

#[cfg(test)]
mod tests;
