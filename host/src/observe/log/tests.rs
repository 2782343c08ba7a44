use std::iter;
use std::os::unix::net::UnixDatagram;

use super::*;

#[test]
fn panic_becomes_a_line() {
    let logger: &'static Logger = Box::leak(Box::new(logger(Some(Writer::Thread))));
    let former = panic::take_hook();
    panic::set_hook(Box::new(|info| logger.panicked(info)));
    let panicked = catch_unwind(|| panic!("as a broken connection\nmight"));
    panic::set_hook(former);
    assert!(panicked.is_err());
    let Batch { entries, lost: 0 } = logger.queue.take() else { panic!("a line was lost") };
    let event = &entries[0].event;
    assert_eq!((event.level, event.what), (Level::Error, What::Panicked));
    assert!(event.words.starts_with("Internal error (thread "), "{event}");
    assert!(event.words.contains("tests.rs:") && event.words.ends_with("\nmight"), "{event}");
}

#[test]
fn without_a_thread_a_line_that_is_not_taken_at_once_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let reader = UnixDatagram::bind(&path).unwrap();
    reader.set_nonblocking(true).unwrap();
    let logger = logger(Some(Writer::Nobody));
    logger.sink().switch_to_syslog(&path).unwrap();
    let say = || logger.write(Event::new(Level::Warn, Class::Target, What::Note, "line"), 0);
    let read = || {
        let mut buffer = [0; 128];
        let len = reader.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..len]).into_owned())
    };
    // More than any queue of datagrams holds.
    for _ in 0..2000 {
        say();
    }
    let taken = iter::from_fn(read).count();
    say();
    assert_eq!(logger.lost.now(), 2000 - taken as u64);
    let lost = format!(": {} lines lost: the reader of the log was too slow", 2000 - taken);
    assert!(read().unwrap().ends_with(&lost) && read().unwrap().ends_with(": line"));
    assert_eq!(read(), None);
}

#[test]
fn no_two_connections_have_the_same_number() {
    let log = LogHandle(Box::leak(Box::new(logger(Some(Writer::Thread)))));
    // They arrive in any order, before this process has any of its own.
    assert_eq!([7, 5].map(|number| log.number_adopted(number)), [7, 5]);
    log.number_beyond(9);
    assert_eq!(log.next_connection(), 10);
    // Late: of one that had its number by then, and of those that got one afterwards.
    let late = [8, 9, 10, 11, 12].map(|number| log.number_adopted(number));
    assert_eq!(late, [8, 9, 11, 12, 13]);
    assert_eq!((log.next_connection(), log.numbered()), (14, 14));
}

#[test]
fn answer_is_written_at_any_level_and_in_any_number() {
    let logger = Box::leak(Box::new(logger(Some(Writer::Thread))));
    logger.level = AtomicUsize::new(LevelFilter::Error as usize);
    LogHandle(logger).answer(Level::Info, (0..1025).map(|_| "x".repeat(400)));
    let Batch { entries, lost } = logger.queue.take();
    assert_eq!((entries.len(), lost), (1025, 0));
    LogHandle(logger).say(Event::new(Level::Warn, Class::Target, What::Note, "quiet"));
    logger.queue.lose(1);
    assert_eq!(logger.queue.take().entries.len(), 0);
}

#[test]
fn what_is_held_is_written_once_it_is_released_and_with_its_time() {
    let handle = LogHandle(Box::leak(Box::new(logger(Some(Writer::Thread)))));
    handle.hold();
    handle.say(Event::new(Level::Warn, Class::Target, What::Note, "held"));
    assert_eq!(handle.0.queue.take_lost(), 0);
    assert_eq!(handle.held_warnings(), ["held"]);
    let before = SystemTime::now();
    handle.release();
    handle.say(Event::new(Level::Warn, Class::Target, What::Note, "then"));
    let Batch { entries, .. } = handle.0.queue.take();
    assert!(entries.iter().map(|entry| &*entry.event.words).eq(["held", "then"]));
    assert!(entries[0].when <= before && before <= entries[1].when);
}

#[test]
fn libraries_are_heard_only_when_something_is_wrong() {
    let logger = logger(None);
    let enabled =
        |target, level| logger.enabled(&Metadata::builder().target(target).level(level).build());
    assert!(enabled("spiped::serve", Level::Debug));
    assert!(enabled("spipe", Level::Info));
    assert!(!enabled("spiped::serve", Level::Trace));
    assert!(enabled("wasmtime", Level::Warn));
    assert!(!enabled("wasmtime", Level::Info));
}

#[test]
fn level_can_be_changed() {
    let handle = LogHandle(Box::leak(Box::new(logger(Some(Writer::Thread)))));
    for level in LevelFilter::iter() {
        handle.0.level.store(level as usize, Ordering::Relaxed);
        assert_eq!(handle.level(), level);
    }
    let say = |what| handle.say(Event::new(Level::Debug, Class::Target, what, ""));
    handle.0.level.store(LevelFilter::Info as usize, Ordering::Relaxed);
    say(What::Crowded);
    handle.0.level.store(LevelFilter::Debug as usize, Ordering::Relaxed);
    say(What::Accepted);
    let entries = handle.0.queue.take().entries;
    assert!(entries.iter().map(|entry| entry.event.what).eq([What::Accepted]));
}

fn logger(writer: Option<Writer>) -> Logger {
    Logger {
        level: AtomicUsize::new(LevelFilter::Debug as usize),
        lost: Count::default(),
        suppressed: Count::default(),
        queue: Queue::default(),
        sink: Mutex::new(Sink::new("spiped", Format::Text)),
        writer: writer.map_or_else(OnceLock::new, OnceLock::from),
        held: Held::default(),
        connections: AtomicU64::new(0),
        adopted_max: AtomicU64::new(u64::MAX),
    }
}
