//! The host's part of a handshake: moving its bytes within the time limit.

use std::fmt;
use std::io;
use std::mem;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::guest::{Failure, KeyExchange, Output, SessionGuest, Status};
use crate::process::compute::{Class, Compute, Turn};

/// The size of one read. A nonce and a key share have 320 bytes, and only the peer's
/// first packets can follow them.
const READ_LEN: usize = 2048;

/// A handshake in progress, with the guest's last output and status.
pub struct Handshake {
    guest: Box<SessionGuest>,
    output: Output,
    status: Status,
    key_exchange: KeyExchange,
    /// Whether our public value has been computed.
    shares: bool,
    compute: Compute,
    source: u64,
}

impl Handshake {
    /// Begins with a fresh guest. Exponentiations are scheduled in turn by `source`.
    #[must_use]
    pub fn begin(
        mut guest: Box<SessionGuest>,
        key_exchange: KeyExchange,
        compute: &Compute,
        source: u64,
    ) -> Self {
        let mut output = Output::default();
        let status = guest.start(&mut output);
        let compute = compute.clone();
        Self { guest, output, status, key_exchange, shares: false, compute, source }
    }

    /// Completes the handshake. `early` is what the peer has sent after its hello.
    ///
    /// # Errors
    /// [`HandshakeError`]; close the connection.
    pub async fn finish<S>(
        mut self,
        early: &[u8],
        crypt: &mut S,
    ) -> Result<Established, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if !early.is_empty() {
            self.status = self.guest.handle_crypt(early, &mut self.output);
        }
        loop {
            crypt.write_all(&mem::take(&mut self.output.to_crypt)).await?;
            match self.status {
                Status::Handshaking => self.receive(crypt).await?,
                Status::WantsCompute => self = self.compute().await?,
                Status::Established => return Ok(self.established(None)),
                // The handshake has succeeded if packets that arrived with it are bad: the
                // outcome must not depend on how the bytes were split into reads.
                Status::Failed(ref failure) if failure.is_in_packets() => {
                    let failure = Some(failure.clone());
                    return Ok(self.established(failure));
                }
                Status::Failed(failure) => return Err(HandshakeError::Session(failure)),
            }
        }
    }

    fn established(self, failure: Option<Failure>) -> Established {
        Established { guest: self.guest, to_plain: self.output.to_plain, failure }
    }

    async fn receive<S>(&mut self, crypt: &mut S) -> io::Result<()>
    where
        S: AsyncRead + Unpin,
    {
        let mut bytes = Vec::with_capacity(READ_LEN);
        self.status = match crypt.read_buf(&mut bytes).await? {
            0 => self.guest.crypt_eof(&mut self.output),
            _ => self.guest.handle_crypt(&bytes, &mut self.output),
        };
        Ok(())
    }

    /// Computes the value that is due. Our public value takes no longer than a batch of
    /// packets, and so does the shared value of X25519. The shared value of the other group
    /// takes too long for an event loop, so a compute thread of low priority does it: at
    /// normal priority, round trips of established connections took several times as long.
    async fn compute(mut self) -> Result<Self, HandshakeError> {
        let first = !mem::replace(&mut self.shares, true);
        if first || self.key_exchange == KeyExchange::X25519 {
            self.status = self.guest.compute(&mut self.output);
            return Ok(self);
        }
        let compute = self.compute.clone();
        let turn = Turn { class: Class::Authenticated, source: self.source };
        let computed = compute.run(turn, move || {
            self.status = self.guest.compute_in_background(&mut self.output);
            self
        });
        computed.await.ok_or_else(|| HandshakeError::Session(Failure::abandoned()))
    }
}

/// The result of a handshake.
pub struct Established {
    /// The session.
    pub guest: Box<SessionGuest>,
    /// Plaintext of packets that arrived with the last bytes of the handshake.
    pub to_plain: Vec<u8>,
    /// The failure of the packet after those.
    pub failure: Option<Failure>,
}

/// The time limit of a handshake, and its deadline.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    limit: Duration,
    deadline: Instant,
}

impl TimeLimit {
    /// A time limit that starts now.
    #[must_use]
    pub fn start(limit: Duration) -> Self {
        Self { limit, deadline: Instant::now() + limit }
    }

    /// The deadline.
    #[must_use]
    pub fn deadline(self) -> Instant {
        self.deadline
    }

    /// The error of a handshake that is not complete by then.
    #[must_use]
    pub fn exceeded(self) -> HandshakeError {
        HandshakeError::TimedOut(self.limit)
    }

    /// Runs these steps until the deadline.
    ///
    /// # Errors
    /// [`HandshakeError::TimedOut`].
    pub async fn hold<T>(self, steps: impl Future<Output = T>) -> Result<T, HandshakeError> {
        timeout_at(self.deadline, steps).await.map_err(|_| self.exceeded())
    }
}

/// Why there is no established session.
#[derive(Debug)]
pub enum HandshakeError {
    /// It took longer than this.
    TimedOut(Duration),
    /// The socket failed.
    Io(io::Error),
    /// The session failed, or could not be made.
    Session(Failure),
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(limit) => {
                write!(f, "handshake timed out after {} s (-o)", limit.as_secs_f64())
            }
            Self::Io(error) => write!(f, "connection failed in the handshake: {error}"),
            Self::Session(failure) => failure.fmt(f),
        }
    }
}
