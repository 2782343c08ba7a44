//! Random conversations, through all builds at once: equal to the byte.

use std::mem;
use std::sync::LazyLock;

use proptest::prelude::*;
use spiped_component_tests::{Answer, Builds, Call, Ingredients, Trio};
use spiped_core::{Config, ForwardSecrecy, Side, Status};

static BUILDS: LazyLock<Builds> = LazyLock::new(|| Builds::load(2));

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
        let entropy = [entropy; 64];
        let mut trio = Trio::new(&BUILDS, Ingredients { config, key_file, entropy });
        let nonce = trio.call(Call::Start);
        let mut end = Self {
            trio,
            wire: Vec::new(),
            status: nonce.status.ok(),
            crypt_ended: false,
            plain_ended: false,
        };
        let mut flight = nonce.output.to_crypt;
        flight.extend(end.compute());
        (end, flight)
    }

    /// Makes a call if its host might, and computes what is due after it.
    /// Returns what it sends.
    fn call(&mut self, call: Call<'_>) -> Vec<u8> {
        let allowed = self.status.is_some()
            && match call {
                Call::Crypt(_) | Call::CryptEof => !self.crypt_ended,
                Call::Plain(_) | Call::PlainEof => {
                    !self.plain_ended && self.status == Some(Status::Established)
                }
                Call::Start | Call::Compute => true,
            };
        if !allowed {
            return Vec::new();
        }
        self.crypt_ended |= matches!(call, Call::CryptEof);
        self.plain_ended |= matches!(call, Call::PlainEof);
        let Answer { output, status } = self.trio.call(call);
        self.status = status.ok();
        let mut flight = output.to_crypt;
        flight.extend(self.compute());
        flight
    }

    fn compute(&mut self) -> Vec<u8> {
        let mut flight = Vec::new();
        while self.status == Some(Status::Computing) {
            let answer = self.trio.call(Call::Compute);
            self.status = answer.status.ok();
            flight.extend(answer.output.to_crypt);
        }
        flight
    }
}

fn converse(forward_secrecy: [ForwardSecrecy; 2], keys: [&[u8]; 2], seed: u8, events: &[Event]) {
    let sides = [Side::Client, Side::Server];
    let [(mut client, to_server), (mut server, to_client)] = [0, 1].map(|end| {
        let config = Config { side: sides[end], forward_secrecy: forward_secrecy[end] };
        End::new(config, keys[end], seed.wrapping_add(u8::from(end == 1)))
    });
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
                (to, ends[to].call(Call::Crypt(&bytes)))
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
                (by, ends[by].call(Call::Plain(&plain)))
            }
            Event::Eof { at, crypt: true } => (at, ends[at].call(Call::CryptEof)),
            Event::Eof { at, crypt: false } => (at, ends[at].call(Call::PlainEof)),
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
        1 => (end, any::<bool>()).prop_map(|(at, crypt)| Event::Eof { at, crypt }),
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
        converse([ForwardSecrecy::Omit; 2], [KEY; 2], seed, &events);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn conversations_with_any_options(
        handshake_first in any::<bool>(),
        events in prop::collection::vec(event(), 1..30),
        forward_secrecy in [0..3_usize, 0..3],
        same_key in prop::bool::weighted(0.9),
        seed in any::<u8>(),
    ) {
        let all = [ForwardSecrecy::Offer, ForwardSecrecy::Require, ForwardSecrecy::Omit];
        let keys = [KEY, if same_key { KEY } else { b"another" }];
        let opening = if handshake_first { deliver_all() } else { Vec::new() };
        let events = [opening, events].concat();
        converse(forward_secrecy.map(|index| all[index]), keys, seed, &events);
    }
}
