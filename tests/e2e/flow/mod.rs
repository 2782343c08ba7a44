//! Bytes, ends and resets through our two ends.

mod addresses;
mod closing;
mod delivery;
mod endings;
mod outgoing_address;
mod proxy_protocol;
mod sleep;
mod targets;

use crate::combinations;

combinations::modp2048!(our_e_with_our_d, Daemon of Ours, Ours);
combinations::modp2048!(our_spipe_with_our_d, Spipe of Ours, Ours);
combinations::x25519!(our_e_with_our_d_by_x25519, Daemon);
combinations::x25519!(our_spipe_with_our_d_by_x25519, Spipe);
