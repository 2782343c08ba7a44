//! What pipes need of the world: keys, what names stand for, and sockets to
//! listen on. It takes rights that the daemon gives up, so it is done at the
//! start, and later by the helper process.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::config::{PipeSettings, Places, Settings};
use crate::daemon::exposure;
use crate::keys::{KeyRules, KeySetError, KeySource, Loaded};
use crate::net::address::Address;
use crate::net::listen::{Bound, SocketAccess, listen_on_all};
use crate::net::look_ups::{Found, look_up_all};
use crate::net::resolve::{Endpoint, first, resolve_patiently};
use crate::process::privileges::IdentityName;

/// What one pipe needs.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) keys: Loaded,
    pub(super) names: Names,
    /// In the order of the settings; `None`: whoever asked has it already.
    pub(super) sources: Vec<Option<Bound>>,
}

/// What the names of a pipe stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// In the order of the settings; nothing for a name that is not resolved,
    /// which only `wait-for-dns` allows.
    pub(super) targets: Vec<Vec<Endpoint>>,
    pub(super) bind: Option<Endpoint>,
}

/// How names are looked up.
#[derive(Clone, Copy, Debug)]
pub(super) enum LookUp {
    /// Until there is an answer.
    Patiently,
    /// For so long. Targets that their pipe may wait for are left out.
    Within(Duration),
}

impl LookUp {
    fn all(self, addresses: &[Address]) -> Found {
        let patiently = |address: &Address| (address.clone(), resolve_patiently(address));
        match self {
            Self::Patiently => addresses.iter().map(patiently).collect(),
            Self::Within(limit) => look_up_all(addresses, limit),
        }
    }

    /// Whether the pipe can begin to wait while it does not know what this stands
    /// for.
    fn leaves_out(self, pipe: &PipeSettings, target: &Address) -> bool {
        match self {
            Self::Patiently => false,
            Self::Within(_) => pipe.wait_for_dns && matches!(target, Address::Name { .. }),
        }
    }
}

/// How long looking up many names may take.
pub(super) const LOOK_UPS_LIMIT: Duration = Duration::from_secs(20);

/// All that is wrong, each with its place.
#[derive(Debug, Default, Error)]
#[error("{}", .0.join("\n"))]
pub(crate) struct Faults(pub(crate) Vec<String>);

/// Says where in which pipe something is wrong.
pub(super) struct Blame<'a> {
    places: &'a Places,
    of_file: bool,
}

impl<'a> Blame<'a> {
    /// For these settings.
    pub(super) fn new(settings: &Settings, places: &'a Places) -> Self {
        Self { places, of_file: !settings.is_command_line() }
    }

    /// A line about this key of a pipe. Of a command line, which has one pipe, it
    /// is the error alone.
    pub(super) fn line(
        &self,
        pipe: &PipeSettings,
        key: &'static str,
        error: impl fmt::Display,
    ) -> String {
        if !self.of_file {
            return error.to_string();
        }
        let place = self.places.of(Some(&pipe.name), key);
        let place = place.map_or_else(String::new, |place| format!("{place}: "));
        format!("{place}pipe {}: {error}", pipe.name)
    }
}

impl Blame<'_> {
    /// A line about a pipe, of which a command line has one only.
    pub(super) fn name(&self, pipe: &PipeSettings, words: &str) -> String {
        if self.of_file { format!("pipe {}: {words}", pipe.name) } else { words.to_owned() }
    }
}

impl Faults {
    pub(super) fn add(&mut self, line: String) {
        self.0.push(line);
    }

    /// `value`, if nothing is wrong.
    pub(super) fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

/// Reads the keys of all pipes; `load` is how. Adds what is wrong.
pub(super) fn keys(
    pipes: &[PipeSettings],
    user: Option<u32>,
    load: fn(&KeySource, KeyRules) -> Result<Loaded, KeySetError>,
    blame: &Blame<'_>,
    faults: &mut Faults,
) -> Vec<Option<Loaded>> {
    let load = |pipe: &PipeSettings| {
        let connection = &pipe.connection;
        let loaded = load(&connection.keys, connection.key_rules(user));
        let wrong = |error| faults.add(blame.line(pipe, "key", in_words(&error)));
        loaded.map_err(wrong).ok()
    };
    pipes.iter().map(load).collect()
}

/// Looks up all names of all pipes. A pipe that may wait for its names does
/// not wait here. Adds what is wrong.
pub(super) fn names(
    pipes: &[PipeSettings],
    look_up: LookUp,
    blame: &Blame<'_>,
    faults: &mut Faults,
) -> Vec<Names> {
    names_besides(&HashMap::new(), pipes, look_up, blame, faults)
}

/// As [`names`], and looks none up that is known.
pub(super) fn names_besides(
    known: &HashMap<Address, Vec<Endpoint>>,
    pipes: &[PipeSettings],
    look_up: LookUp,
    blame: &Blame<'_>,
    faults: &mut Faults,
) -> Vec<Names> {
    let of_pipe = |pipe: &PipeSettings| {
        let targets = pipe.connection.targets.iter().filter(|it| !look_up.leaves_out(pipe, it));
        let all = targets.chain(&pipe.connection.bind);
        all.filter(|address| !known.contains_key(address)).cloned().collect::<Vec<_>>()
    };
    let addresses: Vec<_> = pipes.iter().flat_map(of_pipe).collect();
    let mut found = look_up.all(&addresses);
    found.extend(known.iter().map(|(address, known)| (address.clone(), Ok(known.clone()))));
    pipes.iter().map(|pipe| names_of(pipe, &found, blame, faults)).collect()
}

fn names_of(pipe: &PipeSettings, found: &Found, blame: &Blame<'_>, faults: &mut Faults) -> Names {
    let mut endpoints = |address: &Address, key| match found.get(address) {
        Some(Ok(endpoints)) => endpoints.clone(),
        Some(Err(error)) => {
            faults.add(blame.line(pipe, key, error));
            Vec::new()
        }
        None => Vec::new(),
    };
    let targets = &pipe.connection.targets;
    let targets = targets.iter().map(|target| endpoints(target, "target")).collect();
    let bind = pipe.connection.bind.as_ref();
    let bind = bind.map(|address| (address, endpoints(address, "bind")));
    let bind = bind.filter(|(_, endpoints)| !endpoints.is_empty());
    let bind = bind.map(|(address, endpoints)| first(endpoints, address));
    Names { targets, bind }
}

/// What is listened on already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// These sources.
    pub(super) addresses: Vec<Address>,
    /// Whatever the sources of these pipes are: the service manager says.
    pub(super) pipes: Vec<String>,
}

