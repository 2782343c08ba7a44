//! The target's addresses, looked up again now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::resolve::{Endpoint, LookUpNews, resolve};
use crate::net::address::Address;

/// The target's addresses as last looked up.
#[derive(Clone, Debug)]
pub struct Targets(watch::Receiver<Arc<[Endpoint]>>);

impl Targets {
    /// Starts with `endpoints`, which `address` stood for at the start. With
    /// a `period`, looks it up again that long after each answer, on the
    /// current runtime; when that fails the old endpoints stay.
    #[must_use]
    pub fn new(address: Address, endpoints: Vec<Endpoint>, period: Option<Duration>) -> Self {
        let (sender, receiver) = watch::channel(endpoints.into());
        // Only names can come to stand for something else.
        if let (Some(period), Address::Name { .. }) = (period, &address) {
            tokio::spawn(refresh(address, period, sender));
        }
        Self(receiver)
    }

    /// The addresses to dial now, in order.
    #[must_use]
    pub fn current(&self) -> Arc<[Endpoint]> {
        self.0.borrow().clone()
    }
}

async fn refresh(address: Address, period: Duration, targets: watch::Sender<Arc<[Endpoint]>>) {
    let mut news = LookUpNews::default();
    while !targets.is_closed() {
        sleep(period).await;
        let asked = address.clone();
        // Refused only if the runtime is going away.
        let Ok(found) = spawn_blocking(move || resolve(&asked)).await else { return };
        if let Some(news) = news.of(&address, found.as_ref().err()) {
            log::warn!("{news}");
        }
        if let Ok(endpoints) = found {
            targets.send_replace(endpoints.into());
        }
    }
}
