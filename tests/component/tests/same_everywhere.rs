//! Random conversations, through all builds at once: equal to the byte.

use std::mem;
use std::sync::LazyLock;

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use spiped_component_tests::{Answer, Builds, Call, ESTABLISHED, Ingredients, Trio, WANTS_COMPUTE};
use spiped_core::{ClientConfig, ForwardSecrecy, ServerConfig};

/// Two tests at a time, each with two ends, of which one may be moving.
static BUILDS: LazyLock<Builds> = LazyLock::new(|| Builds::load(6));

/// One thing that happens in a conversation. Positions are taken modulo what
/// is on the wire.
#[derive(Clone, Debug)]
enum Event {
    /// All that the other end has sent arrives, or some of it.
    Deliver {
        to: usize,
        cut: Option<usize>,
    },
    Tamper {
        to: usize,
        at: usize,
        bit: u8,
    },
    Speak {
        by: usize,
        length: usize,
    },
    Eof {
        at: usize,
        crypt: bool,
    },
    /// It is suspended and goes on elsewhere.
    Move {
        at: usize,
    },
}

/// An end and what is on the way to it.
struct Party {
    trio: Trio,
    /// What becomes of a server once its stranger has authenticated.
    server: Option<Server>,
    wire: Vec<u8>,
    /// Empty once it is over.
    status: String,
    crypt_ended: bool,
    plain_ended: bool,
}

struct Server {
    config: ServerConfig,
    psk: Vec<u8>,
    our_nonce: Vec<u8>,
    exponent: Vec<u8>,
    received: Vec<u8>,
}

/// Nonce and exponent.
fn random(seed: u8) -> [Vec<u8>; 2] {
    [vec![seed; 32], vec![seed.wrapping_add(0x55); 32]]
}

impl Party {
    fn client(config: ClientConfig, psk: Vec<u8>, seed: u8) -> Self {
        let entropy = random(seed).concat();
        let ingredients = Ingredients::Connect { config, psk, entropy };
        Self::of(Trio::make(&BUILDS, &ingredients).unwrap(), None)
    }

    fn server(config: ServerConfig, psk: Vec<u8>, seed: u8) -> Self {
        let [our_nonce, exponent] = random(seed);
        let psks = vec![Sha256::digest(b"one more").to_vec(), psk.clone()];
        let ingredients = Ingredients::Acceptor { config, psks, our_nonce: our_nonce.clone() };
        let trio = Trio::make(&BUILDS, &ingredients).unwrap();
        Self::of(trio, Some(Server { config, psk, our_nonce, exponent, received: Vec::new() }))
    }

    fn of(trio: Trio, server: Option<Server>) -> Self {
        let status = "more".into();
        Self { trio, server, wire: vec![], status, crypt_ended: false, plain_ended: false }
    }

    /// What goes out first.
    fn start(&mut self) -> Vec<u8> {
        match &self.server {
            Some(server) => server.our_nonce.clone(),
            None => self.make_call(&Call::Start),
        }
    }

    /// Makes a call if its host might, and computes what is due after it.
    /// Returns what it sends.
    fn call(&mut self, call: &Call) -> Vec<u8> {
        let established = self.status == ESTABLISHED;
        let allowed = match call {
            Call::Crypt(_) | Call::CryptEof => !self.is_over() && !self.crypt_ended,
            Call::Plain(_) | Call::PlainEof => established && !self.plain_ended,
            Call::Start | Call::Compute | Call::PskId => !self.is_over() && self.server.is_none(),
            Call::Suspend => established,
            Call::Identify(_) | Call::FaultAtEof => false,
        };
        if !allowed {
            return Vec::new();
        }
        self.crypt_ended |= *call == Call::CryptEof;
        self.plain_ended |= *call == Call::PlainEof;
        match (&self.server, call) {
            (Some(_), Call::Crypt(bytes)) => self.identify(bytes),
            (Some(_), _) => {
                self.trio.call(&Call::FaultAtEof);
                self.status.clear();
                Vec::new()
            }
            (None, call) => self.make_call(call),
        }
    }

    fn is_over(&self) -> bool {
        self.status.is_empty()
    }

    /// A call on a session.
    fn make_call(&mut self, call: &Call) -> Vec<u8> {
        let answer = self.trio.call(call);
        let mut flight = answer.to_crypt.clone();
        if *call == Call::Suspend {
            let state = answer.bytes.expect("an established session");
            self.trio = Trio::make(&BUILDS, &Ingredients::Resume { state }).unwrap();
        } else if *call != Call::PskId {
            self.go_by(answer);
        }
        if self.status == WANTS_COMPUTE {
            flight.extend(self.make_call(&Call::Compute));
        }
        flight
    }

    fn go_by(&mut self, answer: Answer) {
        self.status = if answer.is_final() { String::new() } else { answer.words };
    }

    /// Bytes from a stranger.
    fn identify(&mut self, bytes: &[u8]) -> Vec<u8> {
        let answer = self.trio.call(&Call::Identify(bytes.to_vec()));
        let authenticated = answer.authenticated();
        self.go_by(answer);
        let server = self.server.as_mut().expect("a stranger");
        server.received.extend_from_slice(bytes);
        let Some((_, hello_len)) = authenticated else { return Vec::new() };
        let Some(Server { config, psk, our_nonce, exponent, mut received }) = self.server.take()
        else {
            unreachable!("there was a stranger");
        };
        let rest = received.split_off(hello_len);
        let (hello, entropy) = (received, exponent);
        let accept = Ingredients::Accept { config, our_nonce, hello, psk, entropy };
        let Ok(trio) = Trio::make(&BUILDS, &accept) else {
            self.status.clear();
            return Vec::new();
        };
        self.trio = trio;
        let mut flight = self.make_call(&Call::Start);
        flight.extend(self.call(&Call::Crypt(rest)));
        flight
    }
}

