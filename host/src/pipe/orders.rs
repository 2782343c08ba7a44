//! The orders of a pipe's accept loop. Only the supervisor gives them.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use tokio::sync::watch;

use crate::net::listen::Listener;
use crate::pipe::admission::Budget;
use crate::pipe::parked::Parking;

/// What to accept, and from which networks.
pub(crate) struct Orders {
    pub(super) listener: Listener,
    pub(super) admission: AdmissionPolicy,
    /// The means to watch strangers, if they are not watched yet.
    parking: Mutex<Option<Parking>>,
}

/// Which clients a pipe serves.
#[derive(Clone, Debug)]
pub(crate) struct AdmissionPolicy {
    /// How many strangers are served at the same time. On a server only.
    pub budget: Budget,
    /// How many more are accepted and wait for a place.
    pub waiting_max: usize,
    /// The allowed networks; all, if there are none.
    pub allowed: Vec<IpNet>,
    /// The load balancers, which announce the client of each connection.
    pub proxy_from: Vec<IpNet>,
}

impl Orders {
    /// Everything that serving needs, on this event loop; `strangers` have to be
    /// watched on a server only.
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

    /// Orders without a listener.
    fn without_listener(&self) -> Self {
        let (listener, parking) = (Listener::of_all([]), Mutex::default());
        Self { listener, admission: self.admission.clone(), parking }
    }

    pub(super) fn take_parking(&self) -> Option<Parking> {
        self.parking.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// An order for an accept loop.
#[derive(Clone)]
pub(super) enum Told {
    /// Accept like this.
    Serve(Arc<Orders>),
    /// Accept no more, but serve every client that has connected, including those that
    /// wait. These orders contain no listener.
    Finish(Arc<Orders>),
    /// Accept no more; strangers that have a place continue.
    Leave,
    /// Accept no more, and dismiss strangers immediately.
    Drain,
}

/// The supervisor's end: gives orders.
pub(crate) struct Command(watch::Sender<Told>);

/// The accept loop's end.
pub(crate) struct Obedience(pub(super) watch::Receiver<Told>);

impl Command {
    /// The two ends, with the first orders.
    #[must_use]
    pub(crate) fn new(orders: Arc<Orders>) -> (Self, Obedience) {
        let (sender, receiver) = watch::channel(Told::Serve(orders));
        (Self(sender), Obedience(receiver))
    }

    /// Gives new orders.
    ///
    /// # Errors
    /// The orders, if the accept loop has ended.
    pub(crate) fn give(&self, orders: Arc<Orders>) -> Result<(), Arc<Orders>> {
        if self.0.is_closed() {
            return Err(orders);
        }
        self.0.send_replace(Told::Serve(orders));
        Ok(())
    }

    /// The pipe is removed: it accepts no more, and clients that have connected are
    /// served. The accept loop ends with the last connection.
    pub(crate) fn leave(&self) {
        self.0.send_replace(Told::Leave);
    }

    /// Another process accepts from now on: as when the pipe is removed, but strangers
    /// that wait for a place are served, too.
    pub(crate) fn finish(&self) {
        self.0.send_modify(|told| {
            if let Told::Serve(orders) = told {
                *told = Told::Finish(Arc::new(orders.without_listener()));
            }
        });
    }

    /// The process exits: as when the pipe is removed, but strangers are dismissed
    /// immediately.
    pub(crate) fn drain(&self) {
        self.0.send_replace(Told::Drain);
    }
}
