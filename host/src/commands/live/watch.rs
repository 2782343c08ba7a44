//! `spiped status --watch`.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use super::connection::Daemon;
use super::screen::Screen;
use super::{overview, table};

/// Shows how everything is, each second, until the user wants no more.
///
/// # Errors
/// When the daemon is gone, or nobody takes what is shown.
pub(super) fn watch(daemon: &mut Daemon) -> Result<ExitCode> {
    let screen = Screen::open()?;
    let mut earlier = None;
    loop {
        let now = overview(daemon)?;
        match screen.show(&table::status(&now, earlier.as_ref())) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            shown => shown?,
        }
        earlier = Some(now);
        if screen.wait(PERIOD)? {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

const PERIOD: Duration = Duration::from_secs(1);
