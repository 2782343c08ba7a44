//! The targets of a pipe: their resolved addresses, which of them can be reached, and
//! which is dialed next.
//!
//! If there are several, one that could not be reached is dialed after all others until
//! a trial connection succeeds. Trial connections are made in the background, so that
//! no client's connection is delayed by them.

use std::fmt::{self, Display};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use log::Level;
use tokio::time::sleep;

use super::dial::{Attempts, DialError, is_ours};
use super::resolve::{Endpoint, LookUpNews};
use super::socket::Socket;
use crate::net::address::Address;
use crate::observe::{Class, Event, Observe, What};

/// The order in which several targets are dialed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// The first that answers, in the order given.
    #[default]
    InOrder,
    /// Each in turn.
    Spread,
}

/// The state of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetHealth {
    /// As it was configured.
    pub address: Address,
    /// Whether the last attempt to connect to it succeeded; `None` if there was
    /// none.
    pub reachable: Option<bool>,
    /// When `reachable` last changed.
    pub since: SystemTime,
    /// The last error, if it is not reachable.
    pub last_error: Option<String>,
}

/// The targets of a pipe, shared by all its connections.
#[derive(Clone)]
pub struct Targets(Arc<Shared>);

struct Shared {
    targets: Vec<Target>,
    balance: Balance,
    observe: Observe,
    /// The target whose turn it is.
    next: AtomicUsize,
}

struct Target {
    address: Address,
    state: Mutex<State>,
}

struct State {
    /// The endpoints of the address; empty while they are not known.
    endpoints: Arc<[Endpoint]>,
    reachable: Option<bool>,
    since: SystemTime,
    last_error: Option<String>,
    /// Whether trial connections are being made.
    on_trial: bool,
}

impl Targets {
    /// Targets with their endpoints, which are empty if they are not known yet.
    #[must_use]
    pub fn new(targets: Vec<(Address, Vec<Endpoint>)>, balance: Balance, observe: Observe) -> Self {
        let targets = targets.into_iter().map(|(address, endpoints)| Target {
            address,
            state: Mutex::new(State {
                endpoints: endpoints.into(),
                reachable: None,
                since: SystemTime::now(),
                last_error: None,
                on_trial: false,
            }),
        });
        let next = AtomicUsize::new(0);
        Self(Arc::new(Shared { targets: targets.collect(), balance, observe, next }))
    }

    /// Looks up each of their names again, `period` after the last answer, on the
    /// current runtime, for as long as connections or others hold these targets. If a
    /// look-up fails, the old addresses stay.
    pub fn renew<F, E>(
        &self,
        period: Duration,
        look_up: impl Fn(Address) -> F + Clone + Send + 'static,
    ) where
        F: Future<Output = Result<Vec<Endpoint>, E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        for (index, target) in self.0.targets.iter().enumerate() {
            if let Address::Name { .. } = target.address {
                let shared = Arc::downgrade(&self.0);
                let look_up = look_up.clone();
                tokio::spawn(renew(shared, index, target.address.clone(), period, look_up));
            }
        }
    }

    /// Sets the endpoints of an address.
    pub fn resolved(&self, address: &Address, endpoints: &[Endpoint]) {
        for target in self.0.targets.iter().filter(|target| target.address == *address) {
            target.lock().endpoints = endpoints.into();
        }
    }

    /// The endpoints of one of them, if they are known.
    #[must_use]
    pub(crate) fn endpoints_of(&self, address: &Address) -> Vec<Endpoint> {
        let target = self.0.targets.iter().find(|target| target.address == *address);
        target.map(|target| target.lock().endpoints.to_vec()).unwrap_or_default()
    }

    /// The targets whose endpoints are not known.
    #[must_use]
    pub fn unresolved(&self) -> Vec<Address> {
        let unknown = self.0.targets.iter().filter(|target| target.lock().endpoints.is_empty());
        unknown.map(|target| target.address.clone()).collect()
    }

    /// The state of each, in the order given.
    #[must_use]
    pub fn health(&self) -> Vec<TargetHealth> {
        self.0.targets.iter().map(Target::health).collect()
    }

    /// Connects to one of them within `limit`, from the local address `bind`.
    ///
    /// # Errors
    /// [`DialError`] contains the error of each of their addresses.
    pub(crate) async fn dial(
        &self,
        bind: Option<&Endpoint>,
        limit: Duration,
    ) -> Result<Socket, DialError> {
        let order = self.0.order();
        let addresses = order.iter().map(|(_, endpoints)| endpoints.len()).sum();
        let mut attempts = Attempts::new(addresses, limit);
        for (index, endpoints) in order {
            if let Some(socket) = self.0.connect(index, &endpoints, bind, &mut attempts).await {
                return Ok(socket);
            }
            self.try_again_later(index, bind);
        }
        Err(attempts.into_error())
    }

    /// Starts trial connections to a target that is not reachable, if there are other
    /// targets, until one succeeds.
    fn try_again_later(&self, index: usize, bind: Option<&Endpoint>) {
        let Self(shared) = self;
        let mut state = shared.targets[index].lock();
        if shared.targets.len() > 1 && state.reachable == Some(false) && !state.on_trial {
            state.on_trial = true;
            tokio::spawn(make_trials(Arc::downgrade(shared), index, bind.cloned()));
        }
    }
}

