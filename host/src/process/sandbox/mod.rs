//! The rights that a program drops once it has what it needs, so that an attacker who
//! compromises it through a peer's bytes does not get them.
//!
//! This is done in two steps. Rights that the kernel keeps per thread (capabilities,
//! Landlock) are dropped while there is one thread, so that all later threads start
//! without them: see [`Sandbox::enter`]. The filter of system calls comes last, for all
//! threads together, when the start is complete: see [`Sandbox::seal`].

mod capabilities;
mod landlock;
mod system_calls;

use std::fmt;
use std::io;
use std::path::PathBuf;

use rustix::process::{DumpableBehavior, Resource, Rlimit, dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, no_new_privs, set_no_new_privs};
use thiserror::Error;

use crate::process::daemonize::is_alone;
use crate::process::dumps;
use crate::process::privileges::{Identity, PrivilegeError};

/// What a program continues to need from the system, besides sockets that exist.
#[derive(Clone, Debug)]
pub(crate) struct Needs {
    /// The TCP ports it connects to; `None`: any.
    pub connects_to: Option<Vec<u16>>,
    /// The local TCP ports of its outgoing connections, if it chooses them; `None`:
    /// any.
    pub connects_from: Option<Vec<u16>>,
    /// Whether it connects to abstract Unix sockets.
    pub connects_to_abstract: bool,
    /// The directories in which it creates Unix sockets.
    pub makes_sockets_in: Vec<PathBuf>,
    /// Capabilities it needs, if it has them.
    pub capabilities: CapabilitySet,
}

impl Needs {
    /// The needs of both.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.connects_to = self.connects_to.zip(other.connects_to).map(|(mut ports, others)| {
            ports.extend(others);
            ports
        });
        self.connects_from =
            self.connects_from.zip(other.connects_from).map(|(mut ports, others)| {
                ports.extend(others);
                ports
            });
        self.makes_sockets_in.extend(other.makes_sockets_in);
        self.connects_to_abstract |= other.connects_to_abstract;
        self.capabilities |= other.capabilities;
        self
    }

    /// The needs with arbitrary ports and names.
    #[must_use]
    pub(crate) fn with_any_address(self) -> Self {
        Self { connects_to: None, connects_from: None, connects_to_abstract: true, ..self }
    }
}

/// The confinement of this process. Complete after [`seal`](Self::seal).
#[derive(Debug, Default)]
pub(crate) struct Sandbox {
    /// What is active, as text.
    active: Vec<String>,
    /// What is missing, and why.
    missing: Vec<String>,
}

/// The result of one of its parts.
type Layer = Result<String, String>;

/// `--strict`, and something is missing.
#[derive(Debug, Error)]
#[error("--strict: the sandbox lacks {0}")]
pub(crate) struct Incomplete(String);

impl Sandbox {
    /// Becomes `identity`, if there is one, and drops permanently what a thread can
    /// drop for itself. Call it while there is one thread.
    ///
    /// # Errors
    /// When the process cannot become `identity`. Everything else that is refused is
    /// part of the report of [`seal`](Self::seal).
    pub(crate) fn enter(
        needs: &Needs,
        identity: Option<&Identity>,
    ) -> Result<Self, PrivilegeError> {
        keep_memory_locked();
        // This needs a capability that is lost with the change of user.
        capabilities::leave_bounding_set(needs.capabilities);
        if let Some(identity) = identity {
            identity.assume()?;
        }
        dumps::forbid();
        let mut sandbox = Self::default();
        sandbox.add(refuse_new_privileges());
        sandbox.add(capabilities::give_up(needs.capabilities));
        sandbox.add(check_dumps());
        match single_thread() {
            Ok(()) => landlock::restrict(needs).into_iter().for_each(|layer| sandbox.add(layer)),
            Err(reason) => sandbox.add(Err(format!("Landlock ({reason})"))),
        }
        Ok(sandbox)
    }

