//! What a session's guest answers, and the host's checks on it.

use super::bindings::session;
use super::{Failure, HELLO_MAX, NONCE_LEN};

/// Bytes on the wire per packet.
const PACKET_LEN: usize = 1060;
/// The most plaintext per packet.
const PLAIN_MAX: usize = 1024;

/// What a call produced: write it, in order, then act on the status.
#[derive(Debug)]
pub struct Output {
    /// Bytes for the peer.
    pub to_crypt: Vec<u8>,
    /// Authenticated bytes for the application, even if the session failed.
    pub to_plain: Vec<u8>,
    /// Where the session stands.
    pub status: Status,
}

/// Where a session stands: the component's `status`, with our own failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It wants bytes from the crypt side.
    Handshaking,
    /// It wants `compute`.
    WantsCompute,
    /// Both directions are open.
    Established,
    /// It is over.
    Failed(Failure),
}

impl Output {
    /// Nothing but a failure.
    pub(crate) fn failed(failure: Failure) -> Self {
        Self { to_crypt: Vec::new(), to_plain: Vec::new(), status: Status::Failed(failure) }
    }
}

/// What a call was given.
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

/// How many bytes a session can rightly produce, and how often it can want to
/// compute. A broken guest is stopped here, before what it made reaches a
/// socket, or an event loop waits for its next value for good.
pub(super) struct Bounds {
    /// Values that may yet be computed: the public and the shared one.
    computes_left: u8,
    /// Bytes for the peer that no plaintext asked for, and that may yet come.
    handshake_left: usize,
    crypt_input: usize,
    to_plain: usize,
}

impl Bounds {
    /// Those of a client, which has its whole handshake to send.
    pub(super) fn client() -> Self {
        Self { computes_left: 2, handshake_left: HELLO_MAX, crypt_input: 0, to_plain: 0 }
    }

    /// Those of a server, whose nonce has gone out.
    pub(super) fn server() -> Self {
        Self { handshake_left: HELLO_MAX - NONCE_LEN, ..Self::client() }
    }

    /// Those of a session that may have got part of a packet before, and has
    /// nothing left of its handshake to send.
    pub(super) fn resumed() -> Self {
        Self { computes_left: 0, handshake_left: 0, crypt_input: PACKET_LEN - 1, to_plain: 0 }
    }

    /// Passes on the answer to a call, unless it cannot be right.
    pub(super) fn check(&mut self, input: Input, output: Output) -> Output {
        let (to_crypt, to_plain) = (output.to_crypt.len(), output.to_plain.len());
        if let Input::Compute = input {
            self.computes_left = self.computes_left.saturating_sub(1);
        }
        let wants_more = output.status == Status::WantsCompute && self.computes_left == 0;
        let possible = match input {
            _ if wants_more => false,
            Input::Plain(len) => {
                let sealed = len.div_ceil(PLAIN_MAX) * PACKET_LEN;
                let failed = matches!(output.status, Status::Failed(_));
                to_plain == 0 && (to_crypt == sealed || failed && to_crypt < sealed)
            }
            // An end mark, if there is one.
            Input::PlainEnd => to_plain == 0 && (to_crypt == 0 || to_crypt == PACKET_LEN),
            Input::Nothing | Input::Compute | Input::Crypt(_) => {
                if let Input::Crypt(len) = input {
                    self.crypt_input = self.crypt_input.saturating_add(len);
                }
                let handshake_left = self.handshake_left.checked_sub(to_crypt);
                self.handshake_left = handshake_left.unwrap_or_default();
                self.to_plain = self.to_plain.saturating_add(to_plain);
                handshake_left.is_some()
                    && self.to_plain <= self.crypt_input / PACKET_LEN * PLAIN_MAX
            }
        };
        if possible { output } else { Output::failed(Failure::impossible()) }
    }
}

impl From<session::Output> for Output {
    fn from(output: session::Output) -> Self {
        let session::Output { to_crypt, to_plain, status } = output;
        let status = match status {
            session::Status::Handshaking => Status::Handshaking,
            session::Status::WantsCompute => Status::WantsCompute,
            session::Status::Established => Status::Established,
            session::Status::Failed(failure) => Status::Failed(Failure::Protocol(failure)),
        };
        Self { to_crypt, to_plain, status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_computes_two_values_and_no_more() {
        let wants = |bounds: &mut Bounds, input| {
            let (to_crypt, to_plain) = (Vec::new(), Vec::new());
            bounds.check(input, Output { to_crypt, to_plain, status: Status::WantsCompute }).status
        };
        let mut bounds = Bounds::server();
        assert_eq!(wants(&mut bounds, Input::Nothing), Status::WantsCompute);
        assert_eq!(wants(&mut bounds, Input::Compute), Status::WantsCompute);
        let failed = Status::Failed(Failure::impossible());
        assert_eq!(wants(&mut bounds, Input::Compute), failed);
        assert_eq!(wants(&mut Bounds::resumed(), Input::Crypt(1)), failed);
    }
}
