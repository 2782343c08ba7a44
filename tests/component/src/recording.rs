//! A session whose life is written down.

use crate::builds::NativeCrate;
use crate::transcript::{Step, Transcript};
use crate::{Answer, Build, Call, Ingredients};

/// Any build's session, and the transcript of it so far.
pub(crate) struct Recording {
    session: Box<dyn Build>,
    transcript: Transcript,
}

impl Recording {
    /// A session of the native crate.
    pub(crate) fn new(ingredients: Ingredients) -> Self {
        let session = Box::new(NativeCrate::new(&ingredients));
        Self::of(session, ingredients)
    }

    /// A session that was just made of `ingredients`.
    pub(crate) fn of(session: Box<dyn Build>, ingredients: Ingredients) -> Self {
        Self { session, transcript: Transcript { ingredients, steps: Vec::new() } }
    }

    /// Makes a call and writes it down.
    pub(crate) fn call(&mut self, call: Call) -> Answer {
        let answer = self.session.call(&call);
        self.transcript.steps.push(Step { line: 0, call, answer: answer.clone().abridged() });
        answer
    }

    pub(crate) fn finish(self) -> Transcript {
        self.transcript
    }
}
