//! From settings to a running program: the order in which things are looked
//! up, opened and given up.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use log::Level;
use rustix::thread::CapabilitySet;

use crate::config::{Launch, Origin, Parsed, Settings};
use crate::connection::acceptors::Hellos;
use crate::daemon::activation::Activation;
use crate::daemon::announce;
use crate::daemon::capacity::{Need, Shares};
use crate::daemon::endings::Endings;
use crate::daemon::gather::{self, Blame, Faults, LookUp, Names};
use crate::daemon::heartbeat::{Heartbeat, Watchdog};
use crate::daemon::helper::{About, Duties, Helper, Program};
use crate::daemon::launch::{Launched, launch, wait_without};
use crate::daemon::making::{Means, Parts, Ready};
use crate::daemon::observers::Observers;
use crate::daemon::overview::Outlook;
use crate::daemon::signals::Requests;
use crate::daemon::sources::Sources;
use crate::daemon::supervisor::Supervisor;
use crate::daemon::terminal;
use crate::daemon::threads;
use crate::guest::Engine;
use crate::handover::edition::Edition;
use crate::keys::{Keyring, Loaded};
use crate::net::address::Address;
use crate::net::listen::Bound;
use crate::net::needs::needs;
use crate::observe::LogHandle;
use crate::process::daemonize::Readiness;
use crate::process::memory::Memory;
use crate::process::notify;
use crate::process::privileges::{Identity, IdentityName};
use crate::process::resources::Resources;
use crate::process::sandbox::{Demand, Needs, Sandbox};
use crate::process::secrets;
use crate::process::{allocator, dumps};

/// Runs this edition of `spiped` to its end.
///
/// # Errors
/// What kept it from starting.
pub fn spiped(parsed: &Parsed, log: LogHandle, edition: &Edition) -> Result<ExitCode> {
    let Parsed { settings, places } = parsed;
    // Before the first thread, which may be one that waits for a key.
    if Memory::is_space_limited() {
        allocator::keep_to_one_heap();
    }
    let blame = Blame::new(settings, places);
    let activation = Activation::take(settings)?;
    let watchdog = Watchdog::from_environment();
    let endings = Endings::catch()?;
    terminal::end_with_it()?;
    let requests = Requests::catch()?;
    dumps::forbid();
    let identity = settings.process.identity.as_ref();
    let identity = identity.map(IdentityName::look_up).transpose()?;
    let user = identity.and_then(Identity::user);

    // Of a file, all that is wrong is said; of a command line, what comes first.
    let stops = |faults: &Faults| settings.is_command_line() && !faults.0.is_empty();
    let mut faults = Faults::default();
    let keys = gather::keys(&settings.pipes, user, Keyring::read_first, &blame, &mut faults);
    if stops(&faults) {
        return Ok(announce::faults(&faults));
    }
    announce::keys(&settings.pipes, &keys, &blame);

    // With -D, names may take for ever, so the daemon comes first; otherwise
    // a command that has returned is one that listens.
    let mut readiness = None;
    let patient = settings.is_command_line() && settings.pipes.iter().any(|pipe| pipe.wait_for_dns);
    if patient {
        match launch(&settings.process.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => daemon.map(Readiness::ready).transpose()?,
        };
    }
    let look_up = if patient { LookUp::Patiently } else { LookUp::Within(gather::LOOK_UPS_LIMIT) };
    let names = gather::names(&settings.pipes, look_up, &blame, &mut faults);
    if stops(&faults) {
        return Ok(announce::faults(&faults));
    }
    announce::stars(&settings.pipes);
    let held = activation.held();
    let bound = gather::sources(&settings.pipes, &held, look_up, &blame, &mut faults);
    gather::exposure(settings, &names, &bound, &blame, &mut faults);
    if !faults.0.is_empty() {
        gather::take_back(&bound);
        return Ok(announce::faults(&faults));
    }
    let observers = Observers::bind(&settings.process, identity)?;
    if !patient {
        match launch(&settings.process.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => readiness = daemon,
        }
    }
    secrets::stop_inheritance();
    let gathered = Gathered { activation, keys, names, bound };
    let watch = Watch { endings, requests, observers, watchdog, readiness };
    run(settings, gathered, identity.as_ref(), log, watch, edition)
}

/// What the pipes need, in the order of the settings.
struct Gathered {
    activation: Activation,
    keys: Vec<Option<Loaded>>,
    names: Vec<Names>,
    bound: Vec<Vec<Option<Bound>>>,
}

/// Whoever asks and is told something.
struct Watch {
    endings: Endings,
    requests: Requests,
    observers: Observers,
    watchdog: Watchdog,
    readiness: Option<Readiness>,
}

