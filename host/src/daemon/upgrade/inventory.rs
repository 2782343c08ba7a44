//! The daemon's inventory for the process that is to take over.

use std::sync::Arc;

use crate::connection::live::{Live, Stage};
use crate::daemon::supervisor::Supervisor;
use crate::daemon::upgrade::conversation::{Conversation, Failed};
use crate::guest::Side;
use crate::handover::channel::{Channel, ChannelError};
use crate::handover::messages::{self, Message, Numbers, Process};
use crate::keys::Key;
use crate::net::address::Address;
use crate::net::resolve::Endpoint;
use crate::pipe::Pipe;

/// A pipe whose connections the new process can continue.
pub(super) struct Moving {
    pub(super) pipe: Arc<Pipe>,
    /// Its keys in the order that the new process knows.
    pub(super) keys: Arc<[Key]>,
    /// The counters that were sent last.
    pub(super) told: Numbers,
}

impl Supervisor {
    /// Sends everything except the connections. Returns the pipes.
    pub(super) async fn say_inventory(
        &self,
        conversation: &mut Conversation,
    ) -> Result<Vec<Moving>, Failed> {
        for (source, sockets) in self.sources.described() {
            conversation.say(&Message::Source(source), &sockets, &[]).await?;
        }
        for (observer, sockets) in self.observers.described() {
            conversation.say(&Message::Observer(observer), &sockets, &[]).await?;
        }
        let mut pipes = Vec::with_capacity(self.running.len());
        for running in &self.running {
            pipes.push(say_pipe(&running.pipe, conversation).await?);
        }
        conversation.say(&Message::Inventory(self.process()), &[], &[]).await?;
        Ok(pipes)
    }

    /// The state of this process.
    pub(super) fn process(&self) -> Process {
        let log = self.means.log;
        let missing = log.missing();
        let level = Some(log.level()).filter(|it| *it != self.settings.process.log_level);
        let counts = self.pipes.upgrades();
        Process {
            log_level: level.map(|level| level.to_string().to_lowercase()),
            connections_numbered: log.numbered(),
            log_lines_lost: missing.lost,
            log_lines_suppressed: missing.suppressed,
            upgrades: counts.succeeded,
            upgrades_failed: counts.failed,
            reloads: Some(self.pipes.reloads()),
            pid_file: self.settings.process.launch.pid_file().map(|path| path.as_os_str().into()),
        }
    }
}

pub(super) fn is_established(live: &Live) -> bool {
    live.stage() == Stage::Established && !live.is_gone()
}

async fn say_pipe(pipe: &Arc<Pipe>, conversation: &mut Conversation) -> Result<Moving, Failed> {
    let current = pipe.current();
    let (settings, snapshot) = (&current.settings.connection, &current.snapshot);
    let in_use = snapshot.keys.current();
    let keys: Vec<_> = in_use.keys().iter().cloned().chain(snapshot.keys.former()).collect();
    let key = |key: &Key| messages::Key {
        name: key.name().map(|name| name.as_os_str().to_owned()),
        without_forward_secrecy: key.has_been_without_forward_secrecy(),
    };
    let targets =
        settings.targets.iter().map(|address| (address, snapshot.targets.endpoints_of(address)));
    let bind =
        settings.bind.iter().map(|address| (address, snapshot.bind.iter().cloned().collect()));
    let target = |(address, endpoints): (&Address, Vec<_>)| messages::Target {
        address: address.text(),
        endpoints: endpoints.iter().map(Endpoint::text).collect(),
    };
    let message = Message::Pipe(messages::Pipe {
        name: pipe.name.to_string(),
        decrypts: settings.config.side() == Side::Server,
        key_source: settings.keys.text(),
        keys: keys.iter().map(key).collect(),
        keys_in_use: in_use.keys().len(),
        targets: targets.chain(bind).map(target).collect(),
    });
    let psks: Vec<_> = in_use.psks().iter().map(|psk| &psk.expose()[..]).collect();
    conversation.say(&message, &[], &psks).await?;
    Ok(Moving { pipe: pipe.clone(), keys: keys.into(), told: Numbers::default() })
}

/// Sends what the pipes have counted since the last time.
pub(super) async fn say_numbers(
    pipes: &mut [Moving],
    channel: &Channel,
) -> Result<(), ChannelError> {
    for Moving { pipe, keys, told } in pipes {
        let now = pipe.numbers(keys);
        if now != *told {
            channel.send(&Message::Numbers(now.since(told)), &[], &[]).await?;
            *told = now;
        }
    }
    Ok(())
}
