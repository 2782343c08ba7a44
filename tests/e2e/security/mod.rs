//! What strangers can do to the encrypted port, and what a key holder can.

mod admission;
mod flood;
mod key_shares;
mod memory;
mod packets;
mod randomness;
mod sandbox;
mod secrecy;
mod strangers;
mod truncated;
mod x25519;

/// A `spiped -d` among bad clients, as in every host of the component.
mod server {
    use spiped_tests::{Origin, exchange};

    exchange::lone_server_tests!(Origin::Ours);
    exchange::truncation_tests_of_server!(Origin::Ours);
}
