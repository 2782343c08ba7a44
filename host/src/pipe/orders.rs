//! What a pipe's accept loop is told to do, by the only one who tells it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use tokio::sync::watch;

use crate::net::listen::Listener;
use crate::pipe::admission::Budget;
use crate::pipe::parked::Parking;

/// What to accept, and from whom.
pub(crate) struct Orders {
    pub(super) listener: Listener,
    pub(super) admission: AdmissionPolicy,
    /// What it takes to watch strangers, if they are not watched yet.
    parking: Mutex<Option<Parking>>,
}

/// Whom a pipe listens to.
#[derive(Clone, Debug)]
pub(crate) struct AdmissionPolicy {
    /// At once, until they have authenticated. On the server's end only.
    pub budget: Budget,
    /// How many more are accepted and wait for that.
    pub waiting_max: usize,
    /// From these networks; from anywhere if there are none.
    pub allowed: Vec<IpNet>,
    /// Load balancers, which say where each connection comes from.
    pub proxy_from: Vec<IpNet>,
}

impl Orders {
    /// Everything that serving takes, on this event loop; `strangers` have to be
    /// watched at a server's end only.
    ///
    /// # Errors
    /// When the system is short of descriptors.
    pub(crate) fn new(
        listener: Listener,
        admission: AdmissionPolicy,
        strangers: bool,
    ) -> io::Result<Self> {
        let parking = strangers.then(Parking::new).transpose()?;
        Ok(Self { listener, admission, parking: Mutex::new(parking) })
    }

    /// The same, with nobody to accept.
    fn without_listener(&self) -> Self {
        let (listener, parking) = (Listener::of_all([]), Mutex::default());
        Self { listener, admission: self.admission.clone(), parking }
    }

    pub(super) fn take_parking(&self) -> Option<Parking> {
        self.parking.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What an accept loop is told.
#[derive(Clone)]
pub(super) enum Told {
    /// To accept, like this.
    Serve(Arc<Orders>),
    /// To accept no more: whoever has connected is served, those who wait included.
    /// There is nothing to listen on in these orders.
    Finish(Arc<Orders>),
    /// To accept no more: strangers that are listened to go on.
    Leave,
    /// To accept no more: strangers end at once.
    Drain,
}

/// The supervisor's end: gives orders.
pub(crate) struct Command(watch::Sender<Told>);

/// The accept loop's end.
pub(crate) struct Obedience(pub(super) watch::Receiver<Told>);

impl Command {
    /// Begins with these orders.
    #[must_use]
    pub(crate) fn new(orders: Arc<Orders>) -> (Self, Obedience) {
        let (sender, receiver) = watch::channel(Told::Serve(orders));
        (Self(sender), Obedience(receiver))
    }

    /// From now on, this is to be done.
    ///
    /// # Errors
    /// The orders, if nobody obeys any more.
    pub(crate) fn give(&self, orders: Arc<Orders>) -> Result<(), Arc<Orders>> {
        if self.0.is_closed() {
            return Err(orders);
        }
        self.0.send_replace(Told::Serve(orders));
        Ok(())
    }

    /// The pipe is removed: it accepts no more, and whoever has connected is
    /// served. When the last connection has ended, nobody obeys any more.
    pub(crate) fn leave(&self) {
        self.0.send_replace(Told::Leave);
    }

    /// Another process accepts from now on: as when the pipe is removed, but those who
    /// wait to be listened to are.
    pub(crate) fn finish(&self) {
        self.0.send_modify(|told| {
            if let Told::Serve(orders) = told {
                *told = Told::Finish(Arc::new(orders.without_listener()));
            }
        });
    }

    /// The process ends: as when the pipe is removed, but strangers go at once.
    pub(crate) fn drain(&self) {
        self.0.send_replace(Told::Drain);
    }
}
