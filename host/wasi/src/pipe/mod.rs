//! `spiped`: from the source to the target, connection by connection.

mod connection;
mod identify;
mod places;
mod strangers;
mod withheld;

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::time::Duration;

use crate::bindings::{Acceptor, types};
use crate::handshake::{client_config, server_config};
use crate::keys::{self, Psk};
use crate::log::{self, Budget};
use crate::net::{Accepted, Dialer, Listener, Targets, first_address};
use crate::runtime::Runtime;
use crate::settings::{Mode, Pipe as Settings};
use places::Places;
use strangers::Strangers;

/// What all connections have in common.
struct Pipe {
    runtime: Runtime,
    role: Role,
    psk: Psk,
    dialer: Dialer,
    targets: Targets,
    timeout: Duration,
    places: Rc<Places>,
    /// Those of connections with the key, and of applications.
    faults: Budget,
    /// Anyone's. They leave no line out but each other's.
    strangers_faults: Budget,
}

/// Which side is the crypt side.
enum Role {
    /// The target.
    Client(types::ClientConfig),
    /// The source.
    Server(Rc<Server>),
}

/// What is needed to know a stranger. The acceptor keeps nothing of them.
struct Server {
    config: types::ServerConfig,
    acceptor: Acceptor,
    strangers: Rc<Strangers>,
}

/// Runs until it cannot go on.
pub(crate) async fn run(runtime: Runtime, settings: Settings) -> Result<(), String> {
    log::line(LIMITS);
    let timeout = settings.connecting.timeout;
    let source = loop {
        match first_address(runtime, &settings.source, timeout).await {
            Ok((address, has_more)) => {
                if has_more {
                    let name = &settings.source;
                    log::line(&format!("Using the first of multiple addresses found for {name}"));
                }
                break address;
            }
            Err(problem) => again(runtime, &settings, problem).await?,
        }
    };
    let targets = loop {
        match Targets::new(runtime, &settings.connecting, settings.resolve_period).await {
            Ok(targets) => break targets,
            Err(problem) => again(runtime, &settings, problem).await?,
        }
    };
    let dialer = loop {
        match Dialer::new(runtime, &settings.connecting).await {
            Ok(dialer) => break dialer,
            Err(problem) => again(runtime, &settings, problem).await?,
        }
    };
    let psk = keys::read(&settings.connecting.key)?;
    let role = match settings.mode {
        Mode::Encrypt => Role::Client(client_config(&settings.connecting)),
        Mode::Decrypt => {
            let config = server_config(&settings.connecting);
            let acceptor = Acceptor::new(config, &[psk.to_vec()]);
            let acceptor = acceptor.map_err(|misuse| format!("{misuse:?}"))?;
            let strangers = Strangers::new(runtime, settings.handshakes);
            Role::Server(Rc::new(Server { config, acceptor, strangers }))
        }
    };
    let pipe = Rc::new(Pipe {
        runtime,
        role,
        psk,
        dialer,
        targets,
        timeout,
        places: Places::new(runtime, settings.max_connections),
        faults: Budget::new(),
        strangers_faults: Budget::new(),
    });
    let listener = Listener::bind(runtime, source, settings.connecting.keep_alive).await?;
    loop {
        pipe.accept(&listener).await?;
    }
}

impl Pipe {
    /// Accepts the next connection as soon as there is a place for it.
    async fn accept(self: &Rc<Self>, listener: &Listener) -> Result<(), String> {
        self.places.one_is_free().await;
        let pipe = Rc::clone(self);
        match &self.role {
            Role::Client(config) => {
                let config = *config;
                let app = listener.accept().await?;
                let place = self.places.take();
                self.runtime.spawn(async move {
                    pipe.encrypt(config, &peer(&app), app.duplex, place).await;
                });
            }
            Role::Server(server) => {
                server.strangers.one_is_free().await;
                let stranger = listener.accept().await?;
                let (server, place) = (Rc::clone(server), server.strangers.take());
                self.runtime.spawn(async move {
                    pipe.decrypt(&server, &peer(&stranger), stranger.duplex, place).await;
                });
            }
        }
        Ok(())
    }
}

/// Only with `-D`, after a second.
async fn again(runtime: Runtime, settings: &Settings, problem: String) -> Result<(), String> {
    if !settings.waits_for_dns {
        return Err(problem);
    }
    log::line(&problem);
    runtime.sleep(Duration::from_secs(1)).await;
    Ok(())
}

fn peer(accepted: &Accepted) -> String {
    accepted.peer.map_or_else(|| "a connection".into(), |peer| format!("{peer}"))
}

const LIMITS: &str = "WASI: no resets (after a failure, the plain side stays open and silent), \
    no TCP_NODELAY, no Unix sockets, no signals; all connections share one instance: docs/wasi.md";
