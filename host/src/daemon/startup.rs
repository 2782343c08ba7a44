//! From settings to a running program: the order in which things are looked
//! up, opened and given up.

use std::fs;
use std::mem;
use std::path::PathBuf;
use std::process::ExitCode;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use log::Level;
use rustix::thread::CapabilitySet;
use tokio::runtime::Builder;

use crate::config::{Launch, Origin, Parsed, PipeSettings, Settings};
use crate::connection::acceptors::Hellos;
use crate::daemon::activation::Activation;
use crate::daemon::announce;
use crate::daemon::capacity::{Need, Room, Shares};
use crate::daemon::endings::Endings;
use crate::daemon::gather::{self, Blame, Faults, LookUp, Names};
use crate::daemon::heartbeat::{Heartbeat, Watchdog};
use crate::daemon::helper::{About, Duties, Helper, Program};
use crate::daemon::launch::{Awaited, Launched, launch, take_place, wait_without};
use crate::daemon::making::{Means, Parts, Ready};
use crate::daemon::observers::Observers;
use crate::daemon::overview::Outlook;
use crate::daemon::signals::Requests;
use crate::daemon::sources::{Sources, remove_files};
use crate::daemon::successor::{self, HandedOver, Predecessor, Succession};
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
use crate::process::memory::Memory;
use crate::process::notify;
use crate::process::pid_file::Made;
use crate::process::privileges::{Identity, IdentityName};
use crate::process::resources::Resources;
use crate::process::sandbox::{Demand, Needs, Sandbox};
use crate::process::secrets;
use crate::process::{allocator, dumps};

/// Runs this edition of `spiped` to its end, in the place of its predecessor if it has
/// one. That is taken once there is no way back.
///
/// # Errors
/// What kept it from starting.
pub(crate) fn spiped(
    parsed: &Parsed,
    log: LogHandle,
    edition: &Edition,
    predecessor: &mut Option<Predecessor>,
) -> Result<ExitCode> {
    let Parsed { settings, places } = parsed;
    let watchdog = Watchdog::from_environment();
    // Before anything that may take long: the file may be replaced meanwhile.
    let program = Program::new(settings.process.program.as_deref(), watchdog.is_on());
    // Before the first thread, which may be one that waits for a key.
    if Memory::is_space_limited() {
        allocator::keep_to_one_heap();
    }
    let blame = Blame::new(settings, places);
    let mut handed_over = predecessor.as_mut().map(Predecessor::take).unwrap_or_default();
    let activation = match predecessor {
        None => Activation::take(settings)?,
        Some(_) => Activation::handed_over(settings, mem::take(&mut handed_over.sources)),
    };
    let endings = Endings::catch()?;
    terminal::end_with_it()?;
    let requests = Requests::catch()?;
    dumps::forbid();
    let identity = settings.process.identity.as_ref();
    let identity = identity.map(IdentityName::look_up).transpose()?;
    let user = identity.and_then(Identity::user);

    announce::files(&settings.origin);
    // Of a file, all that is wrong is said; of a command line, what comes first.
    let stops = |faults: &Faults| settings.is_command_line() && !faults.0.is_empty();
    let mut faults = Faults::default();
    let keys = |pipe| keys(pipe, user, &mut handed_over, &blame, &mut faults);
    let keys: Vec<_> = settings.pipes.iter().map(keys).collect();
    if stops(&faults) {
        return Err(faults.into());
    }

    // With -D, names may take for ever, so the daemon comes first; otherwise
    // a command that has returned is one that listens.
    let waits = settings.is_command_line() && settings.pipes.iter().any(|pipe| pipe.wait_for_dns);
    let patient = waits && predecessor.is_none();
    let mut awaited = Awaited::Nobody;
    if patient {
        match launch(&settings.process.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => daemon.ready()?,
        }
    }
    let look_up = match predecessor {
        _ if patient => LookUp::Patiently,
        None => LookUp::Within(gather::LOOK_UPS_LIMIT),
        Some(_) => LookUp::Within(successor::LOOK_UPS_LIMIT),
    };
    let known = handed_over.names();
    let names = gather::names_besides(&known, &settings.pipes, look_up, &blame, &mut faults);
    if stops(&faults) {
        return Err(faults.into());
    }
    announce::stars(&settings.pipes);
    let held = activation.held();
    let bound = gather::sources(&settings.pipes, &held, look_up, &blame, &mut faults);
    gather::exposure(settings, &names, &bound, &blame, &mut faults);
    if !faults.0.is_empty() {
        gather::take_back(&bound);
        return Err(faults.into());
    }
    let mut made: Vec<_> = gather::files(&bound).collect();
    let observers = Observers::bind(&settings.process, identity, &mut handed_over, &mut made)
        .inspect_err(|_| remove(&made))?;
    if predecessor.is_some() {
        awaited = take_place(&settings.process.launch, user, log).inspect_err(|_| remove(&made))?;
    } else if !patient {
        match launch(&settings.process.launch, log)? {
            Launched::Parent(launcher) => return Ok(wait_without(keys, launcher)),
            Launched::Here(daemon) => awaited = daemon,
        }
    }
    secrets::stop_inheritance();
    let gathered = Gathered { activation, keys, names, bound, handed_over };
    let watch = Watch { endings, requests, observers, watchdog, awaited };
    let start = Start { settings, identity, edition, log };
    let later = !settings.is_command_line();
    // What the predecessor is talked to over goes soon.
    let open = start.open_besides_the_first(&gathered) + u64::from(predecessor.is_some());
    let room = Need::of(settings).make_room(open, later);
    // It, and whatever it starts, has room for as many files.
    let needs = needs_of(settings, &gathered.names);
    let pid_file = watch.awaited.made().cloned();
    let nobodys = pid_file.is_some();
    let helper = helper(settings, user, needs.capabilities, program, pid_file);
    let ran = start.run(room, helper.clone(), gathered, watch, predecessor);
    if ran.is_err() && predecessor.is_some() {
        take_back(&made, nobodys, helper.as_deref());
    }
    ran
}

