//! The end that a case is about, and whom it talks to.

use spiped_core::{ClientConfig, ForwardSecrecy, ServerConfig, Side};
use spiped_tests::wire::{Direction, Key, one, psk};

use super::Case;
use crate::builds::NativeCrate;
use crate::peer::Peer;
use crate::recording::Recording;
use crate::resource::{ESTABLISHED, WANTS_COMPUTE};
use crate::{Answer, Call, Ingredients};

/// An end being written down, with the random bytes of the specification's
/// vectors unless it is told otherwise.
#[derive(Default)]
pub(super) struct Party {
    recording: Recording,
    /// What a server makes a session of once its stranger has authenticated.
    server: Option<Server>,
    /// What it has sent and nobody has taken.
    sent: Vec<u8>,
    /// Where it stands.
    last: Answer,
}

struct Server {
    config: ServerConfig,
    psks: Vec<Vec<u8>>,
    received: Vec<u8>,
}

impl Party {
    /// Made of anything, and that is all.
    pub(super) fn of(ingredients: Ingredients) -> Self {
        let mut end = Self::default();
        end.make(ingredients);
        end
    }

    /// Makes something in the place of what there was.
    pub(super) fn make(&mut self, ingredients: Ingredients) {
        self.last = self.recording.make(&NativeCrate, ingredients);
    }

    /// A client, not started.
    pub(super) fn client(config: ClientConfig, psk: Key) -> Self {
        Self::of(connect(config, psk))
    }

    /// A server that waits for a stranger's hello. Its nonce is sent.
    pub(super) fn server(config: ServerConfig, psks: &[Key]) -> Self {
        let psks: Vec<_> = psks.iter().map(|psk| psk.to_vec()).collect();
        let mut end = Self::of(acceptor(config, &psks));
        end.sent = nonce(Side::Server);
        end.server = Some(Server { config, psks, received: Vec::new() });
        end
    }

    /// A started client, or a server that waits for a stranger, with the
    /// exchange of programs without further options: a client does what every
    /// spiped understands, a server leaves it to its clients.
    pub(super) fn start(side: Side, forward_secrecy: ForwardSecrecy) -> Self {
        match side {
            Side::Client => Self::start_client(ClientConfig::Modp2048(forward_secrecy), secret()),
            Side::Server => Self::server(ServerConfig::Any(forward_secrecy), &[secret()]),
        }
    }

    /// A started client that has computed what is due.
    pub(super) fn start_client(config: ClientConfig, psk: Key) -> Self {
        let mut end = Self::client(config, psk);
        end.call(Call::Start);
        end.compute();
        end
    }

    /// A session that is not started; a server's, with a client that omits
    /// forward secrecy.
    pub(super) fn fresh(side: Side, forward_secrecy: ForwardSecrecy) -> Self {
        match side {
            Side::Client => Self::client(ClientConfig::Modp2048(forward_secrecy), secret()),
            Side::Server => {
                let mut end = Self::start(side, forward_secrecy);
                end.identify(&peer_of(side).handshake(&one()));
                end
            }
        }
    }

    /// Goes on from a state.
    pub(super) fn resume(state: &[u8]) -> Self {
        Self::of(Ingredients::Resume { state: state.to_vec() })
    }

    pub(super) fn call(&mut self, call: Call) -> Answer {
        let asked_only = matches!(call, Call::PskId | Call::Suspend);
        let answer = self.recording.call(call);
        self.sent.extend(&answer.to_crypt);
        if !asked_only {
            self.last = answer.clone();
        }
        answer
    }

    /// Makes several calls, without a look at what they answer.
    pub(super) fn calls(&mut self, calls: impl IntoIterator<Item = Call>) {
        for call in calls {
            self.call(call);
        }
    }

    /// Computes whatever is due.
    pub(super) fn compute(&mut self) {
        while self.last.words == WANTS_COMPUTE {
            self.call(Call::Compute);
        }
    }

    /// Takes bytes from a stranger. If that authenticates it, makes a session,
    /// and returns what is left for that.
    pub(super) fn identify(&mut self, bytes: &[u8]) -> Vec<u8> {
        let answer = self.call(Call::Identify(bytes.to_vec()));
        let server = self.server.as_mut().expect("a stranger");
        server.received.extend_from_slice(bytes);
        let Some((index, hello_len)) = answer.authenticated() else { return Vec::new() };
        let Some(Server { config, psks, mut received }) = self.server.take() else {
            unreachable!("there was a stranger");
        };
        let rest = received.split_off(hello_len);
        self.make(accept(config, received, psks[index].clone()));
        rest
    }

    /// Takes bytes from the peer, whoever it is, and computes nothing.
    pub(super) fn take_in(&mut self, bytes: &[u8]) {
        if self.server.is_none() {
            self.call(Call::Crypt(bytes.to_vec()));
            return;
        }
        let rest = self.identify(bytes);
        if self.server.is_none() && !self.is_over() {
            self.call(Call::Start);
            if !rest.is_empty() {
                self.call(Call::Crypt(rest));
            }
        }
    }

