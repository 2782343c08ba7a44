//! Sessions to be fuzzed, each always with the same key and entropy.

use arbitrary::{Arbitrary, Unstructured};
use spiped_core::{
    Config, Entropy, Error, ForwardSecrecy, KeyExchange, Output, PacketCrypto, Psk, Session, Side,
    Status,
};

/// What a fuzzer chooses for an end. A server leaves the key exchange to its
/// client, unless this says X25519.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Choice {
    Omit,
    Offer,
    Require,
    X25519,
}

/// An exponentiation takes as long as a hundred conversations without one;
/// X25519 as long as ten.
impl<'a> Arbitrary<'a> for Choice {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u8::arbitrary(bytes)? {
            0..180 => Self::Omit,
            180..240 => Self::X25519,
            240..248 => Self::Offer,
            248.. => Self::Require,
        })
    }

    fn size_hint(depth: usize) -> (usize, Option<usize>) {
        u8::size_hint(depth)
    }
}

impl Choice {
    fn config(self, side: Side) -> Config {
        let (key_exchange, forward_secrecy) = match self {
            Self::Omit => (Some(KeyExchange::Modp2048), ForwardSecrecy::Omit),
            Self::Offer => (Some(KeyExchange::Modp2048), ForwardSecrecy::Offer),
            Self::Require => (Some(KeyExchange::Modp2048), ForwardSecrecy::Require),
            Self::X25519 => (Some(KeyExchange::X25519), ForwardSecrecy::Offer),
        };
        let left_open = side == Side::Server && self != Self::X25519;
        let key_exchange = if left_open { None } else { key_exchange };
        Config { side, key_exchange, forward_secrecy }
    }

    /// Whether a client of this choice and a server of that one agree.
    pub(crate) fn agrees_with(self, server: Self) -> bool {
        self == Self::X25519
            || server != Self::X25519
                && ![(Self::Omit, Self::Require), (Self::Require, Self::Omit)]
                    .contains(&(self, server))
    }
}

/// A session that has not started.
pub(crate) fn end<P: PacketCrypto>(side: Side, choice: Choice) -> Session<P> {
    let entropy = Entropy::new(match side {
        Side::Client => [1; 64],
        Side::Server => [2; 64],
    });
    Session::new(choice.config(side), vec![Psk::new([7; 32])], &entropy)
        .expect("a configuration without contradictions")
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
