//! One session in all three builds at once.

use spiped::guest::Engine;

use crate::crate_session::CrateSession;
use crate::hosted::Hosted;
use crate::portable::{Compiled, Portable};
use crate::{Answer, Build, Call, Ingredients};

/// Both builds of the component, loaded.
pub struct Builds {
    engine: Engine,
    portable: Compiled,
}

impl Builds {
    /// Loads both, with room for `sessions` at a time.
    #[must_use]
    pub fn load(sessions: u32) -> Self {
        Self { engine: Engine::new(sessions).unwrap(), portable: Compiled::new() }
    }
}

/// Three sessions that must answer alike.
pub struct Trio(Vec<(&'static str, Box<dyn Build>)>);

impl Trio {
    /// Makes the same session three times.
    #[must_use]
    pub fn new(builds: &Builds, ingredients: Ingredients<'_>) -> Self {
        Self(vec![
            ("native crate", Box::new(CrateSession::new(ingredients))),
            ("native world", Box::new(Hosted::new(&builds.engine, ingredients))),
            ("portable world", Box::new(Portable::new(&builds.portable, ingredients))),
        ])
    }

    /// Calls all three, and panics unless they answer alike.
    pub fn call(&mut self, call: Call<'_>) -> Answer {
        let mut answers = self.0.iter_mut().map(|(name, build)| (*name, build.call(call)));
        let (_, first) = answers.next().unwrap();
        for (name, answer) in answers {
            assert!(answer == first, "{name} differs after {call:?}: {answer:?}, not {first:?}");
        }
        first
    }
}
