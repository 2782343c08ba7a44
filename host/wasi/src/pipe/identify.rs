//! Who is there?

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Server;
use super::strangers::StrangersPlace;
use crate::bindings::{Authenticated, Verdict};
use crate::net::Duplex;

/// A peer that has the key, and what it has sent.
pub(super) struct Known {
    pub(super) authenticated: Authenticated,
    pub(super) received: Vec<u8>,
}

impl Server {
    /// Sends our nonce, and reads until it is clear who is there. The caller
    /// limits the time.
    ///
    /// # Errors
    ///
    /// What is wrong with a stranger that has no key.
    pub(super) async fn identify(
        &self,
        crypt: &mut Duplex,
        nonce: &[u8],
        received: &mut Vec<u8>,
        place: &StrangersPlace,
    ) -> Result<Authenticated, String> {
        crypt.writer.write(nonce).await.map_err(|broken| format!("{broken}"))?;
        loop {
            let verdict = self.acceptor.identify(nonce, received);
            let more = match verdict.map_err(|misuse| format!("{misuse:?}"))? {
                Verdict::Authenticated(authenticated) => return Ok(authenticated),
                Verdict::Refused(fault) => return Err(format!("{fault}")),
                Verdict::More(more) => more as usize,
            };
            let wanted = received.len() + more;
            while received.len() < wanted {
                match crypt.reader.read(wanted - received.len()).await {
                    Ok(Some(bytes)) => {
                        received.extend_from_slice(&bytes);
                        place.heard();
                    }
                    // A reset is as good an end as any, for a stranger.
                    Ok(None) | Err(_) => return Err(self.at_end(nonce, received)),
                }
            }
        }
    }

    /// What was wrong with a stranger that went no further.
    pub(super) fn at_end(&self, nonce: &[u8], received: &[u8]) -> String {
        match self.acceptor.fault_at_eof(nonce, received) {
            Ok(fault) => format!("{fault}"),
            Err(misuse) => format!("{misuse:?}"),
        }
    }
}
