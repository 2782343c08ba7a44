//! What the daemon and those who ask it say to each other, as pure data:
//! docs/control.md. The daemon's end is in `daemon/control/`, the other one in
//! `commands/live/`.

pub(crate) mod messages;
pub(crate) mod overview;
pub(crate) mod words;
