//! What is left of a connection that failed: the plain side, held open.
//!
//! WASI 0.2 has no reset. To close the socket would send a plain end, and
//! whoever reads there would take what it has for complete. So nothing is sent,
//! and the other end finds out by its own time limit.

use core::time::Duration;

use super::Pipe;
use super::places::Place;
use crate::net::Duplex;

impl Pipe {
    /// Until the other end is gone.
    pub(super) async fn withhold(&self, mut plain: Duplex, place: &mut Place) {
        place.withhold();
        // What still comes has nowhere to go. If it stayed unread, its end would
        // not be seen.
        while let Ok(Some(_)) = plain.reader.read(PIECE).await {
            self.runtime.pass().await;
        }
        // It may have ended its own direction only, and still read.
        while plain.reader.is_connected() {
            self.runtime.sleep(PERIOD).await;
        }
        plain.close().await;
    }
}

const PIECE: usize = 65_536;
const PERIOD: Duration = Duration::from_secs(10);
