//! From settings to a running program: the order in which things are looked
//! up, opened and given up.

use std::io;
use std::num::NonZeroUsize;
use std::process::{self, ExitCode};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Launch, Settings};
use crate::connection::Snapshot;
use crate::connection::acceptors::acceptors_max;
use crate::daemon::exposure;
use crate::daemon::signals::Requests;
use crate::guest::{Config, Engine};
use crate::keys::Keyring;
use crate::net::listen::{Bound, listen};
use crate::net::resolve::{first, local, resolve, resolve_patiently};
use crate::observe::{LogHandle, Observe};
use crate::pipe::Pipe;
use crate::pipe::listener::Server;
use crate::process::compute::processors;
use crate::process::daemonize::{Daemonized, Launcher, Readiness, daemonize};
use crate::process::dumps;
use crate::process::limits::OpenFiles;
use crate::process::notify;
use crate::process::privileges::{Identity, IdentityName};
use crate::process::secrets;
use crate::process::workers::Workers;

/// The most connections at once, however many the user wants: address space
/// is set aside for each.
const CONNECTIONS_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("65536 is not 0");

/// Runs `spiped` to its end.
///
/// # Errors
/// What kept it from starting.
pub fn spiped(plan: Settings, log: LogHandle) -> Result<ExitCode> {
    if process::id() == 1 {
        log::warn!("WARNING: Applying workaround for Docker signal-handling bug");
    }
    dumps::forbid();
    let requests = Requests::catch()?;
    let identity = plan.identity.as_ref().map(IdentityName::look_up).transpose()?;
    let user = identity.and_then(Identity::user);
    let keys = Keyring::load(plan.pipe.keys.clone(), plan.pipe.key_rules(user))?;

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
    if let Some(warning) = exposure::of_plain_side(plan.pipe.config.side(), &source, &targets) {
        log::warn!("{warning}");
    }
    let source = listen(&source).with_context(|| format!("Error binding socket: {source}"))?;
    if !plan.wait_for_dns {
        match launch(&plan.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => readiness = daemon,
        }
    }
    secrets::after_last_fork();

    let connection_limit = connection_limit(plan.connection_limit);
    if let Some(identity) = identity {
        identity.assume()?;
        dumps::forbid();
    }
    let engine = Engine::new(guests(plan.pipe.config, connection_limit))?;
    log.start();
    let workers = Workers::start()?;
    workers.block_on(async {
        let name: Arc<str> = format!("{} -> {}", plan.source, plan.pipe.target).into();
        let period = plan.resolve_period;
        let snapshot =
            Snapshot::new(plan.pipe, engine, keys, plan.key_policy, targets, bind, period)?;
        let observe = Observe::new(log, Some(name.clone()));
        let listener = Bound::into_listener(source)?;
        let drain = drain()?;
        let pipe = Arc::new(Pipe::new(name, Snapshot { observe, ..snapshot }));
        requests.obey(&pipe, log)?;
        readiness.map(Readiness::ready).transpose()?;
        notify::ready();
        let workers = workers.dispatcher();
        Server { listener, pipe, workers, connection_limit }.run(drain).await;
        Ok(ExitCode::SUCCESS)
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
