//! One connection, from its first byte to its last.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wasip2::random::random::get_random_bytes;
use zeroize::Zeroizing;

use super::identify::Known;
use super::places::Place;
use super::strangers::StrangersPlace;
use super::{Pipe, Server};
use crate::bindings::{Session, types};
use crate::handshake::{Established, connect, establish};
use crate::net::Duplex;
use crate::relay::relay;
use crate::runtime::both;
use crate::words::Fault;

impl Pipe {
    /// From an application to the target, which is a server.
    pub(super) async fn encrypt(
        &self,
        config: types::ClientConfig,
        peer: &str,
        app: Duplex,
        place: Place,
    ) {
        let mut crypt = match self.dialer.dial(&self.targets).await {
            Ok(crypt) => crypt,
            Err(problem) => {
                // Nothing has come: the end of nothing is no one's message.
                self.faults.line(&format!("{peer}: {problem}"));
                return app.close().await;
            }
        };
        let handshake = connect(config, &self.psk, &mut crypt);
        let fault = match self.runtime.within(self.timeout, handshake).await {
            Some(Ok(established)) => {
                return self.forward(established, peer, app, crypt, place).await;
            }
            Some(Err(fault)) => fault,
            None => Fault::Time,
        };
        self.faults.line(&format!("{peer}: Handshake failed: {fault}"));
        both(app.close(), crypt.close()).await;
    }

    /// From a stranger, once it is known, to the target.
    pub(super) async fn decrypt(
        &self,
        server: &Server,
        peer: &str,
        mut crypt: Duplex,
        stranger: StrangersPlace,
    ) {
        let nonce = get_random_bytes(32);
        let known = match self.identify(server, &nonce, &mut crypt, &stranger).await {
            Ok(known) => known,
            Err(problem) => {
                self.strangers_faults.line(&format!("{peer}: {problem}"));
                return crypt.close().await;
            }
        };
        match self.admit(server, &nonce, known, &mut crypt, stranger).await {
            Ok((established, target, place)) => {
                self.forward(established, peer, target, crypt, place).await;
            }
            Err(problem) => {
                self.faults.line(&format!("{peer}: {problem}"));
                crypt.close().await;
            }
        }
    }

    async fn identify(
        &self,
        server: &Server,
        nonce: &[u8],
        crypt: &mut Duplex,
        stranger: &StrangersPlace,
    ) -> Result<Known, String> {
        let mut received = Vec::new();
        let identifying = server.identify(crypt, nonce, &mut received, stranger);
        let identifying = stranger.unless_evicted(identifying);
        match self.runtime.within(self.timeout, identifying).await {
            Some(Some(verdict)) => verdict.map(|authenticated| Known { authenticated, received }),
            Some(None) => Err("made room for others, which send something".to_string()),
            None => Err(format!("{}: {}", Fault::Time, server.at_end(nonce, &received))),
        }
    }

    /// Connects a peer that has the key to the target.
    async fn admit(
        &self,
        server: &Server,
        nonce: &[u8],
        known: Known,
        crypt: &mut Duplex,
        stranger: StrangersPlace,
    ) -> Result<(Established, Duplex, Place), String> {
        // Before it gives up its place among the strangers, so that there are never
        // more than the limits together.
        if self.runtime.within(self.timeout, self.places.one_is_free()).await.is_none() {
            return Err("no place in time".to_string());
        }
        let place = self.places.take();
        drop(stranger);

        // Only then it is answered: a peer that gets no answer knows that it was
        // refused, and has sent nothing yet.
        let target = self.dialer.dial(&self.targets).await?;
        let handshake = self.answer(server.config, &known, nonce, crypt);
        let fault = match self.runtime.within(self.timeout, handshake).await {
            Some(Ok(established)) => return Ok((established, target, place)),
            Some(Err(fault)) => fault,
            None => Fault::Time,
        };
        target.close().await;
        Err(format!("Handshake failed: {fault}"))
    }

    async fn answer(
        &self,
        config: types::ServerConfig,
        known: &Known,
        nonce: &[u8],
        crypt: &mut Duplex,
    ) -> Result<Established, Fault> {
        let Known { authenticated, received } = known;
        let hello_len = received.len().min(authenticated.hello_len as usize);
        let (hello, rest) = received.split_at(hello_len);
        let entropy = Zeroizing::new(get_random_bytes(32));
        let session = Session::accept(config, nonce, hello, &**self.psk, &entropy);
        let session = session.map_err(Fault::Protocol)?;
        establish(session, rest, crypt).await
    }

    /// Both ways, until both have ended or one has failed.
    async fn forward(
        &self,
        established: Established,
        peer: &str,
        mut plain: Duplex,
        mut crypt: Duplex,
        mut place: Place,
    ) {
        let end = relay(self.runtime, self.timeout, established, &mut plain, &mut crypt).await;
        let Err(fault) = end else {
            both(plain.close(), crypt.close()).await;
            return;
        };
        self.faults.line(&format!("{peer}: {fault}"));
        let closing = async {
            // To the peer, an end in the middle of a packet is not a clean one. If
            // nothing can be written, there is no end to be taken for clean, either.
            let _ = crypt.writer.write(&get_random_bytes(1)).await;
            crypt.close().await;
        };
        if plain.writer.is_open() {
            both(closing, self.withhold(plain, &mut place)).await;
        } else {
            both(closing, plain.close()).await;
        }
    }
}
