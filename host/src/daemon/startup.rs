//! From a plan to a running program: the order in which things are looked
//! up, opened and given up.

use std::io;
use std::num::NonZeroUsize;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGPIPE, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use tokio::runtime::{self, Runtime};
use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Launch, PipePlan, SpipePlan, SpipedPlan};
use crate::connection::acceptors::acceptors_max;
use crate::connection::outcome::Outcome;
use crate::connection::relay::Broken;
use crate::connection::{End, Pipe};
use crate::daemon::signals::Requests;
use crate::guest::{Config, Engine, GuestError};
use crate::keys::{KeyPolicy, Keyring};
use crate::net::address::Address;
use crate::net::listen::{Bound, listen};
use crate::net::resolve::{Endpoint, ResolveError, resolve};
use crate::net::targets::Targets;
use crate::observe::log::LogHandle;
use crate::pipe::listener::Server;
use crate::process::compute::{Compute, processors};
use crate::process::daemonize::{Daemonized, Launcher, Readiness, daemonize};
use crate::process::dumps;
use crate::process::limits::OpenFiles;
use crate::process::notify;
use crate::process::secrets;
use crate::process::workers::Workers;
use crate::spipe::stdio::Stdio;

/// The most connections at once, however many the user wants: address space
/// is set aside for each.
const CONNECTIONS_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("65536 is not 0");

/// Pause between two attempts to look up a name at start (`-D`).
const RETRY_PERIOD: Duration = Duration::from_secs(1);

/// Runs `spiped` to its end.
///
/// # Errors
/// What kept it from starting.
pub fn spiped(plan: SpipedPlan, log: LogHandle) -> Result<ExitCode> {
    if process::id() == 1 {
        log::warn!("WARNING: Applying workaround for Docker signal-handling bug");
    }
    dumps::forbid();
    let requests = Requests::catch()?;
    let keys = Keyring::load(plan.pipe.keys.clone())?;

    // With -D, names may take for ever, so the daemon comes first; otherwise
    // a command that has returned is one that listens.
    let mut readiness = None;
    if plan.wait_for_dns {
        match launch(&plan.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => daemon.map(Readiness::ready).transpose()?,
        };
    }
    let look_up = if plan.wait_for_dns { resolve_patiently } else { resolve };
    let source = first(look_up(&plan.source)?, &plan.source);
    let targets = look_up(&plan.pipe.target)?;
    let bind = local(plan.pipe.bind.as_ref(), look_up)?;
    let source = listen(&source).with_context(|| format!("Error binding socket: {source}"))?;
    if !plan.wait_for_dns {
        match launch(&plan.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => readiness = daemon,
        }
    }
    secrets::after_last_fork();

    let connection_limit = connection_limit(plan.connection_limit);
    if let Some(identity) = &plan.identity {
        identity.assume()?;
        dumps::forbid();
    }
    let engine = Engine::new(guests(plan.pipe.config, connection_limit))?;
    let workers = Workers::start()?;
    workers.block_on(async {
        let name: Arc<str> = format!("{} -> {}", plan.source, plan.pipe.target).into();
        let period = plan.resolve_period;
        let pipe = pipe(plan.pipe, engine, keys, plan.key_policy, targets, bind, period)?;
        let listener = Bound::into_listener(source)?;
        let drain = drain()?;
        let pipe = Arc::new(pipe);
        requests.obey(&pipe, &name, log)?;
        readiness.map(Readiness::ready).transpose()?;
        notify::ready();
        let workers = workers.dispatcher();
        Server { listener, pipe, name, workers, connection_limit }.run(drain).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Runs `spipe` to its end.
///
/// # Errors
/// What kept it from starting.
pub fn spipe(plan: SpipePlan) -> Result<ExitCode> {
    dumps::forbid();
    secrets::after_last_fork();
    let targets = resolve(&plan.pipe.target)?;
    let bind = local(plan.pipe.bind.as_ref(), resolve)?;
    let keys = Keyring::load(plan.pipe.keys.clone())?;
    let engine = Engine::new(1)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let pipe = pipe(plan.pipe, engine, keys, KeyPolicy::default(), targets, bind, None)?;
        select! {
            outcome = pipe_stdio(&pipe) => Ok(report(&outcome, pipe.config())),
            _ = terminate.recv() => Ok(ExitCode::SUCCESS),
        }
    });
    // Standard input may be in the middle of a read that never returns.
    Runtime::shutdown_background(runtime);
    code
}

async fn pipe_stdio(pipe: &Pipe) -> Outcome {
    let End::Client(config) = pipe.end else {
        unreachable!("spipe opens encrypted connections and accepts none");
    };
    let mut tally = pipe.tally();
    match pipe.open(config, &mut tally).await {
        Ok((mut target, guest, early)) => {
            pipe.copy(guest, early, &mut target, &mut Stdio::new(), &mut tally).await
        }
        Err(outcome) => outcome,
    }
}

/// How `spipe` ends after `outcome`.
fn report(outcome: &Outcome, config: Config) -> ExitCode {
    if let Outcome::Closed(_) = outcome {
        log::info!("{}", outcome.describe(config));
        return ExitCode::SUCCESS;
    }
    if let Outcome::Broken(Broken::Plain(error), _) = outcome
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        // What a filter does whose reader has left.
        let _ = emulate_default_handler(SIGPIPE);
    }
    log::error!("{}", outcome.describe(config));
    ExitCode::FAILURE
}

