//! Our programs with Debian's.

use crate::exchange;

exchange::pairing!(our_e_with_their_d, Daemon of Ours, Debian);
exchange::pairing!(their_e_with_our_d, Daemon of Debian, Ours);
exchange::pairing!(our_spipe_with_their_d, Spipe of Ours, Debian);
exchange::pairing!(their_spipe_with_our_d, Spipe of Debian, Ours);
