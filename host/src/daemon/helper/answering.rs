//! The helper's side: it waits for questions and forks a process for each, which
//! answers and ends. Whatever that process had in memory is gone with it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process;
use std::ptr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::unistd::{ForkResult, fork};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketType, recv, recvmsg, sockopt,
};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, getppid, set_parent_process_death_signal, waitid,
};
use rustix::thread;

use super::guardian;
use super::messages::{self, Question};
use super::settings;
use super::{About, Duties, LOOK_UP_LIMIT, READING_LIMIT, SETTINGS_LIMIT};
use crate::config::{FileWords, Parsed};
use crate::daemon::gather::{self, Blame, Faults, Gathered, LookUp, in_words};
use crate::keys::{Doubt, KeySource, Loaded};
use crate::net::address::Address;
use crate::net::listen::remove_stale;
use crate::net::resolve::resolve;
use crate::process::limits::OpenFiles;
use crate::process::pid_file::Made;
use crate::process::sandbox;
use crate::process::secrets;
use crate::process::text_files::{self, read_settings};
use crate::process::wipe::wipe_stack;

/// What may be meant for the daemon.
const IGNORED: [i32; 6] =
    [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2];

/// Before the socket is read again that could not be read.
const PAUSE: Duration = Duration::from_millis(100);

/// What the daemon's helper is for the system when it looks for memory: as if it
/// had less than it has by half of all there is.
const OOM_SCORE: i32 = -500;

/// Is the helper until the daemon ends.
pub(super) fn run(socket: &OwnedFd, daemon: Pid, duties: &Duties) -> ! {
    // Nothing of the daemon's start may happen twice, a destructor included.
    let served = catch_unwind(AssertUnwindSafe(|| {
        let inherited = prepare(socket, daemon, duties);
        serve(socket, daemon, duties, &inherited);
    }));
    process::exit(i32::from(served.is_err()))
}

/// What a program that this process runs has as the daemon had it.
pub(super) struct Inherited {
    /// What is ignored here, and was not.
    signals: Vec<i32>,
    /// Nothing if it is the same.
    oom_score: Option<i32>,
}

impl Inherited {
    /// Makes this process what the daemon was at its start.
    pub(super) fn restore(&self) {
        self.signals.iter().copied().for_each(set_default);
        if let Some(score) = self.oom_score {
            let _ = fs::write(OOM_SCORE_FILE, score.to_string());
        }
    }
}

fn prepare(socket: &OwnedFd, daemon: Pid, duties: &Duties) -> Inherited {
    let _ = thread::set_name(c"spiped-helper");
    close_all_but(&[socket.as_raw_fd()]);
    // Signals that are meant for the daemon may reach all processes of a terminal
    // or a service. This one ends when the daemon has.
    let mut signals: Vec<_> = IGNORED.into_iter().filter(|signal| ignore(*signal)).collect();
    // Nobody waits for the processes that answer.
    signals.extend([libc::SIGCHLD].into_iter().filter(|signal| ignore(*signal)));
    // The standard library ignores it.
    ignore(libc::SIGPIPE);
    signals.push(libc::SIGPIPE);
    let oom_score = outlive_others();
    sandbox::keep_only(duties.answers.help().capabilities() | duties.rights);
    end_with(daemon);
    Inherited { signals, oom_score }
}

/// Answers until the daemon's end of the socket is closed, as it is when the
/// daemon has ended, however it did.
fn serve(socket: &OwnedFd, daemon: Pid, duties: &Duties, inherited: &Inherited) {
    let try_again = |_| {
        sleep(PAUSE);
        getppid() == Some(daemon)
    };
    // Of the last program that was started.
    let mut guardian = None;
    while let Some((question, answer_to)) = next(socket, try_again) {
        let Some((question, answer_to)) = Question::of(question).zip(answer_to) else { continue };
        let helper = getpid();
        if question == Question::Upgrade && guardian.is_some_and(|it| stays(it, ENDING_LIMIT)) {
            let words = "An earlier upgrade has not ended yet: try again";
            let _ = messages::send_failure(answer_to.as_fd(), words);
            continue;
        }
        // SAFETY: this process has had one thread since it was forked.
        #[allow(unsafe_code, reason = "fork has no safe form")]
        match unsafe { fork() } {
            Ok(ForkResult::Parent { child }) if question == Question::Upgrade => {
                guardian = Pid::from_raw(child.as_raw());
            }
            Ok(ForkResult::Parent { .. }) => {}
            Ok(ForkResult::Child) => {
                let answered = match limit(question) {
                    Some(limit) => {
                        end_with(helper);
                        sandbox::help_only(duties.help(question));
                        end_in(limit);
                        answer(question, &answer_to, duties)
                    }
                    None => guardian::run(&answer_to, &duties.program, inherited),
                };
                // What is left to write is the daemon's to write.
                process::exit(i32::from(answered.is_err()));
            }
            Err(error) => {
                let words = format!("The helper process cannot fork: {}", error.desc());
                let _ = messages::send_failure(answer_to.as_fd(), &words);
            }
        }
    }
}

