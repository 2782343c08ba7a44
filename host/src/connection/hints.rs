//! The usual reason of a failed handshake: hints for readers of the log, at either end.

use std::borrow::Cow;

use crate::connection::foreign::PROXY_PROTOCOL;
use crate::connection::handshake::HandshakeError;
use crate::connection::heard::Heard;
use crate::guest::{Config, PeerFault};

/// How a handshake ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// The other end closed the connection.
    HungUp,
    TimedOut,
    WrongKey,
    /// In another way, which needs no hint.
    Other,
}

impl Manner {
    fn of(error: &HandshakeError) -> Self {
        match error {
            HandshakeError::Io(_) => Self::HungUp,
            HandshakeError::TimedOut(_) => Self::TimedOut,
            HandshakeError::Session(failure) => match failure.peer_fault() {
                Some(PeerFault::TruncatedInHandshake) => Self::HungUp,
                Some(PeerFault::WrongKey) => Self::WrongKey,
                _ => Self::Other,
            },
        }
    }
}

/// A hint for the log of a client. A server does not tell its peer why it closes a
/// connection.
pub(super) fn of_client(error: &HandshakeError, heard: Heard, config: Config) -> Cow<'static, str> {
    let hint = match (Manner::of(error), heard) {
        (Manner::Other, _) => "",
        (_, Heard::Foreign(name)) => {
            return format!(" (the target speaks {name}, not spiped: should this end be -d?)")
                .into();
        }
        (_, Heard::Text) => " (the target speaks plain text, not spiped: should this end be -d?)",
        (Manner::WrongKey, _) => "",
        (_, Heard::Nothing | Heard::PartOfNonce) => {
            " (is it a spiped -d, and not another -e? does its --allow leave this host out, or is \
             it full?)"
        }
        _ if config.is_x25519_only() => {
            " (wrong key, or a spiped -d there that does not support --kex x25519? see its log; \
             without --kex, any version answers)"
        }
        (Manner::HungUp, _) => " (wrong key? see the log of the spiped -d there)",
        (Manner::TimedOut, _) => " (is it full? see the log of the spiped -d there)",
    };
    hint.into()
}

/// A hint for the log of a server. `authenticated` is whether the peer has one of the
/// keys.
pub(super) fn of_server(
    error: &HandshakeError,
    heard: Heard,
    config: Config,
    authenticated: bool,
) -> Cow<'static, str> {
    let hint = match (Manner::of(error), heard) {
        (Manner::Other, _) => "",
        (_, Heard::Foreign(PROXY_PROTOCOL)) => {
            " (it spoke the PROXY protocol: if it is a load balancer, name it with --proxy-from)"
        }
        (_, Heard::Foreign(name)) => {
            return format!(" (it spoke {name} to this -d port: should this end be -e?)").into();
        }
        (_, Heard::Text) => " (it spoke plain text to this -d port: should this end be -e?)",
        // A server that accepts only X25519 does not try the other form.
        (Manner::WrongKey, _) if config.is_x25519_only() => {
            ", or one without --kex x25519, which is required here"
        }
        (Manner::WrongKey, _) => "",
        (_, Heard::Nothing) => " (it had sent nothing)",
        (_, Heard::PartOfNonce) => " (it had sent a part of its nonce)",
        (_, Heard::Nonce) => " (it had sent its nonce, but no key share)",
        (_, Heard::PartOfKeyShare) => " (it had sent its nonce, and a part of its key share)",
        (_, Heard::Unknown) if authenticated => " (it had authenticated)",
        (_, Heard::Unknown) => "",
    };
    hint.into()
}

/// The hint for a client whose connection was reset before any byte came.
pub(super) const SERVICE_DOWN: &str =
    " (the other end has the key but reset before it sent a byte: is its service running?)";

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;
    use crate::guest::{ClientConfig, ForwardSecrecy, ServerConfig};

    #[test]
    fn client_is_told_where_to_look() {
        let hint = |error, heard| of_client(&error, heard, client()).into_owned();
        let full = hint(timed_out(), Heard::Nothing);
        assert!(full.contains("or is it full?") && full.contains("not another -e"), "{full}");
        assert_eq!(hint(hung_up(), Heard::Nothing), full);
        let key = hint(hung_up(), Heard::Nonce);
        assert!(key.contains("wrong key?"), "{key}");
        let redis = hint(hung_up(), Heard::Foreign("Redis"));
        assert!(redis.contains("speaks Redis") && redis.contains("should this end be -d?"));
        let kex = of_client(&hung_up(), Heard::Nonce, Config::Client(ClientConfig::X25519));
        assert!(kex.contains("does not support --kex x25519"), "{kex}");
        assert_eq!(hint(fault(PeerFault::NoForwardSecrecy), Heard::Text), "");
    }

    #[test]
    fn server_names_the_stage_and_what_was_spoken() {
        let hint = |error, heard| of_server(&error, heard, server(), false).into_owned();
        for (heard, words) in [
            (Heard::Nothing, "sent nothing"),
            (Heard::PartOfNonce, "a part of its nonce"),
            (Heard::Nonce, "no key share"),
            (Heard::PartOfKeyShare, "a part of its key share"),
            (Heard::Foreign(PROXY_PROTOCOL), "name it with --proxy-from"),
            (Heard::Foreign("TLS"), "it spoke TLS to this -d port: should this end be -e?"),
            (Heard::Text, "it spoke plain text to this -d port: should this end be -e?"),
        ] {
            for error in [hung_up(), timed_out()] {
                assert!(hint(error, heard).contains(words), "{words}");
            }
        }
        assert!(hint(fault(PeerFault::WrongKey), Heard::Foreign("SSH")).contains("SSH"));
        assert_eq!(hint(fault(PeerFault::WrongKey), Heard::PartOfKeyShare), "");
        assert_eq!(hint(fault(PeerFault::Reflected), Heard::Text), "");
        let known = of_server(&hung_up(), Heard::Unknown, server(), true);
        assert_eq!(known, " (it had authenticated)");
    }

    fn client() -> Config {
        Config::Client(ClientConfig::Modp2048(ForwardSecrecy::Offer))
    }

    fn server() -> Config {
        Config::Server(ServerConfig::Any(ForwardSecrecy::Offer))
    }

    fn timed_out() -> HandshakeError {
        HandshakeError::TimedOut(Duration::from_secs(5))
    }

    fn hung_up() -> HandshakeError {
        HandshakeError::Io(io::ErrorKind::ConnectionReset.into())
    }

    fn fault(fault: PeerFault) -> HandshakeError {
        HandshakeError::Session(fault.into())
    }
}
