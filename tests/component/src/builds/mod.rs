//! The three builds, and one connection's end in all of them at once.

#[allow(unreachable_pub, reason = "code that is generated elsewhere re-exports it")]
pub mod generated;
mod native_crate;
mod native_world;
mod portable_world;

use crate::resource::said;
use crate::transcript::{Fault, Transcript};
use crate::{Answer, Build, Call, Ingredients, Resource};
use native_world::NativeWorld;
use portable_world::PortableWorld;

pub(crate) use native_crate::NativeCrate;

/// All builds, loaded.
pub struct Builds {
    native_world: NativeWorld,
    portable_world: PortableWorld,
}

impl Builds {
    /// Loads all, with room for `instances` at a time.
    #[must_use]
    pub fn load(instances: u32) -> Self {
        Self { native_world: NativeWorld::load(instances), portable_world: PortableWorld::load() }
    }

    /// Every build, with its name.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &dyn Build); 3] {
        [
            ("native crate", &NativeCrate),
            ("native world", &self.native_world),
            ("portable world", &self.portable_world),
        ]
    }

    /// Replays a transcript in every build.
    ///
    /// # Errors
    /// The first answer that differs, in the first build in which one does.
    pub fn replay(&self, transcript: &Transcript) -> Result<(), Fault> {
        self.all().into_iter().try_for_each(|(name, build)| {
            transcript.replay(build).map_err(|fault| Fault {
                message: format!("in the {name}, {}", fault.message),
                ..fault
            })
        })
    }

    /// The build that the daemon runs.
    #[must_use]
    pub fn production(&self) -> &dyn Build {
        &self.native_world
    }
}

/// One acceptor or session in all builds; they must answer alike.
pub struct Trio(Vec<(&'static str, Resource)>);

impl Trio {
    /// Makes the same three times, and panics unless all builds say the same
    /// of it.
    ///
    /// # Errors
    /// Why it was not made.
    pub fn make(builds: &Builds, ingredients: &Ingredients) -> Result<Self, Answer> {
        let mut resources = Vec::new();
        let made = builds.all().map(|(name, build)| {
            let made = build.make(ingredients).expect("ingredients that every build knows of");
            let answer = said(&made);
            resources.extend(made.ok().map(|resource| (name, resource)));
            (name, answer)
        });
        let answer = agreed(ingredients, made);
        if resources.is_empty() { Err(answer) } else { Ok(Self(resources)) }
    }

    /// Calls all three, and panics unless they answer alike.
    pub fn call(&mut self, call: &Call) -> Answer {
        agreed(call, self.0.iter_mut().map(|(name, resource)| (*name, resource.call(call))))
    }
}

/// The answer of all builds.
fn agreed(
    to: &impl std::fmt::Debug,
    answers: impl IntoIterator<Item = (&'static str, Answer)>,
) -> Answer {
    let mut answers = answers.into_iter();
    let (_, first) = answers.next().expect("a build");
    for (name, answer) in answers {
        assert!(answer == first, "{name} differs after {to:?}: {answer:?}, not {first:?}");
    }
    first
}
