//! Bytes, ends and resets through our two ends.

mod addresses;
mod closing;
mod delivery;
mod endings;
mod outgoing_address;
mod proxy_protocol;
mod sleep;
mod targets;

use crate::exchange;

exchange::pairing!(our_e_with_our_d, Daemon of Ours, Ours);
exchange::pairing!(our_spipe_with_our_d, Spipe of Ours, Ours);
exchange::x25519_pairing!(our_e_with_our_d_by_x25519, Daemon);
exchange::x25519_pairing!(our_spipe_with_our_d_by_x25519, Spipe);
