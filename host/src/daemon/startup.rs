//! From settings to a running program: the order in which things are looked
//! up, opened and given up.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use log::Level;

use crate::config::{Admission, Launch, PipeSettings, Settings};
use crate::connection::slots::Slots;
use crate::connection::{End, Snapshot};
use crate::daemon::capacity::{Capacity, WAITING_MAX, Wanted, guests, other_guests, strangers};
use crate::daemon::endings::Endings;
use crate::daemon::exposure;
use crate::daemon::helper::{Duties, Helper};
use crate::daemon::observers::Observers;
use crate::daemon::overview::Outlook;
use crate::daemon::pipes::Pipes;
use crate::daemon::signals::Requests;
use crate::daemon::supervisor::Supervisor;
use crate::daemon::terminal;
use crate::daemon::threads;
use crate::guest::{Config, Engine};
use crate::keys::{KeyRules, Keyring};
use crate::net::address::Address;
use crate::net::listen::{Bound, SocketAccess, listen_on_all};
use crate::net::needs::needs;
use crate::net::resolve::{Endpoint, local, resolve, resolve_patiently};
use crate::net::targets::Targets;
use crate::observe::{LogHandle, Observe};
use crate::pipe::admission::Budget;
use crate::pipe::listener::{AdmissionPolicy, Server};
use crate::pipe::{Pipe, State};
use crate::process::compute::processors;
use crate::process::daemonize::{
    Daemonized, Launcher, Readiness, daemonize, let_go_of_standard_streams,
};
use crate::process::memory::Memory;
use crate::process::notify;
use crate::process::privileges::{Identity, IdentityName};
use crate::process::resources::Resources;
use crate::process::sandbox::{Demand, Sandbox};
use crate::process::secrets;
use crate::process::{allocator, dumps};

/// Runs `spiped` to its end.
///
/// # Errors
/// What kept it from starting.
pub fn spiped(settings: Settings, log: LogHandle) -> Result<ExitCode> {
    let Settings { process, mut pipes, .. } = settings;
    let settings = pipes.pop().context("There is no pipe")?;
    let endings = Endings::catch()?;
    terminal::end_with_it()?;
    let requests = Requests::catch()?;
    dumps::forbid();
    let identity = process.identity.as_ref().map(IdentityName::look_up).transpose()?;
    let user = identity.and_then(Identity::user);
    let keys =
        Keyring::load(settings.connection.keys.clone(), settings.connection.key_rules(user))?;

    // With -D, names may take for ever, so the daemon comes first; otherwise
    // a command that has returned is one that listens.
    let mut readiness = None;
    if settings.wait_for_dns {
        match launch(&process.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => daemon.map(Readiness::ready).transpose()?,
        };
    }
    let look_up = if settings.wait_for_dns { resolve_patiently } else { resolve };
    let sources = look_up(&settings.sources[0])?;
    let targets = look_up(&settings.connection.targets[0])?;
    let bind = local(settings.connection.bind.as_ref(), look_up)?;
    if process.strict {
        refuse_open_relay(settings.connection.config, &sources)?;
    }
    warn_if_exposed(settings.connection.config, &sources, &targets);
    let source = listen(&settings, &sources)?;
    let observers = Observers::bind(&process, identity)?;
    if !settings.wait_for_dns {
        match launch(&process.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => readiness = daemon,
        }
    }
    secrets::stop_inheritance();
    let helper = helper(&settings, settings.connection.key_rules(user));

    let threads = process.threads.map_or_else(processors, NonZeroUsize::get);
    let other_guests = other_guests(settings.connection.config, threads);
    let handshakes = settings.admission.handshakes;
    let wanted = Wanted {
        connections: settings.connection_limit,
        strangers: strangers(settings.connection.config, settings.connection_limit, handshakes),
        waiting: WAITING_MAX,
        loops: threads,
        other_guests,
        memory: process.memory,
    };
    let capacity = wanted.fit()?;
    let resources = Resources::open();
    let sandbox =
        Sandbox::enter(&needs(&settings.connection.targets, bind.as_ref()), identity.as_ref())?;
    if Memory::is_space_limited() {
        allocator::keep_to_one_heap();
    }
    let engine = Engine::new(guests(capacity.connections.get() + other_guests))?;
    let connection_limit = capacity.with_room_for(&engine, other_guests);
    log.start();
    let (workers, compute) = threads::start(capacity.loops)?;
    let admission = admission(&settings, connection_limit, &capacity);
    workers.block_on(async {
        let observe = Observe::new(log, Some(settings.name.clone()));
        let targets = vec![(settings.connection.targets[0].clone(), targets)];
        let targets = Targets::new(targets, settings.connection.balance, observe.clone());
        if let (Some(helper), Some(period)) = (&helper, settings.resolve_period) {
            let helper = helper.clone();
            targets.renew(period, move |_| {
                let helper = helper.clone();
                async move { helper.endpoints().await }
            });
        }
        let snapshot = Snapshot {
            end: End::new(settings.connection.config, &engine, &compute, &keys)?,
            engine,
            keys: Arc::new(keys),
            key_policy: settings.key_policy,
            observe,
            counters: Arc::default(),
            targets,
            bind,
            time_limit: settings.connection.time_limit,
            idle_limit: settings.connection.idle_limit,
            half_closed_limit: settings.connection.half_closed_limit,
            keepalive: settings.connection.keepalive,
            user_timeout: settings.connection.user_timeout,
            proxy_to: settings.connection.proxy_to,
            slots: Slots::new(connection_limit),
            compute,
        };
        let listener = Bound::into_listener(source)?;
        let drain = endings.drain()?;
        let pipe = Arc::new(Pipe::new(settings, snapshot, State::Listening));
        let pipes = Pipes::new(vec![pipe.clone()]);
        let (supervisor, desk) = Supervisor::new(pipes.clone(), helper.clone(), log);
        requests.obey(desk.clone(), pipes.clone(), log)?;
        observers.start(Outlook { pipes, log, resources }, desk)?;
        tokio::spawn(supervisor.run());
        if let Some(helper) = helper {
            tokio::spawn(async move { helper.watch().await });
        }
        sandbox.seal(Demand::new(process.strict, Level::Warn))?;
        readiness.map(Readiness::ready).transpose()?;
        notify::ready();
        let workers = workers.dispatcher();
        Server { listener, pipe, workers, admission }.run(drain).await?;
        Ok(ExitCode::SUCCESS)
    })
}

