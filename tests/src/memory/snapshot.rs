//! Reading all memory of a process. Needs root.

use std::fmt::Write;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait;

/// A stopped process, which goes on when this is dropped.
pub(super) struct Stopped {
    pid: i32,
}

/// Where a needle was found.
#[derive(Clone, Default)]
pub(super) struct Hits {
    /// How often.
    pub(super) count: usize,
    /// The first few places, for the reader of a report.
    pub(super) places: Vec<String>,
    /// Whether all are in mappings that are locked, left out of dumps and
    /// wiped on fork.
    pub(super) are_guarded: bool,
}

/// More places than that say no more about a needle.
const PLACES_MAX: usize = 3;

impl Stopped {
    pub(super) fn stop(pid: i32) -> Self {
        let stopped = Self { pid };
        kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("stopping a child");
        wait::until("all its threads had stopped", || {
            stopped.tasks().all(|task| {
                let stat = fs::read_to_string(format!("{task}/stat"));
                // The state follows the thread's name in parentheses.
                stat.is_ok_and(|stat| stat.contains(") T "))
            })
        });
        stopped
    }

    /// Finds 16-byte needles at any address: the places of each.
    pub(super) fn find(&self, needles: &[[u8; 16]]) -> Vec<Hits> {
        // One look at a byte pair rules out nearly every place.
        let mut starting = vec![Vec::new(); 1 << 16];
        for (index, needle) in needles.iter().enumerate() {
            starting[pair(needle)].push(index);
        }
        let none = Hits { are_guarded: true, ..Hits::default() };
        let mut found = vec![none; needles.len()];
        for mapping in self.mappings() {
            for (address, bytes) in self.content(&mapping) {
                for (offset, window) in bytes.windows(16).enumerate() {
                    for &needle in &starting[pair(window)] {
                        if window == needles[needle] {
                            let hits = &mut found[needle];
                            hits.count += 1;
                            hits.are_guarded &= mapping.is_guarded;
                            if hits.count <= PLACES_MAX {
                                hits.places.push(self.describe(&mapping, address + offset));
                            }
                        }
                    }
                }
            }
        }
        found
    }

    fn tasks(&self) -> impl Iterator<Item = String> {
        let directory = format!("/proc/{}/task", self.pid);
        let entries = fs::read_dir(directory).expect("a live process").flatten();
        entries.map(|entry| entry.path().display().to_string())
    }

    fn mappings(&self) -> Vec<Mapping> {
        let text = fs::read_to_string(format!("/proc/{}/smaps", self.pid)).expect("root");
        let mut mappings = Vec::<Mapping>::new();
        for line in text.lines() {
            if let Some(flags) = line.strip_prefix("VmFlags: ") {
                let has = |flag| flags.split_whitespace().any(|word| word == flag);
                let mapping = mappings.last_mut().expect("a header comes first");
                mapping.is_guarded = ["lo", "dd", "wf"].into_iter().all(has);
            } else if let Some(mapping) = Mapping::parse(line) {
                mappings.push(mapping);
            }
        }
        mappings.retain(|mapping| mapping.is_of_run);
        mappings
    }

    /// The pages that exist, in runs, each with its address. Most of what a
    /// sandbox pool sets aside does not.
    fn content(&self, mapping: &Mapping) -> Vec<(usize, Vec<u8>)> {
        let open = |name| File::open(format!("/proc/{}/{name}", self.pid)).expect("root");
        let mut entries = vec![0; (mapping.end - mapping.start) / PAGE_LEN * 8];
        let offset = mapping.start / PAGE_LEN * 8;
        // The kernel's own page above all others has no entries.
        if open("pagemap").read_exact_at(&mut entries, offset as u64).is_err() {
            return Vec::new();
        }
        let exists = |entry: &[u8; 8]| u64::from_ne_bytes(*entry) & (PRESENT | SWAPPED) != 0;
        let pages: Vec<_> = entries.as_chunks().0.iter().map(exists).collect();
        let memory = open("mem");
        let mut runs = Vec::new();
        let mut page = 0;
        for run in pages.chunk_by(|one, other| one == other) {
            if run[0] {
                let address = mapping.start + page * PAGE_LEN;
                let mut bytes = vec![0; run.len() * PAGE_LEN];
                // What the kernel shows to nobody holds no secret of ours.
                if memory.read_exact_at(&mut bytes, address as u64).is_ok() {
                    runs.push((address, bytes));
                }
            }
            page += run.len();
        }
        runs
    }

    /// Names the threads whose stacks are in the mapping, and how far below
    /// their ends the address is.
    fn describe(&self, mapping: &Mapping, address: usize) -> String {
        let mut text = format!("{address:#x} in {}", mapping.name);
        for task in self.tasks() {
            let read = |name| fs::read_to_string(format!("{task}/{name}")).unwrap_or_default();
            let syscall = read("syscall");
            // Its last two words are the stack pointer and the instruction.
            let pointer = syscall.split_whitespace().rev().nth(1);
            let pointer = pointer.and_then(|word| word.strip_prefix("0x"));
            let pointer = pointer.and_then(|digits| usize::from_str_radix(digits, 16).ok());
            if let Some(pointer) = pointer
                && (mapping.start..mapping.end).contains(&pointer)
            {
                let distance = pointer.cast_signed() - address.cast_signed();
                write!(text, " of {}, {distance} below its end", read("comm").trim()).unwrap();
            }
        }
        text
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have been killed meanwhile.
        let _ = kill(Pid::from_raw(self.pid), Signal::SIGCONT);
    }
}

struct Mapping {
    start: usize,
    end: usize,
    name: String,
    /// Not what the program or a library is made of, constants included:
    /// there, no run writes a secret.
    is_of_run: bool,
    is_guarded: bool,
}

impl Mapping {
    /// `None` unless it is the first line about a mapping.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let number = |digits| usize::from_str_radix(digits, 16).ok();
        let (start, end) = (number(start)?, number(end)?);
        let permissions = words.next()?;
        let name = words.nth(3).map_or("a nameless mapping", |name| name);
        let name = format!("{name} ({} KiB, {permissions})", (end - start) / 1024);
        let is_of_run =
            permissions.starts_with("rw") || permissions.starts_with('r') && !name.starts_with('/');
        Some(Self { start, end, name, is_of_run, is_guarded: false })
    }
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

const PAGE_LEN: usize = 4096;
/// In an entry of `/proc/PID/pagemap`.
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
