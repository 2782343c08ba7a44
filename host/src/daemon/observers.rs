//! Those who look at the daemon: over its control socket, and where metrics are
//! served. A thread of its own answers them, so that no connection waits for
//! one of them.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::thread;

use anyhow::Result;
use tokio::runtime::Builder;

use crate::config::ProcessSettings;
use crate::daemon::overview::Outlook;
use crate::daemon::supervisor::Desk;
use crate::daemon::{control, metrics};
use crate::net::listen::Bound;
use crate::process::privileges::Identity;

/// Where observers are met, before anybody is there to answer them.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    control: Option<Bound>,
    metrics: Option<Bound>,
}

impl Observers {
    /// Listens where these settings say. Files belong to whom the process
    /// becomes.
    ///
    /// # Errors
    /// What is in the way, and what to do about it.
    pub(crate) fn bind(settings: &ProcessSettings, owner: Option<Identity>) -> Result<Self> {
        let ProcessSettings { control, metrics, .. } = settings;
        let control = control.as_deref().map(|path| control::bind(path, owner)).transpose();
        let metrics = metrics.as_ref().map(|address| metrics::bind(address, owner)).transpose();
        Ok(Self { control: control?, metrics: metrics? })
    }

    /// Answers from now on, if anybody can ask.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub(crate) fn start(self, outlook: Outlook, desk: Desk) -> io::Result<()> {
        let Self { control, metrics } = self;
        if control.is_none() && metrics.is_none() {
            return Ok(());
        }
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let outlook = Arc::new(outlook);
        let entered = runtime.enter();
        let control = control.map(Bound::into_listener).transpose()?;
        let metrics = metrics.map(Bound::into_listener).transpose()?;
        drop(entered);
        if let Some(listener) = control {
            runtime.spawn(control::serve(listener, outlook.clone(), desk));
        }
        if let Some(listener) = metrics {
            runtime.spawn(metrics::serve(listener, outlook));
        }
        // It ends with the process.
        let run = move || runtime.block_on(pending::<()>());
        thread::Builder::new().name("observer".into()).spawn(run).map(drop)
    }
}

/// How many descriptors those take who are met where these settings say, what
/// listens for them left out.
#[must_use]
pub(crate) fn descriptors(settings: &ProcessSettings) -> usize {
    let clients = settings.control.as_ref().map_or(0, |_| control::CLIENTS_MAX)
        + settings.metrics.as_ref().map_or(0, |_| metrics::DESCRIPTORS_MAX);
    if clients > 0 { clients + OF_ITS_OWN } else { 0 }
}

/// Of the event loop, and of what shows the process's resources.
const OF_ITS_OWN: usize = 6;
