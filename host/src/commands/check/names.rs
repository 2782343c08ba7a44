//! All names at once: a name server that does not answer costs its time limit
//! once, not for each name.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::net::address::Address;
use crate::net::resolve::{Endpoint, ResolveError, resolve};

/// How long all of them may take together.
const LIMIT: Duration = Duration::from_secs(10);
/// How many are asked for at once: each takes a thread, most of which wait.
const AT_ONCE: usize = 128;

/// What addresses stand for.
pub(super) struct Names(HashMap<Address, Result<Vec<Endpoint>, ResolveError>>);

impl Names {
    /// Looks up all of these.
    pub(super) fn look_up<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Self {
        let wanted: HashSet<_> = addresses.into_iter().cloned().collect();
        let (names, others): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|address| matches!(address, Address::Name { .. }));
        let mut found: HashMap<_, _> =
            others.into_iter().map(|address| (address.clone(), resolve(&address))).collect();

        let deadline = Instant::now() + LIMIT;
        let (answer, answers) = channel();
        let threads = names.len().min(AT_ONCE);
        let left = Arc::new(Mutex::new(names.clone()));
        for _ in 0..threads {
            let (left, answer) = (left.clone(), answer.clone());
            let next = move || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
            // One thread less is a slower answer.
            let _ = thread::Builder::new().name("names".to_owned()).spawn(move || {
                while let Some(address) = next() {
                    let endpoints = resolve(&address);
                    // Too late: nobody waits any more.
                    let Ok(()) = answer.send((address, endpoints)) else { return };
                }
            });
        }
        drop(answer);
        while let Ok((address, endpoints)) =
            answers.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            found.insert(address, endpoints);
        }
        for address in names {
            found.entry(address.clone()).or_insert_with(|| Err(unanswered(&address)));
        }
        Self(found)
    }

    /// What `address`, one of those that were looked up, stands for.
    pub(super) fn of(&self, address: &Address) -> Result<&[Endpoint], ResolveError> {
        match self.0.get(address) {
            Some(Ok(endpoints)) => Ok(endpoints),
            Some(Err(error)) => Err(error.clone()),
            None => Err(unanswered(address)),
        }
    }
}

fn unanswered(address: &Address) -> ResolveError {
    let host = match address {
        Address::Name { host, .. } => host.clone(),
        Address::Unix(_) | Address::Abstract(_) | Address::Literal(_) => address.to_string(),
    };
    let seconds = LIMIT.as_secs();
    ResolveError { host, reason: format!("no answer from the resolver within {seconds} s") }
}
