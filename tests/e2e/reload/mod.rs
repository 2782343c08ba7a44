//! Many pipes from one file, and what a reload changes about them.

mod changes;
mod faults;
mod growth;
mod keys;
mod many;
mod names;
mod pipes;
mod races;
mod room;
mod scale;
mod sources;
mod wrong;

/// As many as a daemon has by default. Each opens a timer with its first connection.
fn event_loops() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
