//! What the daemon has handed over, except its connections: one more source of sockets,
//! keys and names for the start.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::config::{PipeSettings, Settings};
use crate::daemon::activation::Activation;
use crate::guest::Side;
use crate::handover::channel::{ChannelError, Received};
use crate::handover::messages::{self, Message, Observer, Process, Role, Source};
use crate::keys::file::Psk;
use crate::keys::{Key, KeyName, KeySet, Loaded};
use crate::net::address::Address;
use crate::net::listen::Bound;
use crate::net::resolve::Endpoint;
use crate::process::secrets::Locked;

/// Everything that was handed over; empty for a daemon that was started in another way.
#[derive(Debug, Default)]
pub(in crate::daemon) struct HandedOver {
    /// The sources.
    pub(in crate::daemon) sources: Vec<(Source, Bound)>,
    observers: Vec<(Observer, Bound)>,
    pipes: Vec<HandedOverPipe>,
    /// The state of the process.
    pub(super) process: Process,
    /// The differences in keys, one line per pipe.
    keys_said: Vec<String>,
    /// How many messages have been received.
    messages: usize,
}

/// A pipe, without its connections.
#[derive(Debug)]
struct HandedOverPipe {
    said: messages::Pipe,
    /// The keys in use; `None` after they have been put in use here.
    in_use: Option<KeySet>,
    keys: KeysOfPipe,
}

/// The keys of a pipe without their secrets, in the order of [`messages::Pipe::keys`].
#[derive(Clone, Debug, Default)]
pub(super) struct KeysOfPipe(Vec<Key>);

impl HandedOver {
    /// Adds a received message. Returns whether it was the last.
    ///
    /// # Errors
    /// When it is malformed.
    pub(super) fn add(&mut self, received: Received) -> Result<bool, ChannelError> {
        let Received { message, descriptors, secrets } = received;
        self.messages += 1;
        if self.messages > MESSAGES_MAX {
            return Err(ChannelError::Malformed);
        }
        match message {
            Message::Source(source) => self.sources.push((source, listening(descriptors)?)),
            Message::Observer(observer) => self.observers.push((observer, listening(descriptors)?)),
            Message::Pipe(pipe) => {
                let pipe = HandedOverPipe::of(pipe, &secrets).ok_or(ChannelError::Malformed)?;
                self.pipes.push(pipe);
            }
            Message::Inventory(process) => {
                self.process = process;
                return Ok(true);
            }
            Message::Unknown => {}
            Message::Hello { .. }
            | Message::Ready { .. }
            | Message::Fault { .. }
            | Message::Connection(_)
            | Message::Sent { .. }
            | Message::Taken { .. }
            | Message::Numbers(_)
            | Message::Commit
            | Message::Serving
            | Message::Reload
            | Message::End => return Err(ChannelError::Malformed),
        }
        Ok(false)
    }

    /// The keys in use of a pipe, if their source is the same as before.
    pub(in crate::daemon) fn keys(&mut self, pipe: &PipeSettings) -> Option<Loaded> {
        let handed_over = self.pipes.iter_mut().find(|it| *it.said.name == *pipe.name)?;
        if handed_over.said.key_source != pipe.connection.keys.text() {
            return None;
        }
        let keys = handed_over.in_use.take()?;
        Some(Loaded { keys, doubts: Vec::new() })
    }

    /// Lets keys that were read for a pipe take over the accounts of those that were in
    /// use, as after a reload.
    pub(in crate::daemon) fn succeed(&mut self, pipe: &PipeSettings, keys: &mut KeySet) {
        let handed_over = self.pipes.iter().find(|it| *it.said.name == *pipe.name);
        if let Some(former) = handed_over.and_then(|it| it.in_use.as_ref()) {
            keys.succeed(former);
            let difference = keys.difference(former);
            self.keys_said.push(format!("pipe {}: keys: {difference}", pipe.name));
        }
    }

    /// The resolved names.
    pub(in crate::daemon) fn names(&self) -> HashMap<Address, Vec<Endpoint>> {
        let targets = self.pipes.iter().flat_map(|pipe| &pipe.said.targets);
        let known = targets.filter_map(|target| {
            let endpoints: Option<Vec<_>> =
                target.endpoints.iter().map(|text| Endpoint::of_text(text)).collect();
            Some((address(&target.address)?, endpoints.filter(|all| !all.is_empty())?))
        });
        known.collect()
    }

    /// The sockets for these observers.
    pub(in crate::daemon) fn observer(&mut self, role: Role, address: &OsStr) -> Option<Bound> {
        let is_it = |(it, _): &(Observer, Bound)| it.role == role && it.address == address;
        let place = self.observers.iter().position(is_it)?;
        Some(self.observers.swap_remove(place).1)
    }

    /// The sockets for observers that were not [asked for](Self::observer).
    pub(super) fn other_observers(&self) -> impl Iterator<Item = Address> {
        self.observers.iter().filter_map(|(it, _)| address(&it.address))
    }