    /// Takes bytes from the peer, and computes whatever is due after them,
    /// unless this end is over.
    pub(super) fn receive(&mut self, bytes: impl AsRef<[u8]>) {
        if self.is_stranded() {
            return;
        }
        self.take_in(bytes.as_ref());
        self.compute();
    }

    /// Takes bytes from the application, if there is a session for them.
    pub(super) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        if !self.is_stranded() {
            self.call(Call::Plain(bytes.as_ref().to_vec()));
        }
    }

    /// Suspends it; it must be established.
    pub(super) fn suspend(&mut self) -> Vec<u8> {
        let answer = self.recording.call(Call::Suspend);
        answer.bytes.expect("an established session")
    }

    pub(super) fn take_sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sent)
    }

    pub(super) fn is_established(&self) -> bool {
        self.last.words == ESTABLISHED
    }

    fn is_over(&self) -> bool {
        self.last.is_final()
    }

    /// Over without ever having had a session.
    fn is_stranded(&self) -> bool {
        self.is_over() && !self.recording.is_session()
    }

    /// The peer ends the connection, unless this end is over.
    pub(super) fn hang_up(&mut self) {
        if !self.is_over() {
            let eof = if self.server.is_some() { Call::FaultAtEof } else { Call::CryptEof };
            self.call(eof);
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        if !self.is_over() && !bytes.is_empty() {
            self.receive(bytes);
        }
    }

    pub(super) fn case(self, name: impl Into<String>, about: impl Into<String>) -> Case {
        let transcript = self.recording.finish();
        Case { name: name.into(), about: about.into(), transcript }
    }
}

/// Delivers what each end sends until nothing is on the way. If an end is
/// over, the other sees the stream end.
pub(super) fn converse(client: &mut Party, server: &mut Party) {
    loop {
        let (to_server, to_client) = (client.take_sent(), server.take_sent());
        if to_server.is_empty() && to_client.is_empty() {
            break;
        }
        server.hear(&to_server);
        client.hear(&to_client);
    }
    let over = [client.is_over(), server.is_over()];
    for (end, peer_over) in [(client, over[1]), (server, over[0])] {
        if peer_over {
            end.hang_up();
        }
    }
}

/// Both with their sides' names.
pub(super) fn both(client: Party, server: Party) -> [(&'static str, Party); 2] {
    [("client", client), ("server", server)]
}

/// A session that has agreed, without forward secrecy, with a peer; and what
/// this peer sends.
pub(super) fn established(side: Side) -> (Party, Direction) {
    let mut end = Party::start(side, ForwardSecrecy::Omit);
    let peer = peer_of(side);
    end.receive(peer.handshake(&one()));
    end.take_sent();
    (end, peer.packets(&one()))
}

/// An end that has computed nothing yet: a client is started.
pub(super) fn unhurried(side: Side) -> Party {
    match side {
        Side::Client => {
            let mut end = Party::fresh(side, ForwardSecrecy::Offer);
            end.call(Call::Start);
            end
        }
        Side::Server => Party::start(side, ForwardSecrecy::Offer),
    }
}

/// A client of the specification's vectors.
pub(super) fn connect(config: ClientConfig, psk: Key) -> Ingredients {
    Ingredients::Connect { config, psk: psk.to_vec(), entropy: entropy(Side::Client) }
}

/// A server of the specification's vectors, before it knows who is there.
pub(super) fn acceptor(config: ServerConfig, psks: &[Vec<u8>]) -> Ingredients {
    Ingredients::Acceptor { config, psks: psks.to_vec(), our_nonce: nonce(Side::Server) }
}

/// And once it does.
pub(super) fn accept(config: ServerConfig, hello: Vec<u8>, psk: Vec<u8>) -> Ingredients {
    let [our_nonce, entropy] = [nonce(Side::Server), exponent(Side::Server).to_vec()];
    Ingredients::Accept { config, our_nonce, hello, psk, entropy }
}

/// The key file `spiped test key` and a line feed.
pub(super) fn secret() -> Key {
    psk(b"spiped test key\n")
}

/// The peer of a session of this side.
pub(super) fn peer_of(side: Side) -> Peer {
    Peer::new(opposite(side), secret(), nonces())
}

pub(super) fn opposite(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

/// The client's, then the server's.
pub(super) fn nonces() -> [u8; 64] {
    std::array::from_fn(|at| u8::try_from(at).expect("at most 63"))
}

pub(super) fn nonce(side: Side) -> Vec<u8> {
    let (client, server) = (&nonces()[..32], &nonces()[32..]);
    match side {
        Side::Client => client.to_vec(),
        Side::Server => server.to_vec(),
    }
}

pub(super) fn exponent(side: Side) -> [u8; 32] {
    match side {
        Side::Client => [0x11; 32],
        Side::Server => [0x22; 32],
    }
}

/// Nonce, then exponent.
pub(super) fn entropy(side: Side) -> Vec<u8> {
    [&nonce(side)[..], &exponent(side)].concat()
}
