//! `spiped pair`: the same new key file on two hosts. What the two ends say to
//! each other, and why, is in `docs/pairing.md`; the component says it.

pub(crate) mod code;
mod conversation;
mod dialogue;
mod error;
mod meeting;

use std::cell::Cell;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Error, Result, anyhow};
use tokio::runtime::{self, Runtime};
use tokio::select;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use crate::cli::commands::{CodeSource, PairSettings};
use crate::commands::keygen::{KeyFileContent, announce};
use crate::commands::newfile::NewFile;
use crate::commands::pair::code::Code;
use crate::guest::Engine;
use dialogue::say;
use error::PairError;

/// Runs `spiped pair`.
///
/// # Errors
/// Why there is no new key file.
pub(crate) fn pair(settings: PairSettings) -> Result<ExitCode> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(reserve_and_agree(settings));
    // The resolver may be in the middle of a call that takes its time.
    Runtime::shutdown_background(runtime);
    result
}

/// The key file is reserved before anything else is done, and gets its name
/// after everything else.
async fn reserve_and_agree(settings: PairSettings) -> Result<ExitCode> {
    // Caught from now on: a signal must not leave anything behind.
    let interrupted = interruption()?;
    let file = NewFile::reserve(&settings.file)?;
    let path = settings.file.clone();
    let (limit, has_code) = (settings.time_limit, settings.code.is_some());
    let confirmed = Cell::new(false);
    let content = select! {
        content = in_time(limit, agree(settings, &confirmed)) => content,
        () = interrupted => Err(PairError::Interrupted),
    };
    let saved = content.map_err(Error::from).and_then(|content| {
        file.commit(&*content)?;
        Ok(content)
    });
    let content = match saved {
        Err(error) if confirmed.get() => return Err(half_done(&error, has_code)),
        saved => saved?,
    };
    announce(&path, &content)
}

/// Once we have confirmed, the other host may have a key file and we none. And
/// if that was no host of ours, it has had its guess of the code.
fn half_done(error: &Error, has_code: bool) -> Error {
    let code = if has_code { ", and use a new code" } else { "" };
    anyhow!(
        "{error:#}. If the other host has created its key file, delete it there before the next \
         attempt{code}"
    )
}

async fn agree(
    settings: PairSettings,
    confirmed: &Cell<bool>,
) -> Result<KeyFileContent, PairError> {
    let code = match settings.code {
        Some(CodeSource::Given(code)) => Some(code),
        Some(CodeSource::Stdin) => Some(dialogue::code().await?),
        Some(CodeSource::New) => Some(new_code()?),
        None => None,
    };
    let engine = Engine::new(meeting::GUESTS)?;
    let peer =
        meeting::meet(&engine, &settings.meeting, code.as_ref(), settings.time_limit).await?;
    conversation::converse(peer, confirmed).await
}

/// Shown before anybody can connect: the user takes it to the other host.
fn new_code() -> Result<Code, PairError> {
    let code = Code::generate().map_err(PairError::Entropy)?;
    say(&format!("Type this code on the other host: {}", *code.in_groups()));
    Ok(code)
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, PairError>>,
) -> Result<T, PairError> {
    timeout(limit, work).await.unwrap_or(Err(PairError::TimedOut(limit)))
}

/// Resolves on SIGINT, SIGTERM or SIGHUP.
fn interruption() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}
