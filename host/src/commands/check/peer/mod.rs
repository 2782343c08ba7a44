//! `--peer`: a real handshake with the other end, and which end is to be mended
//! if there is none.

mod greeting;
mod nobody;

use std::time::Duration;

use tokio::join;
use tokio::time::timeout;

use greeting::{Aftermath, Bearing, Greeter, Greeting};

use super::finding::Findings;
use super::keys::ClientKey;
use crate::config::settings::ConnectionSettings;
use crate::connection::handshake::HandshakeError;
use crate::connection::heard::Heard;
use crate::guest::{ClientConfig, Engine, Failure, ForwardSecrecy, PeerFault};
use crate::net::resolve::Endpoint;

/// Somebody who has not answered by then is not going to.
const LIMIT_MAX: Duration = Duration::from_secs(10);

/// Greets the other end of a pipe that encrypts.
pub(super) async fn check(
    engine: Engine,
    connection: &ConnectionSettings,
    config: ClientConfig,
    key: &ClientKey,
    endpoints: &[Endpoint],
    bind: Option<&Endpoint>,
    findings: &mut Findings,
) {
    let greeter = Greeter {
        engine,
        psk: key.psk.clone(),
        endpoints: endpoints.to_vec(),
        bind: bind.cloned(),
        limit: connection.time_limit.min(LIMIT_MAX),
    };
    match greeter.greet(config).await {
        Greeting::Unreachable(error) => findings.error(
            TARGET,
            format!(
                "Cannot reach the other end: {error}: start spiped -d there, correct the address \
                 here, or open the firewall"
            ),
        ),
        Greeting::NoGuest(error) => {
            findings.error(TARGET, format!("Cannot try a handshake: {error}"));
        }
        Greeting::Established(aftermath) => established(aftermath, findings),
        Greeting::Refused(error, heard) => {
            refused(&greeter, config, key, &error, heard, findings).await;
        }
    }
}

fn established(aftermath: Aftermath, findings: &mut Findings) {
    match aftermath {
        Aftermath::Closed => findings.note(
            TARGET,
            "Peer: the other end has this key, and a connection through it ended cleanly",
        ),
        Aftermath::Quiet => findings.note(
            TARGET,
            "Peer: the other end has this key, and the service behind it keeps the connection \
             open",
        ),
        Aftermath::Reset => findings.error(
            TARGET,
            "Peer: the other end has this key, and then resets the connection: start the service \
             behind it, or correct the target of the spiped there (see its log)",
        ),
        Aftermath::Broken(broken) => findings.error(
            TARGET,
            format!(
                "Peer: the other end has this key, and then the connection fails: {broken}: \
                see the log there"
            ),
        ),
    }
}

/// Finds out which end is to be mended when there was no handshake.
async fn refused(
    greeter: &Greeter,
    config: ClientConfig,
    key: &ClientKey,
    error: &HandshakeError,
    heard: Heard,
    findings: &mut Findings,
) {
    let mut wrong = |key, words: String| findings.error(key, format!("Peer: {words}"));
    match (error, heard) {
        (_, Heard::Foreign(name)) => wrong(TARGET, foreign(name)),
        (_, Heard::Text) => wrong(TARGET, foreign("plain text")),
        (HandshakeError::Session(failure), _) if !is_hang_up(failure) => {
            wrong(TARGET, format!("{failure}: see the log of the spiped -d there"));
        }
        (HandshakeError::TimedOut(_), Heard::Nothing) => wrong(TARGET, SILENT.to_owned()),
        _ => {
            let (other, bearing) = join!(another_works(greeter, config), greeter.observe());
            match (other, bearing) {
                (Some((key, remedy)), _) => wrong(key, remedy.to_owned()),
                (None, Ok(Bearing::SaysNonce)) => wrong("key", wrong_key(key)),
                (None, Ok(Bearing::Waits)) => wrong(TARGET, SILENT.to_owned()),
                (None, Ok(Bearing::HangsUp)) => findings.error(
                    TARGET,
                    "Peer: the other end closes the connection before the handshake: see its log \
                     there: it may be full, or not allow this host; without a spiped there, start \
                     one",
                ),
                (None, Err(error)) => {
                    findings.error(
                        TARGET,
                        format!(
                            "Peer: cannot reach the other end any more: \
                        {error}: see the log there"
                        ),
                    );
                }
            }
        }
    }
}

fn foreign(name: &str) -> String {
    format!(
        "the target speaks {name}, not spiped: correct the target here, or run spiped -d in front \
         of it there"
    )
}

fn wrong_key(key: &ClientKey) -> String {
    format!(
        "the other end does not accept this key, whose fingerprint is {}: run spiped fingerprint \
         KEYFILE there, and copy the key again if the two differ",
        key.fingerprint
    )
}

const TARGET: &str = "target";
const SILENT: &str = "the target accepts the connection and sends nothing: it is another spiped \
    -e, the service itself, or a spiped -d that is full: correct the target here, or see the log \
    there";

/// Whether the other end went without a word about why.
fn is_hang_up(failure: &Failure) -> bool {
    matches!(failure.peer_fault(), Some(PeerFault::TruncatedInHandshake))
}

/// Another way to greet that works, as the setting to be mended and the words.
async fn another_works(
    greeter: &Greeter,
    config: ClientConfig,
) -> Option<(&'static str, &'static str)> {
    for (other, key, remedy) in others(config) {
        if let Ok(Greeting::Established(_)) = timeout(BRIEF, greeter.greet(other)).await {
            return Some((key, remedy));
        }
    }
    None
}

/// The other ways, and what it means if one of them works.
fn others(config: ClientConfig) -> Vec<(ClientConfig, &'static str, &'static str)> {
    let modp2048 = ClientConfig::Modp2048(ForwardSecrecy::Offer);
    let x25519_only = (ClientConfig::X25519, "kex", X25519_ONLY);
    match config {
        ClientConfig::X25519 => vec![(modp2048, "kex", X25519_UNKNOWN)],
        ClientConfig::Modp2048(ForwardSecrecy::Omit) => {
            vec![(modp2048, "omit-forward-secrecy", OMITTED), x25519_only]
        }
        ClientConfig::Modp2048(ForwardSecrecy::Offer | ForwardSecrecy::Require) => {
            vec![x25519_only]
        }
    }
}

const X25519_UNKNOWN: &str = "the other end has this key but does not support the key exchange \
    x25519: update the spiped -d there, or leave out kex here";
const X25519_ONLY: &str = "the other end has this key and accepts the key exchange x25519 only: \
    set kex to x25519 here, or leave it out there";
const OMITTED: &str = "the other end has this key and requires forward secrecy (-g there): do not \
    omit it here (-f)";

/// For a way that mostly does not work: who does not know it, waits for more.
const BRIEF: Duration = Duration::from_secs(2);
