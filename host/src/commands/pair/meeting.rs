//! Meeting the other host: dialling it, or waiting for it among strangers.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::select;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::dialogue::say;
use super::error::PairError;
use crate::cli::commands::Meeting;
use crate::commands::pair::code::Code;
use crate::guest::pairing::{Exchange, Failure, Output, PeerFault, ProtocolFailure, Status};
use crate::guest::{Engine, Side};
use crate::net::address::Address;
use crate::net::dial::dial;
use crate::net::listen::{Accepted, Bound, Listener, SocketAccess, listen};
use crate::net::resolve::{Endpoint, first, resolve};
use crate::net::socket::{KeepAlive, Socket};

/// How many guests there are at a time.
pub(super) const GUESTS: u32 = 16;

/// Callers that are listened to at a time.
const CALLERS_AT_ONCE: usize = GUESTS as usize;
/// Callers in all, the peer included: a port scan is no reason to give up, a
/// flood is one.
const CALLERS_MAX: usize = 100;
/// For each address of the other host: one that is silent must not use up the
/// time of the whole.
const DIAL_LIMIT: Duration = Duration::from_secs(10);
/// The peer says at once who it is.
const FIRST_MESSAGE_LIMIT: Duration = Duration::from_secs(5);
/// Until it is worth trying again to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// One read; no message is longer.
const READ_LEN: usize = 128;

/// The other host, and what our exchange made of its first message, or of
/// none if it is the client's.
pub(super) struct Peer {
    pub(super) socket: Socket,
    pub(super) exchange: Exchange,
    pub(super) output: Result<Output, PairError>,
}

/// Connects, or waits for whoever speaks the protocol.
pub(super) async fn meet(
    engine: &Engine,
    meeting: &Meeting,
    code: Option<&Code>,
    limit: Duration,
) -> Result<Peer, PairError> {
    let code = code.map(Code::expose);
    match meeting {
        Meeting::Connect(address) => {
            let endpoints = look_up(address).await?;
            let addresses = u32::try_from(endpoints.len()).unwrap_or(u32::MAX);
            let limit = limit.min(DIAL_LIMIT.saturating_mul(addresses));
            let socket = dial(&endpoints, None, limit).await.map_err(PairError::Dial)?;
            socket.tune(Some(KeepAlive::default()), None);
            let mut exchange = Exchange::new(engine, Side::Client, code)?;
            let output = Ok(exchange.start()?);
            Ok(Peer { socket, exchange, output })
        }
        Meeting::Listen(address) => {
            let endpoint = first(look_up(address).await?, address);
            let failed = |error| PairError::Listen(endpoint.clone(), error);
            let bound = listen(&endpoint, &SocketAccess::default()).map_err(failed)?;
            let _file = SocketFile::of(&endpoint);
            let listener = Bound::into_listener(bound).map_err(failed)?;
            let code_option = if code.is_some() { " --code -" } else { "" };
            say(&format!(
                "Listening on {endpoint}. Now run spiped pair --connect{code_option} on the other \
                 host."
            ));
            wait(&listener, || Ok(Exchange::new(engine, Side::Server, code)?)).await
        }
    }
}

async fn look_up(address: &Address) -> Result<Vec<Endpoint>, PairError> {
    let address = address.clone();
    let found = spawn_blocking(move || resolve(&address)).await;
    Ok(found.map_err(io::Error::from)??)
}

/// Waits for the peer: the first to send a complete first message. Nobody else
/// gets an answer.
async fn wait(
    listener: &Listener,
    exchange: impl Fn() -> Result<Exchange, PairError>,
) -> Result<Peer, PairError> {
    let mut callers = JoinSet::new();
    let mut strangers = 0;
    loop {
        select! {
            accepted = listener.accept(), if callers.len() < CALLERS_AT_ONCE => match accepted {
                Ok(accepted) => drop(callers.spawn(hear(accepted, exchange()?))),
                Err(error) => {
                    log::warn!("Error accepting a connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(heard) = callers.join_next() => match heard {
                Ok(Ok((peer, name))) => {
                    say(&format!("Connection from {name}"));
                    return Ok(peer);
                }
                Ok(Err(stranger)) => {
                    log::warn!("{stranger}");
                    strangers += 1;
                    if strangers == CALLERS_MAX {
                        return Err(PairError::Strangers(strangers));
                    }
                }
                Err(panic) => return Err(io::Error::from(panic).into()),
            },
        }
    }
}

/// Listens to a caller until it has said who it is. With a peer comes its
/// address.
async fn hear(accepted: Accepted, exchange: Exchange) -> Result<(Peer, String), Stranger> {
    let (socket, name) = match accepted.into_socket() {
        Ok((socket, peer)) => (socket, peer.to_string()),
        Err(error) => {
            return Err(Stranger { name: "an unknown address".into(), reason: error.to_string() });
        }
    };
    socket.tune(Some(KeepAlive::default()), None);
    let heard = timeout(FIRST_MESSAGE_LIMIT, first_message(socket, exchange)).await;
    match heard.unwrap_or_else(|_| {
        Err(format!("nothing received within {} s", FIRST_MESSAGE_LIMIT.as_secs()))
    }) {
        Ok(peer) => Ok((peer, name)),
        Err(reason) => Err(Stranger { name, reason }),
    }
}

async fn first_message(mut socket: Socket, mut exchange: Exchange) -> Result<Peer, String> {
    let mut output = exchange.start().map_err(PairError::from);
    while matches!(&output, Ok(Output { status: Status::Waiting, .. })) {
        output = receive(&mut socket, &mut exchange).await;
    }
    match output {
        // These come before a first message is complete, all others after.
        Err(PairError::Socket(error)) => Err(error.to_string()),
        Err(PairError::Exchange {
            failure:
                failure @ Failure::Protocol(ProtocolFailure::Peer(
                    PeerFault::NotPairing | PeerFault::Truncated,
                )),
        }) => Err(failure.to_string()),
        output => Ok(Peer { socket, exchange, output }),
    }
}

/// Passes on what the peer sends next, or that it has ended. The latter is a
/// failure: after the last message, nobody listens to it.
pub(super) async fn receive(
    socket: &mut Socket,
    exchange: &mut Exchange,
) -> Result<Output, PairError> {
    let mut buffer = [0; READ_LEN];
    let len = socket.read(&mut buffer).await?;
    if len == 0 {
        exchange.eof()?;
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(exchange.receive(&buffer[..len])?)
}

/// Who was not the peer, and how we know.
struct Stranger {
    name: String,
    reason: String,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not spiped pair: {}", self.name, self.reason)
    }
}

/// A Unix socket's file, which goes when nobody listens any more.
struct SocketFile(PathBuf);

impl SocketFile {
    fn of(endpoint: &Endpoint) -> Option<Self> {
        match endpoint {
            Endpoint::Unix(path) => Some(Self(path.clone())),
            Endpoint::Tcp(_) | Endpoint::Abstract(_) => None,
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
