//! The log of the process. A thread of its own writes it, so that nobody else
//! waits for whoever reads it.

use std::io;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::observe::counters::{Count, Counters};
use crate::observe::event::{Class, Event, What};
use crate::observe::format::Format;
use crate::observe::held::Held;
use crate::observe::queue::{Batch, Entry, Queue};
use crate::observe::sink::{Patience, Sink};

/// Starts logging to standard error. `program` starts every line; without it
/// nothing is logged. Call it once.
#[must_use = "it has to be told when threads may be started"]
pub fn install(program: &str, level: LevelFilter, format: Format) -> LogHandle {
    // Lives as long as the process: `log` wants that.
    let logger: &'static Logger = Box::leak(Box::new(Logger {
        level: AtomicUsize::new(level as usize),
        lost: Count::default(),
        suppressed: Count::default(),
        queue: Queue::default(),
        sink: Mutex::new(Sink::new(program, format)),
        writer: OnceLock::new(),
        held: Held::default(),
        connections: AtomicU64::new(0),
        adopted_max: AtomicU64::new(u64::MAX),
    }));
    if log::set_logger(logger).is_ok() {
        log::set_max_level(level);
    }
    // The standard library's waits for whoever reads standard error.
    panic::set_hook(Box::new(|info| logger.panicked(info)));
    LogHandle(logger)
}

/// The log of this process.
#[derive(Clone, Copy, Debug)]
pub struct LogHandle(&'static Logger);

impl LogHandle {
    /// From now on, logs to syslog only. Call it in the process that goes on
    /// to log: its id is part of every line.
    ///
    /// # Errors
    ///
    /// When no syslog listens on `/dev/log`; lines then go on to standard
    /// error.
    pub fn switch_to_syslog(self) -> io::Result<()> {
        self.0.sink().switch_to_syslog(Path::new("/dev/log")).map_err(|cause| {
            io::Error::new(cause.kind(), format!("Cannot log to /dev/log: {cause}"))
        })
    }

    /// From now on, a thread writes what is logged, and nobody waits for it.
    /// Until then each line is written at once. Call it after the last fork.
    pub fn start(self) {
        if self.0.writer.get().is_some() {
            return;
        }
        let spawned =
            thread::Builder::new().name("log".into()).stack_size(STACK_LEN).spawn(move || {
                // A panic there has been said. Another line may fare better.
                while catch_unwind(AssertUnwindSafe(|| self.0.write_for_ever())).is_err() {}
            });
        match spawned {
            Ok(_) => {
                let _ = self.0.writer.set(Writer::Thread);
            }
            Err(error) => {
                let _ = self.0.writer.set(Writer::Nobody);
                log::warn!(
                    "Cannot start the thread that writes the log: {error}; lines that cannot be \
                     written at once will be lost"
                );
            }
        }
    }

    /// From now on, nothing is written, and no line is lost for that: another
    /// process does what this one is about to. If it never does, nobody is to read
    /// what it has said.
    pub(crate) fn hold(self) {
        self.0.held.hold();
    }

    /// What is held that speaks of something wrong.
    #[must_use]
    pub(crate) fn held_warnings(self) -> Vec<String> {
        self.0.held.warnings()
    }

    /// Writes what was held, and goes on as usual.
    pub(crate) fn release(self) {
        for Entry { when, event, suppressed } in self.0.held.release() {
            self.0.write_at(when, event, suppressed);
        }
    }

    /// Says what has happened, if that is worth a line at this level and
    /// within its budget.
    pub fn say(self, event: Event) {
        self.0.say(event);
    }

    /// Writes lines that were asked for, also those of a level that is not
    /// written otherwise.
    pub fn answer(self, level: Level, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.0.write(Event::new(level, Class::Ourselves, What::Answer, line), 0);
        }
    }

    /// Writes the counters of a pipe, or of a key of it, whatever level is
    /// written otherwise.
    pub fn counters(self, pipe: &Arc<str>, key: Option<String>, counters: &Counters) {
        let of = key.as_ref().map(|key| format!("key={key} ")).unwrap_or_default();
        let words = format!("counters: {of}{counters}");
        let mut event = Event::new(Level::Info, Class::Ourselves, What::Answer, words);
        event.subject.pipe = Some(pipe.clone());
        event.subject.key = key;
        event.numbers = Some(Box::new(counters.now()));
        self.0.write(event, 0);
    }

    /// The least severe level that is logged.
    #[must_use]
    pub fn level(self) -> LevelFilter {
        self.0.level()
    }

    /// From now on, logs this level and those that are more severe.
    pub fn set_level(self, level: LevelFilter) {
        self.0.level.store(level as usize, Ordering::Relaxed);
        log::set_max_level(level);
    }

    /// How many lines the log lacks.
    #[must_use]
    pub fn missing(self) -> Missing {
        Missing { lost: self.0.lost.now(), suppressed: self.0.suppressed.now() }
    }

    /// Before the process ends: waits until all is written, for a second at
    /// most.
    pub fn finish(self) {
        if let Some(Writer::Thread) = self.0.writer.get() {
            self.0.queue.flush(PATIENCE);
        }
    }

    /// How many connections have a number.
    #[must_use]
    pub(crate) fn numbered(self) -> u64 {
        self.0.connections.load(Ordering::Relaxed)
    }

    /// So many connections, at least, have a number already, from another process. To be
    /// called before this one gives any.
    pub(crate) fn number_beyond(self, numbered: u64) {
        self.0.connections.fetch_max(numbered, Ordering::Relaxed);
        self.0.adopted_max.store(numbered, Ordering::Relaxed);
    }

    /// The log lacks so many more lines, which another process would have written.
    pub(crate) fn add_missing(self, Missing { lost, suppressed }: Missing) {
        self.0.lost.more(lost);
        self.0.suppressed.more(suppressed);
    }

    /// The number for a connection that has this one from another process. That goes on to
    /// give numbers when this one does, to those that it has yet to hand over: then they
    /// need new ones here.
    pub(super) fn number_adopted(self, number: u64) -> u64 {
        if number > self.0.adopted_max.load(Ordering::Relaxed) {
            return self.next_connection();
        }
        self.0.connections.fetch_max(number, Ordering::Relaxed);
        number
    }

    /// A number for a connection that no other one of this process has.
    pub(super) fn next_connection(self) -> u64 {
        self.0.connections.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// How many lines the log lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Nobody took them.
    pub lost: u64,
    /// They were beyond their budget.
    pub suppressed: u64,
}

#[derive(Debug)]
struct Logger {
    /// A [`LevelFilter`].
    level: AtomicUsize,
    lost: Count,
    suppressed: Count,
    queue: Queue,
    /// Only the thread uses it, once there is one.
    sink: Mutex<Sink>,
    writer: OnceLock<Writer>,
    held: Held,
    /// The highest number that a connection has.
    connections: AtomicU64,
    /// The highest number that another process had given before this one gave any; until
    /// that is known, any may be one of those.
    adopted_max: AtomicU64,
}

/// Who writes.
#[derive(Clone, Copy, Debug)]
enum Writer {
    /// The thread.
    Thread,
    /// There could be no thread: whoever has something to say writes it if
    /// that takes no time.
    Nobody,
}

impl Log for Logger {
    /// Libraries are heard only when something is wrong.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level()
            && (metadata.level() <= Level::Warn || metadata.target().starts_with("spipe"))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let words = record.args().to_string();
            self.write(Event::new(record.level(), Class::Ourselves, What::Note, words), 0);
        }
    }

    fn flush(&self) {}
}

