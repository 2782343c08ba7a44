//! Sets of scenarios, as macros that make tests of them for one host.

/// A client of Debian's `spiped -d`.
macro_rules! client {
    ($host:expr) => {
        mod client {
            use spiped_tests::{Client, LineUp, Origin, exchange};

            const ORIGIN: Origin = Origin::Foreign(&$host.programs);
            const LINE_UP: LineUp = LineUp::to_debian(Client::Spipe, &$host.programs);

            exchange::data_tests!(LINE_UP);
            exchange::flag_tests_of_client!(LINE_UP);
            exchange::refusal_tests!(LINE_UP);
            exchange::truncation_tests_of_client!(ORIGIN);
        }
    };
}
pub(crate) use client;

/// A client of servers that misbehave, and between ends that do not read.
macro_rules! tried_client {
    ($host:expr) => {
        mod tried_client {
            use spiped_tests::{Client, LineUp, Origin, exchange};

            const ORIGIN: Origin = Origin::Foreign(&$host.programs);
            const LINE_UP: LineUp =
                LineUp { client: Client::Spipe, client_origin: ORIGIN, ..LineUp::OURS };

            exchange::lone_client_tests!(ORIGIN);
            exchange::pressure_tests!(LINE_UP);
        }
    };
}
pub(crate) use tried_client;

/// A server of Debian's `spiped -e`.
macro_rules! server {
    ($host:expr) => {
        mod server {
            use spiped_tests::{LineUp, Origin, exchange};

            const ORIGIN: Origin = Origin::Foreign(&$host.programs);
            const LINE_UP: LineUp = LineUp::from_debian(&$host.programs);

            exchange::data_tests!(LINE_UP);
            exchange::flag_tests_of_server!(LINE_UP);
            exchange::refusal_tests!(LINE_UP);
            exchange::truncation_tests_of_server!(ORIGIN);
        }
    };
}
pub(crate) use server;

/// A server of clients that misbehave, of many at once, and between ends that do not
/// read.
macro_rules! tried_server {
    ($host:expr) => {
        mod tried_server {
            use spiped_tests::{LineUp, Origin, exchange};

            const ORIGIN: Origin = Origin::Foreign(&$host.programs);
            const LINE_UP: LineUp = LineUp { server_origin: ORIGIN, ..LineUp::OURS };

            exchange::lone_server_tests!(ORIGIN);
            exchange::crowd_tests!(LINE_UP);
            exchange::pressure_tests!(LINE_UP);
        }
    };
}
pub(crate) use tried_server;

/// A client of many connections, as `spiped -e` is.
macro_rules! daemon {
    ($host:expr) => {
        mod daemon {
            use spiped_tests::{Client, LineUp, exchange};

            const LINE_UP: LineUp = LineUp::to_debian(Client::Daemon, &$host.programs);

            exchange::data_tests!(LINE_UP);
            exchange::crowd_tests!(LINE_UP);

            #[test]
            fn wrong_key_is_refused() {
                exchange::refusal::of_key(LINE_UP);
            }

            #[test]
            #[ignore = "soak"]
            fn gibibyte_crosses_both_ways_at_once() {
                exchange::data::bulk_both_ways(LINE_UP, 1 << 30);
            }
        }
    };
}
pub(crate) use daemon;

/// A client of our own server, by the key exchange that only we have.
macro_rules! x25519_client {
    ($host:expr) => {
        mod x25519_client {
            use spiped_tests::{Client, LineUp, Origin, exchange};

            const LINE_UP: LineUp = LineUp {
                client: Client::Spipe,
                client_origin: Origin::Foreign(&$host.programs),
                key_exchange: Some("x25519"),
                ..LineUp::OURS
            };

            #[test]
            fn every_size_arrives() {
                exchange::data::sizes(LINE_UP);
            }
        }
    };
}
pub(crate) use x25519_client;

/// A server of our own client, likewise.
macro_rules! x25519_server {
    ($host:expr) => {
        mod x25519_server {
            use spiped_tests::{LineUp, Origin, exchange};

            const LINE_UP: LineUp = LineUp {
                server_origin: Origin::Foreign(&$host.programs),
                key_exchange: Some("x25519"),
                ..LineUp::OURS
            };

            #[test]
            fn every_size_arrives() {
                exchange::data::sizes(LINE_UP);
            }

            #[test]
            fn server_can_be_restricted_to_it() {
                exchange::data::works(LINE_UP, &[], &["--kex", "x25519"]);
            }
        }
    };
}
pub(crate) use x25519_server;

/// A few scenarios of [`client`], for a host that shares its code with one that
/// has all of them.
macro_rules! smoke_client {
    ($host:expr) => {
        mod client {
            use spiped_tests::{Client, LineUp, Origin, exchange};

            const ORIGIN: Origin = Origin::Foreign(&$host.programs);
            const LINE_UP: LineUp = LineUp::to_debian(Client::Spipe, &$host.programs);

            exchange::data_tests!(LINE_UP);

            #[test]
            fn wrong_key_is_refused() {
                exchange::refusal::of_key(LINE_UP);
            }

            #[test]
            fn truncated_packet_is_reported() {
                exchange::lone_client::truncated_packet(ORIGIN);
            }
        }
    };
}
pub(crate) use smoke_client;

/// A few scenarios of [`server`], likewise.
macro_rules! smoke_server {
    ($host:expr) => {
        mod server {
            use spiped_tests::{LineUp, Origin, exchange};

            const ORIGIN: Origin = Origin::Foreign(&$host.programs);
            const LINE_UP: LineUp = LineUp::from_debian(&$host.programs);

            exchange::data_tests!(LINE_UP);

            #[test]
            fn wrong_key_is_refused() {
                exchange::refusal::of_key(LINE_UP);
            }

            #[test]
            fn truncated_packet_breaks_both_sides() {
                exchange::lone_server::truncated_packet(ORIGIN);
            }
        }
    };
}
pub(crate) use smoke_server;

/// Transcripts.
macro_rules! player {
    ($host:expr) => {
        mod transcripts {
            use crate::suite::transcripts;

            #[test]
            fn replay() {
                transcripts::replay($host.player);
            }

            #[test]
            fn that_differ_are_reported_with_their_line() {
                transcripts::differ($host.player);
            }
        }
    };
}
pub(crate) use player;

/// What a session takes.
macro_rules! memory {
    ($host:expr) => {
        #[test]
        fn session_takes_little_memory() {
            crate::suite::memory::of_a_session(&$host);
        }
    };
}
pub(crate) use memory;