    /// Forbids all threads every system call that is not needed from now on. Logs in
    /// one line what is active.
    ///
    /// # Errors
    /// When something is missing and `demand` is to be strict about it.
    pub(crate) fn seal(mut self, demand: Demand) -> Result<(), Incomplete> {
        self.add(system_calls::allow_only_needed());
        if self.missing.is_empty() {
            log::info!("Sandbox: {self}");
            return Ok(());
        }
        let missing = self.missing.join(", ");
        match demand {
            Demand::All => return Err(Incomplete(missing)),
            Demand::Possible(level) => log::log!(level, "Sandbox: {self}; missing: {missing}"),
        }
        Ok(())
    }

    fn add(&mut self, layer: Layer) {
        match layer {
            Ok(active) => self.active.push(active),
            Err(missing) => self.missing.push(missing),
        }
    }
}

/// What is active.
impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.active[..] {
            [] => f.write_str("nothing"),
            active => f.write_str(&active.join(", ")),
        }
    }
}

/// The purpose of a helper process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Help {
    /// To read files and to ask name servers.
    Read,
    /// The same, and to create listening sockets, including Unix sockets with files.
    ReadAndListen,
}

impl Help {
    /// The capabilities it needs.
    #[must_use]
    pub(crate) fn capabilities(self) -> CapabilitySet {
        match self {
            Self::Read => CapabilitySet::DAC_READ_SEARCH,
            // In other users' directories, and for other users.
            Self::ReadAndListen => {
                CapabilitySet::DAC_READ_SEARCH
                    | CapabilitySet::NET_BIND_SERVICE
                    | CapabilitySet::DAC_OVERRIDE
                    | CapabilitySet::CHOWN
            }
        }
    }
}

/// Leaves a helper process, and a program that it executes, only these capabilities, as
/// far as it has them. Does as much as possible, while there is one thread.
pub(crate) fn keep_only(kept: CapabilitySet) {
    keep_memory_locked();
    capabilities::leave_bounding_set(kept);
    let left = capabilities::reduce_to(kept).map_err(io::Error::from);
    let unprivileged = set_no_new_privs(true).map_err(io::Error::from);
    dumps::forbid();
    if let Err(error) = left.and(unprivileged) {
        log::debug!("The helper process keeps more privileges than it needs: {error}");
    }
}

/// Lets a program that this process executes keep what [`keep_only`] has left, whoever
/// the user is.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn pass_rights_on() -> io::Result<()> {
    Ok(capabilities::pass_on()?)
}

/// Confines a process with one purpose to what that needs. Does as much as possible,
/// while there is one thread.
pub(crate) fn help_only(help: Help) {
    if let Err(error) = capabilities::reduce_to(help.capabilities()) {
        log::debug!("The helper process keeps more privileges than it needs: {error}");
    }
    let filter = system_calls::forbid_dangerous(help);
    for layer in landlock::help_only(help).into_iter().chain([filter]) {
        if let Err(missing) = layer {
            log::debug!("The helper process runs without {missing}");
        }
    }
}

/// How much confinement is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// What the kernel supports. What it lacks is logged at this level.
    Possible(log::Level),
    /// Everything.
    All,
}

impl Demand {
    /// What `--strict` asks for, and what there is without it.
    #[must_use]
    pub(crate) fn new(strict: bool, otherwise: log::Level) -> Self {
        if strict { Self::All } else { Self::Possible(otherwise) }
    }
}

/// Without its capability, root has the same limit on locked memory as everyone: the
/// limit is removed first, if that is allowed.
fn keep_memory_locked() {
    let _ = setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None });
}

fn refuse_new_privileges() -> Layer {
    let refused = set_no_new_privs(true).and_then(|()| no_new_privs());
    match refused {
        Ok(true) => Ok("no new privileges".to_owned()),
        Ok(false) => Err("refusing new privileges (ignored)".to_owned()),
        Err(error) => Err(format!("refusing new privileges ({})", words(error))),
    }
}

fn check_dumps() -> Layer {
    match dumpable_behavior() {
        Ok(DumpableBehavior::NotDumpable) => Ok("no dumps".to_owned()),
        Ok(_) | Err(_) => Err("forbidding dumps".to_owned()),
    }
}

/// A thread that exists already would keep its rights.
fn single_thread() -> Result<(), String> {
    if is_alone() { Ok(()) } else { Err("other threads are running".to_owned()) }
}

fn words(error: impl Into<io::Error>) -> String {
    error.into().to_string()
}

#[cfg(test)]
mod tests;
