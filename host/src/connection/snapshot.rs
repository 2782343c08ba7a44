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
    /// Makes the sandboxes.
    pub engine: Engine,
    /// Our end of the protocol, which also tells which socket is the crypt
    /// side.
    pub side: Side,
    /// The keys in use. A client uses the first, its only one.
    pub keys: Arc<Keyring>,
    /// What else is asked of a connection's key.
    pub key_policy: KeyPolicy,
    /// Who is told what happens to them.
    pub observe: Observe,
    /// What its connections did.
    pub counters: Arc<PipeCounters>,
    /// Where connections are passed on to.
    pub targets: Targets,
    /// The local address of connections to the target.
    pub bind: Option<Endpoint>,
    /// For connecting, and again for the handshake.
    pub time_limit: Duration,
    /// How long an established connection may move no byte; `None`: any time.
    pub idle_limit: Option<Duration>,
    /// The same once one direction has ended; `None`: any time.
    pub half_closed_limit: Option<Duration>,
    /// TCP keep-alive probes on both sockets; `None`: none.
    pub keepalive: Option<KeepAlive>,
    /// `TCP_USER_TIMEOUT` of both sockets; `None`: the system's.
    pub user_timeout: Option<Duration>,
    /// Whether the target is told with the PROXY protocol who connects.
    pub proxy_to: Option<ProxyVersion>,
    /// How many connections there may be at once. A server's peers take one when
    /// they have authenticated.
    pub slots: Slots,
    /// For what takes too long for an event loop.
    pub compute: Compute,
}

/// One end of the protocol, and what it needs for connections to come.
#[derive(Clone)]
pub enum Side {
    /// The end that opens the encrypted connection.
    Client(ClientConfig),
    /// The end that accepts it.
    Server(Arc<Acceptors>),
}

impl Side {
    /// The end that was asked for, of one pipe alone. A server's gets acceptors for
    /// the keys in use.
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

    /// What its sessions are told.
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
