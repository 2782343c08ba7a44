//! The messages between a daemon and its successor, and their transport:
//! docs/upgrade.md. The daemon's side is in `daemon/upgrade/`, the successor's in
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
//! **The rule**: at any time, at most one process can encrypt with the state of a
//! session, whichever process crashes and whenever. The daemon wipes all states before
//! it sends `Commit`, and the successor passes no data to a session before it has
//! received that. If either crashes in between, the connection is lost, but no key
//! stream is used twice.
//!
//! Until `Commit`, the daemon still has everything, and continues if anything is wrong.
//! If the socket is closed before `Commit`, the successor is not wanted and exits.

/// The environment variable with the number of the descriptor for the daemon.
pub(crate) const VARIABLE: &str = "SPIPED_HANDOVER";

pub(crate) mod channel;
pub mod edition;
pub(crate) mod messages;
