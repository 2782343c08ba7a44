//! Looks up many names in parallel: a slow name server costs its delay once, and not
//! once per name.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::resolve::{Endpoint, ResolveError, resolve};
use crate::net::address::Address;

/// The endpoints that addresses stand for.
pub(crate) type Found = HashMap<Address, Result<Vec<Endpoint>, ResolveError>>;

/// Looks up each of these. A name that is not answered within `limit` is an error; a
/// single name takes as long as the resolver does.
#[must_use]
pub(crate) fn look_up_all(addresses: &[Address], limit: Duration) -> Found {
    let (mut found, mut names) = (Found::new(), VecDeque::new());
    for address in addresses {
        match address {
            Address::Name { .. } if names.contains(address) => {}
            Address::Name { .. } => names.push_back(address.clone()),
            Address::Unix(_) | Address::Abstract(_) | Address::Literal(_) => {
                found.insert(address.clone(), resolve(address));
            }
        }
    }
    if let (1, Some(only)) = (names.len(), names.front()) {
        found.insert(only.clone(), resolve(only));
        return found;
    }
    let all = names.clone();
    let deadline = Instant::now() + limit;
    let waiting = Arc::new(Mutex::new(names));
    let (answers, answered) = channel();
    let spawn = |_| {
        let (waiting, answers) = (waiting.clone(), answers.clone());
        let thread = thread::Builder::new().name("look-up".to_owned()).stack_size(STACK_LEN);
        thread.spawn(move || look_up_each(&waiting, &answers)).ok()
    };
    if (0..all.len().min(AT_ONCE)).map_while(spawn).count() == 0 {
        // No thread could be started.
        look_up_each(&waiting, &answers);
    }
    drop(answers);
    let left = || deadline.saturating_duration_since(Instant::now());
    while let Ok((address, answer)) = answered.recv_timeout(left()) {
        found.insert(address, answer);
    }
    for address in all {
        found.entry(address).or_insert_with_key(|address| Err(too_slow(address, limit)));
    }
    found
}

type Answer = (Address, Result<Vec<Endpoint>, ResolveError>);

/// Runs until no name is left, or the results are no longer wanted.
fn look_up_each(waiting: &Mutex<VecDeque<Address>>, answers: &Sender<Answer>) {
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    while let Some(address) = next() {
        let answer = resolve(&address);
        if answers.send((address, answer)).is_err() {
            return;
        }
    }
}

fn too_slow(address: &Address, limit: Duration) -> ResolveError {
    let host = match address {
        Address::Name { host, .. } => host.clone(),
        Address::Unix(_) | Address::Abstract(_) | Address::Literal(_) => address.to_string(),
    };
    ResolveError { host, reason: format!("no answer within {} s", limit.as_secs()) }
}

/// How many wait for a name server at the same time.
const AT_ONCE: usize = 32;
/// The resolver of the C library has its buffers on this stack.
const STACK_LEN: usize = 512 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn each_address_gets_its_answer() {
        let mut addresses: Vec<Address> =
            (1..100).map(|port| format!("localhost:{port}").parse().unwrap()).collect();
        addresses.extend(["[::1]:80", "/run/socket", "host.invalid:1"].map(|a| a.parse().unwrap()));
        let found = look_up_all(&addresses, Duration::from_mins(1));
        assert_eq!(found.len(), addresses.len());
        for address in &addresses {
            let is_known = address.to_string() != "host.invalid:1";
            assert_eq!(found[address].is_ok(), is_known, "{address}");
        }
    }
}