/// Gives up what is not needed any more, and serves until the end.
fn run(
    settings: &Settings,
    gathered: Gathered,
    identity: Option<&Identity>,
    log: LogHandle,
    watch: Watch,
    edition: &Edition,
) -> Result<ExitCode> {
    let later = !settings.is_command_line();
    let need = Need::of(settings);
    let room = need.make_room(open_besides_the_first(&gathered), later);
    let shares = need.within(&room)?;
    announce::fewer(settings, &need, &room, &shares);
    let needs = needs_of(settings, &gathered.names);
    // It, and whatever it starts, has room for as many files.
    let user = identity.copied().and_then(Identity::user);
    let helper = helper(settings, user, needs.capabilities, watch.watchdog);
    let resources = Resources::open();
    let sandbox = Sandbox::enter(&needs, identity)?;
    let engine = Engine::running(edition.component, shares.guests(later))?;
    let shares = need.within(&room.of(&engine))?;
    log::info!("{}", shares.describe());
    log.start();
    let (workers, compute) = threads::start(shares.loops())?;
    workers.block_on(async {
        let Watch { endings, requests, observers, watchdog, readiness } = watch;
        let means = Means { engine, compute: compute.clone(), helper, log, edition: *edition };
        let (ready, sources) = make(settings, gathered, &shares, &means)?;
        let drain = endings.drain()?;
        let helper = means.helper.clone();
        let dispatcher = workers.dispatcher();
        let (mut supervisor, desk) =
            Supervisor::new(means, room, settings.clone(), sources, dispatcher.clone());
        supervisor.begin(ready);
        let pipes = supervisor.pipes();
        requests.obey(desk.clone(), pipes.clone(), log)?;
        observers.start(Outlook { pipes: pipes.clone(), log, resources }, desk)?;
        if let Some(helper) = helper {
            tokio::spawn(async move { helper.watch().await });
        }
        sandbox.seal(Demand::new(settings.process.strict, Level::Warn))?;
        readiness.map(Readiness::ready).transpose()?;
        notify::ready();
        Heartbeat { pipes, workers: dispatcher, compute }.start(watchdog);
        supervisor.run(drain).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// How many sockets listen already for pipes other than the first: what one pipe
/// has is not counted.
fn open_besides_the_first(gathered: &Gathered) -> u64 {
    let bound = gathered.bound.iter().skip(1).flatten().flatten();
    bound.map(|bound| bound.sockets().len() as u64).sum()
}

/// What connections of all pipes need. With a file, others may come to need more:
/// what that is, only the file will tell.
fn needs_of(settings: &Settings, names: &[Names]) -> Needs {
    let pipes = settings.pipes.iter().zip(names);
    let all = pipes.map(|(pipe, names)| needs(&pipe.connection.targets, names.bind.as_ref()));
    let needs = all.reduce(Needs::and).unwrap_or_else(|| needs(&[], None));
    if settings.is_command_line() { needs } else { needs.with_any_address() }
}

/// Makes all pipes, and what they listen on.
fn make(
    settings: &Settings,
    gathered: Gathered,
    shares: &Shares,
    means: &Means,
) -> Result<(Vec<Ready>, Sources)> {
    let Gathered { activation, keys, names, bound } = gathered;
    let inherited = Sources::of(activation)?;
    let (mut sources, mut hellos) = (inherited.of_pipes(), Hellos::default());
    let pipes = settings.pipes.iter().zip(&shares.pipes);
    let gathered = keys.into_iter().flatten().zip(names).zip(bound);
    let mut ready = Vec::with_capacity(settings.pipes.len());
    for ((pipe, share), ((loaded, names), bound)) in pipes.zip(gathered) {
        let listener = sources.add(pipe, bound, &inherited).map_err(anyhow::Error::msg)?;
        let parts = Parts { settings: pipe.clone(), keys: loaded.keys, names, share: *share };
        ready.push(parts.make(listener, None, means, &mut hellos)?);
    }
    Ok((ready, sources))
}

/// The helper process. The daemon can do without: then it goes on with the keys and
/// the addresses it has. A successor has what connections `need` of root's power.
fn helper(
    settings: &Settings,
    user: Option<u32>,
    need: CapabilitySet,
    watchdog: Watchdog,
) -> Option<Arc<Helper>> {
    let answers = match (&settings.origin, settings.pipes.first()) {
        (Origin::File(words), _) => About::File { words: words.clone(), user },
        (Origin::CommandLine, None) => return None,
        (Origin::CommandLine, Some(pipe)) => {
            let targets = pipe.connection.targets.iter().filter(|target| is_name(target));
            About::CommandLine {
                keys: pipe.connection.keys.clone(),
                rules: pipe.connection.key_rules(user),
                names: targets.filter(|_| pipe.resolve_period.is_some()).cloned().collect(),
            }
        }
    };
    let mut rights = need;
    if settings.process.identity.is_some() {
        // To become that user as well, and to end a process that has.
        rights |= CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::KILL;
    }
    if let Launch::Daemon { .. } = settings.process.launch {
        // The pid file may be in a directory of that user's.
        rights |= CapabilitySet::DAC_OVERRIDE;
    }
    let program = Program::new(settings.process.program.as_deref(), watchdog.is_on());
    match Helper::start(&Duties { answers, program, rights }) {
        Ok(helper) => Some(Arc::new(helper)),
        Err(error) => {
            log::warn!(
                "There is no helper process: {error}. Keys cannot be reloaded, names are not \
                 looked up again, and there can be no upgrade"
            );
            None
        }
    }
}

/// Only names can come to stand for something else.
fn is_name(address: &Address) -> bool {
    matches!(address, Address::Name { .. })
}
