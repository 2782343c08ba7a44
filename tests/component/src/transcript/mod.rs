//! Transcripts: the whole life of one end of a connection as text. The format
//! is described in `tests/transcripts/README.md`.

mod bytes;
mod parse;
mod words;
mod write;

use std::fmt;

use crate::resource::said;
use crate::{Build, Call, Ingredients};

pub(crate) use words::{FORWARD_SECRECY, SIDES};

/// The parts of a life, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// On a server, what the stranger came to, and then the session.
    pub parts: Vec<Part>,
}

/// What a resource was made of, every call on it, and what each answered.
#[derive(Clone, Debug)]
pub struct Part {
    /// The part's line in the file, from 1; 0 if it comes from no file.
    pub line: usize,
    /// What the resource is made of.
    pub ingredients: Ingredients,
    /// What making it must answer.
    pub answer: String,
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
    /// What it must answer, as it is written.
    pub answer: String,
}

/// What is wrong in a file, or with the resource that was to follow it.
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

    /// Makes the resources and their calls in a build. What this build cannot
    /// make it leaves out, with all that follows.
    ///
    /// # Errors
    /// The first answer that differs.
    pub fn replay(&self, build: &dyn Build) -> Result<(), Fault> {
        for part in &self.parts {
            let Some(made) = build.make(&part.ingredients) else {
                return Ok(());
            };
            compare(part.line, &part.answer, &said(&made).to_string())?;
            if let Ok(mut resource) = made {
                for step in &part.steps {
                    compare(step.line, &step.answer, &resource.call(&step.call).to_string())?;
                }
            }
        }
        Ok(())
    }
}

fn compare(line: usize, expected: &str, answer: &str) -> Result<(), Fault> {
    if answer == expected {
        return Ok(());
    }
    let message = format!("the answer is\n{answer}instead of\n{expected}");
    Err(Fault { line, message })
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

    const GOOD: &str = "acceptor\nconfig: any offer\npsk: 32*01\nour-nonce: 32*02\n= made\n\n\
                        identify 01\n= more 95\n\n\
                        connect\nconfig: x25519\npsk: 32*01\nentropy: ENTROPY\n= made\n\n\
                        start\n> crypt 32*02\n= wants-compute\n";

    fn replay(text: &str) -> Result<(), Fault> {
        let entropy = ["02".repeat(32), "03".repeat(32)].concat();
        Transcript::parse(&text.replace("ENTROPY", &entropy))?.replay(&NativeCrate)
    }

    #[test]
    fn first_answer_that_differs_is_reported_at_its_call() {
        assert_eq!(replay(GOOD), Ok(()));
        for (bad, expected) in [
            (GOOD.replace("= wants-compute", "= handshaking"), "16: "),
            (GOOD.replace("> crypt 32*02", "> crypt 32*03"), "16: "),
            (GOOD.replace("= more 95", "= more 94"), "7: the answer is\n= more 95\ninstead of\n"),
            (GOOD.replace("psk: 32*01\nour", "psk: 31*01\nour"), "1: "),
        ] {
            let fault = replay(&bad).unwrap_err().to_string();
            assert!(fault.starts_with(expected), "{fault}");
        }
    }
}
