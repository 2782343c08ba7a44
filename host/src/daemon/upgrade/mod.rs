//! The side of an upgrade that is replaced: see [`handover`](crate::handover).
//!
//! The supervisor does this, so no reload runs at the same time, and no other part of
//! the daemon is involved: pipes continue to accept until the new process serves. Until
//! then everything can be rolled back, which happens to everything that is dropped.

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

/// A new process that could take over immediately.
struct Prepared {
    conversation: Conversation,
    agreed: Agreed,
}

/// What was agreed with it.
struct Agreed {
    greeting: Greeting,
    /// The changes that it reports.
    said: Vec<String>,
    pipes: Vec<Moving>,
    removal: Arc<Removal>,
    /// How many connections it has resumed and suspended.
    sent: u64,
}

impl Supervisor {
    /// Lets a new process take over, unless this is only a `check`. After success,
    /// `self.successor` is set.
    pub(super) async fn upgrade<F: Future<Output = ()>>(
        &mut self,
        check: bool,
        drain: &mut Drain<F>,
    ) -> Verdict {
        (self.means.edition.at)(Step::Asked);
        // An order to exit ends only the preparation: from the commit on, there is no
        // way back, and little left to wait for.
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
                    format!("Upgrade failed, this process continues: {line}")
                };
                log.answer(Level::Error, [line]);
                self.pipes.upgrade_failed(faults.clone());
                Err(faults)
            }
        }
    }

    /// Everything that can fail. If it is dropped, everything is rolled back.
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

    /// Everything up to the commit.
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
        // If it is dropped without a verdict, all connections continue here.
        let removal = Removal::new(conversation.channel.clone());
        let (first, last) = (|| at(Step::Stopped), || at(Step::Sent));
        let sent = connections::send_all(&pipes, &removal, conversation, first, last).await?;
        Ok(Agreed { greeting, said, pipes, removal, sent })
    }

    /// Hands everything over to the new process. Must not be dropped before it is
    /// complete, which takes a moment.
    async fn hand_over<F: Future<Output = ()>>(
        &mut self,
        prepared: Prepared,
        drain: &mut Drain<F>,
    ) -> Result<String, Failed> {
        let said = prepared.words("has taken over", "moved");
        let Prepared { conversation: Conversation { channel, guardian, .. }, agreed } = prepared;
        let Agreed { mut pipes, removal, sent, .. } = agreed;
        let pid = guardian.program();
        // The process is reparented to init before the service manager learns of it.
        guardian.release().await.map_err(Failed::Ended)?;
        if drain.is_there().await {
            return Err(Failed::Ending);
        }
        // The last check, directly before the step that cannot be rolled back: a
        // process that had exited after its last message, unnoticed, once took all
        // connections with it.
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
            // The process has everything: nothing can be rolled back.
            Err(error) => format!("It has not confirmed that it accepts connections: {error}"),
        };
        Err(Failed::Silenced(format!("{said}{stay}\n{doubt}")))
    }

    /// Sends the counters, and then the commit.
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
    /// The connections continue here, and the new process exits.
    async fn take_back(self) {
        let Self { conversation, agreed } = self;
        agreed.removal.take_back();
        drop(agreed);
        conversation.end().await;
    }

    /// The result in one line, and the changes that the new process reports.
    fn words(&self, done: &str, moved: &str) -> String {
        let pid = self.conversation.guardian.program();
        let program = &self.agreed.greeting.program;
        let connections = count(self.agreed.sent, "connection");
        let first = format!("Process {pid} (spiped {program}) {done}; {connections} {moved}");
        [first].into_iter().chain(self.agreed.said.iter().cloned()).collect::<Vec<_>>().join("\n")
    }
}
