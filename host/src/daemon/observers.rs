//! Those who look at the daemon: over its control socket, and where metrics are
//! served. A thread of its own answers them, so that no connection waits for
//! one of them.

use std::future::pending;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::select;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::config::ProcessSettings;
use crate::daemon::overview::Outlook;
use crate::daemon::successor::HandedOver;
use crate::daemon::supervisor::Desk;
use crate::daemon::{control, metrics};
use crate::handover::messages::{Observer, Role};
use crate::net::listen::{Bound, Listener};
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

    /// Answers once this is [begun](Met::begin), if anybody can ask, where these
    /// settings say.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub(crate) fn start(
        self,
        settings: &ProcessSettings,
        outlook: Outlook,
        desk: Desk,
    ) -> io::Result<Met> {
        let Self { control, metrics } = self;
        let mut met = Met::default();
        if control.is_none() && metrics.is_none() {
            return Ok(met);
        }
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let outlook = Arc::new(outlook);
        let entered = runtime.enter();
        let control = control.map(Bound::into_listener).transpose()?;
        let metrics = metrics.map(Bound::into_listener).transpose()?;
        drop(entered);
        if let (Some(listener), Some(path)) = (control, &settings.control) {
            let (address, places) = (path.as_os_str().to_owned(), met.clients.clone());
            let here = met.is_met_at(Observer { role: Role::Control, address }, &listener);
            let serve = control::serve(listener, outlook.clone(), desk, places);
            runtime.spawn(while_here(here, serve));
        }
        if let (Some(listener), Some(address)) = (metrics, &settings.metrics) {
            let observer = Observer { role: Role::Metrics, address: address.text() };
            let here = met.is_met_at(observer, &listener);
            runtime.spawn(while_here(here, metrics::serve(listener, outlook)));
        }
        // It ends with the process.
        let run = move || runtime.block_on(pending::<()>());
        thread::Builder::new().name("observer".into()).spawn(run)?;
        Ok(met)
    }
}

/// Where observers are met.
pub(crate) struct Met {
    places: Vec<(Observer, Listener)>,
    here: watch::Sender<Presence>,
    /// Those of the control socket that are not taken.
    clients: Arc<Semaphore>,
}

/// Whether anybody is there who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Not yet.
    Expected,
    /// From now on.
    Here,
}

impl Default for Met {
    /// Nowhere.
    fn default() -> Self {
        let clients = Arc::new(Semaphore::new(control::CLIENTS_MAX));
        Self { places: Vec::new(), here: watch::Sender::new(Presence::Expected), clients }
    }
}

impl Met {
    fn is_met_at(&mut self, observer: Observer, listener: &Listener) -> watch::Receiver<Presence> {
        self.places.push((observer, Listener::of_all([listener])));
        self.here.subscribe()
    }

    /// Answers from now on.
    pub(crate) fn begin(&self) {
        self.here.send_replace(Presence::Here);
    }

    /// What each place is, and its sockets.
    pub(crate) fn described(&self) -> impl Iterator<Item = (Observer, Vec<BorrowedFd<'_>>)> {
        self.places.iter().map(|(observer, listener)| (observer.clone(), listener.sockets()))
    }

    /// Meets nobody any more. Who has connected is answered.
    pub(crate) fn leave(&mut self) {
        self.places.clear();
        self.here = watch::Sender::new(Presence::Expected);
    }

    /// Resolves when all who use the control socket have their answers, and soon in any
    /// case.
    pub(crate) async fn empty(&self) {
        let all = u32::try_from(control::CLIENTS_MAX).unwrap_or(u32::MAX);
        let _ = timeout(ANSWERING_MAX, self.clients.acquire_many(all)).await;
    }
}

/// Serves as long as that is to be.
async fn while_here(mut here: watch::Receiver<Presence>, serve: impl Future<Output = ()>) {
    if here.wait_for(|presence| *presence == Presence::Here).await.is_err() {
        return;
    }
    select! {
        _ = here.changed() => {}
        () = serve => {}
    }
}

/// Some clients stay for as long as they can.
const ANSWERING_MAX: Duration = Duration::from_secs(1);

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
