//! Sources that were opened for us: by the service manager (`LISTEN_FDS`), or by a
//! daemon whose place we take.
//!
//! Of the service manager, a socket whose name (`FileDescriptorName=`) is that of a
//! pipe is the pipe's source, whatever its address; with a command line, which has
//! one pipe, every socket is. Any other belongs to the pipe that has its address for a
//! source.

use std::collections::HashMap;
use std::env;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use sd_notify::listen_fds_with_names;

use crate::config::Settings;
use crate::daemon::gather::Held;
use crate::handover::messages::Source;
use crate::net::address::Address;
use crate::net::listen::Bound;
use crate::net::resolve::Endpoint;

/// Sockets that were opened for us, by whose they are.
#[derive(Debug, Default)]
pub(super) struct Activation {
    /// By the name of their pipe.
    pub(super) pipes: HashMap<Arc<str>, Bound>,
    /// By the source that they are.
    pub(super) addresses: HashMap<Address, Opened>,
    /// A daemon has listened on these, and nobody will any more.
    pub(super) gone: Vec<Address>,
    /// The same, of those that the service manager goes on to have.
    pub(super) left_out: Vec<String>,
}

/// The sockets of a source.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) bound: Bound,
    /// The service manager has them, too.
    pub(super) inherited: bool,
}

impl Activation {
    /// Takes those that there are, for the pipes of these settings. Call it once,
    /// while there is one thread.
    ///
    /// # Errors
    /// When one of them belongs to no pipe, or is none to accept connections from.
    pub(super) fn take(settings: &Settings) -> Result<Self> {
        let mut by_pipe: HashMap<Arc<str>, Vec<OwnedFd>> = HashMap::new();
        let mut by_address: HashMap<Address, Vec<OwnedFd>> = HashMap::new();
        for (name, socket) in take_descriptors()? {
            let wrong = || format!("Socket {name} of the service manager (LISTEN_FDS)");
            let bound = Bound::received(vec![socket.try_clone()?]).with_context(wrong)?;
            if let Some(pipe) = pipe_called(settings, &name) {
                by_pipe.entry(pipe).or_default().push(socket);
                continue;
            }
            let endpoints = bound.endpoints();
            let Some(address) = source_at(settings, &endpoints) else {
                let address = endpoints.first().map_or_else(String::new, ToString::to_string);
                bail!(
                    "{} is at {address}, which is not the source of any pipe: name it after a \
                     pipe with FileDescriptorName=",
                    wrong()
                );
            };
            by_address.entry(address).or_default().push(socket);
        }
        for pipe in &settings.pipes {
            let (named, others) = (by_pipe.get(&pipe.name), &by_address);
            let both = named.is_some() && pipe.sources.iter().any(|it| others.contains_key(it));
            ensure!(
                !both,
                "Pipe {} has sockets of the service manager with its name and others with its \
                 address: give all of them its name with FileDescriptorName=",
                pipe.name
            );
        }
        let addresses = bound(by_address)?.into_iter();
        let inherited = |(address, bound)| (address, Opened { bound, inherited: true });
        let addresses = addresses.map(inherited).collect();
        Ok(Self { pipes: bound(by_pipe)?, addresses, ..Self::default() })
    }

    /// Takes those of a daemon that the pipes of these settings listen on as well.
    pub(super) fn handed_over(settings: &Settings, sources: Vec<(Source, Bound)>) -> Self {
        let mut taken = Self::default();
        for (Source { address, pipe, inherited }, bound) in sources {
            let named = pipe.as_deref().and_then(|pipe| pipe_called(settings, pipe));
            let address = address.and_then(|address| Address::parse(&address).ok());
            let is_wanted = |address: &Address| {
                settings.pipes.iter().any(|pipe| pipe.sources.contains(address))
            };
            match (named, address) {
                (Some(pipe), _) => drop(taken.pipes.insert(pipe, bound)),
                (None, Some(address)) if is_wanted(&address) => {
                    taken.addresses.insert(address, Opened { bound, inherited });
                }
                (None, Some(address)) if !inherited => taken.gone.push(address),
                (None, Some(address)) => {
                    taken.left_out.push(format!("{address} of the service manager"));
                }
                (None, None) => {
                    let pipe = pipe.unwrap_or_default();
                    taken.left_out.push(format!("sockets of the service manager for pipe {pipe}"));
                }
            }
        }
        taken
    }

    /// How many sockets they are, those left out that the first pipe listens on.
    pub(super) fn besides_the_first(&self, settings: &Settings) -> u64 {
        let first = settings.pipes.first();
        let pipes = self.pipes.iter().filter(|(name, _)| first.is_none_or(|it| it.name != **name));
        let addresses = self
            .addresses
            .iter()
            .filter(|(address, _)| first.is_none_or(|pipe| !pipe.sources.contains(address)));
        let all = pipes.map(|(_, bound)| bound).chain(addresses.map(|(_, opened)| &opened.bound));
        all.map(|bound| bound.sockets().len() as u64).sum()
    }

    /// What does not have to be bound.
    pub(super) fn held(&self) -> Held {
        Held {
            addresses: self.addresses.keys().cloned().collect(),
            pipes: self.pipes.keys().map(ToString::to_string).collect(),
        }
    }
}

/// The pipe that a socket of this name belongs to.
fn pipe_called(settings: &Settings, name: &str) -> Option<Arc<str>> {
    let called = |pipe: &Arc<str>| settings.is_command_line() || **pipe == *name;
    settings.pipes.iter().map(|pipe| &pipe.name).find(|pipe| called(pipe)).cloned()
}

/// The source that is one of these.
fn source_at(settings: &Settings, endpoints: &[Endpoint]) -> Option<Address> {
    let mut sources = settings.pipes.iter().flat_map(|pipe| &pipe.sources);
    let is_there =
        |source: &&Address| Endpoint::of(source).is_some_and(|it| endpoints.contains(&it));
    sources.find(is_there).cloned()
}

fn bound<K: std::hash::Hash + Eq>(sockets: HashMap<K, Vec<OwnedFd>>) -> Result<HashMap<K, Bound>> {
    sockets.into_iter().map(|(key, sockets)| Ok((key, Bound::received(sockets)?))).collect()
}

/// With their names. Nobody finds them a second time.
fn take_descriptors() -> Result<Vec<(String, OwnedFd)>> {
    let listed = listen_fds_with_names().context(
        "Cannot use the sockets of the service manager \
        (LISTEN_FDS)",
    )?;
    let taken = listed.map(|(descriptor, name)| {
        // SAFETY: the service manager opened it for this process, as `LISTEN_PID`
        // says, and this is called once; nothing else of the program takes
        // descriptors by their number.
        #[allow(unsafe_code, reason = "a descriptor known by its number")]
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        (name, socket)
    });
    let taken = taken.collect();
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] {
        // SAFETY: there is one thread, so nobody reads the environment meanwhile.
        #[allow(unsafe_code, reason = "the environment belongs to all threads")]
        unsafe {
            env::remove_var(name);
        }
    }
    Ok(taken)
}
