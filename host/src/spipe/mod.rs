//! The program for a single connection, between standard input and output and
//! an encrypted target.

pub mod stdio;

use std::io;
use std::process::ExitCode;

use anyhow::Result;
use signal_hook::consts::SIGPIPE;
use signal_hook::low_level::emulate_default_handler;
use tokio::runtime::{self, Runtime};
use tokio::select;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::SpipeSettings;
use crate::connection::outcome::Outcome;
use crate::connection::relay::Broken;
use crate::connection::{End, Snapshot};
use crate::guest::{Config, Engine};
use crate::keys::{KeyPolicy, Keyring};
use crate::net::resolve::{local, resolve};
use crate::observe::{LogHandle, Observe};
use crate::process::{dumps, secrets};
use stdio::Stdio;

/// Runs `spipe` to its end.
///
/// # Errors
/// What kept it from starting.
pub fn run(plan: SpipeSettings, log: LogHandle) -> Result<ExitCode> {
    dumps::forbid();
    secrets::after_last_fork();
    let targets = resolve(&plan.pipe.target)?;
    let bind = local(plan.pipe.bind.as_ref(), resolve)?;
    let keys = Keyring::load(plan.pipe.keys.clone(), plan.pipe.key_rules(None))?;
    let engine = Engine::new(1)?;
    log.start();
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let snapshot =
            Snapshot::new(plan.pipe, engine, keys, KeyPolicy::default(), targets, bind, None)?;
        let snapshot = Snapshot { observe: Observe::new(log, None), ..snapshot };
        select! {
            outcome = pipe_stdio(&snapshot) => Ok(report(&outcome, snapshot.config())),
            _ = terminate.recv() => Ok(ExitCode::SUCCESS),
        }
    });
    // Standard input may be in the middle of a read that never returns.
    Runtime::shutdown_background(runtime);
    code
}

async fn pipe_stdio(snapshot: &Snapshot) -> Outcome {
    let End::Client(config) = snapshot.end else {
        unreachable!("spipe opens encrypted connections and accepts none");
    };
    let mut tally = snapshot.tally();
    match snapshot.open(config, &mut tally).await {
        Ok((mut target, guest, early)) => {
            snapshot.copy(guest, early, &mut target, &mut Stdio::new(), &mut tally).await
        }
        Err(outcome) => outcome,
    }
}

/// How `spipe` ends after `outcome`.
fn report(outcome: &Outcome, config: Config) -> ExitCode {
    if let Outcome::Closed(_) = outcome {
        log::info!("{}", outcome.describe(config, true));
        return ExitCode::SUCCESS;
    }
    if let Outcome::Broken(Broken::Plain(error), _) = outcome
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        // What a filter does whose reader has left.
        let _ = emulate_default_handler(SIGPIPE);
    }
    log::error!("{}", outcome.describe(config, true));
    ExitCode::FAILURE
}
