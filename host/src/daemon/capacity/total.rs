//! How much there can be at once in all, with what the system gives us: computed
//! at start, so that the last connection to find room costs no other.

use std::num::NonZeroUsize;

use thiserror::Error;

use crate::guest::GUEST_SPACE;
use crate::pipe::admission::Budget;
use crate::process::memory::{Memory, least};

/// The most connections at once, however many the user wants: address space
/// is set aside for each.
pub(super) const CONNECTIONS_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("65536 is not 0");

/// They are accepted in this number although there may be no descriptors for
/// all: those who are silent are closed when one is missing.
pub(super) const WAITING_MIN: usize = 16;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// `None`: as many as possible.
    pub(super) connections: Option<NonZeroUsize>,
    /// Connections whose peer has not authenticated.
    pub(super) strangers: usize,
    /// More of them, who wait unread.
    pub(super) waiting: usize,
    /// Event loops.
    pub(super) loops: usize,
    /// Guests besides those of connections.
    pub(super) other_guests: usize,
    /// All the memory that peers may make us take, in bytes; `None`: any.
    pub(super) memory: Option<u64>,
}

/// What there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capacity {
    pub(super) connections: NonZeroUsize,
    pub(super) strangers: usize,
    /// More of them, who wait unread.
    pub(super) waiting: usize,
    pub(super) loops: usize,
    /// Memory for all that, in bytes.
    pub(super) memory: u64,
}

/// Not even one connection is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TooLittle {
    #[error(
        "The limit on open files leaves {left}, and {needed} are needed for a single connection: \
         raise it with LimitNOFILE= or ulimit -n"
    )]
    Files { left: u64, needed: u64 },
    /// Fewer than one for each pipe.
    #[error("{connections} connections at once are possible, for {pipes} pipes: {reason}")]
    Connections { connections: usize, pipes: usize, reason: &'static str },
    #[error(
        "There are {} KiB of memory for connections, and {} are needed for a single one: raise \
         the limit on memory", left / 1024, needed / 1024
    )]
    Memory { left: u64, needed: u64 },
}

/// Descriptors of an event loop.
const FILES_PER_LOOP: u64 = 5;
/// The sockets of a connection.
pub(super) const FILES_PER_CONNECTION: u64 = 2;
/// Signals, the image of a guest's memory, and two by which the helper process is
/// reached and watched.
const FILES_OF_THE_PROCESS: u64 = 5;
/// For look-ups, reading keys, syslog, and sockets between accept and close. Fewer
/// if there are few: then these wait until one is free.
const FILES_TO_SPARE: u64 = 16;

/// What a connection takes besides a guest's address space: a guest's memory and
/// what the host keeps for it, which is a batch each way if nobody reads.
const CONNECTION_MEMORY: u64 = 640 << 10;
/// What the host keeps for it, as address space.
const CONNECTION_SPACE: u64 = 128 << 10;
/// Until it has authenticated.
const STRANGER_MEMORY: u64 = 8 << 10;
/// The stack of a thread, and its stack for signals.
const THREAD_SPACE: u64 = (2 << 20) + (300 << 10);
/// Threads besides those of loops, each of which has one that computes: the log's,
/// the sandboxes' clock, and the one that answers observers.
const OTHER_THREADS: u64 = 3;
/// What the process takes after this was computed.
const BASE_SPACE: u64 = 8 << 20;

impl Wanted {
    /// Descriptors for so many connections and all that goes with them.
    pub(super) fn files(&self, connections: NonZeroUsize) -> u64 {
        let waiting = if self.strangers > 0 { self.waiting as u64 } else { 0 };
        files_for(self.loops, connections, self.strangers) + waiting
    }