impl Logger {
    fn say(&self, event: Event) {
        if event.level > self.level() {
            return;
        }
        let suppressed = match event.level {
            Level::Error | Level::Warn => self.queue.admit(&event),
            Level::Info | Level::Debug | Level::Trace => Some(0),
        };
        match suppressed {
            Some(suppressed) => self.write(event, suppressed),
            None => self.suppressed.one_more(),
        }
    }

    fn level(&self) -> LevelFilter {
        let level = self.level.load(Ordering::Relaxed);
        LevelFilter::iter().nth(level).unwrap_or(LevelFilter::Trace)
    }

    fn write(&self, event: Event, suppressed: u64) {
        self.write_at(SystemTime::now(), event, suppressed);
    }

    fn write_at(&self, when: SystemTime, event: Event, suppressed: u64) {
        let entry = Entry { when, event, suppressed };
        let Some(entry) = self.held.keep(entry) else { return };
        match self.writer.get() {
            Some(Writer::Thread) => {
                if !self.queue.push(entry) {
                    self.lost.one_more();
                }
            }
            Some(Writer::Nobody) => self.write_now(&entry, Duration::ZERO),
            None => self.write_now(&entry, PATIENCE),
        }
    }

    /// Writes a line, or counts it as lost.
    fn write_now(&self, entry: &Entry, patience: Duration) {
        let mut sink = self.sink();
        let mut lost = self.queue.take_lost();
        // Whoever was waited for in vain is not waited for again.
        let patience = if lost > 0 { Duration::ZERO } else { patience };
        self.write_to(&mut sink, entry, &mut lost, Some(patience));
        self.queue.lose(lost);
    }

    /// Writes a line after one that says how many were lost before.
    fn write_to(&self, sink: &mut Sink, entry: &Entry, lost: &mut u64, patience: Patience) {
        say_lost(sink, lost, patience);
        if *lost > 0 || sink.write(entry, patience).is_err() {
            *lost += 1;
            self.lost.one_more();
        }
    }

    /// What the thread does.
    fn write_for_ever(&self) {
        let mut unsaid = 0;
        loop {
            let Batch { entries, lost } = self.queue.take();
            let mut sink = self.sink();
            for entry in &entries {
                self.write_to(&mut sink, entry, &mut unsaid, None);
            }
            // They were lost after those, for want of room.
            unsaid += lost;
            if lost > 0 {
                say_lost(&mut sink, &mut unsaid, None);
            }
        }
    }

    fn panicked(&self, info: &PanicHookInfo<'_>) {
        let thread = thread::current();
        let name = thread.name().unwrap_or("?");
        let reason = info.payload_as_str().unwrap_or("?");
        let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
        let words = format!("Internal error (thread {name} panicked{place}): {reason}");
        self.say(Event::new(Level::Error, Class::Ourselves, What::Panicked, words));
    }

    /// Each use leaves it whole.
    fn sink(&self) -> MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn say_lost(sink: &mut Sink, lost: &mut u64, patience: Patience) {
    if *lost == 0 {
        return;
    }
    let words = format!("{lost} lines lost: the reader of the log was too slow");
    let event = Event::new(Level::Warn, Class::Ourselves, What::Lost(*lost), words);
    let entry = Entry { when: SystemTime::now(), event, suppressed: 0 };
    if sink.write(&entry, patience).is_ok() {
        *lost = 0;
    }
}

/// How long a line at the start, and all lines at the end, wait to be taken.
const PATIENCE: Duration = Duration::from_secs(1);

/// Enough for a line.
const STACK_LEN: usize = 256 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
