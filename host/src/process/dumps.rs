//! Keeps what the process knows out of files and out of other processes.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// No core files from now on, and no debugger except a privileged one. Call it
/// before the first secret is read, and again after a change of user: the
/// kernel may then go back to its default.
pub(crate) fn forbid() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    let undumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // Neither can be refused on Linux; elsewhere it is worth a line, no more.
    for error in [limited.err(), undumpable.err()].into_iter().flatten() {
        log::debug!("Core files cannot be ruled out: {error}");
    }
}