/// Whether a child of this process is there still, so much later.
fn stays(child: Pid, later: Duration) -> bool {
    let deadline = Instant::now() + later;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    // One that has ended is nobody's child, as nobody waits for it.
    while let Ok(None) = waitid(WaitId::Pid(child), options) {
        if Instant::now() >= deadline {
            return true;
        }
        sleep(ENDING_PAUSE);
    }
    false
}

/// How long a process may take to end that has nothing else to do.
const ENDING_LIMIT: Duration = Duration::from_secs(1);
const ENDING_PAUSE: Duration = Duration::from_millis(2);

/// The next question, and where its answer goes; `None` at the end. An error is
/// none: the system may lack memory for a moment, and nobody would start another
/// helper.
fn next(socket: &OwnedFd, try_again: impl Fn(Errno) -> bool) -> Option<(u8, Option<OwnedFd>)> {
    let mut question = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut parts = [IoSliceMut::new(&mut question)];
        match recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => break received,
            Err(Errno::INTR) => {}
            Err(error) if try_again(error) => {}
            Err(_) => return None,
        }
    };
    if received.bytes == 0 {
        return None;
    }
    let mut answer_to = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message {
            answer_to = descriptors.next();
        }
    }
    Some((question[0], answer_to))
}

fn answer(question: Question, answer_to: &OwnedFd, duties: &Duties) -> io::Result<()> {
    let socket = answer_to.as_fd();
    match (question, &duties.answers) {
        (Question::Keys, About::CommandLine { keys, rules, .. }) => {
            // Locks are not inherited.
            secrets::stop_inheritance();
            let loaded = keys.load_again(*rules);
            let sent = match &loaded {
                Ok(Loaded { keys, doubts }) => {
                    let warn = |doubt: &Doubt| messages::send_warning(socket, &doubt.to_string());
                    let warned = doubts.iter().try_for_each(warn);
                    warned.and_then(|()| messages::send_keys(socket, keys))
                }
                Err(error) => messages::send_failure(socket, &in_words(error)),
            };
            drop(loaded);
            wipe_stack();
            sent
        }
        (Question::Endpoints, about) => {
            let address = Address::parse(OsStr::from_bytes(&receive(socket)?));
            let found = address.map_err(io::Error::other).and_then(|address| match about {
                About::CommandLine { names, .. } if !names.contains(&address) => {
                    Err(io::Error::other("Not a name that can be looked up"))
                }
                About::CommandLine { .. } | About::File { .. } => {
                    resolve(&address).map_err(io::Error::other)
                }
            });
            match found {
                Ok(endpoints) => messages::send_endpoints(socket, &endpoints),
                Err(error) => messages::send_failure(socket, &error.to_string()),
            }
        }
        (Question::Settings, About::File { words, user }) => {
            secrets::stop_inheritance();
            let sent = answer_settings(socket, words, *user);
            wipe_stack();
            sent
        }
        (Question::Remove, About::File { .. }) => {
            let path = PathBuf::from(OsString::from_vec(receive(socket)?));
            match remove_stale(&path) {
                Ok(()) => settings::send_done(socket),
                Err(error) => messages::send_failure(socket, &error.to_string()),
            }
        }
        (Question::PidFile, _) => match duties.pid_file.as_ref().map_or(Ok(()), Made::take_back) {
            Ok(()) => settings::send_done(socket),
            Err(error) => messages::send_failure(socket, &error.to_string()),
        },
        (Question::Keys, About::File { .. })
        | (Question::Settings | Question::Remove, About::CommandLine { .. })
        | (Question::Upgrade, _) => {
            messages::send_failure(socket, "Not a request that the helper process answers")
        }
    }
}

/// What a question is about.
fn receive(socket: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut message = vec![0; messages::MESSAGE_MAX];
    let (len, _) = recv(socket, &mut message, RecvFlags::empty())?;
    message.truncate(len);
    Ok(message)
}

fn answer_settings(socket: BorrowedFd<'_>, words: &FileWords, user: Option<u32>) -> io::Result<()> {
    let held = settings::receive_held(socket)?;
    let files = match read_settings(&words.path) {
        Ok(files) => files,
        Err(error) => return messages::send_failure(socket, &error.to_string()),
    };
    let Parsed { settings, places } = match words.parse(&files) {
        Ok(parsed) => parsed,
        Err(faults) => {
            let faults = faults.to_string();
            return faults.lines().try_for_each(|fault| messages::send_fault(socket, fault));
        }
    };
    // There may be many sockets until they are sent.
    let _ = OpenFiles::raise_for(None);
    let blame = Blame::new(&settings, &places);
    let (pipes, mut faults) = (&settings.pipes, Faults::default());
    let look_up = LookUp::Within(gather::LOOK_UPS_LIMIT);
    let keys = gather::keys(pipes, user, KeySource::load_again, &blame, &mut faults);
    let sources = gather::sources(pipes, &held, look_up, &blame, &mut faults);
    let names = gather::names(pipes, look_up, &blame, &mut faults);
    if !faults.0.is_empty() {
        gather::take_back(&sources);
        return faults.0.iter().try_for_each(|fault| messages::send_fault(socket, fault));
    }
    for doubt in text_files::doubts(&words.path) {
        messages::send_warning(socket, &doubt.to_string())?;
    }
    settings::send_files(socket, &files)?;
    let parts = keys.into_iter().flatten().zip(names).zip(sources);
    for (pipe, ((keys, names), sources)) in pipes.iter().zip(parts) {
        settings::send_gathered(socket, pipe, &Gathered { keys, names, sources })?;
    }
    settings::send_done(socket)
}

