//! Sessions to be fuzzed, each always with the same key and entropy.

use arbitrary::{Arbitrary, Unstructured};
use spiped_core::{
    Config, Entropy, Error, ForwardSecrecy, Output, PacketCrypto, Psk, Session, Side, Status,
};

/// [`ForwardSecrecy`] for a fuzzer to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Choice {
    Omit,
    Offer,
    Require,
}

/// An exponentiation takes as long as a hundred conversations without one.
impl<'a> Arbitrary<'a> for Choice {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u8::arbitrary(bytes)? {
            0..240 => Self::Omit,
            240..248 => Self::Offer,
            248.. => Self::Require,
        })
    }

    fn size_hint(depth: usize) -> (usize, Option<usize>) {
        u8::size_hint(depth)
    }
}

impl From<Choice> for ForwardSecrecy {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Omit => Self::Omit,
            Choice::Offer => Self::Offer,
            Choice::Require => Self::Require,
        }
    }
}

/// A session that has not started.
pub(crate) fn end<P: PacketCrypto>(side: Side, choice: Choice) -> Session<P> {
    let config = Config { side, forward_secrecy: choice.into() };
    let entropy = Entropy::new(match side {
        Side::Client => [1; 64],
        Side::Server => [2; 64],
    });
    Session::new(config, vec![Psk::new([7; 32])], &entropy).expect("one secret suits both sides")
}

/// Computes whatever is due.
pub(crate) fn compute<P: PacketCrypto>(
    session: &mut Session<P>,
    out: &mut Output,
) -> Result<(), Error> {
    while session.status()? == Status::Computing {
        session.compute(out)?;
    }
    Ok(())
}

/// The other side.
pub(crate) fn opposite(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}
