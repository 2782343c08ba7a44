//! One end of a pairing that is called in any order and told anything: it never
//! panics, its first failure is its last word, how bytes are split over calls
//! changes nothing, and no key comes out unless this end has confirmed.

use std::sync::OnceLock;

use arbitrary::Arbitrary;
use spiped_core::Side;
use spiped_core::pairing::{Entropy, Error, Exchange, Status};

/// All that happens to one end.
#[derive(Arbitrary, Debug)]
pub struct Script<'a> {
    server: bool,
    with_code: bool,
    /// The length less one of the pieces in which bytes come to the end that
    /// gets them split.
    piece: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Start,
    /// So many bytes of what an honest peer would say.
    Genuine(u8),
    /// Any bytes.
    Bytes(&'a [u8]),
    Confirm,
    Reject,
    TakeKey,
    Eof,
}

/// Plays a script to two ends. The second gets in pieces what the first gets
/// whole, and must answer alike.
pub fn perform(script: &Script<'_>) {
    let (mut whole, mut split) = (Party::new(script), Party::new(script));
    let mut genuine = genuine(script);
    for step in &script.steps {
        let bytes = match step {
            Step::Genuine(count) => {
                let (bytes, rest) = genuine.split_at(genuine.len().min((*count).into()));
                genuine = rest;
                bytes
            }
            Step::Bytes(bytes) => bytes,
            Step::Start => {
                assert_eq!(split.call(Exchange::start), whole.call(Exchange::start));
                continue;
            }
            Step::Confirm => {
                assert_eq!(split.call(Exchange::confirm), whole.call(Exchange::confirm));
                continue;
            }
            Step::Reject => {
                // If that goes well, it is the end.
                let reject =
                    |end: &mut Exchange, _: &mut Vec<u8>| end.reject().and(Err(Error::Rejected));
                assert_eq!(split.call(reject), whole.call(reject));
                continue;
            }
            Step::TakeKey => {
                assert_eq!(split.take_key(), whole.take_key());
                continue;
            }
            Step::Eof => {
                assert_eq!(split.call(|end, _| end.eof()), whole.call(|end, _| end.eof()));
                continue;
            }
        };
        let pieces = |end: &mut Exchange, out: &mut Vec<u8>| match bytes {
            [] => end.receive(&[], out),
            bytes => bytes
                .chunks(usize::from(script.piece) + 1)
                .try_for_each(|piece| end.receive(piece, out)),
        };
        assert_eq!(split.call(pieces), whole.call(|end, out| end.receive(bytes, out)), "{step:?}");
    }
}

struct Party {
    exchange: Exchange,
    /// Whether its confirmation went out.
    confirmed: bool,
    /// How often its key was taken.
    taken: u32,
}

/// What a call came to.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    result: Result<(), Error>,
    to_peer: Vec<u8>,
    status: Result<Status, Error>,
}

impl Party {
    fn new(script: &Script<'_>) -> Self {
        Self {
            exchange: exchange(side(script.server), script.with_code),
            confirmed: false,
            taken: 0,
        }
    }

    fn call(
        &mut self,
        call: impl FnOnce(&mut Exchange, &mut Vec<u8>) -> Result<(), Error>,
    ) -> Answer {
        let before = self.exchange.status().err();
        let mut to_peer = Vec::new();
        let result = call(&mut self.exchange, &mut to_peer);
        let status = self.exchange.status();
        assert_eq!(result.err(), status.as_ref().err().copied());
        if before.is_some() {
            assert_eq!(result.err(), before, "failed, then failed otherwise");
            assert!(to_peer.is_empty(), "failed, then spoke");
        }
        if let Ok(Status::Agreed) = &status {
            // A server with a code confirms as it agrees.
            assert!(self.confirmed || !to_peer.is_empty(), "a key nobody confirmed");
        }
        self.confirmed |= matches!(status, Ok(Status::Confirmed | Status::Agreed));
        Answer { result, to_peer, status }
    }

    /// What is in the key file, once.
    fn take_key(&mut self) -> Result<[u8; 32], Error> {
        let before = self.exchange.status();
        let key = self.exchange.take_key();
        let is_first = self.taken == 0 && before == Ok(Status::Agreed);
        assert_eq!(key.is_ok(), is_first, "a key out of {before:?}");
        self.taken += u32::from(key.is_ok());
        if let Err(error) = &key {
            assert_eq!(self.exchange.status(), Err(before.err().unwrap_or(*error)));
        }
        key.map(|key| *key.expose())
    }
}

fn side(server: bool) -> Side {
    if server { Side::Server } else { Side::Client }
}

/// Always with the same random bytes.
fn exchange(side: Side, with_code: bool) -> Exchange {
    // Not in the first byte, of which X25519 leaves out bits.
    let entropy = Entropy::build(|bytes| match side {
        Side::Client => bytes[1] = 1,
        Side::Server => bytes[1] = 2,
    });
    Exchange::new(side, with_code.then_some("correct horse"), &entropy).expect("a code that is one")
}

/// All that the peer of the end in this script says, if both are honest.
fn genuine(script: &Script<'_>) -> &'static [u8] {
    /// By code or not: what the client says, and what the server says.
    static SAID: OnceLock<[[Vec<u8>; 2]; 2]> = OnceLock::new();
    let said = SAID.get_or_init(|| [false, true].map(converse));
    &said[usize::from(script.with_code)][usize::from(!script.server)]
}

fn converse(with_code: bool) -> [Vec<u8>; 2] {
    let mut ends = [false, true].map(|server| exchange(side(server), with_code));
    let mut said = [Vec::new(), Vec::new()];
    for (end, said) in ends.iter_mut().zip(&mut said) {
        end.start(said).expect("the first call");
    }
    let mut heard = [0, 0];
    for turn in [1, 0, 1, 0, 1] {
        let bytes = said[1 - turn][heard[turn]..].to_vec();
        heard[turn] += bytes.len();
        ends[turn].receive(&bytes, &mut said[turn]).expect("an honest peer");
        if let Ok(Status::Comparing(_)) = ends[turn].status() {
            ends[turn].confirm(&mut said[turn]).expect("something to confirm");
        }
    }
    assert!(ends.iter().all(|end| matches!(end.status(), Ok(Status::Agreed))));
    said
}
