//! The protocol, spoken by hand: an implementation of its own, so that tests
//! can be a peer that holds the key and yet does wrong.

mod group;
mod handshake;
mod keys;
mod packet;

pub use group::{PublicValue, one, prime, prime_minus_one, zero};
pub use handshake::{Handshake, Side};
pub use keys::{Key, handshake_keys, mac, psk, session_keys};
pub use packet::{Direction, PACKET_LEN, PLAIN_MAX, Session};
