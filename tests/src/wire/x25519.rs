//! The form of the handshake with X25519.

use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};

use super::handshake::{Handshake, Side};
use super::keys::{Key, derive, mac};
use super::packet::{Derived, Session};

/// A u-coordinate of the curve, as on the wire.
pub type Coordinate = [u8; 32];

const LABEL: &[u8] = b"spiped-x25519-v1";

/// The MAC keys of the client's and the server's key share.
pub fn x25519_handshake_keys(psk: &Key, nonces: &[u8; 64]) -> [Key; 2] {
    derive(psk, &[&nonces[..], LABEL].concat())
}

/// Cipher and MAC key of the client's packets, then of the server's.
/// `values` are the client's public value, then the server's.
pub fn x25519_session_keys(
    psk: &Key,
    nonces: &[u8; 64],
    values: [&Coordinate; 2],
    shared: &Coordinate,
) -> [Key; 4] {
    derive(psk, &[&nonces[..], LABEL, values[0], values[1], shared].concat())
}

/// A key share with the MAC that its value should have; `answered` is the
/// client's public value if the share is a server's.
pub fn x25519_key_share(
    mac_key: &Key,
    answered: Option<&Coordinate>,
    value: &Coordinate,
) -> [u8; 64] {
    let answered = answered.map_or(&[][..], |answered| answered);
    let mac = mac(mac_key, &[answered, value]);
    [&value[..], &mac].concat().try_into().expect("a value and its MAC")
}

/// The shared value, if both ends are honest.
pub fn x25519_shared_value(exponent: &[u8; 32], theirs: &Coordinate) -> Coordinate {
    x25519(*exponent, *theirs)
}

/// The public value of an exponent.
pub fn x25519_public_value(exponent: &[u8; 32]) -> Coordinate {
    x25519(*exponent, X25519_BASEPOINT_BYTES)
}

impl Handshake {
    /// The key share of an honest client.
    pub fn x25519_key_share(&self) -> [u8; 64] {
        assert_eq!(self.side, Side::Client);
        let [client, _] = x25519_handshake_keys(&self.psk, &self.nonces);
        x25519_key_share(&client, None, &x25519_public_value(&self.exponent))
    }

    /// Does the rest as an honest peer.
    #[track_caller]
    pub fn complete_x25519(mut self) -> Session {
        let [client_mac, server_mac] = x25519_handshake_keys(&self.psk, &self.nonces);
        let ours = x25519_public_value(&self.exponent);
        let theirs = match self.side {
            Side::Client => {
                self.conn.send(x25519_key_share(&client_mac, None, &ours));
                self.receive_x25519(&server_mac, Some(&ours))
            }
            Side::Server => {
                let theirs = self.receive_x25519(&client_mac, None);
                self.conn.send(x25519_key_share(&server_mac, Some(&theirs), &ours));
                theirs
            }
        };
        let shared = x25519_shared_value(&self.exponent, &theirs);
        let (client, server) = self.side.client_first(&ours, &theirs);
        let derived = Derived {
            handshake_keys: [client_mac, server_mac],
            shared_value: shared.to_vec(),
            session_keys: x25519_session_keys(&self.psk, &self.nonces, [client, server], &shared),
        };
        Session::new(self.conn, self.side, derived)
    }

    #[track_caller]
    fn receive_x25519(&mut self, mac_key: &Key, answered: Option<&Coordinate>) -> Coordinate {
        let share = self.conn.receive(64);
        let value = share[..32].try_into().unwrap();
        assert_eq!(share, x25519_key_share(mac_key, answered, &value), "the key share's MAC");
        value
    }
}
