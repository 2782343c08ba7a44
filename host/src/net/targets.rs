//! The target's addresses, looked up again now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::resolve::{Endpoint, ResolveError, resolve};
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
    while !targets.is_closed() {
        sleep(period).await;
        let asked = address.clone();
        match spawn_blocking(move || resolve(&asked)).await {
            Ok(Ok(endpoints)) => {
                targets.send_replace(endpoints.into());
            }
            Ok(Err(error @ ResolveError { .. })) => log::warn!("{error}"),
            // The runtime is going away.
            Err(_) => return,
        }
    }
}
