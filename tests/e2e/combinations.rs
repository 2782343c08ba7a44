//! Combinations of a client and a `spiped -d`.

/// A module for one of them, with the key exchange that every program knows.
macro_rules! modp2048 {
    ($name:ident, $client:ident of $client_origin:ident, $server_origin:ident) => {
        mod $name {
            use spiped_tests::{Client, LineUp, Origin, exchange};

            const LINE_UP: LineUp = LineUp {
                client: Client::$client,
                client_origin: Origin::$client_origin,
                server_origin: Origin::$server_origin,
                key_exchange: None,
            };

            exchange::data_tests!(LINE_UP);
            exchange::idle_tests!(LINE_UP);
            exchange::crowd_tests!(LINE_UP);
            exchange::flag_tests_of_client!(LINE_UP);
            exchange::flag_tests_of_server!(LINE_UP);
            exchange::refusal_tests!(LINE_UP);

            #[test]
            fn both_omit_forward_secrecy() {
                exchange::data::works(LINE_UP, &["-f"], &["-f"]);
            }
        }
    };
}
pub(crate) use modp2048;

/// The same with X25519, which only our own programs know.
macro_rules! x25519 {
    ($name:ident, $client:ident) => {
        mod $name {
            use spiped_tests::{Client, LineUp, exchange};

            const LINE_UP: LineUp =
                LineUp { client: Client::$client, key_exchange: Some("x25519"), ..LineUp::OURS };

            exchange::data_tests!(LINE_UP);
            exchange::idle_tests!(LINE_UP);
            exchange::crowd_tests!(LINE_UP);
            exchange::x25519_tests!(LINE_UP);
        }
    };
}
pub(crate) use x25519;
