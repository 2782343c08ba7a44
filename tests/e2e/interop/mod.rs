//! Our programs with the original's.

mod command_line;
mod x25519;

/// A module for the original of one origin.
macro_rules! peer {
    ($name:ident, $origin:ident) => {
        mod $name {
            use spiped_tests::Origin;

            use crate::interop::x25519;
            use crate::{combinations, pairing};

            combinations::modp2048!(our_e_with_their_d, Daemon of Ours, $origin);
            combinations::modp2048!(their_e_with_our_d, Daemon of $origin, Ours);
            combinations::modp2048!(our_spipe_with_their_d, Spipe of Ours, $origin);
            combinations::modp2048!(their_spipe_with_our_d, Spipe of $origin, Ours);

            #[test]
            fn paired_key_works_with_their_e() {
                pairing::pipe_works(Origin::$origin);
            }

            #[test]
            fn client_names_the_remedy_against_a_server_without_x25519() {
                x25519::client_names_the_remedy(Origin::$origin);
            }

            #[test]
            fn old_clients_and_both_kinds_of_ours_share_one_server() {
                x25519::all_clients_share_one_server(Origin::$origin);
            }
        }
    };
}

peer!(debian, Debian);
peer!(upstream, Upstream);
