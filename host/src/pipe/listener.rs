//! Accept, give a place or have them wait, spawn; back off when the system runs
//! short; drain.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use log::Level;
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::connection::End;
use crate::connection::place::Place;
use crate::net::listen::{Accepted, Listener};
use crate::net::socket::hang_up;
use crate::observe::{Class, Event, Prefix, What};
use crate::pipe::Pipe;
use crate::pipe::admission::{Budget, Origin};
use crate::pipe::announced::Unannounced;
use crate::pipe::gate::{Gate, turn_of};
use crate::pipe::spawn::Spawner;
use crate::pipe::strangers::Strangers;
use crate::process::workers::Dispatcher;

/// The longest pause after an accept that failed for lack of resources. They
/// may be back any time, and the first pause is short.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
const BACK_OFF_MIN: Duration = Duration::from_millis(5);

/// A pipe, listening.
pub(crate) struct Server {
    /// The source.
    pub listener: Listener,
    /// What it serves.
    pub pipe: Arc<Pipe>,
    /// Who serves them.
    pub workers: Dispatcher,
    /// Whom it listens to.
    pub admission: AdmissionPolicy,
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

impl Server {
    /// Serves until `drain` resolves; then closes the listener and returns
    /// when the last connection has ended. Strangers end at once.
    ///
    /// # Errors
    /// When the system is short of descriptors at the start.
    pub(crate) async fn run(self, drain: impl Future<Output = ()>) -> io::Result<()> {
        // Every connection holds a sender, so the channel closes after the
        // last one.
        let (alive, mut last) = mpsc::channel::<()>(1);
        let Self { listener, pipe, workers, admission } = self;
        let AdmissionPolicy { budget, waiting_max, allowed, proxy_from } = admission;
        // Those who wait for a header take part of the room of those who wait for
        // a place.
        let headers_max = if proxy_from.is_empty() { 0 } else { waiting_max.div_ceil(2) };
        let waiting_max = waiting_max - headers_max;
        let spawner = Spawner { pipe: pipe.clone(), workers, alive };
        let mut accepting = Accepting {
            listener,
            pipe: pipe.clone(),
            allowed,
            proxy_from,
            unannounced: Unannounced::new(pipe.clone(), headers_max),
            pause: None,
        };
        let gate = Gate::new(budget);
        let checks = Gate::new(Budget::CHECKS);
        let serve = async {
            match &pipe.current().snapshot.end {
                End::Client(_) => serve_clients(&mut accepting, &pipe, &spawner).await,
                End::Server(_) => {
                    Strangers::new(&pipe, budget, gate.clone(), checks.clone(), waiting_max)?
                        .serve(&mut accepting, &spawner)
                        .await;
                }
            }
            Ok::<_, io::Error>(())
        };
        select! {
            served = serve => served?,
            () = drain => {}
        }
        drop(accepting);
        drop(spawner);
        gate.close();
        checks.close();
        last.recv().await;
        Ok(())
    }
}

/// The plain end: who connects is served, as far as there are slots.
async fn serve_clients(accepting: &mut Accepting, pipe: &Pipe, spawner: &Spawner) {
    let slots = &pipe.slots;
    loop {
        // The slot comes first: a connection that there is no room for stays
        // in the kernel's queue.
        let slot = slots.take().await;
        let (accepted, source) = loop {
            if let Some(accepted) = accepting.next().await {
                break accepted;
            }
        };
        pipe.current().snapshot.report_if_full();
        spawner.spawn(accepted, Place::unlimited(turn_of(source)), Some(slot));
    }
}

/// Takes connections out of the kernel's queue.
pub(super) struct Accepting {
    listener: Listener,
    pipe: Arc<Pipe>,
    allowed: Vec<IpNet>,
    proxy_from: Vec<IpNet>,
    unannounced: Unannounced,
    /// After a shortage: how long, and until when.
    pause: Option<(Duration, Instant)>,
}

impl Accepting {
    /// The next connection from a network that is allowed; `None` when the
    /// system lacks what it takes. Losing the future loses none.
    pub(super) async fn next(&mut self) -> Option<(Accepted, Origin)> {
        loop {
            if let Some((_, until)) = self.pause {
                sleep_until(until).await;
            }
            let accepted = select! {
                accepted = self.listener.accept() => accepted,
                announced = self.unannounced.next() => {
                    if let Some(admitted) = self.admit(announced) {
                        return Some(admitted);
                    }
                    continue;
                }
            };
            match accepted {
                Ok(accepted) => {
                    self.pause = None;
                    if is_within(accepted.address(), &self.proxy_from) {
                        self.unannounced.add(accepted);
                    } else if let Some(admitted) = self.admit(accepted) {
                        return Some(admitted);
                    }
                }
                // The client has left the queue: nothing is wrong with us.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Out of descriptors or memory, as a rule. The listener stays
                // readable, so without a pause this would spin.
                Err(error) => {
                    self.pipe.observe.shortage("accept connections", &error);
                    let last = self.pause.map_or(BACK_OFF_MIN / 2, |(pause, _)| pause);
                    let pause = (last * 2).min(BACK_OFF_MAX);
                    self.pause = Some((pause, Instant::now() + pause));
                    return None;
                }
            }
        }
    }

    /// This one, if it is from a network that is allowed.
    fn admit(&self, accepted: Accepted) -> Option<(Accepted, Origin)> {
        let address = accepted.address();
        let origin = address.map(Prefix::of);
        // A Unix socket has permissions instead; a load balancer that looks whether
        // we are there was named.
        if self.allowed.is_empty()
            || address.is_none()
            || accepted.is_balancers()
            || is_within(address, &self.allowed)
        {
            return Some((accepted, origin));
        }
        hang_up(&accepted);
        self.report_foreign(origin);
        None
    }

    fn report_foreign(&self, origin: Origin) {
        self.pipe.counters.not_allowed.one_more();
        let from = origin.map_or_else(String::new, |prefix| prefix.to_string());
        let words = format!("{from}: closed: not from a network that --allow names");
        let event = Event::new(Level::Info, Class::Stranger, What::Note, words);
        self.pipe.observe.say(event);
    }
}

fn is_within(address: Option<IpAddr>, networks: &[IpNet]) -> bool {
    let address = address.map(|address| address.to_canonical());
    address.is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
}