/// Later than the daemon stops waiting: then nobody misses it. `None`: what it is
/// about ends by itself.
fn limit(question: Question) -> Option<Duration> {
    let limit = match question {
        Question::Keys | Question::Remove | Question::PidFile => READING_LIMIT,
        Question::Endpoints => LOOK_UP_LIMIT,
        Question::Settings => SETTINGS_LIMIT,
        Question::Upgrade => return None,
    };
    Some(limit + Duration::from_secs(1))
}

/// Ends this process when its time is up, in whatever system call it is. (The
/// parent would have to watch it otherwise.)
fn end_in(limit: Duration) {
    let seconds = u32::try_from(limit.as_secs()).unwrap_or(u32::MAX);
    // SAFETY: it sets a timer of this process, whose signal gets its default
    // effect first: whoever started the daemon may have ignored or blocked it.
    // The set is made by `sigemptyset` before anything reads it.
    #[allow(unsafe_code, reason = "has no safe form here")]
    unsafe {
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        let mut alarm = MaybeUninit::uninit();
        libc::sigemptyset(alarm.as_mut_ptr());
        libc::sigaddset(alarm.as_mut_ptr(), libc::SIGALRM);
        libc::sigprocmask(libc::SIG_UNBLOCK, alarm.as_ptr(), ptr::null_mut());
        libc::alarm(seconds);
    }
}

/// When memory is short, the system ends first what is worth most of it. This is
/// worth little, and cannot be started again. Only root can change that; and a
/// service manager that wants even less of it has its way. Says how it was, if that
/// is different.
fn outlive_others() -> Option<i32> {
    let now = fs::read_to_string(OOM_SCORE_FILE).ok().and_then(|now| now.trim().parse().ok());
    let before = now.filter(|now: &i32| *now > OOM_SCORE)?;
    fs::write(OOM_SCORE_FILE, OOM_SCORE.to_string()).ok().map(|()| before)
}

const OOM_SCORE_FILE: &str = "/proc/self/oom_score_adj";

/// Has the kernel end this process when its parent ends. Where the parent may not
/// send signals to us, as another user or from inside its sandbox, nothing
/// happens; the end of its socket comes in any case.
fn end_with(parent: Pid) {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid() != Some(parent) {
        process::exit(0);
    }
}

/// Says whether that is new.
fn ignore(signal: i32) -> bool {
    set_disposition(signal, libc::SIG_IGN) != libc::SIG_IGN
}

/// From now on, the signal does to this process what it does to most.
pub(super) fn set_default(signal: i32) {
    set_disposition(signal, libc::SIG_DFL);
}

fn set_disposition(signal: i32, disposition: libc::sighandler_t) -> libc::sighandler_t {
    // SAFETY: neither to ignore a signal nor its default runs any code.
    #[allow(unsafe_code, reason = "has no safe form here")]
    unsafe {
        libc::signal(signal, disposition)
    }
}

/// Closes what came with the fork: above all the source, on which nobody would
/// listen while this process keeps it open. Standard streams stay, and sockets for
/// datagrams, to which lines of the log are written.
pub(super) fn close_all_but(kept: &[RawFd]) {
    for descriptor in descriptors().filter(|descriptor| !kept.contains(descriptor)) {
        with(descriptor, |it| {
            if sockopt::socket_type(it) != Ok(SocketType::DGRAM) {
                // SAFETY: see `with`. The list itself was one of them, and is closed
                // already.
                #[allow(unsafe_code, reason = "a descriptor known by its number")]
                let _ = unsafe { libc::close(descriptor) };
            }
        });
    }
}

/// All but the standard streams, one that is closed already among them.
pub(super) fn descriptors() -> impl Iterator<Item = RawFd> {
    let listed = fs::read_dir("/proc/self/fd").map(|entries| {
        let names = entries.flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).collect::<Vec<RawFd>>()
    });
    let descriptors = listed.unwrap_or_else(|_| (0..1024).collect());
    descriptors.into_iter().filter(|descriptor| *descriptor > libc::STDERR_FILENO)
}

/// Does something to the descriptor of this number.
pub(super) fn with(descriptor: RawFd, act: impl FnOnce(BorrowedFd<'_>)) {
    // SAFETY: whoever owns it in the memory of this process is part of the daemon's
    // start, which does not go on here: see `run`. It is borrowed for one question.
    #[allow(unsafe_code, reason = "a descriptor known by its number")]
    act(unsafe { BorrowedFd::borrow_raw(descriptor) });
}

#[cfg(test)]
mod tests;
