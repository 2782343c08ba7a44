//! Receives the connections: each is resumed to verify it, and no data is passed to any
//! of them before the daemon has let go of all.
//!
//! They come in rounds: any number of `Connection`, `Sent`, which is answered by
//! `Taken` once each has been resumed, perhaps more of both, and `Commit`. The first round decides about
//! the upgrade. Those after it are of handshakes that were under way then.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use tokio::sync::{oneshot, watch};

use super::KeysOfPipe;
use crate::connection::arriving::{Arrival, Entitled};
use crate::daemon::supervisor::Desk;
use crate::handover::channel::{Channel, ChannelError, Received};
use crate::handover::edition::{Edition, Step};
use crate::handover::messages::{Message, Numbers, Process};
use crate::pipe::Pipe;
use crate::process::workers::Dispatcher;

/// Takes connections over.
pub(super) struct Receiving {
    pub(super) channel: Channel,
    /// The pipes whose connections can continue, by name, with their keys.
    pub(super) pipes: HashMap<String, (Arc<Pipe>, KeysOfPipe)>,
    pub(super) workers: Dispatcher,
    pub(super) edition: Edition,
}

/// What the daemon has committed.
pub(super) struct Committed {
    /// How many connections.
    pub(super) connections: u64,
    /// The state of the process at the commit.
    pub(super) process: Option<Process>,
    round: Round,
}

/// Connections that arrive together.
struct Round {
    answers: Vec<(u64, oneshot::Receiver<Result<(), String>>)>,
    /// If it is dropped unused, all of them are dropped.
    entitled: watch::Sender<Entitled>,
    /// Their number, if all have been resumed.
    taken: Option<u64>,
    at: fn(Step),
}

/// Messages that do not only concern the round.
enum Heard {
    /// The state of the process.
    Process(Process),
    /// The connections of the round, this many, are ours.
    Commit { connections: u64 },
    /// A request to reload.
    Reload,
    /// A request to exit.
    End,
}

impl Receiving {
    /// Reports that we could serve, and with which changes. Receives the connections
    /// and counters until everything is ours.
    ///
    /// # Errors
    /// What cannot continue, or that the daemon has given up.
    pub(super) async fn first(&self, said: Vec<String>) -> Result<Committed> {
        (self.edition.at)(Step::Made);
        let mut pipes: Vec<_> = self.pipes.keys().cloned().collect();
        pipes.sort();
        self.channel.send(&Message::Ready { said, pipes }, &[], &[]).await?;
        let (mut round, mut process) = (Round::new(self.edition.at), None);
        loop {
            match self.next(&mut round).await? {
                Heard::Process(known) => process = Some(known),
                Heard::Commit { connections } => {
                    (self.edition.at)(Step::Entitled);
                    return Ok(Committed { connections, process, round });
                }
                Heard::Reload | Heard::End => bail!(ChannelError::Malformed),
            }
        }
    }

    /// Reports that we serve. Receives further connections, and requests to the daemon
    /// that are now for the `desk`, until the channel ends.
    pub(super) async fn rest(self, desk: &Desk) {
        (self.edition.at)(Step::Serving);
        if let Err(error) = self.receive_rest(desk).await
            && !matches!(error.downcast_ref(), Some(ChannelError::Gone))
        {
            log::warn!("Connections stay with the old process: {error:#}");
            let said = vec![format!("{error:#}")];
            let _ = self.channel.send(&Message::Fault { said }, &[], &[]).await;
        }
    }

    async fn receive_rest(&self, desk: &Desk) -> Result<()> {
        self.channel.send(&Message::Serving, &[], &[]).await?;
        let new = || Round::new(|_| ());
        let mut round = new();
        loop {
            match self.next(&mut round).await? {
                Heard::Commit { .. } => {
                    mem::replace(&mut round, new()).are_ours();
                    self.keep_former_keys();
                }
                // No one here waits for the result.
                Heard::Reload => {
                    let desk = desk.clone();
                    tokio::spawn(async move { desk.reload_on_signal().await });
                }
                Heard::End => {
                    let desk = desk.clone();
                    tokio::spawn(async move { desk.end().await });
                }
                Heard::Process(_) => {}
            }
        }
    }

    /// Handles the messages of the round, until one comes that does not only concern
    /// it.
    async fn next(&self, round: &mut Round) -> Result<Heard> {
        loop {
            let received = self.channel.receive().await?;
            match received.message {
                Message::Connection(_) => {
                    round.taken = None;
                    self.adopt(received, round)?;
                    if round.answers.len() == 1 {
                        round.resumed().await?;
                        (round.at)(Step::Resumed);
                    }
                }
                Message::Sent { connections } => {
                    round.all_resumed(connections).await?;
                    round.taken = Some(connections);
                    (round.at)(Step::Taken);
                    self.channel.send(&Message::Taken { connections }, &[], &[]).await?;
                }
                Message::Numbers(numbers) => self.restore(&numbers),
                Message::Inventory(process) => return Ok(Heard::Process(process)),
                Message::Commit => {
                    let Some(connections) = round.taken else { bail!(ChannelError::Malformed) };
                    return Ok(Heard::Commit { connections });
                }
                Message::Reload => return Ok(Heard::Reload),
                Message::End => return Ok(Heard::End),
                Message::Unknown => {}
                Message::Hello { .. }
                | Message::Source(_)
                | Message::Observer(_)
                | Message::Pipe(_)
                | Message::Ready { .. }
                | Message::Fault { .. }
                | Message::Taken { .. }
                | Message::Serving => bail!(ChannelError::Malformed),
            }
        }
    }

