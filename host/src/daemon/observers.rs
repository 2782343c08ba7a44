//! Those who look at the daemon: over its control socket, and where metrics are
//! served. A thread of its own answers them, so that no connection waits for
//! one of them.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::config::ProcessSettings;
use crate::daemon::overview::Outlook;
use crate::daemon::successor::HandedOver;
use crate::daemon::supervisor::Desk;
use crate::daemon::{control, metrics};
use crate::handover::messages::Role;
use crate::net::listen::Bound;
use crate::process::privileges::Identity;

/// Where observers are met, before anybody is there to answer them.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    control: Option<Bound>,
    metrics: Option<Bound>,
}

impl Observers {
    /// Listens where these settings say, unless that was handed over. Files belong
    /// to whom the process becomes, and those that are new are `made`.
    ///
    /// # Errors
    /// What is in the way, and what to do about it.
    pub(crate) fn bind(
        settings: &ProcessSettings,
        owner: Option<Identity>,
        handed_over: &mut HandedOver,
        made: &mut Vec<PathBuf>,
    ) -> Result<Self> {
        let ProcessSettings { control, metrics, .. } = settings;
        let mut new = |bound: Bound| {
            made.extend(bound.files());
            bound
        };
        let control = control.as_deref().map(|path| {
            let handed_over = handed_over.observer(Role::Control, path.as_os_str());
            handed_over.map_or_else(|| control::bind(path, owner).map(&mut new), Ok)
        });
        let control = control.transpose()?;
        let metrics = metrics.as_ref().map(|address| {
            let handed_over = handed_over.observer(Role::Metrics, &address.text());
            handed_over.map_or_else(|| metrics::bind(address, owner).map(&mut new), Ok)
        });
        Ok(Self { control, metrics: metrics.transpose()? })
    }

    /// Answers once it is time to, if anybody can ask.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub(crate) fn start(
        self,
        outlook: Outlook,
        desk: Desk,
        time: oneshot::Receiver<()>,
    ) -> io::Result<()> {
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
        let serve = async move {
            if time.await.is_err() {
                return;
            }
            if let Some(listener) = control {
                tokio::spawn(control::serve(listener, outlook.clone(), desk));
            }
            if let Some(listener) = metrics {
                tokio::spawn(metrics::serve(listener, outlook));
            }
            // They end with the process.
            pending::<()>().await;
        };
        let run = move || runtime.block_on(serve);
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
