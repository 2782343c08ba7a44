//! One session that is called in any order and told anything: it never panics,
//! its first failure is its last word, and how bytes are split over calls
//! changes nothing.

use arbitrary::Arbitrary;
use spiped_core::{Acceptor, Error, Output, PskId, Session, Side, SoftKeySearch, Status, Verdict};

use crate::clear::Clear;
use crate::genuine;
use crate::parties::{Choice, NONCE, accept, client, psk, psks};

/// All that happens to one session.
#[derive(Arbitrary, Debug)]
pub struct Script<'a> {
    ours: Choice,
    of_the_peer: Choice,
    /// How bytes are split for the session that gets them in pieces: the
    /// pieces' lengths less one, over and over.
    cuts: [u16; 3],
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// So many bytes of what an honest peer would say.
    Genuine(u16),
    /// Any bytes.
    Crypt(&'a [u8]),
    Other(Call<'a>),
}

/// What is not split.
#[derive(Arbitrary, Debug)]
enum Call<'a> {
    Start,
    Compute,
    Plain(&'a [u8]),
    CryptEof,
    PlainEof,
    /// Suspend and resume.
    Move,
}

/// Plays a script to two sessions. The second gets in pieces what the first
/// gets whole, and must answer alike.
pub fn perform(side: Side, script: &Script<'_>) {
    let said = genuine::to(side, script.ours, script.of_the_peer);
    let mut genuine = &said[..];
    let Some([mut whole, mut split]) = Performer::both(side, script, &mut genuine) else {
        return;
    };
    for step in &script.steps {
        let bytes = match step {
            Step::Genuine(count) => {
                let (bytes, rest) = genuine.split_at(genuine.len().min((*count).into()));
                genuine = rest;
                bytes
            }
            Step::Crypt(bytes) => bytes,
            Step::Other(call) => {
                assert_eq!(split.call(call), whole.call(call), "{call:?}");
                continue;
            }
        };
        let pieces = cut(bytes, &script.cuts);
        assert_eq!(split.receive(&pieces), whole.receive(&[bytes]), "{step:?}");
    }
}

/// `bytes` in pieces. Nothing is one piece too: a call is made anyway.
fn cut<'a>(mut bytes: &'a [u8], cuts: &[u16]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &cut in cuts.iter().cycle() {
        let (piece, rest) = bytes.split_at(bytes.len().min(usize::from(cut) + 1));
        pieces.push(piece);
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    pieces
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    result: Result<(), Error>,
    output: Output,
    status: Result<Status, Error>,
    psk_id: Option<PskId>,
    /// What a suspended session was made of.
    state: Vec<u8>,
}

struct Performer(Session<Clear>);

impl Performer {
    /// Two of them; none on a server that would not let the peer in. Takes the
    /// hello off what a server hears.
    fn both(side: Side, script: &Script<'_>, genuine: &mut &[u8]) -> Option<[Self; 2]> {
        if side == Side::Client {
            return Some([(); 2].map(|()| Self(client(script.ours, &psk()))));
        }
        let acceptor: Acceptor<SoftKeySearch> =
            Acceptor::new(script.ours.server(), &psks()).expect("two keys");
        let Verdict::Authenticated(peer) = acceptor.identify(&NONCE, genuine) else {
            return None;
        };
        let (hello, rest) = genuine.split_at(peer.hello_len as usize);
        *genuine = rest;
        Some([Self(accept(script.ours, hello).ok()?), Self(accept(script.ours, hello).ok()?)])
    }

    fn receive(&mut self, pieces: &[&[u8]]) -> Answer {
        self.answer(|session, out| {
            pieces.iter().try_for_each(|piece| session.handle_crypt(piece, out))
        })
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        let mut state = Vec::new();
        let mut answer = self.answer(|session, out| match call {
            Call::Start => session.start(out),
            Call::Compute => session.compute(out),
            Call::Plain(bytes) => session.handle_plain(bytes, out),
            Call::CryptEof => session.crypt_eof(),
            Call::PlainEof => session.plain_eof(out),
            Call::Move => {
                state.clone_from(&*session.suspend()?);
                *session = Session::resume(&state)?;
                Ok(())
            }
        });
        answer.state = state;
        answer
    }

    fn answer(
        &mut self,
        call: impl FnOnce(&mut Session<Clear>, &mut Output) -> Result<(), Error>,
    ) -> Answer {
        let session = &mut self.0;
        let before = session.status();
        let mut output = Output::default();
        let result = call(session, &mut output);
        let status = session.status();
        assert_eq!(result.err(), status.err());
        if before.is_err() {
            assert_eq!(status, before, "failed, then failed otherwise");
            assert_eq!(output, Output::default(), "failed, then spoke");
        }
        Answer { result, output, status, psk_id: session.psk_id(), state: Vec::new() }
    }
}
