//! Strangers, as far as the other cases do not bring them; and what a session
//! checks again.

use spiped_core::{ClientConfig, ForwardSecrecy, NONCE_LEN, ServerConfig, Side};
use spiped_tests::wire::{one, psk};

use super::Case;
use super::party::{Party, accept, nonce, peer_of, secret};
use crate::Call;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![nobody(), stranger(), twice_the_same()];
    cases.extend(accepted_again());
    cases
}

/// Without keys, nobody authenticates.
fn nobody() -> Case {
    let mut end = Party::server(ServerConfig::Any(ForwardSecrecy::Offer), &[]);
    end.receive(peer_of(Side::Server).handshake(&one()));
    end.case("psks-of-nobody-server", "No key is accepted.")
}

/// As much as is needed, and more, of something else.
fn stranger() -> Case {
    let mut end = Party::server(ServerConfig::Any(ForwardSecrecy::Offer), &[secret()]);
    end.receive(b"GET / HTTP/1.1\r\nHost: example.org\r\n");
    end.receive([b'x'; 400]);
    end.case("stranger-server", "The peer is no spiped.")
}

/// An acceptor keeps nothing: it may be asked twice.
fn twice_the_same() -> Case {
    let mut end = Party::server(ServerConfig::Any(ForwardSecrecy::Offer), &[secret()]);
    let hello = peer_of(Side::Server).handshake(&one());
    end.receive(&hello[..100]);
    end.calls([Call::Identify(vec![]), Call::FaultAtEof, Call::Identify(vec![]), Call::FaultAtEof]);
    end.case("identify-again-server", "Asked again about the same bytes.")
}

/// Hellos that an acceptor with this configuration and key would not have let
/// through.
fn accepted_again() -> Vec<Case> {
    let hello = peer_of(Side::Server).handshake(&one());
    let mut client = Party::start_client(ClientConfig::X25519, secret());
    client.receive(nonce(Side::Server));
    let x25519 = client.take_sent();
    let reflected = [&nonce(Side::Server)[..], &hello[NONCE_LEN..]].concat();
    let any = ServerConfig::Any(ForwardSecrecy::Offer);
    let modp2048 = ServerConfig::Modp2048(ForwardSecrecy::Offer);
    let another = psk(b"another");
    let cases = [
        ("wrong-key", any, hello.clone(), another, "The hello is under another key."),
        ("wrong-key-x25519", any, x25519.clone(), another, "The hello is under another key."),
        ("reflected", any, reflected, secret(), "The hello begins with our own nonce."),
        ("hello-nothing", any, vec![], secret(), "No hello."),
        ("hello-short", any, hello[..319].into(), secret(), "A byte of the hello is missing."),
        ("hello-long", any, [&hello[..], b"x"].concat(), secret(), "A byte after the hello."),
        ("hello-x25519", modp2048, x25519, secret(), "An X25519 hello for modp2048 alone."),
        ("hello-modp2048", ServerConfig::X25519, hello, secret(), "And the other way round."),
    ];
    let cases = cases.map(|(what, config, hello, psk, about)| {
        let end = Party::of(accept(config, hello, psk.to_vec()));
        end.case(format!("accept-{what}-server"), about)
    });
    cases.into()
}
