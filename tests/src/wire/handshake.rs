//! The handshake, one step at a time.

use super::group::{power, two};
use super::keys::{Key, handshake_keys, mac, psk, session_keys};
use super::{Derived, PublicValue, Session};
use crate::Conn;

/// The end of the protocol we play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Opens the encrypted connection: `-e` and `spipe`.
    Client,
    /// Accepts it: `-d`.
    Server,
}

/// A handshake after the exchange of nonces.
pub struct Handshake {
    /// The crypt side.
    pub conn: Conn,
    pub(super) side: Side,
    pub(super) psk: Key,
    pub(super) nonces: [u8; 64],
    pub(super) exponent: [u8; 32],
}

impl Handshake {
    /// Exchanges nonces over `conn`.
    #[track_caller]
    pub fn begin(mut conn: Conn, side: Side, key_file: &[u8]) -> Self {
        // Fixed: the other end's fresh nonce keeps connections apart.
        let ours = [0xa5; 32];
        conn.send(ours);
        let theirs = conn.receive(32);
        Self::with_nonces(conn, side, key_file, [0x11; 32], &ours, &theirs)
    }

    fn with_nonces(
        conn: Conn,
        side: Side,
        key_file: &[u8],
        exponent: [u8; 32],
        ours: &[u8],
        theirs: &[u8],
    ) -> Self {
        let (client, server) = side.client_first(ours, theirs);
        Self {
            conn,
            side,
            psk: psk(key_file),
            nonces: [client, server].concat().try_into().expect("two nonces"),
            exponent,
        }
    }

    /// Does the rest as an honest peer.
    #[track_caller]
    pub fn complete(mut self) -> Session {
        let ours = self.public_value();
        if self.side == Side::Client {
            self.send(&ours);
        }
        let theirs = self.receive();
        if self.side == Side::Server {
            self.send(&ours);
        }
        let shared = self.shared_value(&theirs);
        self.establish(&shared)
    }

    /// The other end's nonce.
    pub fn their_nonce(&self) -> [u8; 32] {
        let (client, server) = self.nonces.split_at(32);
        let (_, theirs) = self.side.client_first(client, server);
        theirs.try_into().unwrap()
    }

    /// Our public value, if we are honest.
    pub fn public_value(&self) -> PublicValue {
        power(&two(), &self.exponent)
    }

    /// The key share for a public value, with a valid MAC.
    pub fn key_share(&self, public_value: &PublicValue) -> [u8; 288] {
        let (ours, _) = self.mac_keys();
        let mac = mac(&ours, &[public_value]);
        let share = [&public_value[..], &mac[..]].concat();
        share.try_into().expect("a value and its MAC")
    }

    /// Sends a key share.
    #[track_caller]
    pub fn send(&mut self, public_value: &PublicValue) {
        let share = self.key_share(public_value);
        self.conn.send(share);
    }

    /// Receives the other end's key share and checks its MAC.
    #[track_caller]
    pub fn receive(&mut self) -> PublicValue {
        let share = self.conn.receive(288);
        let (value, received) = share.split_at(256);
        let (_, theirs) = self.mac_keys();
        assert_eq!(received, mac(&theirs, &[value]), "the key share's MAC");
        value.try_into().unwrap()
    }

    /// The shared value, if we are honest.
    pub fn shared_value(&self, theirs: &PublicValue) -> PublicValue {
        power(theirs, &self.exponent)
    }

    /// Goes on to packets, with whatever both ends take for the shared value.
    pub fn establish(self, shared: &PublicValue) -> Session {
        let derived = Derived {
            handshake_keys: self.share_keys(),
            shared_value: shared.to_vec(),
            session_keys: session_keys(&self.psk, &self.nonces, shared),
        };
        Session::new(self.conn, self.side, derived)
    }

    /// The MAC keys of the client's and the server's key share.
    pub fn share_keys(&self) -> [Key; 2] {
        handshake_keys(&self.psk, &self.nonces)
    }

    fn mac_keys(&self) -> (Key, Key) {
        let [client, server] = self.share_keys();
        self.side.client_first(client, server)
    }
}

impl Side {
    /// Turns (ours, theirs) into (client's, server's), or back.
    pub(super) fn client_first<T>(self, first: T, second: T) -> (T, T) {
        match self {
            Self::Client => (first, second),
            Self::Server => (second, first),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use hex_literal::hex;
    use sha2::{Digest, Sha256};

    use super::*;

    /// The key file of docs/protocol.md.
    const KEY: &[u8] = b"spiped test key\n";

    #[test]
    fn key_shares_match_the_published_vectors() {
        let client = handshake(Side::Client, [0x11; 32]);
        let share = client.key_share(&client.public_value());
        assert_eq!(
            Sha256::digest(&share[..256])[..],
            hex!("4acbf0e6572d7ed655fabf87a91f43a04a7630addb0f2e2fa40958dbab49247d")
        );
        assert_eq!(
            share[256..],
            hex!("1aff172761462c630db49e55b7a32bfe9bb62dcdec50172286e5a12e19ce2ef9")
        );
        let server = handshake(Side::Server, [0x22; 32]);
        let share = server.key_share(&server.public_value());
        assert_eq!(
            share[256..],
            hex!("adbaf3a5b3d08b518445b483d24ffa11492f0e3d27dec4e201ae363306b8ea4f")
        );
    }

    #[test]
    fn packets_match_the_published_vectors() {
        let client = handshake(Side::Client, [0x11; 32]);
        let server = handshake(Side::Server, [0x22; 32]);
        let shared = client.shared_value(&server.public_value());
        assert_eq!(shared, server.shared_value(&client.public_value()));
        let mut session = client.establish(&shared);
        assert_eq!(
            Sha256::digest(session.packet(b"hello"))[..],
            hex!("e3b2396c721d122db53e5143f6a4345ef212e6ea7410e69ff9fb17cbf5784b6d")
        );
        assert_eq!(
            Sha256::digest(session.packet(&[b'A'; 1024]))[..],
            hex!("0e89c60ec10648e5cc980cd83bd855a6afc64edc9f1dae83d68ac46145e6cf0f")
        );
    }

    fn handshake(side: Side, exponent: [u8; 32]) -> Handshake {
        let nonces: Vec<u8> = (0..64).collect();
        let (client, server) = nonces.split_at(32);
        let (ours, theirs) = side.client_first(client, server);
        let (socket, _) = UnixStream::pair().unwrap();
        Handshake::with_nonces(Conn::new(socket.into()), side, KEY, exponent, ours, theirs)
    }
}