fn pipe(
    plan: PipePlan,
    engine: Engine,
    keys: Keyring,
    key_policy: KeyPolicy,
    targets: Vec<Endpoint>,
    bind: Option<Endpoint>,
    resolve_period: Option<Duration>,
) -> Result<Pipe, GuestError> {
    let compute = Compute::new();
    Ok(Pipe {
        end: End::new(plan.config, &engine, &compute, &keys)?,
        engine,
        keys: Arc::new(keys),
        key_policy,
        counters: Arc::default(),
        targets: Targets::new(plan.target, targets, resolve_period),
        bind,
        time_limit: plan.time_limit,
        keepalive: plan.keepalive,
        compute,
    })
}

/// How many guests there can be at a time: one for each connection, some that
/// were given up while they computed, and the acceptors. Strangers have none.
fn guests(config: Config, connections: NonZeroUsize) -> u32 {
    let acceptors = match config {
        Config::Client(_) => 0,
        Config::Server(_) => acceptors_max(),
    };
    let guests = connections.get().saturating_add(processors()).saturating_add(acceptors);
    u32::try_from(guests).unwrap_or(u32::MAX)
}

/// Which process goes on, and as what.
enum Launched {
    /// The one the user started; all that is left is to wait.
    Parent(Launcher),
    /// This one; a daemon has somebody to tell when it works.
    Here(Option<Readiness>),
}

fn launch(launch: &Launch, log: LogHandle) -> Result<Launched> {
    let Launch::Daemon { pid_file, syslog } = launch else {
        return Ok(Launched::Here(None));
    };
    match daemonize(pid_file)? {
        Daemonized::Launcher(launcher) => Ok(Launched::Parent(launcher)),
        Daemonized::Daemon(readiness) => {
            if *syslog && let Err(error) = log.switch_to_syslog() {
                log::warn!("No syslog, so standard error stays in use: {error}");
            }
            Ok(Launched::Here(Some(readiness)))
        }
    }
}

/// The keys are the daemon's now: the launcher may wait for long (`-D`), and
/// wipes its copies before.
fn wait_without(keys: Keyring, launcher: Launcher) -> ExitCode {
    drop(keys);
    launcher.wait()
}

/// How many connections at once there can be, of as many as are `wanted`.
fn connection_limit(wanted: Option<NonZeroUsize>) -> NonZeroUsize {
    let files = OpenFiles::raise_for(wanted);
    let possible = files.connections().and_then(NonZeroUsize::new);
    let Some(wanted) = wanted else {
        return possible.unwrap_or(CONNECTIONS_MAX).min(CONNECTIONS_MAX);
    };
    if let Some(possible) = possible
        && !files.is_enough()
    {
        log::warn!(
            "-n {wanted}: the limit on open files is enough for {possible} connections only; \
             raise it with LimitNOFILE= or ulimit -n"
        );
    }
    if wanted > CONNECTIONS_MAX {
        log::warn!("-n {wanted}: {CONNECTIONS_MAX} connections at once are possible");
    }
    wanted.min(CONNECTIONS_MAX)
}

/// Resolves on the first SIGTERM; the second ends the process as if it had
/// never been caught.
///
/// # Errors
/// When signals cannot be caught.
fn drain() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    if process::id() == 1 {
        // The kernel ignores a SIGINT to PID 1 that nobody catches.
        on_next(signal(SignalKind::from_raw(SIGINT))?, || process::exit(0));
    }
    Ok(async move {
        terminate.recv().await;
        notify::stopping();
        on_next(terminate, || {
            let _ = emulate_default_handler(SIGTERM);
        });
    })
}

fn on_next(mut signal: Signal, action: impl FnOnce() + Send + 'static) {
    tokio::spawn(async move {
        signal.recv().await;
        action();
    });
}

/// Sources and local addresses are one address each.
pub(crate) fn first(endpoints: Vec<Endpoint>, address: &Address) -> Endpoint {
    if endpoints.len() > 1 {
        log::warn!("Using the first of multiple addresses found for {address}");
    }
    let mut endpoints = endpoints.into_iter();
    endpoints.next().unwrap_or_else(|| unreachable!("resolve returns at least one"))
}

/// The local address of connections to the target, if `-b` gives one.
fn local(
    bind: Option<&Address>,
    look_up: fn(&Address) -> Result<Vec<Endpoint>, ResolveError>,
) -> Result<Option<Endpoint>, ResolveError> {
    bind.map(|address| Ok(first(look_up(address)?, address))).transpose()
}

/// Looks up `address` until there is an answer.
fn resolve_patiently(address: &Address) -> Result<Vec<Endpoint>, ResolveError> {
    loop {
        match resolve(address) {
            Err(error) => log::warn!("{error}"),
            found => return found,
        }
        thread::sleep(RETRY_PERIOD);
    }
}
