//! What can be said about a pipe without a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::geteuid;

use super::finding::{Findings, Severity};
use super::keys::{self, ClientKey};
use super::place::Places;
use super::process::identity;
use super::running::Running;
use super::{endpoints_of, holder, sources};
use crate::config::{PipeSettings, ProcessSettings, Settings};
use crate::daemon::exposure;
use crate::net::address::Address;
use crate::net::look_ups::Found;
use crate::net::resolve::Endpoint;
use crate::process::compute::processors;

/// A pipe that was looked at, and what its connections need.
pub(super) struct Examined {
    pub(super) findings: Findings,
    /// Its first key, which is a client's only one.
    pub(super) key: Option<ClientKey>,
    /// What each of its sources stands for; nothing if that is not known.
    sources: Vec<Vec<Endpoint>>,
    /// The same of its targets.
    pub(super) targets: Vec<Vec<Endpoint>>,
    /// The local address of connections to the target, if they have one.
    pub(super) bind: Result<Option<Endpoint>, Unresolved>,
}

/// It is not known what an address stands for.
pub(super) struct Unresolved;

/// Looks at all pipes, in their order.
pub(super) fn check_all(
    settings: &Settings,
    names: &Found,
    running: &Running<'_>,
    user: Option<u32>,
    places: &Arc<Places>,
) -> Vec<Examined> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut examined = Vec::new();
        while let Some(pipe) = settings.pipes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = Some(&pipe.name);
            let mut findings = Findings::new(places, name);
            let key = keys::check(&pipe.connection, pipe.connection.key_rules(user), &mut findings);
            examined.push((pipe, findings, key));
        }
        examined
    };
    // A fingerprint takes long enough to share the work.
    let mut keys: Vec<_> = thread::scope(|scope| {
        let helpers = 1..processors().min(settings.pipes.len());
        let helpers: Vec<_> = helpers.map(|_| scope.spawn(work)).collect();
        let mine = work();
        let theirs = helpers.into_iter().filter_map(|helper| helper.join().ok());
        mine.into_iter().chain(theirs.flatten()).collect()
    });
    let order = |pipe: &PipeSettings| settings.pipes.iter().position(|it| it.name == pipe.name);
    keys.sort_by_key(|(pipe, ..)| order(pipe));
    let mut pipes: Vec<_> = keys
        .into_iter()
        .map(|(pipe, findings, key)| check(pipe, &settings.process, names, running, findings, key))
        .collect();
    check_together(&settings.pipes, &mut pipes);
    pipes
}

fn check(
    pipe: &PipeSettings,
    process: &ProcessSettings,
    names: &Found,
    running: &Running<'_>,
    mut findings: Findings,
    key: Option<ClientKey>,
) -> Examined {
    let unresolved = if pipe.wait_for_dns { Severity::Warning } else { Severity::Error };
    let mut look_up = |address: &Address, key| match endpoints_of(address, names) {
        Ok(endpoints) => endpoints.to_vec(),
        Err(error) => {
            let remedy = match unresolved {
                Severity::Warning => "the pipe will wait for it (wait-for-dns)",
                Severity::Error | Severity::Note => {
                    "correct the name, or let the pipe wait for it (wait-for-dns, -D)"
                }
            };
            findings.add(unresolved, key, format!("{error}: {remedy}"));
            Vec::new()
        }
    };
    let sources: Vec<_> = pipe.sources.iter().map(|it| look_up(it, "source")).collect();
    let targets: Vec<_> = pipe.connection.targets.iter().map(|it| look_up(it, "target")).collect();
    let bind = match &pipe.connection.bind {
        None => Ok(None),
        Some(address) => look_up(address, "bind").into_iter().next().ok_or(Unresolved).map(Some),
    };
    for (address, endpoints) in pipe.sources.iter().zip(&sources) {
        check_source(pipe, address, endpoints, running, &mut findings);
    }
    check_owner(pipe, &mut findings);
    check_exposure(pipe, process.strict, &sources, &targets, &mut findings);
    Examined { findings, key, sources, targets, bind }
}

fn check_source(
    pipe: &PipeSettings,
    address: &Address,
    endpoints: &[Endpoint],
    running: &Running<'_>,
    findings: &mut Findings,
) {
    if address.is_star() {
        findings.warning(
            SOURCE,
            format!(
                "{address} does not stand for all interfaces: for these write [0.0.0.0]:PORT \
                or [::]:PORT"
            ),
        );
    }
    for (number, endpoint) in endpoints.iter().enumerate() {
        // Of a name's addresses, the first must work.
        let severity = if number == 0 { Severity::Error } else { Severity::Warning };
        sources::check(endpoint, SOURCE, severity, running, findings);
        let loops = |target: &Address| pipe.sources.contains(target);
        if pipe.connection.targets.iter().any(loops) && number == 0 {
            findings.error(
                "target",
                "The target is the pipe's own source, so that each connection would open another \
                 one: correct one of them",
            );
        }
    }
}

fn check_owner(pipe: &PipeSettings, findings: &mut Findings) {
    let owner = identity(pipe.socket_owner.as_ref(), "socket-owner", findings);
    if owner.is_some() && !geteuid().is_root() {
        findings.warning(
            "socket-owner",
            "Only root can change the owner of a socket \
            (socket-owner): start spiped as root",
        );
    }
}

fn check_exposure(
    pipe: &PipeSettings,
    strict: bool,
    sources: &[Vec<Endpoint>],
    targets: &[Vec<Endpoint>],
    findings: &mut Findings,
) {
    let side = pipe.connection.config.side();
    let targets = targets.concat();
    let exposed = |source| exposure::of_plain_side(side, source, &targets);
    if let Some(words) = sources.iter().flatten().find_map(exposed) {
        let severity = if strict { Severity::Error } else { Severity::Warning };
        findings.add(severity, SOURCE, words);
    }
}

/// Finds sources of different pipes that are in each other's way.
fn check_together(settings: &[PipeSettings], pipes: &mut [Examined]) {
    for at in 1..pipes.len() {
        let (before, rest) = pipes.split_at_mut(at);
        let Examined { findings, sources, .. } = &mut rest[0];
        for (other, earlier) in settings.iter().zip(before.iter()) {
            let clash = sources.iter().flatten().find(|one| {
                earlier.sources.iter().flatten().any(|another| in_the_way(one, another))
            });
            if let Some(endpoint) = clash {
                findings.error(
                    SOURCE,
                    format!(
                        "Pipe {} listens where this one would, on {endpoint}: choose another \
                         address for one of them",
                        other.name
                    ),
                );
            }
        }
    }
}

fn in_the_way(one: &Endpoint, other: &Endpoint) -> bool {
    match (one, other) {
        (Endpoint::Tcp(one), Endpoint::Tcp(other)) => holder::overlap(*one, *other),
        (one, other) => one == other,
    }
}

const SOURCE: &str = "source";
