//! Transcripts: a session's whole life as text. The format is described in
//! `tests/transcripts/README.md`.

mod bytes;
mod parse;
mod words;
mod write;

use std::fmt;

use crate::{Answer, Build, Call, Ingredients};

pub use bytes::Bytes;
pub use words::FAILURES;
pub(crate) use words::{FORWARD_SECRECY, SIDES};

/// What a session was made of, every call on it, and what each answered.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// What the session is made of.
    pub ingredients: Ingredients,
    /// The calls, in order.
    pub steps: Vec<Step>,
}

/// One call and its answer.
#[derive(Clone, Debug)]
pub struct Step {
    /// The call's line in the file, from 1; 0 if it comes from no file.
    pub line: usize,
    /// The call.
    pub call: Call,
    /// What it must answer.
    pub answer: Answer<Bytes>,
}

/// What is wrong in a file, or with the session that was to follow it.
/// Displays as `LINE: MESSAGE`, to follow the file's name and a colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, from 1.
    pub line: usize,
    /// What.
    pub message: String,
}

impl Transcript {
    /// Reads a file's content.
    ///
    /// # Errors
    /// The first line that is not as the format wants it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        parse::transcript(text)
    }

    /// Makes the calls on a session made of [`ingredients`](Self::ingredients).
    ///
    /// # Errors
    /// The first answer that differs.
    pub fn replay(&self, session: &mut dyn Build) -> Result<(), Fault> {
        self.steps.iter().try_for_each(|step| {
            let answer = session.call(&step.call);
            if step.answer.is(&answer) {
                return Ok(());
            }
            let answer = answer.abridged();
            let message = format!("the answer is\n{answer}instead of\n{}", step.answer);
            Err(Fault { line: step.line, message })
        })
    }
}

impl Answer {
    /// The same with long bytes as a digest.
    pub(crate) fn abridged(self) -> Answer<Bytes> {
        match self {
            Self::Output { to_crypt, to_plain, status } => Answer::Output {
                to_crypt: Bytes::abridged(to_crypt),
                to_plain: Bytes::abridged(to_plain),
                status,
            },
            Self::PeerSecret(secret) => Answer::PeerSecret(secret),
            Self::KeyExchange(exchange) => Answer::KeyExchange(exchange),
            Self::State(state) => Answer::State(state.map(Bytes::abridged)),
        }
    }
}

impl Answer<Bytes> {
    fn is(&self, actual: &Answer) -> bool {
        match (self, actual) {
            (
                Self::Output { to_crypt, to_plain, status },
                Answer::Output { to_crypt: crypt, to_plain: plain, status: actual },
            ) => to_crypt.are(crypt) && to_plain.are(plain) && status == actual,
            (Self::PeerSecret(secret), Answer::PeerSecret(actual)) => secret == actual,
            (Self::KeyExchange(exchange), Answer::KeyExchange(actual)) => exchange == actual,
            (Self::State(Ok(state)), Answer::State(Ok(actual))) => state.are(actual),
            (Self::State(Err(error)), Answer::State(Err(actual))) => error == actual,
            _ => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builds::NativeCrate;

    const GOOD: &str = "side: server\nkey-exchange: any\nforward-secrecy: offer\nsecret: 32*01\nentropy: 64*02\n\n\
                        start\n> crypt 32*02\n= handshaking\n\npeer-secret\n= none\n";

    fn replay(text: &str) -> Result<(), Fault> {
        let transcript = Transcript::parse(text)?;
        transcript.replay(&mut NativeCrate::new(&transcript.ingredients))
    }

    #[test]
    fn first_answer_that_differs_is_reported_at_its_call() {
        assert_eq!(replay(GOOD), Ok(()));
        for (bad, expected) in [
            (GOOD.replace("= handshaking", "= computing"), "7: "),
            (GOOD.replace("> crypt 32*02", "> crypt 32*03"), "7: "),
            (GOOD.replace("= none", "= 0"), "11: the answer is\n= none\ninstead of\n= 0\n"),
        ] {
            let fault = replay(&bad).unwrap_err().to_string();
            assert!(fault.starts_with(expected), "{fault}");
        }
    }
}
