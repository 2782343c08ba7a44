//! The host's part of the handshake: moving bytes in time.

use std::fmt;
use std::io;
use std::mem;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::guest::{Config, Failure, Guest, KeyExchange, Output, PeerFault, Status};

/// One read; a key share is 288 bytes, and little else can be there.
const READ_LEN: usize = 2048;

/// What a client that uses X25519 sends before it wants an answer: nonce,
/// public value, MAC.
const X25519_FLIGHT_LEN: usize = 32 + 64;

/// As many exponentiations at once as there are processors: more would only
/// take turns, and delay each other and the established connections.
static PROCESSORS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(computing_max()));

/// How many guests can be computing at once on threads of their own. One that
/// was given up, as its time was over, goes on until it is done.
#[must_use]
pub fn computing_max() -> usize {
    available_parallelism().map_or(1, Into::into)
}

/// With more keys than this, a server's search for its peer's takes too long
/// for a thread that others wait for.
const QUICK_SEARCH_MAX: usize = 64;

/// A handshake under way, with an answer of the guest that is not acted on.
pub struct Handshake {
    guest: Box<Guest>,
    output: Output,
    config: Config,
    /// How many keys the peer may hold one of.
    candidates: usize,
    /// Whether our public value has been computed.
    shares: bool,
    time: TimeLimit,
}

impl Handshake {
    /// Begins with a guest that was given this configuration and `candidates`
    /// keys. The whole handshake has to be done within `limit`.
    #[must_use]
    pub fn begin(
        mut guest: Box<Guest>,
        config: Config,
        candidates: usize,
        limit: Duration,
    ) -> Self {
        let output = guest.start();
        let time = TimeLimit { limit, deadline: Instant::now() + limit };
        Self { guest, output, config, candidates, shares: false, time }
    }

    /// Goes on until the peer has proved to hold a key; on a server, that is
    /// before anything is computed for it or tells it so.
    ///
    /// # Errors
    /// [`HandshakeError`]; close the connection.
    pub async fn until_proven<S>(self, crypt: &mut S) -> Result<Self, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (received, accepted) = (AtomicUsize::new(0), self.config.key_exchange);
        let enough = |status: &_| matches!(status, Status::Computing | Status::Established);
        let proven = self.time.hold(self.run(crypt, enough, &received)).await;
        proven.map_err(|error| error.of_client(received.into_inner(), accepted))
    }

    /// Which of the keys the peer has proved to hold, as an index.
    pub fn peer_key(&mut self) -> Option<usize> {
        self.guest.peer_secret().and_then(|index| usize::try_from(index).ok())
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
        let unused = AtomicUsize::new(0);
        self.time
            .hold(async {
                let enough = |status: &_| *status == Status::Established;
                let done = self.run(crypt, enough, &unused).await?;
                crypt.write_all(&done.output.to_crypt).await?;
                Ok((done.guest, done.output.to_plain))
            })
            .await
    }

    async fn run<S>(
        mut self,
        crypt: &mut S,
        enough: fn(&Status) -> bool,
        received: &AtomicUsize,
    ) -> Result<Self, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while !enough(&self.output.status) {
            crypt.write_all(&mem::take(&mut self.output.to_crypt)).await?;
            if let Status::Failed(failure) = self.output.status {
                return Err(HandshakeError::Session(failure));
            }
            self = if self.output.status == Status::Computing {
                self.compute().await?
            } else {
                self.receive(crypt, received).await?
            };
        }
        Ok(self)
    }

    async fn receive<S>(
        mut self,
        crypt: &mut S,
        received: &AtomicUsize,
    ) -> Result<Self, HandshakeError>
    where
        S: AsyncRead + Unpin,
    {
        let mut bytes = Vec::with_capacity(READ_LEN);
        let len = crypt.read_buf(&mut bytes).await?;
        received.fetch_add(len, Ordering::Relaxed);
        if self.candidates > QUICK_SEARCH_MAX && !bytes.is_empty() {
            return self.aside(move |guest| guest.handle_crypt(&bytes)).await;
        }
        self.output = match &*bytes {
            [] => self.guest.crypt_eof(),
            bytes => self.guest.handle_crypt(bytes),
        };
        Ok(self)
    }

    /// Our public value takes no longer than a batch of packets, and so does
    /// the shared value of X25519; that of the other group takes too long for
    /// a thread that others wait for.
    async fn compute(mut self) -> Result<Self, HandshakeError> {
        let first = !mem::replace(&mut self.shares, true);
        if first || self.guest.key_exchange() == Some(KeyExchange::X25519) {
            self.output = self.guest.compute();
            return Ok(self);
        }
        self.aside(Guest::compute).await
    }

    /// Enters the guest on a thread of low priority.
    async fn aside(
        mut self,
        enter: impl FnOnce(&mut Guest) -> Output + Send + 'static,
    ) -> Result<Self, HandshakeError> {
        let lost = || HandshakeError::Session(Failure::Guest("computation was abandoned".into()));
        let processor = PROCESSORS.acquire().await.map_err(|_| lost())?;
        let computed = spawn_blocking(move || {
            let _processor = processor;
            self.output = enter(&mut self.guest);
            self
        });
        computed.await.map_err(|_| lost())
    }
}

/// How long a handshake may take, and until when that is.
#[derive(Clone, Copy)]
struct TimeLimit {
    limit: Duration,
    deadline: Instant,
}

impl TimeLimit {
    async fn hold<T>(
        self,
        steps: impl Future<Output = Result<T, HandshakeError>>,
    ) -> Result<T, HandshakeError> {
        let result = timeout_at(self.deadline, steps).await;
        result.unwrap_or(Err(HandshakeError::TimedOut(self.limit)))
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
    /// A client waited for the answer to an X25519 key share that did not
    /// verify. To us it was the beginning of a longer one.
    WrongKeyShare,
    /// A client waited for the answer to what is as long as an X25519 key
    /// share, where that is not accepted.
    OtherKeyExchange,
}

impl HandshakeError {
    /// What it comes to on a server that has `received` so many bytes, and
    /// that accepts only this key exchange, or both.
    fn of_client(self, received: usize, accepted: Option<KeyExchange>) -> Self {
        let waited = matches!(
            self,
            Self::TimedOut(_) | Self::Session(Failure::Peer(PeerFault::CutOffInHandshake))
        );
        match accepted {
            _ if !waited || received != X25519_FLIGHT_LEN => self,
            Some(KeyExchange::Modp2048) => Self::OtherKeyExchange,
            Some(KeyExchange::X25519) | None => Self::WrongKeyShare,
        }
    }
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
            Self::WrongKeyShare => {
                write!(f, "wrong key (--kex x25519 there), or not a spiped peer")
            }
            Self::OtherKeyExchange => {
                write!(f, "it seems to use --kex x25519, which --kex modp2048 here does not accept")
            }
        }
    }
}
