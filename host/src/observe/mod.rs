//! What can be seen from outside. Everything worth knowing is one typed
//! [`Event`], said through a handle: [`Observe`] for a pipe and its
//! connections, [`LogHandle`] for the process. The log and the counters are
//! what comes of them.

mod budget;
pub mod counters;
mod event;
mod format;
mod held;
pub mod histogram;
mod log;
mod pipe;
mod prefix;
mod queue;
mod sink;

pub use event::{Bytes, Class, Event, Source, Subject, What};
pub use format::Format;
pub(crate) use format::{clean, escape};
pub use log::{LogHandle, Missing, install};
pub use pipe::{Observe, Observed};
pub use prefix::Prefix;