impl fmt::Debug for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.health()).finish()
    }
}

impl Shared {
    /// All targets in the order of dialing: those that could not be reached are last.
    fn order(&self) -> Vec<(usize, Arc<[Endpoint]>)> {
        let count = self.targets.len();
        let first = match self.balance {
            Balance::InOrder => 0,
            Balance::Spread => self.next.fetch_add(1, Ordering::Relaxed),
        };
        let (mut order, mut last) = (Vec::with_capacity(count), Vec::new());
        for index in (0..count).map(|offset| first.wrapping_add(offset) % count) {
            let state = self.targets[index].lock();
            let is_down = state.reachable == Some(false);
            let place = if is_down { &mut last } else { &mut order };
            place.push((index, state.endpoints.clone()));
        }
        order.append(&mut last);
        order
    }

    /// Connects to a target, and records whether that succeeded.
    async fn connect(
        &self,
        index: usize,
        endpoints: &[Endpoint],
        bind: Option<&Endpoint>,
        attempts: &mut Attempts,
    ) -> Option<Socket> {
        let target = &self.targets[index];
        if endpoints.is_empty() {
            attempts.note(&target.address, io::Error::other("its name has not been resolved yet"));
            return None;
        }
        let before = attempts.failed().len();
        let socket = attempts.first_of(endpoints, bind).await;
        let failed = &attempts.failed()[before..];
        // A shortage of resources here says nothing about the target.
        let reachable = match failed.iter().rev().find(|(_, error)| !is_ours(error)) {
            _ if socket.is_some() => Ok(()),
            Some((_, error)) => Err(error.to_string()),
            None => return socket,
        };
        self.note(target, reachable);
        socket
    }

    /// Records whether a target is reachable, and logs a change. For a single target
    /// there is no such line: each failed connection has its own.
    fn note(&self, target: &Target, reachable: Result<(), String>) {
        let now = Some(reachable.is_ok());
        let mut state = target.lock();
        let before = state.reachable;
        if before != now {
            state.reachable = now;
            state.since = SystemTime::now();
        }
        state.last_error = reachable.err();
        let event = match (before, &state.last_error) {
            (None | Some(true), Some(error)) => (
                What::TargetDown,
                format!(
                    "target {} cannot be reached: {error}; the other targets are tried first \
                     until it can",
                    target.address
                ),
            ),
            (Some(false), None) => {
                (What::TargetUp, format!("target {} can be reached again", target.address))
            }
            _ => return,
        };
        drop(state);
        if self.targets.len() > 1 {
            let (what, words) = event;
            self.observe.say(Event::new(Level::Warn, Class::Target, what, words));
        }
    }
}

impl Target {
    fn health(&self) -> TargetHealth {
        let state = self.lock();
        TargetHealth {
            address: self.address.clone(),
            reachable: state.reachable,
            since: state.since,
            last_error: state.last_error.clone(),
        }
    }

    /// Whether it is reachable again, so that no more trial connections are needed.
    fn ends_trial(&self) -> bool {
        let mut state = self.lock();
        let is_over = state.reachable == Some(true);
        if is_over {
            state.on_trial = false;
        }
        is_over
    }

    /// A poisoned lock is usable: nothing changes in several steps while it is held.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pauses between two trial connections.
const TRIAL_PAUSE_MIN: Duration = Duration::from_secs(1);
const TRIAL_PAUSE_MAX: Duration = Duration::from_secs(30);
/// The time limit of a trial connection.
const TRIAL_LIMIT: Duration = Duration::from_secs(5);

/// Connects to a target at growing intervals, until it is reachable or the targets are
/// no longer used.
async fn make_trials(shared: Weak<Shared>, index: usize, bind: Option<Endpoint>) {
    let mut pause = TRIAL_PAUSE_MIN;
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(TRIAL_PAUSE_MAX);
        let Some(shared) = shared.upgrade() else { return };
        // A connection may have reached it in the meantime.
        if shared.targets[index].ends_trial() {
            return;
        }
        let endpoints = shared.targets[index].lock().endpoints.clone();
        let mut attempts = Attempts::new(endpoints.len(), TRIAL_LIMIT);
        drop(shared.connect(index, &endpoints, bind.as_ref(), &mut attempts).await);
        if shared.targets[index].ends_trial() {
            return;
        }
    }
}

async fn renew<F, E>(
    shared: Weak<Shared>,
    index: usize,
    address: Address,
    period: Duration,
    look_up: impl Fn(Address) -> F,
) where
    F: Future<Output = Result<Vec<Endpoint>, E>>,
    E: Display,
{
    let mut news = LookUpNews::default();
    while shared.strong_count() > 0 {
        sleep(period).await;
        let found = look_up(address.clone()).await;
        let Some(shared) = shared.upgrade() else { return };
        if let Some(news) = news.of(&address, found.as_ref().err()) {
            log::warn!("{news}");
        }
        if let Ok(endpoints) = found {
            shared.targets[index].lock().endpoints = endpoints.into();
        }
    }
}
