//! One connection, from the accepted socket to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::try_join;

use crate::guest::{Engine, ForwardSecrecy, Guest, Side};
use crate::handshake::Handshake;
use crate::keyfile::Psk;
use crate::net::dial::dial;
use crate::net::resolve::Endpoint;
use crate::net::socket::Socket;
use crate::net::targets::Targets;
use crate::outcome::Outcome;
use crate::relay::{Traffic, relay};
use crate::session::Session;

/// What the connections of one pipe have in common.
pub struct Pipe {
    /// Makes the sandboxes.
    pub engine: Engine,
    /// Our end of the protocol; also tells which socket is the crypt side.
    pub side: Side,
    /// What to do about forward secrecy.
    pub forward_secrecy: ForwardSecrecy,
    /// The key.
    pub psk: Psk,
    /// Where connections are passed on to.
    pub targets: Targets,
    /// The local address of connections to the target.
    pub bind: Option<Endpoint>,
    /// For connecting, and again for the handshake. No limit after that.
    pub time_limit: Duration,
    /// Whether TCP keep-alive probes are sent.
    pub keepalive: bool,
}

impl Pipe {
    /// Serves one accepted connection.
    pub async fn serve(self: Arc<Self>, source: Socket) -> Outcome {
        source.tune(self.keepalive);
        let result = match self.side {
            Side::Client => self.encrypt(source).await,
            Side::Server => self.decrypt(source).await,
        };
        result.unwrap_or_else(|outcome| outcome)
    }

    /// The source is plain, the target crypt: nothing is read from the source
    /// before its bytes can be sealed.
    async fn encrypt(&self, mut source: Socket) -> Result<Outcome, Outcome> {
        // In a box of its own: the memory a handshake takes goes when it ends.
        let (mut target, guest, early) = Box::pin(self.open()).await?;
        let outcome = self.copy(guest, early, &mut target, &mut source).await;
        Ok(settle(outcome, target, source))
    }

    /// The source is crypt, the target plain.
    async fn decrypt(&self, mut source: Socket) -> Result<Outcome, Outcome> {
        let (mut target, guest, early) = Box::pin(self.admit(&mut source)).await?;
        let outcome = self.copy(guest, early, &mut source, &mut target).await;
        Ok(settle(outcome, source, target))
    }

    /// Does the handshake as a server. The target is dialled once the peer has
    /// proved itself, while the key is being computed.
    async fn admit(&self, source: &mut Socket) -> Result<(Socket, Box<Guest>, Vec<u8>), Outcome> {
        let handshake = self.begin()?.until_proven(source).await?;
        let finish = async { Ok::<_, Outcome>(handshake.finish(source).await?) };
        // A target that cannot be reached does not cut the handshake short:
        // to the peer that would look like a wrong key.
        let dial = async { Ok(self.dial().await) };
        let ((guest, early), target) = try_join!(finish, dial)?;
        Ok((target?, guest, early))
    }

    /// Connects to the target and does the handshake with it, as a client.
    ///
    /// # Errors
    /// The connection's outcome, if it ends here.
    pub async fn open(&self) -> Result<(Socket, Box<Guest>, Vec<u8>), Outcome> {
        let mut target = self.dial().await?;
        let (guest, early) = self.begin()?.finish(&mut target).await?;
        Ok((target, guest, early))
    }

    fn begin(&self) -> Result<Handshake, Outcome> {
        let guest = Guest::new(&self.engine, self.side, self.forward_secrecy, &self.psk)?;
        Ok(Handshake::begin(Box::new(guest), self.time_limit))
    }

    async fn dial(&self) -> Result<Socket, Outcome> {
        let targets = self.targets.current();
        let target = dial(&targets, self.bind.as_ref(), self.time_limit).await?;
        target.tune(self.keepalive);
        Ok(target)
    }

    /// Relays until both directions have ended or one breaks. `early` is
    /// plaintext that came with the handshake.
    pub async fn copy<C, P>(
        &self,
        guest: Box<Guest>,
        early: Vec<u8>,
        crypt: &mut C,
        plain: &mut P,
    ) -> Outcome
    where
        C: AsyncRead + AsyncWrite + Unpin,
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let mut session = Session::new(&self.engine, guest);
        let mut traffic = Traffic::default();
        match relay(&mut session, early, crypt, plain, &mut traffic).await {
            Ok(()) => Outcome::Closed(traffic),
            Err(cause) => Outcome::Broken(cause, traffic),
        }
    }
}

/// Closes both sockets: neither application may take a broken connection for
/// one that was complete.
fn settle(outcome: Outcome, crypt: Socket, plain: Socket) -> Outcome {
    if let Outcome::Broken(..) = outcome {
        crypt.reset();
        plain.reset();
    }
    outcome
}
