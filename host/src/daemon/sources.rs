//! What is listened on, by whom it belongs to. A source outlives a reload that
//! wants it as well, though it may belong to another pipe then.

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::PipeSettings;
use crate::daemon::activation::{Activation, Opened};
use crate::daemon::gather::Held;
use crate::daemon::helper::Helper;
use crate::handover::messages;
use crate::net::address::Address;
use crate::net::listen::{Bound, Listener};

/// What is listened on.
#[derive(Default)]
pub(super) struct Sources {
    addresses: HashMap<Address, Source>,
    /// Of these pipes, the service manager says what they listen on.
    pipes: HashMap<Arc<str>, Listener>,
}

struct Source {
    listener: Listener,
    /// The service manager has it, too.
    inherited: bool,
}

impl Sources {
    /// Those that were there before us, on this event loop.
    ///
    /// # Errors
    /// When it cannot watch one.
    pub(super) fn of(activation: Activation) -> io::Result<Self> {
        let Activation { pipes, addresses, .. } = activation;
        let source = |(address, Opened { bound, inherited }): (_, Opened)| {
            Ok((address, Source { listener: bound.into_listener()?, inherited }))
        };
        let listener = |(pipe, bound): (_, Bound)| Ok((pipe, bound.into_listener()?));
        Ok(Self {
            addresses: addresses.into_iter().map(source).collect::<io::Result<_>>()?,
            pipes: pipes.into_iter().map(listener).collect::<io::Result<_>>()?,
        })
    }

    /// What does not have to be bound again.
    pub(super) fn held(&self) -> Held {
        Held {
            addresses: self.addresses.keys().cloned().collect(),
            pipes: self.pipes.keys().map(ToString::to_string).collect(),
        }
    }

    /// What each is, and its sockets.
    pub(super) fn described(
        &self,
    ) -> impl Iterator<Item = (messages::Source, Vec<BorrowedFd<'_>>)> {
        let addresses = self.addresses.iter().map(|(address, Source { listener, inherited })| {
            let (address, inherited) = (Some(address.text()), *inherited);
            (messages::Source { address, pipe: None, inherited }, listener.sockets())
        });
        let pipes = self.pipes.iter().map(|(pipe, listener)| {
            let pipe = Some(pipe.to_string());
            (messages::Source { address: None, pipe, inherited: true }, listener.sockets())
        });
        addresses.chain(pipes)
    }

    /// Those that do not depend on who has them.
    pub(super) fn of_pipes(&self) -> Self {
        let pipes = self.pipes.iter();
        let pipes = pipes.map(|(pipe, listener)| (pipe.clone(), Listener::of_all([listener])));
        Self { pipes: pipes.collect(), ..Self::default() }
    }

    /// Adds to these what a pipe listens on: what was bound for it, in the order of
    /// its settings, or what is `held`. Says what that is.
    ///
    /// # Errors
    /// The source that is not there, and why.
    pub(super) fn add(
        &mut self,
        pipe: &PipeSettings,
        bound: Vec<Option<Bound>>,
        held: &Self,
    ) -> Result<Listener, String> {
        if let Some(listener) = self.pipes.get(&pipe.name) {
            return Ok(Listener::of_all([listener]));
        }
        for (address, bound) in pipe.sources.iter().zip(bound) {
            let source = match (bound, held.addresses.get(address)) {
                (Some(bound), _) => {
                    let listener = bound.into_listener();
                    let listener = listener.map_err(|error| format!("{address}: {error}"))?;
                    Source { listener, inherited: false }
                }
                (None, Some(Source { listener, inherited })) => {
                    Source { listener: Listener::of_all([listener]), inherited: *inherited }
                }
                (None, None) => return Err(format!("{address}: nobody listens there")),
            };
            self.addresses.insert(address.clone(), source);
        }
        let sources = pipe.sources.iter().filter_map(|address| self.addresses.get(address));
        Ok(Listener::of_all(sources.map(|source| &source.listener)))
    }

    /// Those of ours alone that are none of the `others`.
    pub(super) fn that_are_not_in(&self, others: &Self) -> Vec<Address> {
        let is_gone = |(address, source): &(&Address, &Source)| {
            !others.addresses.contains_key(*address) && !source.inherited
        };
        self.addresses.iter().filter(is_gone).map(|(address, _)| address.clone()).collect()
    }
}

/// Has the files of Unix sockets removed that nobody listens on any more, or will
/// not after so long.
pub(super) async fn remove_files(
    helper: &Helper,
    files: impl IntoIterator<Item = impl AsRef<Path>>,
    letting_go: Duration,
) {
    let deadline = Instant::now() + letting_go;
    for path in files {
        let path = path.as_ref();
        let mut removed = helper.remove(path).await;
        while removed.is_err() && Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
            removed = helper.remove(path).await;
        }
        if let Err(error) = removed {
            log::warn!("Cannot remove the socket {}: {error}", path.display());
        }
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(2);
