//! Our programs with Debian's.

mod x25519;

use spiped_tests::Origin;

use crate::{exchange, pairing};

exchange::pairing!(our_e_with_their_d, Daemon of Ours, Debian);
exchange::pairing!(their_e_with_our_d, Daemon of Debian, Ours);
exchange::pairing!(our_spipe_with_their_d, Spipe of Ours, Debian);
exchange::pairing!(their_spipe_with_our_d, Spipe of Debian, Ours);

#[test]
fn paired_key_works_with_their_e() {
    pairing::pipe_works(Origin::Debian);
}