    /// The keys of all pipes whose connections can continue with these settings, by
    /// name.
    pub(super) fn adoptable(&self, settings: &Settings) -> HashMap<String, KeysOfPipe> {
        let goes_on = |pipe: &&HandedOverPipe| {
            settings.pipes.iter().any(|wanted| {
                *wanted.name == *pipe.said.name
                    && (wanted.connection.config.side() == Side::Server) == pipe.said.decrypts
            })
        };
        let pipes = self.pipes.iter().filter(goes_on);
        pipes.map(|pipe| (pipe.said.name.clone(), pipe.keys.clone())).collect()
    }

    /// The differences with these settings, one line each. The keys are those of the
    /// [adoptable](Self::adoptable) pipes.
    pub(super) fn differences(
        &self,
        settings: &Settings,
        adoptable: &HashMap<String, KeysOfPipe>,
        activation: &Activation,
    ) -> Vec<String> {
        let before: Vec<_> = self.pipes.iter().map(|pipe| &*pipe.said.name).collect();
        let new = settings.pipes.iter().filter(|pipe| !before.contains(&&*pipe.name));
        let new = new.map(|pipe| format!("pipe {}: new", pipe.name));
        let gone = before.iter().filter(|name| !adoptable.contains_key(**name));
        let gone = gone.map(|name| {
            let is_wanted = settings.pipes.iter().any(|pipe| *pipe.name == **name);
            let why = if is_wanted { "its mode has changed" } else { "gone" };
            format!("pipe {name}: {why}; its connections stay with the old process")
        });
        let held = activation.held();
        let known = settings.pipes.iter().filter(|pipe| before.contains(&&*pipe.name));
        let sources = known.flat_map(|pipe| {
            let new = pipe.sources.iter().filter(|source| !held.has(pipe, source));
            new.map(|source| format!("pipe {}: also listens on {source}", pipe.name))
        });
        let unwanted = activation.gone.iter().map(ToString::to_string);
        let unwanted = unwanted.chain(activation.left_out.iter().cloned());
        let unwanted = unwanted.map(|it| format!("{it}: no longer listened on"));
        let keys = self.keys_said.iter().cloned();
        let pid_file = self.pid_file(settings);
        new.chain(gone).chain(sources).chain(unwanted).chain(keys).chain(pid_file).collect()
    }

    /// The pid file of the earlier process, if it is not this one's.
    fn pid_file(&self, settings: &Settings) -> Option<String> {
        let former = Path::new(self.process.pid_file.as_deref()?);
        let stays = settings.process.launch.pid_file() != Some(former);
        let former = former.display();
        stays.then(|| {
            format!(
                "pid file {former}: not used any more and names the old process: \
            remove it"
            )
        })
    }
}

impl HandedOverPipe {
    fn of(said: messages::Pipe, psks: &Locked) -> Option<Self> {
        let (psks, []) = psks.as_chunks::<{ Psk::LEN }>() else { return None };
        if psks.len() != said.keys_in_use || psks.len() > said.keys.len() {
            return None;
        }
        let name = |key: &messages::Key| key.name.as_deref().map(KeyName::new);
        let (with_psk, former) = said.keys.split_at(psks.len());
        let in_use = match (with_psk, psks) {
            ([messages::Key { name: None, .. }], [psk]) => KeySet::of_one(Psk::copy_of(psk)),
            (with_psk, psks) => {
                let named: Option<Vec<_>> = with_psk
                    .iter()
                    .zip(psks)
                    .map(|(key, psk)| Some((name(key)?, Psk::copy_of(psk))))
                    .collect();
                KeySet::of_named(named.filter(|named| !named.is_empty())?).ok()?
            }
        };
        // A set is sorted: in the same order as before, or indices would mean other
        // keys.
        let names = in_use.keys().iter().map(|key| key.name().cloned());
        let is_as_said = names.eq(with_psk.iter().map(name));
        if !is_as_said {
            return None;
        }
        let former = former.iter().map(|key| Key::former(name(key)));
        let keys: Vec<_> = in_use.keys().iter().cloned().chain(former).collect();
        for (key, said) in keys.iter().zip(&said.keys) {
            if said.without_forward_secrecy {
                let _ = key.is_first_without_forward_secrecy();
            }
        }
        Some(Self { said, in_use: Some(in_use), keys: KeysOfPipe(keys) })
    }
}

impl KeysOfPipe {
    /// All keys.
    pub(super) fn all(&self) -> &[Key] {
        &self.0
    }
}

/// More than a daemon has sources, observers and pipes.
const MESSAGES_MAX: usize = 1 << 16;

fn listening(sockets: Vec<OwnedFd>) -> Result<Bound, ChannelError> {
    if sockets.is_empty() {
        return Err(ChannelError::Malformed);
    }
    Ok(Bound::received(sockets)?)
}

fn address(text: &OsStr) -> Option<Address> {
    Address::parse(text).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