fn refuse_open_relay(config: Config, sources: &[Endpoint]) -> Result<()> {
    let refused = |source| exposure::refused_by_strict(config.side(), source);
    match sources.iter().find_map(refused) {
        Some(reason) => bail!("{reason}"),
        None => Ok(()),
    }
}

fn warn_if_exposed(config: Config, sources: &[Endpoint], targets: &[Endpoint]) {
    let exposed = |source| exposure::of_plain_side(config.side(), source, targets);
    if let Some(warning) = sources.iter().find_map(exposed) {
        log::warn!("{warning}");
    }
}

/// Whom the pipe listens to, with so many connections.
fn admission(
    settings: &PipeSettings,
    connections: NonZeroUsize,
    capacity: &Capacity,
) -> AdmissionPolicy {
    let Admission { handshakes, handshakes_per_source, allowed } = settings.admission.clone();
    let proxy_from = settings.proxy_from.clone();
    let budget = Budget::new(connections, handshakes, handshakes_per_source);
    let budget = budget.within(capacity.strangers);
    AdmissionPolicy { budget, waiting_max: capacity.waiting, allowed, proxy_from }
}

/// The helper process, if there is something for it to do. The daemon can do
/// without: then it goes on with the keys and the addresses it has.
fn helper(settings: &PipeSettings, rules: KeyRules) -> Option<Arc<Helper>> {
    let name = Some(&settings.connection.targets[0]).filter(|target| is_name(target));
    let name = name.filter(|_| settings.resolve_period.is_some());
    match Helper::start(&Duties { keys: &settings.connection.keys, rules, name }) {
        Ok(helper) => helper.map(Arc::new),
        Err(error) => {
            log::warn!(
                "There is no helper process: {error}. Keys cannot be reloaded, and names are not \
                 looked up again"
            );
            None
        }
    }
}

/// Only names can come to stand for something else.
fn is_name(address: &Address) -> bool {
    matches!(address, Address::Name { .. })
}

fn listen(settings: &PipeSettings, endpoints: &[Endpoint]) -> Result<Bound> {
    let source = &settings.sources[0];
    if source.is_star() {
        log::warn!(
            "-s {source}: this is not all interfaces; for all interfaces write [0.0.0.0]:PORT or \
             [::]:PORT"
        );
    }
    let access = SocketAccess {
        mode: settings.socket_mode,
        owner: settings.socket_owner.as_ref().map(IdentityName::look_up).transpose()?,
    };
    listen_on_all(endpoints, &access).with_context(|| format!("Error binding socket: {source}"))
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
