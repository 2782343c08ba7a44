//! A server's connection before its peer has authenticated: a socket, a timer,
//! and the few bytes received. Everything larger is allocated later.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::ready;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::select;
use tokio::time::{timeout, timeout_at};

use crate::connection::acceptors::Acceptors;
use crate::connection::handshake::{HandshakeError, TimeLimit};
use crate::connection::outcome::Outcome;
use crate::connection::place::Place;
use crate::guest::{
    Authenticated, Greeting, GuestError, HELLO_MAX, KeyExchange, NONCE_LEN, PeerFault, Verdict,
};
use crate::keys::KeySet;
use crate::net::socket::Socket;

/// A peer that has authenticated, with what its session is made of.
pub(crate) struct Peer {
    our_nonce: [u8; NONCE_LEN],
    received: Vec<u8>,
    hello_len: usize,
    /// The keys that were in use at the verdict.
    pub keys: Arc<KeySet>,
    /// The index of its key in them.
    pub psk_index: usize,
    /// The key exchange that it chose.
    pub key_exchange: KeyExchange,
}

impl Peer {
    /// The nonces and the key share, from which its session is made.
    #[must_use]
    pub(crate) fn greeting(&self) -> Greeting<'_> {
        let hello = self.received.get(..self.hello_len).unwrap_or_default();
        Greeting { our_nonce: &self.our_nonce, hello }
    }

    /// The bytes that it has sent after its hello.
    #[must_use]
    pub(crate) fn early(&self) -> &[u8] {
        self.received.get(self.hello_len..).unwrap_or_default()
    }
}

/// Sends a stranger our nonce, and reads until it has authenticated or its
/// connection ends.
///
/// # Errors
/// The connection's outcome. Only the nonce was sent.
pub(crate) async fn identify(
    socket: &mut Socket,
    acceptors: &Acceptors,
    time: TimeLimit,
    place: &mut Place,
) -> Result<Peer, Outcome> {
    // protocol.md R-1
    let mut our_nonce = [0; NONCE_LEN];
    getrandom::fill(&mut our_nonce).map_err(GuestError::from)?;
    let mut heard = Heard { received: Vec::new(), undecided: false };
    let mut dismissal = place.dismissal();
    // Not wrapped in another async block: that would double the size of the future, of
    // which every stranger has one.
    let steps = listen(socket, acceptors, &our_nonce, &mut heard, place);
    let listened = select! {
        // The verdict first: a stranger that authenticates in the turn in which another one
        // needs its place is not evicted.
        biased;
        listened = timeout_at(time.deadline(), steps) => listened,
        Ok(dismissal) = &mut dismissal => Ok(Err(Outcome::Dismissed(dismissal))),
    };
    let listened = match listened {
        Ok(listened) => listened,
        Err(_) if heard.undecided => Err(time.exceeded().into()),
        // The stranger was silent, or is a client that waits for our answer to an X25519 key
        // share that did not verify, while we wait for a longer one.
        Err(_) => {
            let source = place.source();
            let fault = acceptors.fault_at_eof(source, &our_nonce, &heard.received);
            let fault = timeout(FAULT_LIMIT, fault).await.ok().transpose()?;
            let fault = fault.unwrap_or(PeerFault::TruncatedInHandshake);
            Err(stopped(fault, time.exceeded()))
        }
    };
    let (peer, keys) = listened.map_err(|outcome| outcome.after(&heard.received))?;
    let Authenticated { psk_index, key_exchange, hello_len } = peer;
    let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let (psk_index, hello_len) = (number(psk_index), number(hello_len));
    let received = heard.received;
    Ok(Peer { our_nonce, received, hello_len, keys, psk_index, key_exchange })
}

/// How long a stranger whose time limit has expired is kept to determine the fault
/// to log.
const FAULT_LIMIT: Duration = Duration::from_secs(1);

/// The bytes that a stranger has sent.
struct Heard {
    received: Vec<u8>,
    /// Whether an acceptor is searching the keys for it.
    undecided: bool,
}

async fn listen(
    socket: &mut Socket,
    acceptors: &Acceptors,
    our_nonce: &[u8; NONCE_LEN],
    Heard { received, undecided }: &mut Heard,
    place: &Place,
) -> Result<(Authenticated, Arc<KeySet>), Outcome> {
    // protocol.md H-2
    socket.write_all(our_nonce).await.map_err(HandshakeError::from)?;
    let (mut wanted, source) = (acceptors.hello_min(), place.source());
    loop {
        while received.len() < wanted {
            match receive(socket, received).await {
                Ok(1..) => {}
                Ok(0) => {
                    let fault = acceptors.fault_at_eof(source, our_nonce, received).await?;
                    return Err(refused(fault));
                }
                Err(error) => {
                    let fault = acceptors.fault_at_eof(source, our_nonce, received).await?;
                    return Err(stopped(fault, error.into()));
                }
            }
        }
        place.heard();
        *undecided = true;
        let answer = acceptors.identify(source, our_nonce, received).await?;
        *undecided = false;
        match answer {
            (Verdict::Authenticated(peer), keys) => return Ok((peer, keys)),
            (Verdict::Refused(fault), _) => return Err(refused(fault)),
            (Verdict::More(more), _) => {
                wanted = received.len() + usize::try_from(more).unwrap_or(HELLO_MAX);
            }
        }
    }
}

/// The outcome for a stranger that stopped: the fault in its bytes if there is one,
/// otherwise how it stopped.
fn stopped(fault: PeerFault, how: HandshakeError) -> Outcome {
    if fault == PeerFault::TruncatedInHandshake { how.into() } else { refused(fault) }
}

fn refused(fault: PeerFault) -> Outcome {
    HandshakeError::Session(fault.into()).into()
}

/// Appends the bytes available, up to the length of a hello in total. Returns how
/// many were read.
async fn receive(socket: &mut Socket, received: &mut Vec<u8>) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut buffer = [0; HELLO_MAX];
        let mut buffer = ReadBuf::new(&mut buffer[received.len().min(HELLO_MAX)..]);
        ready!(Pin::new(&mut *socket).poll_read(cx, &mut buffer))?;
        // Allocated only now: a silent stranger has no buffer.
        received.reserve_exact(HELLO_MAX - received.len());
        received.extend_from_slice(buffer.filled());
        Ok(buffer.filled().len()).into()
    })
    .await
}