fn converse(
    client: ClientConfig,
    server: ServerConfig,
    keys: [&[u8]; 2],
    seed: u8,
    events: &[Event],
) {
    let [client_psk, server_psk] = keys.map(|key| Sha256::digest(key).to_vec());
    let mut ends = [
        Party::client(client, client_psk, seed),
        Party::server(server, server_psk, seed.wrapping_add(1)),
    ];
    ends[1].wire = ends[0].start();
    ends[0].wire = ends[1].start();
    for event in events {
        let (actor, flight) = match *event {
            Event::Deliver { to, cut } => {
                let sent = ends[to].wire.len();
                let length = cut.map_or(sent, |cut| cut % (sent + 1));
                let rest = ends[to].wire.split_off(length);
                let bytes = mem::replace(&mut ends[to].wire, rest);
                (to, ends[to].call(&Call::Crypt(bytes)))
            }
            Event::Tamper { to, at, bit } => {
                let wire = &mut ends[to].wire;
                if !wire.is_empty() {
                    let at = at % wire.len();
                    wire[at] ^= 1 << bit;
                }
                continue;
            }
            Event::Speak { by, length } => {
                let plain: Vec<u8> = (0..=250).cycle().take(length).collect();
                (by, ends[by].call(&Call::Plain(plain)))
            }
            Event::Eof { at, crypt: true } => (at, ends[at].call(&Call::CryptEof)),
            Event::Eof { at, crypt: false } => (at, ends[at].call(&Call::PlainEof)),
            Event::Move { at } => {
                ends[at].call(&Call::PskId);
                (at, ends[at].call(&Call::Suspend))
            }
        };
        ends[1 - actor].wire.extend(flight);
    }
}

fn event() -> impl Strategy<Value = Event> {
    let end = 0..2_usize;
    prop_oneof![
        10 => (end.clone(), any::<Option<usize>>())
            .prop_map(|(to, cut)| Event::Deliver { to, cut }),
        4 => (end.clone(), prop_oneof![0..3000_usize, Just(1024), Just(65536), Just(70000)])
            .prop_map(|(by, length)| Event::Speak { by, length }),
        1 => (end.clone(), any::<usize>(), 0..8_u8)
            .prop_map(|(to, at, bit)| Event::Tamper { to, at, bit }),
        1 => (end.clone(), any::<bool>()).prop_map(|(at, crypt)| Event::Eof { at, crypt }),
        2 => end.prop_map(|at| Event::Move { at }),
    ]
}

/// Enough to complete any handshake.
fn deliver_all() -> Vec<Event> {
    (0..6).map(|turn| Event::Deliver { to: turn % 2, cut: None }).collect()
}

const KEY: &[u8] = b"a key file\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn conversations_without_exponentiations(
        events in prop::collection::vec(event(), 1..30),
        seed in any::<u8>(),
    ) {
        let events = [deliver_all(), events].concat();
        let omit = ForwardSecrecy::Omit;
        let (client, server) = (ClientConfig::Modp2048(omit), ServerConfig::Any(omit));
        converse(client, server, [KEY; 2], seed, &events);
    }

    #[test]
    fn conversations_with_end_marks(
        handshake_first in prop::bool::weighted(0.8),
        events in prop::collection::vec(event(), 1..30),
        server in prop_oneof![
            9 => Just(ServerConfig::Any(ForwardSecrecy::Offer)),
            1 => Just(ServerConfig::X25519),
        ],
        seed in any::<u8>(),
    ) {
        let opening = if handshake_first { deliver_all() } else { Vec::new() };
        let events = [opening, events].concat();
        converse(ClientConfig::X25519, server, [KEY; 2], seed, &events);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn conversations_with_any_options(
        handshake_first in any::<bool>(),
        events in prop::collection::vec(event(), 1..30),
        client in client_config(),
        server in server_config(),
        same_key in prop::bool::weighted(0.9),
        seed in any::<u8>(),
    ) {
        let keys = [KEY, if same_key { KEY } else { b"another" }];
        let opening = if handshake_first { deliver_all() } else { Vec::new() };
        let events = [opening, events].concat();
        converse(client, server, keys, seed, &events);
    }
}

fn forward_secrecy() -> impl Strategy<Value = ForwardSecrecy> + Clone {
    prop::sample::select(vec![ForwardSecrecy::Offer, ForwardSecrecy::Require, ForwardSecrecy::Omit])
}

fn client_config() -> impl Strategy<Value = ClientConfig> {
    prop_oneof![forward_secrecy().prop_map(ClientConfig::Modp2048), Just(ClientConfig::X25519),]
}

fn server_config() -> impl Strategy<Value = ServerConfig> {
    prop_oneof![
        forward_secrecy().prop_map(ServerConfig::Modp2048),
        Just(ServerConfig::X25519),
        forward_secrecy().prop_map(ServerConfig::Any),
    ]
}
