//! The session a case is about, and whom it talks to.

use spiped_core::{Config, Error, ForwardSecrecy, KeyExchange, Side, Status};
use spiped_tests::KEY;
use spiped_tests::wire::{Direction, Key, one, psk};

use super::Case;
use crate::peer::Peer;
use crate::recording::Recording;
use crate::{Answer, Call, Ingredients};

/// A session being written down, with the random bytes of the
/// specification's vectors unless it is told otherwise.
pub(super) struct End {
    recording: Recording,
    /// What it has sent and nobody has taken.
    sent: Vec<u8>,
    status: Result<Status, Error>,
}

impl End {
    /// Not started.
    pub(super) fn of(ingredients: Ingredients) -> Self {
        let recording = Recording::new(ingredients);
        Self { recording, sent: Vec::new(), status: Ok(Status::Handshaking) }
    }

    /// Started, and what is due computed.
    pub(super) fn start(side: Side, forward_secrecy: ForwardSecrecy) -> Self {
        Self::start_of(ingredients(side, forward_secrecy, &[secret()]))
    }

    /// The same, made of anything.
    pub(super) fn start_of(ingredients: Ingredients) -> Self {
        let mut end = Self::of(ingredients);
        end.call(Call::Start);
        end.compute();
        end
    }

    /// Goes on from a state.
    pub(super) fn resume(state: &[u8]) -> Self {
        let mut end = Self::of(Ingredients::Resumed(state.to_vec()));
        end.status = Ok(Status::Established);
        end
    }

    pub(super) fn call(&mut self, call: Call) {
        if let Answer::Output { to_crypt, status, .. } = self.recording.call(call) {
            self.sent.extend(to_crypt);
            self.status = status;
        }
    }

    /// Makes several calls, without a look at what they answer.
    pub(super) fn calls(&mut self, calls: impl IntoIterator<Item = Call>) {
        calls.into_iter().for_each(|call| self.call(call));
    }

    /// Computes whatever is due.
    pub(super) fn compute(&mut self) {
        while self.status == Ok(Status::Computing) {
            self.call(Call::Compute);
        }
    }

    /// Takes bytes from the peer, and computes whatever is due after them.
    pub(super) fn receive(&mut self, bytes: impl AsRef<[u8]>) {
        self.call(Call::Crypt(bytes.as_ref().to_vec()));
        self.compute();
    }

    /// Takes bytes from the application.
    pub(super) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.call(Call::Plain(bytes.as_ref().to_vec()));
    }

    /// Suspends it; it must be established.
    pub(super) fn suspend(&mut self) -> Vec<u8> {
        let Answer::State(state) = self.recording.call(Call::Suspend) else {
            unreachable!("suspend answers with a state");
        };
        state.expect("an established session")
    }

    pub(super) fn take_sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sent)
    }

    pub(super) fn is_established(&self) -> bool {
        self.status == Ok(Status::Established)
    }

    /// The peer ends the connection, unless this end has failed.
    pub(super) fn hang_up(&mut self) {
        if self.status.is_ok() {
            self.call(Call::CryptEof);
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        if self.status.is_ok() && !bytes.is_empty() {
            self.receive(bytes);
        }
    }

    pub(super) fn case(self, name: impl Into<String>, about: impl Into<String>) -> Case {
        let transcript = self.recording.finish();
        Case { name: name.into(), about: about.into(), transcript }
    }
}

/// Delivers what each end sends until nothing is on the way. If an end has
/// failed, the other sees the stream end.
pub(super) fn converse(client: &mut End, server: &mut End) {
    loop {
        let (to_server, to_client) = (client.take_sent(), server.take_sent());
        if to_server.is_empty() && to_client.is_empty() {
            break;
        }
        server.hear(&to_server);
        client.hear(&to_client);
    }
    let failed = [client.status.is_err(), server.status.is_err()];
    for (end, peer_failed) in [(client, failed[1]), (server, failed[0])] {
        if peer_failed {
            end.hang_up();
        }
    }
}

/// Both with their sides' names.
pub(super) fn both(client: End, server: End) -> [(&'static str, End); 2] {
    [("client", client), ("server", server)]
}

/// A session that has agreed, without forward secrecy, with a peer; and what
/// this peer sends.
pub(super) fn established(side: Side) -> (End, Direction) {
    let mut end = End::start(side, ForwardSecrecy::Omit);
    let peer = peer_of(side);
    end.receive(peer.handshake(&one()));
    end.take_sent();
    (end, peer.packets(&one()))
}

/// The specification's vectors' ingredients.
pub(super) fn ingredients(
    side: Side,
    forward_secrecy: ForwardSecrecy,
    secrets: &[Key],
) -> Ingredients {
    ingredients_of(config(side, forward_secrecy), secrets)
}

/// The same with any configuration.
pub(super) fn ingredients_of(config: Config, secrets: &[Key]) -> Ingredients {
    Ingredients::New {
        config,
        secrets: secrets.iter().map(|secret| secret.to_vec()).collect(),
        entropy: entropy(config.side),
    }
}

/// As programs without further options: a client does what every spiped
/// understands, a server leaves it to its clients.
pub(crate) fn config(side: Side, forward_secrecy: ForwardSecrecy) -> Config {
    let key_exchange = (side == Side::Client).then_some(KeyExchange::Modp2048);
    Config { side, key_exchange, forward_secrecy }
}

/// The key file `spiped test key` and a line feed.
pub(super) fn secret() -> Key {
    psk(KEY)
}

/// The peer of a session of this side.
pub(super) fn peer_of(side: Side) -> Peer {
    let nonces: Vec<u8> = (0..64).collect();
    let nonces = nonces.try_into().expect("two nonces");
    let opposite = match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    };
    Peer::new(opposite, secret(), nonces)
}

/// Nonce, then exponent.
pub(super) fn entropy(side: Side) -> Vec<u8> {
    let (nonce, exponent) = match side {
        Side::Client => (0x00..0x20, [0x11; 32]),
        Side::Server => (0x20..0x40, [0x22; 32]),
    };
    nonce.chain(exponent).collect()
}
