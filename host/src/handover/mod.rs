//! What a daemon and the one that takes over from it say to each other, and how:
//! docs/upgrade.md. The daemon's end is in `daemon/upgrade/`, the successor's in
//! `daemon/successor/`.
//!
//! ```text
//! daemon                                               successor
//!   │ ◀──────────────────────────────── Hello ──────────── │  starts, tests itself
//!   │ ──── Source, Observer, Pipe, …, Inventory ─────────▶ │  reads its settings, makes
//!   │ ◀──────────────────────── Ready, or Fault ────────── │  all that serving takes
//!   │ ──── Connection, Connection, … ────────────────────▶ │  resumes each, feeds none
//!   │ ◀──────────────────────── Taken, or Fault ────────── │
//!   │  wipes its copies                                    │
//!   │ ──── Numbers, …, Commit ───────────────────────────▶ │  goes on
//!   │ ◀──────────────────────────────── Serving ────────── │
//!   │ ──── Connection, Numbers, Commit ──────────────────▶ │  handshakes that are done
//!   │ ──── Reload, End ──────────────────────────────────▶ │  what was asked of the daemon
//! ```
//!
//! **The rule**: the state of a session can encrypt in at most one process, at any
//! crash at any step. The daemon lets go of all of them for good before it says
//! `Commit`, and the successor feeds none of them before it has heard that. If either
//! ends in between, the connection is lost, and its key stream is used by nobody.
//!
//! Until `Commit` the daemon has everything that it had, and goes on if anything is
//! wrong. The end of the socket before `Commit` tells the successor that it is not
//! wanted.

/// The variable in which a successor finds the number of the descriptor that it talks
/// to the daemon over.
pub(crate) const VARIABLE: &str = "SPIPED_HANDOVER";

pub(crate) mod channel;
pub mod edition;
pub(crate) mod messages;
