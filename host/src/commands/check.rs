//! Everything that can be known about settings without serving.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::cli::commands::CheckWords;
use crate::commands;

/// Runs `spiped check`.
///
/// # Errors
/// When something is wrong with the settings.
pub(crate) fn check(words: CheckWords) -> Result<ExitCode> {
    commands::settings(words.what)?;
    if words.peer || words.strict {
        bail!("Not yet there");
    }
    Ok(ExitCode::SUCCESS)
}
