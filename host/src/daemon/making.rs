//! From settings, and what was gathered for them, to a pipe that works: first
//! everything that can fail, then the step that cannot.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::config::{Admission, PipeSettings};
use crate::connection::acceptors::{Acceptors, Hellos, Prepared};
use crate::connection::slots::Slots;
use crate::connection::{Side, Snapshot};
use crate::daemon::capacity::Share;
use crate::daemon::gather::Names;
use crate::daemon::helper::Helper;
use crate::guest::{Config, Engine, GuestError};
use crate::handover::edition::Edition;
use crate::keys::{KeySet, Keyring};
use crate::net::address::Address;
use crate::net::listen::Listener;
use crate::net::targets::Targets;
use crate::observe::{LogHandle, Observe};
use crate::pipe::admission::Budget;
use crate::pipe::orders::{AdmissionPolicy, Orders};
use crate::pipe::{Current, Pipe, State};
use crate::process::compute::Compute;

/// What all pipes are made with.
pub(super) struct Means {
    pub(super) engine: Engine,
    pub(super) compute: Compute,
    pub(super) helper: Option<Arc<Helper>>,
    pub(super) log: LogHandle,
    pub(super) edition: Edition,
}

/// There is no pipe like that.
#[derive(Debug, Error)]
pub(super) enum Impossible {
    #[error("Cannot make keys ready for authentication: {0}")]
    Search(#[from] GuestError),
    #[error("Cannot watch new connections: {0}")]
    Watch(#[from] io::Error),
}

/// What a pipe is made of.
pub(super) struct Parts {
    pub(super) settings: PipeSettings,
    pub(super) keys: KeySet,
    pub(super) names: Names,
    pub(super) share: Share,
}

/// A pipe that only has to be put in use.
pub(super) struct Ready {
    parts: Parts,
    acceptors: Option<Prepared>,
    orders: Arc<Orders>,
}

/// A pipe that is in use, and what there is to do and to say about it.
pub(super) struct InUse {
    pub(super) pipe: Arc<Pipe>,
    pub(super) orders: Arc<Orders>,
    /// What has changed about its keys.
    pub(super) keys: Option<String>,
}

impl Parts {
    /// Makes everything that a pipe takes, to listen on these sockets; `former` is
    /// the pipe whose place it takes.
    ///
    /// # Errors
    /// What the system lacks.
    pub(super) fn make(
        self,
        listener: Listener,
        former: Option<&Pipe>,
        means: &Means,
        hellos: &mut Hellos,
    ) -> Result<Ready, Impossible> {
        let Self { settings, keys, share, .. } = &self;
        let acceptors = match settings.connection.config {
            Config::Client(_) => None,
            Config::Server(config) => Some(Prepared::new(&means.engine, config, keys, hellos)?),
        };
        // One that was removed, or waits for its names, watches none.
        let watches = |former: &Pipe| {
            former.state() == State::Listening
                && matches!(former.current().snapshot.side, Side::Server(_))
        };
        let strangers = acceptors.is_some() && !former.is_some_and(watches);
        let admission = admission(settings, *share);
        let orders = Orders::new(listener, admission, strangers)?;
        Ok(Ready { parts: self, acceptors, orders: Arc::new(orders) })
    }
}

impl Ready {
    /// What the pipe is called.
    pub(super) fn name(&self) -> Arc<str> {
        self.parts.settings.name.clone()
    }

    /// What would change about the keys of the `former` one.
    pub(super) fn keys_change(&self, former: Option<&Pipe>) -> Option<String> {
        let (keys, former) = (&self.parts.keys, former?.current());
        let keyring = &former.snapshot.keys;
        let changes = keyring.would_change(keys);
        changes.then(|| format!("pipe {}: keys: {}", self.name(), keyring.difference(keys)))
    }

    /// Puts it in use, in the place of the `former` one. From now on, connections
    /// begin as it says.
    pub(super) fn put_in_use(self, former: Option<&Arc<Pipe>>, means: &Means) -> InUse {
        let Self { parts, acceptors, orders } = self;
        let Parts { settings, keys, names, share } = parts;
        let before = former.map(|pipe| pipe.current());
        let before = before.as_deref();
        let (keyring, said) = match before {
            None => (Arc::new(Keyring::new(keys)), None),
            Some(before) => {
                let keyring = before.snapshot.keys.clone();
                let changed = keyring.would_change(&keys);
                let (_, said) = keyring.replace(keys);
                (keyring, changed.then_some(said))
            }
        };
        let side = side(&settings, &keyring, acceptors, before, means);
        let observe = match before {
            Some(before) => before.snapshot.observe.clone(),
            None => Observe::new(means.log, Some(settings.name.clone())),
        };
        let targets = targets(&settings, &names, &observe, before, means);
        let slots = match former {
            Some(pipe) => pipe.slots.clone(),
            None => Slots::new(share.connections),
        };
        slots.set_limit(share.connections);
        let connection = &settings.connection;
        let snapshot = Snapshot {
            side,
            engine: means.engine.clone(),
            keys: keyring,
            key_policy: settings.key_policy,
            observe,
            counters: former.map_or_else(Arc::default, |pipe| pipe.counters.clone()),
            targets,
            bind: names.bind,
            time_limit: connection.time_limit,
            idle_limit: connection.idle_limit,
            half_closed_limit: connection.half_closed_limit,
            keepalive: connection.keepalive,
            user_timeout: connection.user_timeout,
            proxy_to: connection.proxy_to,
            slots,
            compute: means.compute.clone(),
        };
        // One target is enough to serve.
        let state = if snapshot.targets.unresolved().len() < connection.targets.len() {
            State::Listening
        } else {
            State::WaitingForDns
        };
        let pipe = match former {
            None => Arc::new(Pipe::new(settings, snapshot, state)),
            Some(pipe) => {
                pipe.set_current(Current { settings, snapshot: Arc::new(snapshot) });
                pipe.set_state(state);
                pipe.clone()
            }
        };
        if pipe.current().settings.key_policy.close_revoked {
            pipe.reset_revoked();
        }
        InUse { pipe, orders, keys: said }
    }
}

/// Whom a pipe listens to.
fn admission(settings: &PipeSettings, share: Share) -> AdmissionPolicy {
    let Admission { handshakes, handshakes_per_source, allowed } = &settings.admission;
    let budget = Budget::new(share.connections, *handshakes, *handshakes_per_source);
    let budget = budget.within(share.strangers);
    let (allowed, proxy_from) = (allowed.clone(), settings.proxy_from.clone());
    AdmissionPolicy { budget, waiting_max: share.waiting, allowed, proxy_from }
}

/// Acceptors that are there stay, with other keys: strangers that are on their
/// way are searched among these.
fn side(
    settings: &PipeSettings,
    keyring: &Keyring,
    acceptors: Option<Prepared>,
    before: Option<&Current>,
    means: &Means,
) -> Side {
    let former = before.and_then(|before| match &before.snapshot.side {
        Side::Client(_) => None,
        Side::Server(acceptors) => Some(acceptors),
    });
    match (settings.connection.config, acceptors) {
        (Config::Server(config), Some(prepared)) => match former {
            Some(former) if former.config() == config => {
                former.replace(keyring.current(), prepared);
                Side::Server(former.clone())
            }
            other => {
                if let Some(former) = other {
                    former.retire();
                }
                let Means { engine, compute, .. } = means;
                let keys = keyring.current();
                Side::Server(Arc::new(Acceptors::new(engine, config, compute, keys, prepared)))
            }
        },
        (Config::Client(config), _) => {
            if let Some(former) = former {
                former.retire();
            }
            Side::Client(config)
        }
        (Config::Server(_), None) => unreachable!("a server's are made before"),
    }
}

/// Targets that are the same as before keep what is known of them.
fn targets(
    settings: &PipeSettings,
    names: &Names,
    observe: &Observe,
    before: Option<&Current>,
    means: &Means,
) -> Targets {
    let wanted = settings.connection.targets.iter().zip(&names.targets);
    if let Some(before) = before
        && before.settings.connection.targets == settings.connection.targets
        && before.settings.connection.balance == settings.connection.balance
        && before.settings.resolve_period == settings.resolve_period
    {
        let targets = before.snapshot.targets.clone();
        for (address, endpoints) in wanted.filter(|(_, endpoints)| !endpoints.is_empty()) {
            targets.resolved(address, endpoints);
        }
        return targets;
    }
    // What is not known now may have been known before.
    let known = |address| before.map(|before| before.snapshot.targets.endpoints_of(address));
    let wanted = wanted.map(|(address, endpoints)| {
        let endpoints = Some(endpoints.clone()).filter(|endpoints| !endpoints.is_empty());
        (address.clone(), endpoints.or_else(|| known(address)).unwrap_or_default())
    });
    let targets = Targets::new(wanted.collect(), settings.connection.balance, observe.clone());
    if let (Some(helper), Some(period)) = (&means.helper, settings.resolve_period) {
        let helper = helper.clone();
        targets.renew(period, move |address: Address| {
            let helper = helper.clone();
            async move { helper.endpoints(&address).await }
        });
    }
    targets
}
