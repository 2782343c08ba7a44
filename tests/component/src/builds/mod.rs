//! The three builds, and one session in all of them at once.

mod native_crate;
mod native_world;
mod portable_world;

use spiped::guest::Engine;

use crate::transcript::{Fault, Transcript};
use crate::{Answer, Build, Call, Ingredients};
use native_world::NativeWorld;
use portable_world::{Compiled, PortableWorld};

pub(crate) use native_crate::NativeCrate;

/// Both builds of the component, loaded.
pub struct Builds {
    engine: Engine,
    portable: Compiled,
}

/// A session in some build, and the build's name.
pub type Named = (&'static str, Box<dyn Build>);

impl Builds {
    /// Loads both, with room for `sessions` at a time.
    #[must_use]
    pub fn load(sessions: u32) -> Self {
        Self { engine: Engine::new(sessions).unwrap(), portable: Compiled::new() }
    }

    /// The same session in every build in which it can be made: the
    /// production host knows of no secrets or entropy of a wrong length.
    #[must_use]
    pub fn make(&self, ingredients: &Ingredients) -> Vec<Named> {
        let native_crate: Named = ("native crate", Box::new(NativeCrate::new(ingredients)));
        let native_world = self.production(ingredients).map(|build| ("native world", build));
        let portable: Named =
            ("portable world", Box::new(PortableWorld::new(&self.portable, ingredients)));
        [Some(native_crate), native_world, Some(portable)].into_iter().flatten().collect()
    }

    /// Replays a transcript in every build that can.
    ///
    /// # Errors
    /// The first answer that differs, in the first build in which one does.
    pub fn replay(&self, transcript: &Transcript) -> Result<(), Fault> {
        self.make(&transcript.ingredients).into_iter().try_for_each(|(name, mut session)| {
            transcript.replay(&mut *session).map_err(|fault| Fault {
                message: format!("in the {name}, {}", fault.message),
                ..fault
            })
        })
    }

    /// The session as the daemon would run it.
    #[must_use]
    pub fn production(&self, ingredients: &Ingredients) -> Option<Box<dyn Build>> {
        Some(Box::new(NativeWorld::new(&self.engine, ingredients)?))
    }
}

/// One session in all builds; they must answer alike.
pub struct Trio(Vec<Named>);

impl Trio {
    /// Makes the same session three times.
    #[must_use]
    pub fn new(builds: &Builds, ingredients: &Ingredients) -> Self {
        Self(builds.make(ingredients))
    }

    /// Calls all three, and panics unless they answer alike.
    pub fn call(&mut self, call: &Call) -> Answer {
        let mut answers = self.0.iter_mut().map(|(name, build)| (*name, build.call(call)));
        let (_, first) = answers.next().unwrap();
        for (name, answer) in answers {
            assert!(answer == first, "{name} differs after {call:?}: {answer:?}, not {first:?}");
        }
        first
    }
}
