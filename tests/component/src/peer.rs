//! The other end of a session, in another implementation, made by hand: it
//! holds the secret and can do wrong.

use spiped_core::Side;
use spiped_tests::wire::{Direction, Key, PublicValue, handshake_keys, mac, session_keys};

/// A peer after the exchange of nonces.
pub(crate) struct Peer {
    /// The end the peer plays.
    side: Side,
    secret: Key,
    /// The client's, then the server's.
    nonces: [u8; 64],
}

impl Peer {
    pub(crate) fn new(side: Side, secret: Key, nonces: [u8; 64]) -> Self {
        Self { side, secret, nonces }
    }

    /// The same with another secret.
    pub(crate) fn with_secret(self, secret: Key) -> Self {
        Self { secret, ..self }
    }

    pub(crate) fn nonce(&self) -> &[u8] {
        let (client, server) = self.nonces.split_at(32);
        self.own(client, server)
    }

    /// The key share for any public value, with a valid MAC.
    pub(crate) fn key_share(&self, value: &PublicValue) -> Vec<u8> {
        let [client, server] = handshake_keys(&self.secret, &self.nonces);
        let mac = mac(&self.own(client, server), &[value]);
        [&value[..], &mac[..]].concat()
    }

    /// All of the handshake.
    pub(crate) fn handshake(&self, value: &PublicValue) -> Vec<u8> {
        [self.nonce(), &self.key_share(value)].concat()
    }

    /// The packets that the peer sends, once the shared value is agreed.
    pub(crate) fn packets(&self, shared: &PublicValue) -> Direction {
        let [client_cipher, client_mac, server_cipher, server_mac] =
            session_keys(&self.secret, &self.nonces, shared);
        Direction::new(self.own([client_cipher, client_mac], [server_cipher, server_mac]))
    }

    fn own<T>(&self, client: T, server: T) -> T {
        match self.side {
            Side::Client => client,
            Side::Server => server,
        }
    }
}
