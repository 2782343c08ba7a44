//! The scenarios as tests.
//!
//! Each macro takes the programs: a `LineUp`, or the `Origin` of one that has
//! the test itself for a peer.

/// Data and ends.
#[macro_export]
macro_rules! data_tests {
    ($line_up:expr) => {
        #[test]
        fn every_size_arrives() {
            $crate::exchange::data::sizes($line_up);
        }

        /// protocol.md E-4.
        #[test]
        fn late_reply_to_a_half_closed_request_arrives() {
            $crate::exchange::data::client_closes_first($line_up);
        }

        #[test]
        fn late_request_to_a_half_closed_target_arrives() {
            $crate::exchange::data::target_closes_first($line_up);
        }

        #[test]
        fn big_payloads_cross_unchanged() {
            $crate::exchange::data::bulk_both_ways($line_up, $line_up.bulk());
        }
    };
}

/// Connections that do nothing for a while.
#[macro_export]
macro_rules! idle_tests {
    ($line_up:expr) => {
        #[test]
        fn idle_connection_lives_on() {
            $crate::exchange::data::idle($line_up);
        }
    };
}

/// Connections in numbers.
#[macro_export]
macro_rules! crowd_tests {
    ($line_up:expr) => {
        #[test]
        fn many_connections_work_at_once() {
            $crate::exchange::data::many_at_once($line_up);
        }
    };
}

/// Readers that do not read.
#[macro_export]
macro_rules! pressure_tests {
    ($line_up:expr) => {
        #[test]
        fn stalled_target_stalls_the_application_and_loses_nothing() {
            $crate::exchange::pressure::stalled_target($line_up);
        }

        #[test]
        fn stalled_application_stalls_the_target_and_loses_nothing() {
            $crate::exchange::pressure::stalled_application($line_up);
        }
    };
}

/// What the client's flags do about forward secrecy.
#[macro_export]
macro_rules! flag_tests_of_client {
    ($line_up:expr) => {
        #[test]
        fn client_omits_forward_secrecy() {
            $crate::exchange::data::works($line_up, &["-f"], &[]);
        }

        #[test]
        fn client_requires_forward_secrecy_and_gets_it() {
            $crate::exchange::data::works($line_up, &["-g"], &[]);
        }
    };
}

/// What the server's flags do.
#[macro_export]
macro_rules! flag_tests_of_server {
    ($line_up:expr) => {
        #[test]
        fn server_omits_forward_secrecy() {
            $crate::exchange::data::works($line_up, &[], &["-f"]);
        }

        #[test]
        fn server_requires_forward_secrecy_and_gets_it() {
            $crate::exchange::data::works($line_up, &[], &["-g"]);
        }
    };
}

/// Ends that do not go together.
#[macro_export]
macro_rules! refusal_tests {
    ($line_up:expr) => {
        #[test]
        fn client_refuses_server_without_forward_secrecy() {
            $crate::exchange::refusal::of_flags($line_up, &["-g"], &["-f"]);
        }

        #[test]
        fn server_refuses_client_without_forward_secrecy() {
            $crate::exchange::refusal::of_flags($line_up, &["-f"], &["-g"]);
        }

        #[test]
        fn wrong_key_is_refused() {
            $crate::exchange::refusal::of_key($line_up);
        }
    };
}

/// What a line-up with X25519 does about flags.
#[macro_export]
macro_rules! x25519_tests {
    ($line_up:expr) => {
        #[test]
        fn forward_secrecy_can_be_required() {
            $crate::exchange::data::works($line_up, &["-g"], &["-g"]);
        }

        #[test]
        fn server_without_forward_secrecy_gives_it_all_the_same() {
            $crate::exchange::data::works($line_up, &["-g"], &["-f"]);
        }

        #[test]
        fn server_can_be_restricted_to_it() {
            $crate::exchange::data::works($line_up, &[], &["--kex", "x25519"]);
        }
    };
}

/// What a client between standard input and output makes of streams that end too early.
#[macro_export]
macro_rules! truncation_tests_of_client {
    ($origin:expr) => {
        #[test]
        fn truncated_packet_is_reported() {
            $crate::exchange::lone_client::truncated_packet($origin);
        }

        #[test]
        fn missing_end_mark_is_reported() {
            $crate::exchange::lone_client::truncated_before_end_mark($origin);
        }
    };
}

/// What a server makes of them.
#[macro_export]
macro_rules! truncation_tests_of_server {
    ($origin:expr) => {
        /// protocol.md F-2.
        #[test]
        fn truncated_packet_breaks_both_sides() {
            $crate::exchange::lone_server::truncated_packet($origin);
        }

        /// protocol.md E-7.
        #[test]
        fn missing_end_mark_breaks_both_sides() {
            $crate::exchange::lone_server::truncated_before_end_mark($origin);
        }
    };
}

/// What a client between standard input and output makes of other bad servers.
#[macro_export]
macro_rules! lone_client_tests {
    ($origin:expr) => {
        /// protocol.md F-1.
        #[test]
        fn bytes_before_a_forged_packet_arrive() {
            let reader = $crate::exchange::lone_client::Reader::Waits;
            $crate::exchange::lone_client::forged_packet_after_good_ones($origin, reader);
        }

        #[test]
        fn impossible_length_is_reported() {
            $crate::exchange::lone_client::impossible_length($origin);
        }

        #[test]
        fn silent_server_is_given_up() {
            $crate::exchange::lone_client::silent_server($origin);
        }

        #[test]
        fn refused_connection_is_reported() {
            $crate::exchange::lone_client::refused_connection($origin);
        }

        #[test]
        fn bad_usage_is_a_failure() {
            $crate::exchange::lone_client::bad_usage($origin);
        }
    };
}

/// What a server makes of other bad clients, and of its target.
#[macro_export]
macro_rules! lone_server_tests {
    ($origin:expr) => {
        /// protocol.md F-1.
        #[test]
        fn bytes_before_a_forged_packet_arrive() {
            $crate::exchange::lone_server::forged_packet_after_good_ones($origin);
        }

        #[test]
        fn stranger_reaches_no_target_and_the_next_client_does() {
            $crate::exchange::lone_server::stranger($origin);
        }

        #[test]
        fn reset_by_the_target_reaches_the_peer() {
            $crate::exchange::lone_server::reset_by_the_target($origin);
        }

        #[test]
        fn key_exchange_that_is_not_accepted_is_reported_when_the_client_or_the_time_is_gone() {
            $crate::exchange::lone_server::key_exchange_not_accepted($origin);
        }
    };
}
