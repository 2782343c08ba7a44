//! Into the background, if that is wanted.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::config::Launch;
use crate::observe::LogHandle;
use crate::process::daemonize::{
    Daemonized, Launcher, Readiness, daemonize, let_go_of_standard_streams,
};
use crate::process::pid_file::{Made, PidFile};

/// Which process goes on, and as what.
pub(super) enum Launched {
    /// The one the user started; all that is left is to wait.
    Parent(Launcher),
    /// This one.
    Here(Awaited),
}

/// Who is to know when a process works.
pub(super) enum Awaited {
    /// Nobody.
    Nobody,
    /// Whoever has started the daemon.
    Launcher(Readiness),
    /// Whoever looks for the daemon, and finds the one before it until then.
    PidFile(PidFile),
}

/// Forks, if the daemon is to run in the background.
///
/// # Errors
/// When there can be no such process.
pub(super) fn launch(launch: &Launch, log: LogHandle) -> Result<Launched> {
    let Launch::Daemon { pid_file, syslog } = launch else {
        return Ok(Launched::Here(Awaited::Nobody));
    };
    match daemonize(pid_file)? {
        Daemonized::Launcher(launcher) => Ok(Launched::Parent(launcher)),
        Daemonized::Daemon(readiness) => {
            use_syslog(*syslog, log);
            Ok(Launched::Here(Awaited::Launcher(readiness)))
        }
    }
}

/// Instead of [`launch`], for a process that takes the place of a daemon: it was
/// started in the background, if that is where it is to be. `user` is whom it becomes.
///
/// # Errors
/// When the pid file cannot be opened.
pub(super) fn take_place(launch: &Launch, user: Option<u32>, log: LogHandle) -> Result<Awaited> {
    let Launch::Daemon { pid_file, syslog } = launch else { return Ok(Awaited::Nobody) };
    let opened = PidFile::open(pid_file, user).with_context(|| {
        format!("Cannot write pid file {} (-p names another)", pid_file.display())
    });
    let opened = opened?;
    use_syslog(*syslog, log);
    Ok(Awaited::PidFile(opened))
}

fn use_syslog(wanted: bool, log: LogHandle) {
    if wanted {
        match log.switch_to_syslog() {
            Ok(()) => let_go_of_standard_streams(),
            Err(error) => log::warn!(
                "Cannot use syslog, so the log goes to standard error: \
                {error}"
            ),
        }
    }
}

impl Awaited {
    /// A pid file that was made for it.
    pub(super) fn made(&self) -> Option<&Made> {
        match self {
            Self::PidFile(file) => file.made(),
            Self::Nobody | Self::Launcher(_) => None,
        }
    }

    /// It works.
    ///
    /// # Errors
    /// When nobody can be told any more.
    pub(super) fn ready(self) -> Result<()> {
        match self {
            Self::Nobody => Ok(()),
            Self::Launcher(readiness) => Ok(readiness.ready()?),
            Self::PidFile(mut file) => file.write().context("Cannot write the pid file"),
        }
    }
}

/// The keys are the daemon's now: the launcher may wait for long (`-D`), and
/// wipes its copies before.
pub(super) fn wait_without<K>(keys: K, launcher: Launcher) -> ExitCode {
    drop(keys);
    launcher.wait()
}
