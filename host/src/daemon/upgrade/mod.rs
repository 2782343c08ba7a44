//! The side of an upgrade that leaves: see [`handover`](crate::handover).
//!
//! The supervisor does it, so no reload runs meanwhile, and nothing else of the daemon
//! knows: pipes go on to accept until the new process serves. Until then everything
//! can be taken back, which is what happens to whatever is dropped.

mod connections;
mod conversation;
mod inventory;
mod leaving;

use std::process;
use std::sync::Arc;

use log::Level;
use tokio::select;
use tokio::time::timeout;

use crate::connection::moving::Removal;
use crate::control::words::count;
use crate::daemon::helper::HelperError;
use crate::daemon::supervisor::{Drain, Supervisor, Verdict};
use crate::handover::channel::{Channel, ChannelError};
use crate::handover::edition::Step;
use crate::handover::messages::Message;
use crate::process::notify;
use conversation::{Conversation, DEAF, Failed, Greeting, PATIENCE};
use inventory::{Moving, say_numbers};

pub(super) use leaving::Successor;

/// A new process that could take over at once.
struct Prepared {
    conversation: Conversation,
    agreed: Agreed,
}

/// How far one has come with it.
struct Agreed {
    greeting: Greeting,
    /// What it says.
    said: Vec<String>,
    pipes: Vec<Moving>,
    removal: Arc<Removal>,
    /// How many connections it has, asleep.
    sent: u64,
}

impl Supervisor {
    /// Has a new process take over, unless this is only a `check` of whether it could.
    /// If it has, `self.successor` is there afterwards.
    pub(super) async fn upgrade<F: Future<Output = ()>>(
        &mut self,
        check: bool,
        drain: &mut Drain<F>,
    ) -> Verdict {
        (self.means.edition.at)(Step::Asked);
        // From the commit on, there is no way back, and little to wait for.
        let prepared = select! {
            biased;
            () = drain.due() => Err(Failed::Ending),
            prepared = self.prepare() => prepared,
        };
        if check {
            let prepared = prepared.map_err(|failed| failed.to_string())?;
            let said = prepared.words("could take over", "would move");
            prepared.take_back().await;
            return Ok(said);
        }
        let upgraded = match prepared {
            Ok(prepared) => self.hand_over(prepared, drain).await,
            Err(failed) => Err(failed),
        };
        let log = self.means.log;
        match upgraded {
            Ok(said) => {
                log.answer(Level::Info, said.lines().map(ToOwned::to_owned));
                Ok(said)
            }
            Err(failed) => {
                let faults = failed.to_string();
                let line = faults.replace('\n', "; ");
                let line = if let Failed::Silenced(_) = failed {
                    line
                } else {
                    format!("No upgrade, this process goes on: {line}")
                };
                log.answer(Level::Error, [line]);
                self.pipes.upgrade_failed(faults.clone());
                Err(faults)
            }
        }
    }

    /// Everything that can fail. Dropped, it is taken back.
    async fn prepare(&self) -> Result<Prepared, Failed> {
        if process::id() == 1 {
            return Err(Failed::First);
        }
        let helper = self.means.helper.as_ref().ok_or(HelperError::Gone)?;
        let mut conversation = Conversation::start(helper).await?;
        match self.agree(&mut conversation).await {
            Ok(agreed) => Ok(Prepared { conversation, agreed }),
            Err(failed) => {
                conversation.end().await;
                Err(failed)
            }
        }
    }

    /// Comes so far that only the commit is missing.
    async fn agree(&self, conversation: &mut Conversation) -> Result<Agreed, Failed> {
        let at = self.means.edition.at;
        at(Step::Started);
        let greeting = conversation.greeting(self.means.edition.formats).await?;
        at(Step::Greeted);
        let pipes = self.say_inventory(conversation).await?;
        at(Step::Listed);
        let Message::Ready { said, pipes: adopted } = conversation.hear().await? else {
            return Err(Failed::Malformed);
        };
        let is_adopted = |moving: &Moving| adopted.iter().any(|name| **name == *moving.pipe.name);
        let pipes: Vec<_> = pipes.into_iter().filter(is_adopted).collect();
        // Dropped without a verdict, it takes all of them back.
        let removal = Removal::new(conversation.channel.clone());
        let (first, last) = (|| at(Step::Stopped), || at(Step::Sent));
        let sent = connections::send_all(&pipes, &removal, conversation, first, last).await?;
        Ok(Agreed { greeting, said, pipes, removal, sent })
    }

    /// Lets go of everything, and leaves it to the new process. Never dropped before it
    /// is done, which is soon.
    async fn hand_over<F: Future<Output = ()>>(
        &mut self,
        prepared: Prepared,
        drain: &mut Drain<F>,
    ) -> Result<String, Failed> {
        let said = prepared.words("has taken over", "moved");
        let Prepared { conversation: Conversation { channel, guardian, .. }, agreed } = prepared;
        let Agreed { mut pipes, removal, sent, .. } = agreed;
        let pid = guardian.program();
        // It is the system's child before the service manager hears of it.
        guardian.release().await.map_err(Failed::Ended)?;
        if drain.is_there().await {
            return Err(Failed::Ending);
        }
        // Nothing is between this and the last step that it keeps us from.
        if channel.is_over() {
            return Err(Failed::Ended(DEAF.to_owned()));
        }
        removal.let_go()?;
        (self.means.edition.at)(Step::Wiped);
        notify::main_process(pid);
        if let Err(error) = self.say_commit(&channel, &mut pipes).await {
            removal.lose();
            notify::main_process(process::id());
            return Err(Failed::Lost { reason: error.to_string(), connections: sent });
        }
        (self.means.edition.at)(Step::Committed);
        self.begin_to_leave();
        let successor = Successor { channel, pid, pipes };
        let serving = successor.hear_serving(drain).await;
        (self.means.edition.at)(Step::Succeeded);
        let stay = self.staying(&successor);
        self.successor = Some(successor);
        let doubt = match serving {
            Ok(()) => return Ok(format!("{said}{stay}")),
            // It has all there is: nobody can take it back.
            Err(error) => format!("It does not say that it serves: {error}"),
        };
        Err(Failed::Silenced(format!("{said}{stay}\n{doubt}")))
    }

    /// What has been counted until now, and that it is the new process's turn.
    async fn say_commit(
        &self,
        channel: &Channel,
        pipes: &mut [Moving],
    ) -> Result<(), ChannelError> {
        let say = async {
            say_numbers(pipes, channel).await?;
            channel.send(&Message::Inventory(self.process()), &[], &[]).await?;
            channel.send(&Message::Commit, &[], &[]).await
        };
        timeout(PATIENCE, say).await.unwrap_or(Err(ChannelError::Slow(PATIENCE)))
    }
}

impl Prepared {
    /// The connections go on here, and there is no new process.
    async fn take_back(self) {
        let Self { conversation, agreed } = self;
        agreed.removal.take_back();
        drop(agreed);
        conversation.end().await;
    }

    /// A line, and what the new process says.
    fn words(&self, done: &str, moved: &str) -> String {
        let pid = self.conversation.guardian.program();
        let program = &self.agreed.greeting.program;
        let connections = count(self.agreed.sent, "connection");
        let first = format!("Process {pid} (spiped {program}) {done}; {connections} {moved}");
        [first].into_iter().chain(self.agreed.said.iter().cloned()).collect::<Vec<_>>().join("\n")
    }
}