    /// Lets its pipe check whether this connection can continue.
    fn adopt(&self, received: Received, round: &mut Round) -> Result<()> {
        let arrival = Arrival::of(received).map_err(|error| anyhow!(error))?;
        let (id, pipe) = (arrival.id(), arrival.pipe());
        let Some((pipe, keys)) = self.pipes.get(pipe) else {
            bail!("connection {id}: its pipe {pipe} is not known here");
        };
        let key = match arrival.key() {
            None => None,
            Some(index) => {
                let key = keys.all().get(index).cloned();
                Some(key.ok_or_else(|| anyhow!("connection {id}: its key is not known here"))?)
            }
        };
        let answer = pipe.adopt(arrival, key, &self.workers, round.entitled.subscribe());
        round.answers.push((id, answer));
        Ok(())
    }

    /// Former keys are visible as long as they have connections.
    pub(super) fn keep_former_keys(&self) {
        for (pipe, keys) in self.pipes.values() {
            pipe.current().snapshot.keys.add_former(keys.all());
        }
    }

    /// Continues the counters.
    fn restore(&self, numbers: &Numbers) {
        if let Some((pipe, keys)) = self.pipes.get(&numbers.pipe) {
            pipe.restore(numbers, keys.all());
        }
    }
}

impl Committed {
    /// The connections continue here from now on.
    pub(super) fn go_on(&self) {
        self.round.are_ours();
    }
}

impl Round {
    /// A round without connections yet. Calls `at` at its steps.
    fn new(at: fn(Step)) -> Self {
        let entitled = watch::Sender::new(Entitled::NotYet);
        Self { answers: Vec::new(), entitled, taken: None, at }
    }

    /// Waits until as many as were sent have been verified.
    async fn all_resumed(&mut self, sent: u64) -> Result<()> {
        if self.answers.len() as u64 != sent {
            bail!("only {} of {sent} connections have arrived", self.answers.len());
        }
        self.resumed().await
    }

    async fn resumed(&mut self) -> Result<()> {
        for (id, answer) in &mut self.answers {
            // Connections that have answered already are skipped.
            if answer.is_terminated() {
                continue;
            }
            let lost = || Err(format!("connection {id}: it cannot be resumed"));
            answer.await.unwrap_or_else(|_| lost()).map_err(|error| anyhow!(error))?;
        }
        Ok(())
    }

    fn are_ours(&self) {
        // Connections that have ended in the meantime are not affected.
        self.entitled.send_replace(Entitled::Yes);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;
    use crate::handover::channel;
    use crate::handover::messages::Connection;
    use crate::process::workers::Workers;

    #[test]
    fn order_of_what_is_said_matters() {
        let commit_first = heard(vec![Message::Commit]);
        assert!(commit_first.unwrap_err().contains("an invalid message"));
        let sent = || Message::Sent { connections: 0 };
        let unknown = Message::Unknown;
        assert!(heard(vec![sent(), Message::Serving]).is_err());
        assert_eq!(heard(vec![unknown, sent(), Message::Commit]), Ok(0));
        let process = Process { upgrades: 7, ..Process::default() };
        assert_eq!(heard(vec![sent(), Message::Inventory(process), Message::Commit]), Ok(7));
        assert_eq!(heard(vec![sent()]).unwrap_err(), "the other process has gone");
    }

    #[test]
    fn connection_that_cannot_go_on_is_named() {
        let connection = Connection { pipe: "redis".to_owned(), id: 7, ..Connection::default() };
        let refused = heard(vec![Message::Connection(connection)]).unwrap_err();
        assert_eq!(refused, "connection 7: its pipe redis is not known here");
        let missing = heard(vec![Message::Sent { connections: 3 }]).unwrap_err();
        assert_eq!(missing, "only 0 of 3 connections have arrived");
    }

    /// What comes of these, each of which has two sockets beside it, if there is no
    /// pipe: how many upgrades there were before.
    fn heard(messages: Vec<Message>) -> Result<u64, String> {
        let workers = Workers::start(1, || {}).unwrap();
        workers.block_on(async {
            let (ours, theirs) = channel::pair().unwrap();
            let receiving = Receiving {
                channel: Channel::new(ours).unwrap(),
                pipes: HashMap::new(),
                workers: workers.dispatcher(),
                edition: Edition::this(),
            };
            let daemon = Channel::new(theirs).unwrap();
            let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
            let answers = messages.contains(&Message::Sent { connections: 0 });
            for message in messages {
                daemon.send(&message, &[one.as_fd(), other.as_fd()], &[]).await.unwrap();
            }
            let said = vec!["different".to_owned()];
            let hear = async {
                let ready = daemon.receive().await.unwrap().message;
                if answers {
                    let taken = daemon.receive().await.unwrap().message;
                    assert_eq!(taken, Message::Taken { connections: 0 });
                }
                drop(daemon);
                ready
            };
            let (committed, ready) = tokio::join!(receiving.first(said.clone()), hear);
            assert_eq!(ready, Message::Ready { said, pipes: Vec::new() });
            let committed = committed.map_err(|error| error.to_string())?;
            Ok(committed.process.unwrap_or_default().upgrades)
        })
    }
}
