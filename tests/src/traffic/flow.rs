//! One direction of a connection, as an account.

use std::fmt;

use super::content::Content;
use crate::Ending;

/// Bytes one way.
#[derive(Debug)]
pub struct Flow {
    content: Content,
    /// How many bytes may have been sent by now.
    pub(super) budget: u64,
    /// Whether the end follows them.
    pub(super) ends: bool,
    /// Whether the reader reads.
    pub(super) is_read: bool,
    pub(super) sent: u64,
    pub(super) end_sent: bool,
    pub(super) received: u64,
    pub(super) ending: Option<Ending>,
    /// What arrived that was not sent, or not so.
    pub(super) fault: Option<String>,
}

impl Flow {
    pub(super) fn new(stream: u64) -> Self {
        Self {
            content: Content::of(stream),
            budget: 0,
            ends: false,
            is_read: true,
            sent: 0,
            end_sent: false,
            received: 0,
            ending: None,
            fault: None,
        }
    }

    /// Whether there is something to send.
    pub(super) fn has_more(&self) -> bool {
        !self.end_sent && (self.sent < self.budget || self.ends)
    }

    /// The next bytes to send, which count as sent.
    pub(super) fn take(&mut self, most: usize, to: &mut Vec<u8>) -> usize {
        let left = usize::try_from(self.budget.saturating_sub(self.sent)).unwrap_or(usize::MAX);
        let count = left.min(most);
        self.content.append(self.sent, count, to);
        self.sent += count as u64;
        count
    }

    /// Whether only the end is left to send.
    pub(super) fn is_at_end(&self) -> bool {
        self.ends && !self.end_sent && self.sent >= self.budget
    }

    /// These have arrived.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        if self.ending.is_some() {
            self.fail(format!("{} bytes after the end", bytes.len()));
        } else if self.received + bytes.len() as u64 > self.sent {
            self.fail(format!("more bytes than {}, which were sent", self.sent));
        } else if !self.content.is(self.received, bytes) {
            self.fail(format!("wrong bytes at {}", self.received));
        }
        self.received += bytes.len() as u64;
    }

    pub(super) fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    pub(super) fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }

    /// Whether the reader reads on.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_read && !self.is_over()
    }

    /// Whether nothing more is expected.
    pub(super) fn is_over(&self) -> bool {
        self.ending.is_some() || self.fault.is_some()
    }

    /// Whether all that was sent has arrived, and the end.
    pub(super) fn is_delivered(&self) -> bool {
        let all = self.end_sent && self.received == self.sent;
        all && self.ending == Some(Ending::Closed) && self.fault.is_none()
    }

    /// Whether it broke off, and nothing arrived but what was sent before.
    pub(super) fn is_reset(&self) -> bool {
        self.ending == Some(Ending::Reset) && self.fault.is_none()
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.received, self.sent)?;
        if self.end_sent {
            f.write_str(" and the end")?;
        }
        write!(f, ", {:?}", self.ending)?;
        match &self.fault {
            Some(fault) => write!(f, ", {fault}"),
            None => Ok(()),
        }
    }
}
