//! Random conversations, through all builds at once: equal to the byte.

use std::mem;
use std::sync::LazyLock;

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use spiped_component_tests::{Answer, Builds, Call, Ingredients, Trio};
use spiped_core::{Config, ForwardSecrecy, KeyExchange, Side, Status};

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
struct End {
    trio: Trio,
    wire: Vec<u8>,
    status: Option<Status>,
    crypt_ended: bool,
    plain_ended: bool,
}

impl End {
    fn new(config: Config, key_file: &[u8], entropy: u8) -> (Self, Vec<u8>) {
        let ingredients = Ingredients::New {
            config,
            secrets: vec![Sha256::digest(key_file).to_vec()],
            entropy: vec![entropy; 64],
        };
        let mut end = Self {
            trio: Trio::new(&BUILDS, &ingredients),
            wire: Vec::new(),
            status: Some(Status::Handshaking),
            crypt_ended: false,
            plain_ended: false,
        };
        let flight = end.call(&Call::Start);
        (end, flight)
    }

    /// Makes a call if its host might, and computes what is due after it.
    /// Returns what it sends.
    fn call(&mut self, call: &Call) -> Vec<u8> {
        let established = self.status == Some(Status::Established);
        let allowed = match call {
            Call::Crypt(_) | Call::CryptEof => self.status.is_some() && !self.crypt_ended,
            Call::Plain(_) | Call::PlainEof => established && !self.plain_ended,
            Call::Start | Call::Compute | Call::PeerSecret | Call::KeyExchange => {
                self.status.is_some()
            }
            Call::Suspend => established,
        };
        if !allowed {
            return Vec::new();
        }
        self.crypt_ended |= *call == Call::CryptEof;
        self.plain_ended |= *call == Call::PlainEof;
        let mut flight = match self.trio.call(call) {
            Answer::Output { to_crypt, status, .. } => {
                self.status = status.ok();
                to_crypt
            }
            Answer::State(state) => {
                self.trio = Trio::new(&BUILDS, &Ingredients::Resumed(state.unwrap()));
                Vec::new()
            }
            Answer::PeerSecret(_) | Answer::KeyExchange(_) => Vec::new(),
        };
        if self.status == Some(Status::Computing) {
            flight.extend(self.call(&Call::Compute));
        }
        flight
    }
}

/// What both ends want: the client's configuration, then the server's.
fn configs(
    key_exchange: [Option<KeyExchange>; 2],
    forward_secrecy: [ForwardSecrecy; 2],
) -> [Config; 2] {
    let sides = [Side::Client, Side::Server];
    [0, 1].map(|end| Config {
        side: sides[end],
        key_exchange: key_exchange[end],
        forward_secrecy: forward_secrecy[end],
    })
}

fn converse(configs: [Config; 2], keys: [&[u8]; 2], seed: u8, events: &[Event]) {
    let [(mut client, to_server), (mut server, to_client)] =
        [0, 1].map(|end| End::new(configs[end], keys[end], seed.wrapping_add(u8::from(end == 1))));
    client.wire = to_client;
    server.wire = to_server;
    let mut ends = [client, server];
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
                ends[at].call(&Call::PeerSecret);
                ends[at].call(&Call::KeyExchange);
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
        let exchange = [Some(KeyExchange::Modp2048), None];
        converse(configs(exchange, [ForwardSecrecy::Omit; 2]), [KEY; 2], seed, &events);
    }

    #[test]
    fn conversations_with_end_marks(
        handshake_first in prop::bool::weighted(0.8),
        events in prop::collection::vec(event(), 1..30),
        server in prop_oneof![9 => Just(None), 1 => Just(Some(KeyExchange::X25519))],
        seed in any::<u8>(),
    ) {
        let opening = if handshake_first { deliver_all() } else { Vec::new() };
        let events = [opening, events].concat();
        let exchange = [Some(KeyExchange::X25519), server];
        converse(configs(exchange, [ForwardSecrecy::Offer; 2]), [KEY; 2], seed, &events);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn conversations_with_any_options(
        handshake_first in any::<bool>(),
        events in prop::collection::vec(event(), 1..30),
        key_exchange in [1..3_usize, 0..3],
        forward_secrecy in [0..3_usize, 0..3],
        same_key in prop::bool::weighted(0.9),
        seed in any::<u8>(),
    ) {
        let all = [ForwardSecrecy::Offer, ForwardSecrecy::Require, ForwardSecrecy::Omit];
        let exchanges = [None, Some(KeyExchange::Modp2048), Some(KeyExchange::X25519)];
        let keys = [KEY, if same_key { KEY } else { b"another" }];
        let opening = if handshake_first { deliver_all() } else { Vec::new() };
        let events = [opening, events].concat();
        let configs = configs(
            key_exchange.map(|index| exchanges[index]),
            forward_secrecy.map(|index| all[index]),
        );
        converse(configs, keys, seed, &events);
    }
}
