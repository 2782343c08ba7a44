//! The target's addresses, looked up again now and then.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::resolve::{Endpoint, LookUpNews};
use crate::net::address::Address;

/// Which of several targets is dialled first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// The first that answers, in the order given.
    #[default]
    InOrder,
    /// In turn.
    Spread,
}

/// The target's addresses as last looked up.
#[derive(Clone, Debug)]
pub struct Targets(watch::Receiver<Arc<[Endpoint]>>);

impl Targets {
    /// These, for good.
    #[must_use]
    pub fn fixed(endpoints: Vec<Endpoint>) -> Self {
        Self(watch::channel(endpoints.into()).1)
    }

    /// Starts with `endpoints`, which `address` stood for at the start. Looks them
    /// up again a `period` after each answer, on the current runtime; when that
    /// fails the old ones stay.
    #[must_use]
    pub fn renewed<F, E>(
        address: Address,
        endpoints: Vec<Endpoint>,
        period: Duration,
        look_up: impl Fn() -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Vec<Endpoint>, E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let (sender, receiver) = watch::channel(endpoints.into());
        tokio::spawn(refresh(address, look_up, period, sender));
        Self(receiver)
    }

    /// The addresses to dial now, in order.
    #[must_use]
    pub fn current(&self) -> Arc<[Endpoint]> {
        self.0.borrow().clone()
    }
}

async fn refresh<F, E>(
    address: Address,
    look_up: impl Fn() -> F,
    period: Duration,
    targets: watch::Sender<Arc<[Endpoint]>>,
) where
    F: Future<Output = Result<Vec<Endpoint>, E>>,
    E: Display,
{
    let mut news = LookUpNews::default();
    while !targets.is_closed() {
        sleep(period).await;
        let found = look_up().await;
        if let Some(news) = news.of(&address, found.as_ref().err()) {
            log::warn!("{news}");
        }
        if let Ok(endpoints) = found {
            targets.send_replace(endpoints.into());
        }
    }
}
