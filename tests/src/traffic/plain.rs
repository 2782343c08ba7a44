//! The application or the target.

use std::io::{ErrorKind, Read, Write};

use super::flow::Flow;
use super::{Interest, interest};
use crate::{Conn, Ending};

/// The end at the plain side.
pub(super) struct Plain {
    conn: Conn,
    out: Vec<u8>,
    is_broken: bool,
}

impl Plain {
    pub(super) fn new(conn: Conn) -> Self {
        conn.set_nonblocking();
        Self { conn, out: Vec::new(), is_broken: false }
    }

    pub(super) fn interest(&self, outgoing: &Flow, incoming: &Flow) -> Interest<'_> {
        let writes = !self.is_broken && (!self.out.is_empty() || outgoing.has_more());
        interest(&self.conn, incoming.is_wanted(), writes)
    }

    /// Sends what there is to send. Says whether anything went.
    pub(super) fn write(&mut self, outgoing: &mut Flow) -> bool {
        if self.out.is_empty() {
            outgoing.take(BATCH, &mut self.out);
        }
        if !self.out.is_empty() {
            match self.conn.write(&self.out) {
                Ok(count) => {
                    self.out.drain(..count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(_) => self.is_broken = true,
            }
        } else if outgoing.is_at_end() {
            self.conn.half_close();
            outgoing.end_sent = true;
        }
        true
    }

    /// Takes what has arrived. Says whether anything had.
    pub(super) fn read(&mut self, incoming: &mut Flow) -> bool {
        let mut bytes = [0; BATCH];
        match self.conn.read(&mut bytes) {
            // Whoever wrote has been told the reason instead.
            Ok(0) if self.is_broken => incoming.end(Ending::Reset),
            Ok(0) => incoming.end(Ending::Closed),
            Ok(count) => incoming.receive(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => incoming.end(Ending::Reset),
        }
        true
    }
}

const BATCH: usize = 16 * 1024;