    /// What there can be with so many more descriptors, and this memory.
    ///
    /// # Errors
    /// When not even one connection can.
    pub(super) fn within(self, files: Option<u64>, memory: Memory) -> Result<Capacity, TooLittle> {
        let (loops, strangers, by_files) = self.within_files(files)?;
        let strangers = self.strangers_within_memory(strangers, memory);
        let by_memory = self.within_memory(loops, strangers, memory)?;
        let wanted = self.connections.unwrap_or(CONNECTIONS_MAX).get() as u64;
        let connections = wanted.min(CONNECTIONS_MAX.get() as u64).min(by_files).min(by_memory);
        let connections = usize::try_from(connections).ok().and_then(NonZeroUsize::new);
        let connections = connections.unwrap_or(NonZeroUsize::MIN);
        let guests = (connections.get() + self.other_guests) as u64;
        let memory = guests * CONNECTION_MEMORY + strangers as u64 * STRANGER_MEMORY;
        let used = files_for(loops, connections, strangers);
        let waiting = files.map_or(self.waiting, |files| as_usize(files.saturating_sub(used)));
        let waiting = waiting.clamp(WAITING_MIN, self.waiting.max(WAITING_MIN));
        Ok(Capacity { connections, strangers, waiting, loops, memory })
    }

    /// How many loops, strangers and connections.
    fn within_files(&self, files: Option<u64>) -> Result<(usize, usize, u64), TooLittle> {
        let Some(left) = files else {
            return Ok((self.loops, self.strangers, u64::MAX));
        };
        let stranger = u64::from(self.strangers > 0);
        let needed = FILES_OF_THE_PROCESS + FILES_PER_LOOP + FILES_PER_CONNECTION + stranger;
        if left < needed {
            return Err(TooLittle::Files { left, needed });
        }
        let left = left - FILES_OF_THE_PROCESS;
        // Loops are to serve connections: these get at least half.
        let loops = (self.loops as u64).min(left / 2 / FILES_PER_LOOP).max(1);
        let left = left - loops * FILES_PER_LOOP;
        let left = left - FILES_TO_SPARE.min(left / 8);
        // Connections come first, but strangers are where they come from: of a burst
        // of them, those for whom there is no place are sent away.
        let for_strangers = match self.connections {
            Some(_) => (left / 64).max(Budget::LEAST.get() as u64),
            None => left / 8,
        };
        let least = (self.strangers as u64).min(for_strangers).min(left / 4).max(stranger);
        let wanted = self.connections.map_or(u64::MAX, |wanted| wanted.get() as u64);
        let connections = wanted.min((left - least) / FILES_PER_CONNECTION);
        let strangers = (self.strangers as u64).min(left - connections * FILES_PER_CONNECTION);
        Ok((as_usize(loops), as_usize(strangers), connections))
    }

    /// A quarter is enough for them.
    fn strangers_within_memory(&self, strangers: usize, memory: Memory) -> usize {
        let left = least(self.memory, least(memory.used, memory.space));
        left.map_or(strangers, |left| {
            strangers.min(as_usize(left / 4 / STRANGER_MEMORY)).max(strangers.min(1))
        })
    }

    fn within_memory(
        &self,
        loops: usize,
        strangers: usize,
        memory: Memory,
    ) -> Result<u64, TooLittle> {
        let threads = 2 * loops as u64 + OTHER_THREADS;
        let others = self.other_guests as u64;
        let strangers = strangers as u64 * STRANGER_MEMORY;
        let bounds = [
            (
                memory.space,
                GUEST_SPACE + CONNECTION_SPACE,
                BASE_SPACE + threads * THREAD_SPACE + others * GUEST_SPACE + strangers,
            ),
            (
                least(self.memory, memory.used),
                CONNECTION_MEMORY,
                others * CONNECTION_MEMORY + strangers,
            ),
        ];
        let mut connections = u64::MAX;
        for (left, each, fixed) in bounds {
            let Some(left) = left else { continue };
            let fit = left.saturating_sub(fixed) / each;
            if fit == 0 {
                return Err(TooLittle::Memory { left, needed: fixed + each });
            }
            connections = connections.min(fit);
        }
        Ok(connections)
    }

