//! What the connections of one pipe have in common.

use std::sync::Arc;
use std::time::Duration;

use crate::connection::acceptors::{Acceptors, Hellos, Prepared};
use crate::connection::live::Live;
use crate::connection::slots::Slots;
use crate::connection::tally::Tally;
use crate::guest::{ClientConfig, Config, Engine, GuestError, KeyExchange, omits_forward_secrecy};
use crate::keys::{Key, KeyPolicy, Keyring};
use crate::net::proxy::ProxyVersion;
use crate::net::resolve::Endpoint;
use crate::net::socket::KeepAlive;
use crate::net::targets::Targets;
use crate::observe::Observe;
use crate::observe::counters::PipeCounters;
use crate::process::compute::Compute;

/// What the connections of one pipe have in common.
pub struct Snapshot {
    /// The engine, which makes the sandboxes.
    pub engine: Engine,
    /// Our side of the protocol, which also determines which socket is the crypt side.
    pub side: Side,
    /// The keys in use. A client uses the first, its only one.
    pub keys: Arc<Keyring>,
    /// Further rules for a connection's key.
    pub key_policy: KeyPolicy,
    /// Receives their events.
    pub observe: Observe,
    /// The counters of its connections.
    pub counters: Arc<PipeCounters>,
    /// The targets.
    pub targets: Targets,
    /// The local address of connections to the target.
    pub bind: Option<Endpoint>,
    /// The time limit for connecting, and again for the handshake.
    pub time_limit: Duration,
    /// The longest time in which an established connection moves no byte; `None`: no
    /// limit.
    pub idle_limit: Option<Duration>,
    /// The same after one direction has ended; `None`: no limit.
    pub half_closed_limit: Option<Duration>,
    /// TCP keep-alive probes on both sockets; `None`: none.
    pub keepalive: Option<KeepAlive>,
    /// `TCP_USER_TIMEOUT` of both sockets; `None`: the system's.
    pub user_timeout: Option<Duration>,
    /// The version of the PROXY header to the target, if it gets one.
    pub proxy_to: Option<ProxyVersion>,
    /// The limit on connections. A server's peers take a slot when they have
    /// authenticated.
    pub slots: Slots,
    /// The compute threads.
    pub compute: Compute,
}

/// A side of the protocol, and what it needs to serve connections.
#[derive(Clone)]
pub enum Side {
    /// The end that opens the encrypted connection.
    Client(ClientConfig),
    /// The end that accepts it.
    Server(Arc<Acceptors>),
}

impl Side {
    /// The side of a single pipe. A server's gets acceptors for the keys in use.
    ///
    /// # Errors
    /// When an acceptor cannot be made.
    pub fn new(
        config: Config,
        engine: &Engine,
        compute: &Compute,
        keys: &Keyring,
    ) -> Result<Self, GuestError> {
        Ok(match config {
            Config::Client(config) => Self::Client(config),
            Config::Server(config) => {
                let keys = keys.current();
                let prepared = Prepared::new(engine, config, &keys, &mut Hellos::default())?;
                Self::Server(Arc::new(Acceptors::new(engine, config, compute, keys, prepared)))
            }
        })
    }
}

impl Snapshot {
    /// Warns of an authenticated peer that has begun with `said` and omits
    /// forward secrecy, once for each key.
    pub(super) fn check_forward_secrecy(
        &self,
        key: Option<&Key>,
        said: &[u8],
        key_exchange: KeyExchange,
    ) {
        if omits_forward_secrecy(said, key_exchange)
            && !self.config().omits_forward_secrecy()
            && let Some(key) = key
            && key.is_first_without_forward_secrecy()
        {
            self.observe.no_forward_secrecy(key.name());
        }
    }

    /// The configuration of its sessions.
    #[must_use]
    pub fn config(&self) -> Config {
        match &self.side {
            Side::Client(config) => Config::Client(*config),
            Side::Server(acceptors) => Config::Server(acceptors.config()),
        }
    }

    /// Counts a new connection.
    #[must_use]
    pub fn tally(&self, live: Arc<Live>) -> Tally {
        Tally::new(self.counters.clone(), live, self.config().side())
    }
}
