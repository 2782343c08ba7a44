//! Combinations of a client and a `spiped -d`.

/// A module for one of them, with the key exchange that every program knows.
macro_rules! modp2048 {
    ($name:ident, $client:ident of $client_origin:ident, $server_origin:ident) => {
        mod $name {
            use spiped_tests::{Client, Origin, Pairing, exchange};

            const PAIRING: Pairing = Pairing {
                client: Client::$client,
                client_origin: Origin::$client_origin,
                server_origin: Origin::$server_origin,
                key_exchange: None,
            };

            exchange::data_tests!(PAIRING);
            exchange::idle_tests!(PAIRING);
            exchange::crowd_tests!(PAIRING);
            exchange::flag_tests_of_client!(PAIRING);
            exchange::flag_tests_of_server!(PAIRING);
            exchange::refusal_tests!(PAIRING);

            #[test]
            fn both_omit_forward_secrecy() {
                exchange::data::works(PAIRING, &["-f"], &["-f"]);
            }
        }
    };
}
pub(crate) use modp2048;

/// The same with X25519, which only our own programs know.
macro_rules! x25519 {
    ($name:ident, $client:ident) => {
        mod $name {
            use spiped_tests::{Client, Pairing, exchange};

            const PAIRING: Pairing =
                Pairing { client: Client::$client, key_exchange: Some("x25519"), ..Pairing::OURS };

            exchange::data_tests!(PAIRING);
            exchange::idle_tests!(PAIRING);
            exchange::crowd_tests!(PAIRING);
            exchange::x25519_tests!(PAIRING);
        }
    };
}
pub(crate) use x25519;
