//! The protocol, spoken by hand: an implementation of its own, so that tests
//! can be a peer that holds the key and yet does wrong.

mod group;
mod handshake;
mod keys;
mod packet;
mod x25519;

pub use group::{PublicValue, one, prime, prime_minus_one, zero};
pub use handshake::{Handshake, Side};
pub use keys::{Key, handshake_keys, mac, psk, session_keys};
pub use packet::{Derived, Direction, PACKET_LEN, PLAIN_MAX, Session};
pub use x25519::{
    Coordinate, x25519_handshake_keys, x25519_key_share, x25519_public_value, x25519_session_keys,
    x25519_shared_value,
};