/// The keys of a pipe: those in use, or as they are read.
fn keys(
    pipe: &PipeSettings,
    user: Option<u32>,
    handed_over: &mut HandedOver,
    blame: &Blame<'_>,
    faults: &mut Faults,
) -> Option<Loaded> {
    if let Some(in_use) = handed_over.keys(pipe) {
        return Some(in_use);
    }
    let load = Keyring::read_first;
    let mut read = gather::keys(slice::from_ref(pipe), user, load, blame, faults).pop()??;
    announce::keys(pipe, &read, blame);
    handed_over.succeed(pipe, &mut read.keys);
    Some(read)
}

/// What the pipes need, in the order of the settings, and what there was before.
struct Gathered {
    activation: Activation,
    keys: Vec<Option<Loaded>>,
    names: Vec<Names>,
    bound: Vec<Vec<Option<Bound>>>,
    handed_over: HandedOver,
}

/// Whoever asks and is told something.
struct Watch {
    endings: Endings,
    requests: Requests,
    observers: Observers,
    watchdog: Watchdog,
    awaited: Awaited,
}

/// What a start is about.
struct Start<'a> {
    settings: &'a Settings,
    identity: Option<Identity>,
    edition: &'a Edition,
    log: LogHandle,
}

impl Start<'_> {
    /// Gives up what is not needed any more, and serves until the end.
    fn run(
        &self,
        room: Room,
        helper: Option<Arc<Helper>>,
        gathered: Gathered,
        watch: Watch,
        predecessor: &mut Option<Predecessor>,
    ) -> Result<ExitCode> {
        let Self { settings, identity, edition, log } = self;
        let later = !settings.is_command_line();
        let need = Need::of(settings);
        let shares = need.within(&room)?;
        announce::fewer(settings, &need, &room, &shares);
        let resources = Resources::open();
        let sandbox = Sandbox::enter(&needs_of(settings, &gathered.names), identity.as_ref())?;
        let engine = Engine::running(edition.component, shares.guests(later))?;
        let shares = need.within(&room.of(&engine))?;
        log::info!("{}", shares.describe());
        log.start();
        let (workers, compute) = threads::start(shares.loops())?;
        workers.block_on(async {
            let Watch { endings, requests, observers, watchdog, awaited } = watch;
            let (compute, edition, log) = (compute.clone(), **edition, *log);
            let means = Means { engine, compute: compute.clone(), helper, log, edition };
            let succession = Succession::of(settings, &gathered.handed_over, &gathered.activation);
            let (ready, sources) = make(settings, gathered, &shares, &means)?;
            let drain = endings.drain()?;
            let helper = means.helper.clone();
            let dispatcher = workers.dispatcher();
            let (mut supervisor, desk) =
                Supervisor::new(means, room, (*settings).clone(), sources, dispatcher.clone());
            let ready = supervisor.put_in_use(ready);
            let pipes = supervisor.pipes();
            requests.obey(desk.clone(), pipes.clone(), log)?;
            let outlook = Outlook { pipes: pipes.clone(), log, resources };
            supervisor.observers = observers.start(&settings.process, outlook, desk.clone())?;
            if let Some(helper) = helper.clone() {
                tokio::spawn(async move { helper.watch().await });
            }
            sandbox.seal(Demand::new(settings.process.strict, Level::Warn))?;
            let taken_over = match predecessor {
                None => None,
                Some(it) => Some(succession.take_over(it, &ready, &dispatcher, log).await?),
            };
            // From here on, there is nobody else to serve.
            *predecessor = None;
            if let Some(taken_over) = &taken_over {
                taken_over.go_on(&pipes, log);
            }
            supervisor.begin(ready);
            supervisor.observers.begin();
            match (awaited.ready(), &taken_over) {
                (Err(error), None) => return Err(error),
                (Err(error), Some(_)) => log::error!("{error:#}"),
                (Ok(()), _) => {}
            }
            notify::ready();
            let heartbeat = Heartbeat { pipes: pipes.clone(), workers: dispatcher, compute };
            supervisor.heartbeat = heartbeat.start(watchdog);
            if let Some(taken_over) = taken_over {
                tokio::spawn(taken_over.finish(helper, desk));
            }
            supervisor.run(drain).await;
            Ok(ExitCode::SUCCESS)
        })
    }

    /// How many sockets listen already for pipes other than the first: what one pipe
    /// has is not counted.
    fn open_besides_the_first(&self, gathered: &Gathered) -> u64 {
        let bound = gathered.bound.iter().skip(1).flatten().flatten();
        let bound = bound.map(|bound| bound.sockets().len() as u64).sum::<u64>();
        bound + gathered.activation.besides_the_first(self.settings)
    }
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
    let Gathered { activation, keys, names, bound, handed_over: _ } = gathered;
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
    program: Program,
    pid_file: Option<Made>,
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
    // A successor gives up what programs could get back.
    let mut rights = need | CapabilitySet::SETPCAP;
    if settings.process.identity.is_some() {
        // To become that user as well, and to end a process that has.
        rights |= CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::KILL;
    }
    if let Launch::Daemon { .. } = settings.process.launch {
        // The pid file may be in a directory of that user's.
        rights |= CapabilitySet::DAC_OVERRIDE;
    }
    match Helper::start(&Duties { answers, program, rights, pid_file }) {
        Ok(helper) => Some(Arc::new(helper)),
        Err(error) => {
            log::warn!(
                "There is no helper process: {error}. Keys and settings cannot be reloaded, names \
                 are not looked up again, and no upgrade is possible"
            );
            None
        }
    }
}

/// Files of Unix sockets that were made for nothing.
fn remove(made: &[PathBuf]) {
    for path in made {
        // Whoever starts next removes it.
        let _ = fs::remove_file(path);
    }
}

/// The same, for a process that may have lost the right to; and a pid file of nobody's.
fn take_back(made: &[PathBuf], pid_file: bool, helper: Option<&Helper>) {
    let left: Vec<_> = made.iter().filter(|path| fs::remove_file(path).is_err()).collect();
    let Some(helper) = helper.filter(|_| pid_file || !left.is_empty()) else { return };
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        remove_files(helper, left, Duration::ZERO).await;
        if pid_file && let Err(error) = helper.take_back_pid_file().await {
            log::warn!("Cannot remove the unused pid file: {error}");
        }
    });
}

/// Only names can come to stand for something else.
fn is_name(address: &Address) -> bool {
    matches!(address, Address::Name { .. })
}
