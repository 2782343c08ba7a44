//! From transcripts to text.

use std::fmt;

use spiped_core::Error;

use super::bytes::exact;
use super::words::{
    FORWARD_SECRECY, KEY_EXCHANGES, KEY_EXCHANGES_IN_USE, SIDES, STATUSES, failure, word,
};
use super::{Bytes, Transcript};
use crate::{Answer, Call, Ingredients};

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ingredients)?;
        self.steps.iter().try_for_each(|step| write!(f, "\n{}\n{}", step.call, step.answer))
    }
}

impl fmt::Display for Ingredients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New { config, secrets, entropy } => {
                writeln!(f, "side: {}", word(&SIDES, &config.side))?;
                writeln!(f, "key-exchange: {}", word(&KEY_EXCHANGES, &config.key_exchange))?;
                let forward_secrecy = word(&FORWARD_SECRECY, &config.forward_secrecy);
                writeln!(f, "forward-secrecy: {forward_secrecy}")?;
                for secret in secrets {
                    writeln!(f, "secret: {}", exact(secret))?;
                }
                writeln!(f, "entropy: {}", exact(entropy))
            }
            Self::Resumed(state) => writeln!(f, "resume: {}", exact(state)),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Compute => f.write_str("compute"),
            Self::Crypt(bytes) => write!(f, "crypt {}", exact(bytes)),
            Self::Plain(bytes) => write!(f, "plain {}", exact(bytes)),
            Self::CryptEof => f.write_str("crypt-eof"),
            Self::PlainEof => f.write_str("plain-eof"),
            Self::PeerSecret => f.write_str("peer-secret"),
            Self::KeyExchange => f.write_str("key-exchange"),
            Self::Suspend => f.write_str("suspend"),
        }
    }
}

impl fmt::Display for Answer<Bytes> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output { to_crypt, to_plain, status } => {
                for (side, bytes) in [("crypt", to_crypt), ("plain", to_plain)] {
                    if !bytes.is_empty() {
                        writeln!(f, "> {side} {bytes}")?;
                    }
                }
                match status {
                    Ok(status) => writeln!(f, "= {}", word(&STATUSES, status)),
                    Err(error) => write_failed(f, error),
                }
            }
            Self::PeerSecret(None) => writeln!(f, "= none"),
            Self::PeerSecret(Some(index)) => writeln!(f, "= {index}"),
            Self::KeyExchange(exchange) => {
                writeln!(f, "= {}", word(&KEY_EXCHANGES_IN_USE, exchange))
            }
            Self::State(Ok(state)) => writeln!(f, "= state {state}"),
            Self::State(Err(error)) => write_failed(f, error),
        }
    }
}

fn write_failed(f: &mut fmt::Formatter<'_>, error: &Error) -> fmt::Result {
    writeln!(f, "= failed {}", failure(error))
}
