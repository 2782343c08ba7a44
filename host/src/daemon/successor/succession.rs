//! The step from a process that could serve to one that does.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::{HandedOver, KeysOfPipe, Predecessor, Receiving, receiving};
use crate::config::Settings;
use crate::control::words::count;
use crate::daemon::activation::Activation;
use crate::daemon::helper::Helper;
use crate::daemon::making::InUse;
use crate::daemon::pipes::Pipes;
use crate::daemon::sources::remove_files;
use crate::daemon::supervisor::Desk;
use crate::handover::messages::Process;
use crate::net::address::Address;
use crate::observe::{LogHandle, Missing};
use crate::process::workers::Dispatcher;

/// What taking over needs.
#[derive(Debug)]
pub(in crate::daemon) struct Succession {
    /// The keys of pipes whose connections can continue.
    keys: HashMap<String, KeysOfPipe>,
    process: Process,
    /// The changes, one line each.
    said: Vec<String>,
    /// The files of Unix sockets that are no longer sources.
    files: Vec<PathBuf>,
}

/// A process that has taken over, and has not begun to serve.
pub(in crate::daemon) struct TakenOver {
    receiving: Receiving,
    committed: receiving::Committed,
    process: Process,
    from: Option<u32>,
    files: Vec<PathBuf>,
}

impl Succession {
    /// With these settings, after the start has used what was handed over; the sources
    /// among it are those of the `activation`.
    pub(in crate::daemon) fn of(
        settings: &Settings,
        handed_over: &HandedOver,
        activation: &Activation,
    ) -> Self {
        let keys = handed_over.adoptable(settings);
        let gone = activation.gone.iter().cloned().chain(handed_over.other_observers());
        let file = |address| match address {
            Address::Unix(path) => Some(path),
            Address::Abstract(_) | Address::Literal(_) | Address::Name { .. } => None,
        };
        Self {
            said: handed_over.differences(settings, &keys, activation),
            keys,
            process: handed_over.process.clone(),
            files: gone.filter_map(file).collect(),
        }
    }

    /// Takes over what the `ready` pipes can continue. Until it has succeeded, this
    /// process has no visible effect.
    ///
    /// # Errors
    /// Why it fails.
    pub(in crate::daemon) async fn take_over(
        self,
        predecessor: &Predecessor,
        ready: &[InUse],
        workers: &Dispatcher,
        log: LogHandle,
    ) -> Result<TakenOver> {
        let Self { mut keys, process, mut said, files } = self;
        said.extend(log.held_warnings());
        let pipe = |ready: &InUse| {
            let (name, keys) = keys.remove_entry(&*ready.pipe.name)?;
            Some((name, (ready.pipe.clone(), keys)))
        };
        let receiving = Receiving {
            channel: predecessor.channel()?,
            pipes: ready.iter().filter_map(pipe).collect(),
            workers: workers.clone(),
            edition: predecessor.edition(),
        };
        let committed = receiving.first(said).await?;
        let process = committed.process.clone().unwrap_or(process);
        Ok(TakenOver { receiving, committed, process, from: predecessor.pid(), files })
    }
}

impl TakenOver {
    /// Continues the connections and the log.
    pub(in crate::daemon) fn go_on(&self, pipes: &Pipes, log: LogHandle) {
        let Process { log_level, connections_numbered, .. } = &self.process;
        if let Some(level) = log_level.as_ref().and_then(|level| level.parse().ok()) {
            log.set_level(level);
        }
        log.number_beyond(*connections_numbered);
        log.add_missing(Missing {
            lost: self.process.log_lines_lost,
            suppressed: self.process.log_lines_suppressed,
        });
        log.release();
        self.committed.go_on();
        self.receiving.keep_former_keys();
        let from = self.from.map_or_else(String::new, |pid| format!(" from process {pid}"));
        let connections = count(self.committed.connections, "connection");
        let said = format!("Has taken over{from}, with {connections}");
        log::info!("{said}");
        pipes.took_over(&self.process, said);
    }

    /// This process serves: receives the rest, and drops what is no longer needed.
    pub(in crate::daemon) async fn finish(self, helper: Option<Arc<Helper>>, desk: Desk) {
        let Self { receiving, files, .. } = self;
        let remove = async {
            if let Some(helper) = &helper {
                remove_files(helper, files, LETTING_GO).await;
            }
        };
        tokio::join!(receiving.rest(&desk), remove);
    }
}

/// How long the earlier process may take to close a socket that is no longer a source.
const LETTING_GO: Duration = Duration::from_secs(10);