impl Held {
    /// Whether this source of a pipe is among them.
    pub(super) fn has(&self, pipe: &PipeSettings, source: &Address) -> bool {
        self.pipes.iter().any(|held| **held == *pipe.name) || self.addresses.contains(source)
    }
}

/// Listens on the sources of all pipes, but for those that are `held`. Adds what
/// is wrong: if anything is, `take_back` what was made.
pub(super) fn sources(
    pipes: &[PipeSettings],
    held: &Held,
    look_up: LookUp,
    blame: &Blame<'_>,
    faults: &mut Faults,
) -> Vec<Vec<Option<Bound>>> {
    let all = pipes.iter().flat_map(|pipe| pipe.sources.iter().map(move |source| (pipe, source)));
    let wanted = all.filter(|(pipe, source)| !held.has(pipe, source));
    let found = look_up.all(&wanted.map(|(_, source)| source.clone()).collect::<Vec<_>>());
    let mut of_pipe = |pipe: &PipeSettings| {
        let access = match access(pipe) {
            Ok(access) => access,
            Err(error) => {
                faults.add(blame.line(pipe, "socket-owner", error));
                return Vec::new();
            }
        };
        let mut listen = |source: &Address| {
            let wanted = Some(source).filter(|source| !held.has(pipe, source))?;
            let endpoints = found.get(wanted)?.as_ref();
            let bound = endpoints.map_err(ToString::to_string).and_then(|endpoints| {
                let bound = listen_on_all(endpoints, &access);
                bound.map_err(|error| format!("Error binding socket: {source}: {error}"))
            });
            bound.map_err(|error| faults.add(blame.line(pipe, "source", error))).ok()
        };
        pipe.sources.iter().map(&mut listen).collect()
    };
    pipes.iter().map(&mut of_pipe).collect()
}

fn access(pipe: &PipeSettings) -> Result<SocketAccess, impl fmt::Display + use<>> {
    let owner = pipe.socket_owner.as_ref().map(IdentityName::look_up).transpose();
    owner.map(|owner| SocketAccess { mode: pipe.socket_mode, owner })
}

/// Warns of pipes whose plain side can be reached from other hosts. With
/// `--strict`, some are wrong.
pub(super) fn exposure(
    settings: &Settings,
    names: &[Names],
    bound: &[Vec<Option<Bound>>],
    blame: &Blame<'_>,
    faults: &mut Faults,
) {
    for ((pipe, names), bound) in settings.pipes.iter().zip(names).zip(bound) {
        let side = pipe.connection.config.side();
        let targets: Vec<_> = names.targets.iter().flatten().cloned().collect();
        let sources = pipe.sources.iter().filter_map(Endpoint::of);
        let sources = sources.chain(bound.iter().flatten().flat_map(Bound::endpoints));
        let sources: Vec<_> = sources.collect();
        let refused = |source| exposure::refused_by_strict(side, source);
        let warned = |source| exposure::of_plain_side(side, source, &targets);
        if let Some(reason) = sources.iter().find_map(refused).filter(|_| settings.process.strict) {
            faults.add(blame.line(pipe, "source", reason));
        } else if let Some(warning) = sources.iter().find_map(warned) {
            log::warn!("{}", blame.name(pipe, &warning));
        }
    }
}

/// The files of Unix sockets that were made.
pub(super) fn files(made: &[Vec<Option<Bound>>]) -> impl Iterator<Item = PathBuf> {
    made.iter().flatten().flatten().flat_map(Bound::files)
}

/// Removes the files of Unix sockets that were made in vain.
pub(super) fn take_back(made: &[Vec<Option<Bound>>]) {
    for path in files(made) {
        let _ = fs::remove_file(path);
    }
}

/// With its causes.
pub(super) fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}
