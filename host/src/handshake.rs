//! The host's part of the handshake: moving bytes in time.

use std::fmt;
use std::io;
use std::mem;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::guest::{Failure, Guest, Output, Status};

/// One read; a key share is 288 bytes, and little else can be there.
const READ_LEN: usize = 2048;

/// As many exponentiations at once as there are processors: more would only
/// take turns, and delay each other and the established connections.
static PROCESSORS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, Into::into)));

/// A handshake under way, with an answer of the guest that is not acted on.
pub struct Handshake {
    guest: Box<Guest>,
    output: Output,
    /// Whether our public value has been computed.
    shares: bool,
    limit: Duration,
    deadline: Instant,
}

impl Handshake {
    /// Begins. The whole handshake has to be done within `limit`.
    #[must_use]
    pub fn begin(mut guest: Box<Guest>, limit: Duration) -> Self {
        let output = guest.start();
        Self { guest, output, shares: false, limit, deadline: Instant::now() + limit }
    }

    /// Goes on until the peer has proved to hold the key; on a server, that
    /// is before anything is computed for it.
    ///
    /// # Errors
    /// [`HandshakeError`]; close the connection.
    pub async fn until_proven<S>(self, crypt: &mut S) -> Result<Self, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.run(crypt, |status| *status != Status::Handshaking).await
    }

    /// Goes on to the end. Returns the guest, established, and plaintext that
    /// came with the handshake's last bytes.
    ///
    /// # Errors
    /// [`HandshakeError`]; close the connection.
    pub async fn finish<S>(self, crypt: &mut S) -> Result<(Box<Guest>, Vec<u8>), HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let done = self.run(crypt, |status| *status == Status::Established).await?;
        Ok((done.guest, done.output.to_plain))
    }

    async fn run<S>(
        mut self,
        crypt: &mut S,
        enough: fn(&Status) -> bool,
    ) -> Result<Self, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (limit, deadline) = (self.limit, self.deadline);
        let run = async {
            loop {
                crypt.write_all(&mem::take(&mut self.output.to_crypt)).await?;
                if let Status::Failed(failure) = self.output.status {
                    return Err(HandshakeError::Session(failure));
                }
                if enough(&self.output.status) {
                    return Ok(self);
                }
                self = if self.output.status == Status::Computing {
                    self.compute().await?
                } else {
                    self.receive(crypt).await?
                };
            }
        };
        timeout_at(deadline, run).await.unwrap_or(Err(HandshakeError::TimedOut(limit)))
    }

    async fn receive<S>(mut self, crypt: &mut S) -> Result<Self, HandshakeError>
    where
        S: AsyncRead + Unpin,
    {
        let mut buffer = [0; READ_LEN];
        let len = crypt.read(&mut buffer).await?;
        self.output = match &buffer[..len] {
            [] => self.guest.crypt_eof(),
            bytes => self.guest.handle_crypt(bytes),
        };
        Ok(self)
    }

    /// Our public value takes no longer than a batch of packets; the shared
    /// value takes too long for a thread that others wait for.
    async fn compute(mut self) -> Result<Self, HandshakeError> {
        if !mem::replace(&mut self.shares, true) {
            self.output = self.guest.compute();
            return Ok(self);
        }
        let lost = || HandshakeError::Session(Failure::Guest("computation was abandoned".into()));
        let processor = PROCESSORS.acquire().await.map_err(|_| lost())?;
        let computed = spawn_blocking(move || {
            let _processor = processor;
            self.output = self.guest.compute();
            self
        });
        computed.await.map_err(|_| lost())
    }
}

/// Why there is no established session.
#[derive(Debug)]
pub enum HandshakeError {
    /// It took longer than this.
    TimedOut(Duration),
    /// The socket failed.
    Io(io::Error),
    /// The session failed.
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
            Self::Io(error) => write!(f, "handshake broken off: {error}"),
            Self::Session(failure) => failure.fmt(f),
        }
    }
}
