//! From transcripts to text.

use std::fmt;

use super::bytes::{abridged, exact};
use super::{Part, Transcript};
use crate::{Answer, Call, Ingredients, words};

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        self.parts.iter().try_for_each(|part| {
            f.write_str(separator)?;
            separator = "\n";
            part.fmt(f)
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.ingredients, self.answer)?;
        self.steps.iter().try_for_each(|step| write!(f, "\n{}\n{}", step.call, step.answer))
    }
}

impl fmt::Display for Ingredients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { config, psk, entropy } => {
                writeln!(f, "connect\nconfig: {}", words(config))?;
                writeln!(f, "psk: {}\nentropy: {}", exact(psk), exact(entropy))
            }
            Self::Acceptor { config, psks, our_nonce } => {
                writeln!(f, "acceptor\nconfig: {}", words(config))?;
                for psk in psks {
                    writeln!(f, "psk: {}", exact(psk))?;
                }
                writeln!(f, "our-nonce: {}", exact(our_nonce))
            }
            Self::Accept { config, our_nonce, hello, psk, entropy } => {
                writeln!(f, "accept\nconfig: {}", words(config))?;
                writeln!(f, "our-nonce: {}\nhello: {}", exact(our_nonce), exact(hello))?;
                writeln!(f, "psk: {}\nentropy: {}", exact(psk), exact(entropy))
            }
            Self::Resume { state } => writeln!(f, "resume\nstate: {}", exact(state)),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identify(bytes) => write!(f, "identify {}", exact(bytes)),
            Self::FaultAtEof => f.write_str("fault-at-eof"),
            Self::Start => f.write_str("start"),
            Self::Compute => f.write_str("compute"),
            Self::Crypt(bytes) => write!(f, "crypt {}", exact(bytes)),
            Self::Plain(bytes) => write!(f, "plain {}", exact(bytes)),
            Self::CryptEof => f.write_str("crypt-eof"),
            Self::PlainEof => f.write_str("plain-eof"),
            Self::PskId => f.write_str("psk-id"),
            Self::Suspend => f.write_str("suspend"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (side, bytes) in [("crypt", &self.to_crypt), ("plain", &self.to_plain)] {
            if !bytes.is_empty() {
                writeln!(f, "> {side} {}", abridged(bytes))?;
            }
        }
        match &self.bytes {
            None => writeln!(f, "= {}", self.words),
            Some(bytes) => writeln!(f, "= {} {}", self.words, abridged(bytes)),
        }
    }
}
