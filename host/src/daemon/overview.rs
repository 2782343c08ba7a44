//! How everything is, out of what everybody counts.

use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::control::overview::{Account, Attempt, Key, Overview, Pipe, Resources, Target};
use crate::daemon::pipes::{Pipes, Reloaded};
use crate::guest::Side;
use crate::net::targets::TargetHealth;
use crate::observe::counters::Numbers;
use crate::observe::{LogHandle, clean};
use crate::pipe::{self, State};
use crate::process::resources;

/// Where to look.
pub(crate) struct Outlook {
    pub(crate) pipes: Pipes,
    pub(crate) log: LogHandle,
    pub(crate) resources: resources::Resources,
}

impl Outlook {
    /// How everything is.
    #[must_use]
    pub(crate) fn overview(&self) -> Overview {
        let Self { pipes, log, resources: taken } = self;
        let missing = log.missing();
        let upgrades = pipes.upgrades();
        Overview {
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: process::id(),
            now: seconds(SystemTime::now()),
            started: seconds(pipes.started()),
            last_reload: pipes.last_reload().as_deref().map(attempt),
            last_successful_reload: seconds(pipes.last_success()),
            last_upgrade: upgrades.last.as_ref().map(attempt),
            upgrades: upgrades.succeeded,
            upgrades_failed: upgrades.failed,
            log_level: log.level().to_string().to_lowercase(),
            log_lines_lost: missing.lost,
            log_lines_suppressed: missing.suppressed,
            resources: Resources {
                descriptors: taken.descriptors(),
                descriptors_max: resources::descriptors_max(),
                memory: taken.memory(),
            },
            pipes: self.pipes(),
        }
    }

    fn pipes(&self) -> Vec<Pipe> {
        let mut pipes: Vec<Pipe> = Vec::new();
        for pipe in self.pipes.configured().iter().chain(self.pipes.removed().iter()) {
            // Of a name that was removed and is there again, the former
            // connections count as well.
            match pipes.iter_mut().find(|other| *other.name == *pipe.name) {
                Some(again) => merge(again, &overview_of(pipe)),
                None => pipes.push(overview_of(pipe)),
            }
        }
        pipes
    }
}

fn attempt(Reloaded { when, verdict }: &Reloaded) -> Attempt {
    let said = match verdict {
        Ok(said) | Err(said) => said.clone(),
    };
    Attempt { when: seconds(*when), succeeded: verdict.is_ok(), said }
}

fn overview_of(pipe: &pipe::Pipe) -> Pipe {
    let current = pipe.current();
    let (settings, snapshot) = (&current.settings, &current.snapshot);
    let counters = &pipe.counters;
    let mut numbers = Account::from(&counters.connections.now());
    numbers.refused.insert(NOT_ALLOWED.to_owned(), counters.not_allowed.now());
    Pipe {
        name: pipe.name.to_string(),
        mode: mode_word(snapshot.config().side()).to_owned(),
        state: state_word(pipe.state()).to_owned(),
        sources: settings.sources.iter().map(ToString::to_string).collect(),
        targets: snapshot.targets.health().into_iter().map(target).collect(),
        connections_max: pipe.slots.limit().get() as u64,
        numbers,
        strangers: counters.strangers.now() as u64,
        strangers_waiting: counters.waiting.now() as u64,
        sandbox_traps: counters.traps.now(),
        keys: keys(pipe),
        handshake_seconds: counters.handshakes.now(),
        dial_seconds: counters.dials.now(),
    }
}

/// Those that are in use and those of former connections, by their names: one
/// name may have stood for two keys.
fn keys(pipe: &pipe::Pipe) -> Vec<Key> {
    let keyring = &pipe.current().snapshot.keys;
    let (current, former) = (keyring.current(), keyring.former());
    let in_use = current.keys().iter().map(|key| (key, true));
    let mut named: Vec<(String, bool, Numbers)> = Vec::new();
    for (key, in_use) in in_use.chain(former.iter().map(|key| (key, false))) {
        let Some(name) = key.name().map(ToString::to_string) else { continue };
        let numbers = key.counters().now();
        match named.iter_mut().find(|(other, ..)| *other == name) {
            Some((.., same)) => *same += &numbers,
            None => named.push((name, in_use, numbers)),
        }
    }
    let key = |(name, in_use, numbers)| Key { name, in_use, numbers: Account::from(&numbers) };
    named.into_iter().map(key).collect()
}

fn merge(pipe: &mut Pipe, other: &Pipe) {
    add(&mut pipe.numbers, &other.numbers);
    pipe.strangers += other.strangers;
    pipe.strangers_waiting += other.strangers_waiting;
    pipe.sandbox_traps += other.sandbox_traps;
    pipe.handshake_seconds.add(&other.handshake_seconds);
    pipe.dial_seconds.add(&other.dial_seconds);
    for key in &other.keys {
        match pipe.keys.iter_mut().find(|same| same.name == key.name) {
            Some(same) => add(&mut same.numbers, &key.numbers),
            None => pipe.keys.push(Key { in_use: false, ..key.clone() }),
        }
    }
}

fn add(account: &mut Account, other: &Account) {
    account.open += other.open;
    account.accepted += other.accepted;
    account.sent += other.sent;
    account.received += other.received;
    let both = [(&mut account.refused, &other.refused), (&mut account.ended, &other.ended)];
    for (counts, more) in both {
        for (word, count) in more {
            *counts.entry(word.clone()).or_default() += count;
        }
    }
}

fn target(health: TargetHealth) -> Target {
    let TargetHealth { address, reachable, since, last_error } = health;
    let last_error = last_error.map(|error| clean(&error));
    Target { address: address.to_string(), reachable, since: seconds(since), last_error }
}

/// As settings call it.
fn mode_word(side: Side) -> &'static str {
    match side {
        Side::Client => "encrypt",
        Side::Server => "decrypt",
    }
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Listening => "listening",
        State::WaitingForDns => "waiting-for-dns",
        State::Draining => "draining",
    }
}

/// Since 1970.
fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Whom `--allow` does not name.
const NOT_ALLOWED: &str = "not-allowed";
