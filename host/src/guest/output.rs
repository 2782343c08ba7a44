//! The output of a session's guest, and the host's checks on it.

use std::ops::Sub;

use super::bindings::session;
use super::{Failure, HELLO_MAX, NONCE_LEN};
use crate::packet_crypto::{PACKET_LEN, PLAIN_MAX};

/// The output that calls append: write it, in order.
#[derive(Debug, Default)]
pub struct Output {
    /// Bytes for the peer.
    pub to_crypt: Vec<u8>,
    /// Authenticated bytes for the application, even if the session failed.
    pub to_plain: Vec<u8>,
}

/// The lengths of both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) to_crypt: usize,
    pub(super) to_plain: usize,
}

impl Sub for Room {
    type Output = Self;

    /// The difference to earlier lengths.
    fn sub(self, before: Self) -> Self {
        Self {
            to_crypt: self.to_crypt - before.to_crypt,
            to_plain: self.to_plain - before.to_plain,
        }
    }
}

/// The state of a session: the component's `status`, with our own failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It waits for bytes from the crypt side.
    Handshaking,
    /// `compute` has to be called.
    WantsCompute,
    /// The handshake is complete.
    Established,
    /// It is over.
    Failed(Failure),
}

impl Output {
    /// The lengths of both.
    pub(super) fn len(&self) -> Room {
        Room { to_crypt: self.to_crypt.len(), to_plain: self.to_plain.len() }
    }

    /// Truncates both to earlier lengths.
    pub(super) fn truncate(&mut self, to: Room) {
        self.to_crypt.truncate(to.to_crypt);
        self.to_plain.truncate(to.to_plain);
    }

    /// Appends the bytes that a call has returned, and returns its status.
    pub(super) fn take(&mut self, returned: session::Output) -> Status {
        let session::Output { to_crypt, to_plain, status } = returned;
        self.to_crypt.extend(to_crypt);
        self.to_plain.extend(to_plain);
        match status {
            session::Status::Handshaking => Status::Handshaking,
            session::Status::WantsCompute => Status::WantsCompute,
            session::Status::Established => Status::Established,
            session::Status::Failed(failure) => Status::Failed(Failure::Protocol(failure)),
        }
    }
}

/// The input of a call.
#[derive(Clone, Copy)]
pub(super) enum Input {
    Nothing,
    /// A value may be computed.
    Compute,
    /// This many bytes from the crypt side.
    Crypt(usize),
    /// This many bytes from the plain side.
    Plain(usize),
    /// The plain side's end.
    PlainEnd,
}

/// Limits how many bytes a session may produce, and how often it may ask for a
/// computation. They stop a broken guest before its output reaches a socket, and before
/// it occupies an event loop by asking for one computation after the other.
pub(super) struct Bounds {
    /// How many values may still be computed: the public and the shared one.
    computes_left: u8,
    /// How many bytes of the handshake may still be sent.
    handshake_left: usize,
    crypt_input: usize,
    to_plain: usize,
}

impl Bounds {
    /// The bounds of a client, which has its whole handshake to send.
    pub(super) fn client() -> Self {
        Self { computes_left: 2, handshake_left: HELLO_MAX, crypt_input: 0, to_plain: 0 }
    }

    /// The bounds of a server, whose nonce has been sent already.
    pub(super) fn server() -> Self {
        Self { handshake_left: HELLO_MAX - NONCE_LEN, ..Self::client() }
    }

    /// The bounds of a resumed session: it may hold part of a packet, and has nothing
    /// of its handshake left to send.
    pub(super) fn resumed() -> Self {
        Self { computes_left: 0, handshake_left: 0, crypt_input: PACKET_LEN - 1, to_plain: 0 }
    }

    /// How much a call may produce.
    pub(super) fn room(&mut self, input: Input) -> Room {
        match input {
            Input::Plain(len) => Room { to_crypt: sealed_len(len), to_plain: 0 },
            // The end mark, with X25519.
            Input::PlainEnd => Room { to_crypt: PACKET_LEN, to_plain: 0 },
            Input::Nothing | Input::Compute | Input::Crypt(_) => {
                if let Input::Crypt(len) = input {
                    self.crypt_input = self.crypt_input.saturating_add(len);
                }
                let most = self.crypt_input / PACKET_LEN * PLAIN_MAX;
                let to_plain = most.saturating_sub(self.to_plain);
                Room { to_crypt: self.handshake_left, to_plain }
            }
        }
    }

    /// Returns the status of a call, or a failure if the status or the output cannot be
    /// right.
    pub(super) fn check(&mut self, input: Input, room: Room, made: Room, status: Status) -> Status {
        let Room { to_crypt, to_plain } = made;
        if let Input::Compute = input {
            self.computes_left = self.computes_left.saturating_sub(1);
        }
        let wants_more = status == Status::WantsCompute && self.computes_left == 0;
        let mut possible = !wants_more && to_crypt <= room.to_crypt && to_plain <= room.to_plain;
        match input {
            Input::Plain(_) => {
                possible &= to_crypt == room.to_crypt || matches!(status, Status::Failed(_));
            }
            Input::PlainEnd => possible &= to_crypt == 0 || to_crypt == PACKET_LEN,
            Input::Nothing | Input::Compute | Input::Crypt(_) => {
                self.handshake_left = self.handshake_left.saturating_sub(to_crypt);
                self.to_plain = self.to_plain.saturating_add(to_plain);
            }
        }
        if possible { status } else { Status::Failed(Failure::impossible()) }
    }
}

/// The length of so many plain bytes when sealed.
fn sealed_len(plain: usize) -> usize {
    plain.div_ceil(PLAIN_MAX) * PACKET_LEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_computes_two_values_and_no_more() {
        let wants = |bounds: &mut Bounds, input| {
            let room = bounds.room(input);
            bounds.check(input, room, Room::default(), Status::WantsCompute)
        };
        let mut bounds = Bounds::server();
        assert_eq!(wants(&mut bounds, Input::Nothing), Status::WantsCompute);
        assert_eq!(wants(&mut bounds, Input::Compute), Status::WantsCompute);
        let failed = Status::Failed(Failure::impossible());
        assert_eq!(wants(&mut bounds, Input::Compute), failed);
        assert_eq!(wants(&mut Bounds::resumed(), Input::Crypt(1)), failed);
    }
}
