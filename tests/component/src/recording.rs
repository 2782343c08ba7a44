//! The life of one end of a connection, written down.

use crate::resource::said;
use crate::transcript::{Part, Step, Transcript};
use crate::{Answer, Build, Call, Ingredients, Resource};

/// What is at work now, and the transcript of all so far.
#[derive(Default)]
pub(crate) struct Recording {
    resource: Option<Resource>,
    transcript: Transcript,
}

impl Recording {
    /// Begins a part: makes what takes the place of what was at work.
    pub(crate) fn make(&mut self, build: &dyn Build, ingredients: Ingredients) -> Answer {
        let made = build.make(&ingredients).expect("ingredients that this build knows of");
        let answer = said(&made);
        self.resource = made.ok();
        let written = answer.to_string();
        self.transcript.parts.push(Part { line: 0, ingredients, answer: written, steps: vec![] });
        answer
    }

    /// Makes a call and writes it down.
    pub(crate) fn call(&mut self, call: Call) -> Answer {
        let answer = self.resource.as_mut().expect("something at work").call(&call);
        let part = self.transcript.parts.last_mut().expect("a part that has begun");
        part.steps.push(Step { line: 0, call, answer: answer.to_string() });
        answer
    }

    /// Whether a session is at work, which may have failed.
    pub(crate) fn is_session(&self) -> bool {
        matches!(self.resource, Some(Resource::Session(_)))
    }

    pub(crate) fn finish(self) -> Transcript {
        self.transcript
    }
}
