//! What strangers can do to the encrypted port, and what a key holder can.

mod cut_off;
mod flood;
mod key_shares;
mod memory;
mod packets;
mod secrecy;
mod strangers;
mod x25519;
