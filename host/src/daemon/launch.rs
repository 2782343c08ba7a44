//! Into the background, if that is wanted.

use std::process::ExitCode;

use anyhow::Result;

use crate::config::Launch;
use crate::observe::LogHandle;
use crate::process::daemonize::{
    Daemonized, Launcher, Readiness, daemonize, let_go_of_standard_streams,
};

/// Which process goes on, and as what.
pub(super) enum Launched {
    /// The one the user started; all that is left is to wait.
    Parent(Launcher),
    /// This one; a daemon has somebody to tell when it works.
    Here(Option<Readiness>),
}

/// Forks, if the daemon is to run in the background.
///
/// # Errors
/// When there can be no such process.
pub(super) fn launch(launch: &Launch, log: LogHandle) -> Result<Launched> {
    let Launch::Daemon { pid_file, syslog } = launch else {
        return Ok(Launched::Here(None));
    };
    match daemonize(pid_file)? {
        Daemonized::Launcher(launcher) => Ok(Launched::Parent(launcher)),
        Daemonized::Daemon(readiness) => {
            if *syslog {
                match log.switch_to_syslog() {
                    Ok(()) => let_go_of_standard_streams(),
                    Err(error) => {
                        log::warn!("No syslog, so standard error stays in use: {error}");
                    }
                }
            }
            Ok(Launched::Here(Some(readiness)))
        }
    }
}

/// The keys are the daemon's now: the launcher may wait for long (`-D`), and
/// wipes its copies before.
pub(super) fn wait_without<K>(keys: K, launcher: Launcher) -> ExitCode {
    drop(keys);
    launcher.wait()
}
