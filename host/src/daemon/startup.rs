//! From settings to a running program: the order in which things are looked
//! up, opened and given up.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::{Admission, Launch, Settings};
use crate::connection::Snapshot;
use crate::connection::acceptors::acceptors_max;
use crate::connection::slots::Slots;
use crate::daemon::capacity::{WAITING_MAX, Wanted, guests, strangers};
use crate::daemon::endings::Endings;
use crate::daemon::exposure;
use crate::daemon::signals::Requests;
use crate::daemon::terminal;
use crate::daemon::threads;
use crate::guest::{Config, Engine};
use crate::keys::Keyring;
use crate::net::listen::{Bound, SocketAccess, listen_on_all};
use crate::net::resolve::{local, resolve, resolve_patiently};
use crate::observe::{LogHandle, Observe};
use crate::pipe::Pipe;
use crate::pipe::admission::Budget;
use crate::pipe::listener::{AdmissionPolicy, Server};
use crate::process::compute::processors;
use crate::process::daemonize::{
    Daemonized, Launcher, Readiness, daemonize, let_go_of_standard_streams,
};
use crate::process::memory::Memory;
use crate::process::notify;
use crate::process::privileges::{Identity, IdentityName};
use crate::process::secrets;
use crate::process::{allocator, dumps};
use anyhow::{Context as _, Result};

/// Runs `spiped` to its end.
///
/// # Errors
/// What kept it from starting.
pub fn spiped(plan: Settings, log: LogHandle) -> Result<ExitCode> {
    let endings = Endings::catch()?;
    terminal::end_with_it()?;
    let requests = Requests::catch()?;
    dumps::forbid();
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
    if plan.source.is_star() {
        log::warn!("-s {}: for all interfaces write [0.0.0.0]:PORT or [::]:PORT", plan.source);
    }
    let sources = look_up(&plan.source)?;
    let targets = look_up(&plan.pipe.target)?;
    let bind = local(plan.pipe.bind.as_ref(), look_up)?;
    let exposed = |source| exposure::of_plain_side(plan.pipe.config.side(), source, &targets);
    if let Some(warning) = sources.iter().find_map(exposed) {
        log::warn!("{warning}");
    }
    let access = SocketAccess {
        mode: plan.socket_mode,
        owner: plan.socket_owner.as_ref().map(IdentityName::look_up).transpose()?,
    };
    let source = listen_on_all(&sources, &access)
        .with_context(|| format!("Error binding socket: {}", plan.source))?;
    if !plan.wait_for_dns {
        match launch(&plan.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => readiness = daemon,
        }
    }
    secrets::after_last_fork();

    let threads = plan.threads.map_or_else(processors, NonZeroUsize::get);
    let other_guests = other_guests(plan.pipe.config, threads);
    let Admission { handshakes, handshakes_per_source, allowed } = plan.admission;
    let wanted = Wanted {
        connections: plan.connection_limit,
        strangers: strangers(plan.pipe.config, plan.connection_limit, handshakes),
        waiting: WAITING_MAX,
        loops: threads,
        other_guests,
        memory: plan.memory,
    };
    let capacity = wanted.fit()?;
    if let Some(identity) = identity {
        identity.assume()?;
        dumps::forbid();
    }
    if Memory::is_space_limited() {
        allocator::keep_to_one_heap();
    }
    let engine = Engine::new(guests(capacity.connections.get() + other_guests))?;
    let connection_limit = capacity.with_room_for(&engine, other_guests);
    log.start();
    let (workers, compute) = threads::start(capacity.loops)?;
    let budget = Budget::new(connection_limit, handshakes, handshakes_per_source);
    let admission = AdmissionPolicy {
        budget: budget.within(capacity.strangers),
        waiting_max: capacity.waiting,
        allowed,
    };
    workers.block_on(async {
        let name: Arc<str> = format!("{} -> {}", plan.source, plan.pipe.target).into();
        let (period, slots) = (plan.resolve_period, Slots::new(connection_limit));
        let snapshot = Snapshot::new(
            plan.pipe,
            engine,
            compute,
            slots,
            keys,
            plan.key_policy,
            targets,
            bind,
            period,
        )?;
        let observe = Observe::new(log, Some(name.clone()));
        let listener = Bound::into_listener(source)?;
        let drain = endings.drain()?;
        let pipe = Arc::new(Pipe::new(name, Snapshot { observe, ..snapshot }));
        requests.obey(&pipe, log)?;
        readiness.map(Readiness::ready).transpose()?;
        notify::ready();
        let workers = workers.dispatcher();
        Server { listener, pipe, workers, admission }.run(drain).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// How many guests there can be besides those of connections: some that were
/// given up while they computed, and the acceptors. Strangers have none.
fn other_guests(config: Config, threads: usize) -> usize {
    let acceptors = match config {
        Config::Client(_) => 0,
        Config::Server(_) => acceptors_max(threads),
    };
    threads.saturating_add(acceptors)
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
fn wait_without(keys: Keyring, launcher: Launcher) -> ExitCode {
    drop(keys);
    launcher.wait()
}
