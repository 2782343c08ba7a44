//! The program for a single connection, between standard input and output and
//! an encrypted target.

pub mod inherited;
mod progress;
pub mod stdio;

use std::io;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use log::Level;
use signal_hook::consts::SIGPIPE;
use signal_hook::low_level::emulate_default_handler;
use tokio::runtime::{self, Runtime};
use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::SpipeSettings;
use crate::connection::closing::arrived;
use crate::connection::live::Live;
use crate::connection::outcome::Outcome;
use crate::connection::relay::Broken;
use crate::connection::slots::Slots;
use crate::connection::{Side, Snapshot};
use crate::guest::{Config, Engine};
use crate::keys::{KeyPolicy, Keyring};
use crate::net::needs::needs;
use crate::net::resolve::{ResolveError, local, resolve};
use crate::net::targets::Targets;
use crate::observe::{LogHandle, Observe};
use crate::process::compute::Compute;
use crate::process::sandbox::{Demand, Sandbox};
use crate::process::{dumps, secrets};
use inherited::{is_stdout_writable, sigpipe_was_ignored};
use progress::Progress;
use stdio::Stdio;

/// Runs `spipe` to its end.
///
/// # Errors
/// What kept it from starting.
pub fn run(settings: &SpipeSettings, log: LogHandle) -> Result<ExitCode> {
    dumps::forbid();
    secrets::stop_inheritance();
    ensure!(is_stdout_writable(), "Standard output is closed, or not open for writing");
    let targets = &settings.connection.targets;
    let targets = targets.iter().map(|target| Ok((target.clone(), resolve(target)?)));
    let targets = targets.collect::<Result<Vec<_>, ResolveError>>()?;
    let bind = local(settings.connection.bind.as_ref(), resolve)?;
    let keys = Keyring::load(&settings.connection.keys, settings.connection.key_rules(None))?;
    let sandbox = Sandbox::enter(&needs(&settings.connection.targets, bind.as_ref()), None)?;
    let engine = Engine::new(1)?;
    let stdio = Stdio::new().context("Cannot use standard input and output")?;
    log.start();
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let compute = Compute::inline();
        let observe = Observe::new(log, None);
        let snapshot = Snapshot {
            side: Side::new(settings.connection.config, &engine, &compute, &keys)?,
            engine,
            keys: Arc::new(keys),
            key_policy: KeyPolicy::default(),
            observe: observe.clone(),
            counters: Arc::default(),
            targets: Targets::new(targets, settings.connection.balance, observe),
            bind,
            time_limit: settings.connection.time_limit,
            idle_limit: settings.connection.idle_limit,
            half_closed_limit: settings.connection.half_closed_limit,
            keepalive: settings.connection.keepalive,
            user_timeout: settings.connection.user_timeout,
            proxy_to: settings.connection.proxy_to,
            slots: Slots::new(NonZeroUsize::MIN),
            compute,
        };
        let live = Arc::new(Live::new(0, None));
        let progress = settings.progress.then(|| Progress::show(live.clone()));
        let progress = progress.transpose().context("Cannot show the progress")?.flatten();
        sandbox.seal(Demand::new(settings.strict, Level::Info))?;
        let outcome = pipe(&snapshot, live, &stdio, &mut terminate).await;
        if let Some(progress) = progress {
            progress.end();
        }
        Ok(outcome.map_or(ExitCode::SUCCESS, |outcome| report(&outcome, snapshot.config())))
    });
    Runtime::shutdown_background(runtime);
    code
}

/// There is only one.
const SOURCE: u64 = 0;

/// Returns how it ended, unless it was because we were told to.
async fn pipe(
    snapshot: &Snapshot,
    live: Arc<Live>,
    stdio: &Stdio,
    terminate: &mut Signal,
) -> Option<Outcome> {
    let Side::Client(config) = snapshot.side else {
        unreachable!("spipe opens encrypted connections and accepts none");
    };
    let mut tally = snapshot.tally(live);
    let opened = select! {
        opened = snapshot.open(config, SOURCE, &mut tally) => opened,
        _ = terminate.recv() => return None,
    };
    let (target, established) = match opened {
        Ok(opened) => opened,
        Err(outcome) => return Some(outcome),
    };
    let outcome = select! {
        outcome = snapshot.copy(established, &target, stdio, &mut tally) => outcome,
        _ = terminate.recv() => {
            // What was sent still arrives, and then a reset: it was not all.
            // To be told once more means now.
            select! {
                () = arrived(&target, snapshot.time_limit) => {}
                _ = terminate.recv() => {}
            }
            return None;
        }
    };
    if let Outcome::Closed(_) = outcome {
        target.close_when_dropped();
    }
    Some(outcome)
}

/// How `spipe` ends after `outcome`.
fn report(outcome: &Outcome, config: Config) -> ExitCode {
    if let Outcome::Closed(_) = outcome {
        log::info!("{}", outcome.describe(config, true));
        return ExitCode::SUCCESS;
    }
    if let Outcome::Broken(Broken::Plain(error), _) = outcome
        && error.kind() == io::ErrorKind::BrokenPipe
        && !sigpipe_was_ignored()
    {
        // What a filter does whose reader has left.
        let _ = emulate_default_handler(SIGPIPE);
    }
    log::error!("{}", outcome.describe(config, true));
    ExitCode::FAILURE
}
