//! What lives as long as the process: the start, and what signals ask for.

mod activation;
mod announce;
pub(crate) mod capacity;
mod control;
mod endings;
pub(crate) mod exposure;
pub(crate) mod gather;
mod heartbeat;
mod helper;
mod launch;
mod making;
mod metrics;
mod observers;
mod overview;
pub(crate) mod pipes;
mod reload;
mod signals;
mod sources;
pub(crate) mod startup;
pub(crate) mod successor;
pub(crate) mod supervisor;
mod terminal;
mod threads;
mod upgrade;
mod waiting;
