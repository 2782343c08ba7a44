//! The commands that talk to the daemon that runs.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::cli::commands::{DropWords, ListWords, LogLevelWords, ReloadWords, StatusWords};

pub(crate) fn status(words: &StatusWords) -> Result<ExitCode> {
    bail!("Not yet there: {words:?}")
}

pub(crate) fn list(words: &ListWords) -> Result<ExitCode> {
    bail!("Not yet there: {words:?}")
}

pub(crate) fn drop(words: &DropWords) -> Result<ExitCode> {
    bail!("Not yet there: {words:?}")
}

pub(crate) fn reload(words: &ReloadWords) -> Result<ExitCode> {
    bail!("Not yet there: {words:?}")
}

pub(crate) fn log_level(words: &LogLevelWords) -> Result<ExitCode> {
    bail!("Not yet there: {words:?}")
}