    /// What keeps there from being more than `connections`.
    pub(super) fn reason(
        self,
        files: Option<u64>,
        memory: Memory,
        connections: NonZeroUsize,
    ) -> &'static str {
        let more = |wanted: Self, memory| {
            wanted.within(files, memory).is_ok_and(|fit| fit.connections > connections)
        };
        let unasked = Self { memory: None, ..self };
        if connections == CONNECTIONS_MAX {
            "this is the largest possible number"
        } else if more(unasked, memory) {
            "--memory allows no more"
        } else if more(unasked, Memory { space: None, ..memory }) {
            "the limit on address space allows no more (ulimit -v)"
        } else if more(unasked, Memory::default()) {
            "the memory limit of the control group allows no more (MemoryMax=)"
        } else {
            "the limit on open files allows no more (LimitNOFILE=, ulimit -n)"
        }
    }
}

/// Descriptors that are needed for so much, all of it open.
fn files_for(loops: usize, connections: NonZeroUsize, strangers: usize) -> u64 {
    FILES_OF_THE_PROCESS
        + FILES_TO_SPARE
        + FILES_PER_LOOP * loops as u64
        + FILES_PER_CONNECTION * connections.get() as u64
        + strangers as u64
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_what_there_is_if_it_fits() {
        let capacity = server(100).within(Some(1024), Memory::default()).unwrap();
        assert_eq!(in_words(capacity), (100, 64, 2));
        let capacity = server(100).within(None, Memory::default()).unwrap();
        assert_eq!(in_words(capacity), (100, 64, 2));
    }

    #[test]
    fn everything_that_is_promised_can_be_open_at_once() {
        for left in 13..2000 {
            for wanted in [server(1), server(100), server(5000), any(server(1)), client(100)] {
                let fit = wanted.within(Some(left), Memory::default()).unwrap();
                let (connections, strangers, loops) = in_words(fit);
                assert!(connections >= 1 && loops >= 1, "{left}: {fit:?}");
                assert!(strangers >= 1 || wanted.strangers == 0, "{left}: {fit:?}");
                let files = usize::try_from(FILES_OF_THE_PROCESS).unwrap()
                    + usize::try_from(FILES_PER_LOOP).unwrap() * loops
                    + 2 * connections
                    + strangers;
                assert!(files as u64 <= left, "{left}: {fit:?}");
            }
        }
    }

    #[test]
    fn more_connections_than_fit_leave_places_for_a_burst() {
        let capacity = server(10_001).within(Some(20_000), Memory::default()).unwrap();
        let (connections, strangers, _) = in_words(capacity);
        assert!(connections > 9_800 && strangers > 300, "{capacity:?}");
    }

    #[test]
    fn too_few_files_are_an_error_that_tells_the_need() {
        let few = server(100).within(Some(12), Memory::default());
        assert_eq!(few, Err(TooLittle::Files { left: 12, needed: 13 }));
        assert!(client(1).within(Some(12), Memory::default()).is_ok());
    }

    #[test]
    fn many_processors_do_not_use_up_the_files() {
        let wanted = Wanted { loops: 256, ..server(100) };
        let (connections, _, loops) =
            in_words(wanted.within(Some(1020), Memory::default()).unwrap());
        assert!(connections == 100 && loops > 100, "{connections} {loops}");
        assert!(wanted.files(NonZeroUsize::new(100).unwrap()) > 1024);
    }

    #[test]
    fn memory_bounds_connections_whoever_limits_it() {
        let limit = 16 << 20;
        for (wanted, memory) in [
            (Wanted { memory: Some(limit), ..server(100) }, Memory::default()),
            (server(100), Memory { used: Some(limit), space: None }),
            (Wanted { memory: Some(limit), ..any(server(1)) }, Memory::default()),
        ] {
            let capacity = wanted.within(None, memory).unwrap();
            assert!(capacity.memory <= limit && capacity.memory > limit / 2, "{capacity:?}");
        }
        let space = Memory { space: Some(64 << 20), used: None };
        let few = server(100).within(None, space).unwrap();
        assert!(few.connections.get() < 20, "{few:?}");
        let none = Wanted { memory: Some(1 << 20), ..server(1) }.within(None, Memory::default());
        assert!(matches!(none, Err(TooLittle::Memory { .. })));
    }

    #[test]
    fn reason_names_what_would_help() {
        let reason = |wanted: Wanted, files, memory| {
            let fit = wanted.within(files, memory).unwrap();
            wanted.reason(files, memory, fit.connections)
        };
        let free = Memory::default();
        assert!(reason(server(100), Some(100), free).contains("open files"));
        let asked = Wanted { memory: Some(10 << 20), ..server(100) };
        assert!(reason(asked, None, free).contains("--memory"));
        let space = Memory { space: Some(64 << 20), ..free };
        assert!(reason(server(100), None, space).contains("address space"));
        let used = Memory { used: Some(16 << 20), ..free };
        assert!(reason(server(100), None, used).contains("control group"));
        assert!(reason(server(100_000), None, free).contains("largest possible number"));
    }

    #[test]
    fn document_tells_what_connections_take() {
        let document = include_str!("../../../../docs/operating.md");
        let manual = include_str!("../../../man/spiped.1");
        let memory = format!("{} KiB for each connection", CONNECTION_MEMORY >> 10);
        let (files, of_loops) = (FILES_PER_CONNECTION, FILES_PER_LOOP);
        for (name, page, words) in [
            ("docs/operating.md", document, format!("{memory} at most")),
            (
                "docs/operating.md",
                document,
                format!("{files} for each connection, 1 for each handshake, {of_loops} for"),
            ),
            ("spiped.1", manual, format!("\n{memory}\n")),
            (
                "spiped.1",
                manual,
                format!("\n{files} for each connection, 1 for each stranger, {of_loops} for"),
            ),
        ] {
            assert!(page.contains(&words), "{name} lacks {words:?}");
        }
        let (_, table) = document.split_once("| `max-connections` |").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let rows: Vec<[&str; 4]> = rows
            .map(|row| {
                let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
                cells.try_into().unwrap()
            })
            .collect();
        assert_eq!(rows.len(), 4, "{rows:?}");
        let measured = include_str!("../../../../docs/performance.md");
        for [connections, files, memory, idle] in rows {
            let number = |cell: &str| cell.replace(',', "").parse::<u64>().unwrap();
            let wanted = server(number(connections).try_into().unwrap());
            let least = wanted.files(wanted.connections.unwrap());
            // Some descriptors are open before these are counted.
            let told = number(files);
            assert!((least + 10..least + 25).contains(&told), "{connections}: {least}, not {told}");
            let capacity = wanted.within(None, Memory::default()).unwrap();
            assert_eq!(capacity.memory.div_ceil(1 << 20), number(memory), "{connections}");
            let row = measured.lines().find(|line| line.starts_with(&format!("| {connections} |")));
            let row: Vec<_> = row.unwrap().split('|').map(str::trim).collect();
            assert_eq!(row[3], idle, "{connections}, as measured");
        }
    }

    fn server(connections: usize) -> Wanted {
        let connections = NonZeroUsize::new(connections);
        let strangers = connections.unwrap().get().div_ceil(2).max(Budget::LEAST.get());
        Wanted { connections, strangers, waiting: 0, loops: 2, other_guests: 6, memory: None }
    }

    fn client(connections: usize) -> Wanted {
        Wanted { strangers: 0, other_guests: 2, ..server(connections) }
    }

    fn any(wanted: Wanted) -> Wanted {
        Wanted { connections: None, strangers: 32_768, ..wanted }
    }

    fn in_words(capacity: Capacity) -> (usize, usize, usize) {
        (capacity.connections.get(), capacity.strangers, capacity.loops)
    }
}
