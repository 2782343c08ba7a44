//! The accept loop: accept, give a place or let wait, spawn; back off when resources
//! are short; drain.

use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use log::Level;
use tokio::select;
use tokio::time::{Instant, sleep, sleep_until};

use crate::connection::Side;
use crate::connection::place::Place;
use crate::net::listen::Accepted;
use crate::net::socket::hang_up;
use crate::observe::{Class, Event, Prefix, What};
use crate::pipe::Pipe;
use crate::pipe::admission::{Budget, Origin};
use crate::pipe::announced::Unannounced;
use crate::pipe::gate::{Gate, turn_of};
use crate::pipe::orders::{AdmissionPolicy, Obedience, Orders, Told};
use crate::pipe::parked::Parking;
use crate::pipe::spawn::Spawner;
use crate::pipe::strangers::Strangers;
use crate::process::workers::Dispatcher;

/// The longest pause after an accept that failed for lack of resources. The first pause
/// is short, because they may be available again at any time.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
const BACK_OFF_MIN: Duration = Duration::from_millis(5);

/// How often to check whether anyone still waits, after the loop has stopped accepting.
/// Without this check, a process whose waiting strangers had left would stay until
/// their time limit, or forever with `--timeout never`.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A pipe's accept loop.
pub(crate) struct Server {
    pipe: Arc<Pipe>,
    orders: Obedience,
    workers: Dispatcher,
    gate: Arc<Gate>,
    /// The places for health checks of load balancers.
    checks: Arc<Gate>,
    unannounced: Unannounced,
    /// Only on a server.
    strangers: Option<Strangers>,
}

impl Server {
    /// The accept loop of this pipe, with these orders and workers.
    #[must_use]
    pub(crate) fn new(pipe: Arc<Pipe>, orders: Obedience, workers: Dispatcher) -> Self {
        Self {
            unannounced: Unannounced::new(pipe.clone()),
            pipe,
            orders,
            workers,
            gate: Gate::new(Budget::NONE),
            checks: Gate::new(Budget::CHECKS),
            strangers: None,
        }
    }

    /// Serves until it is ordered to stop; then closes the listener and returns
    /// when the last connection has ended.
    pub(crate) async fn run(mut self) {
        let mut finishing_since = None;
        loop {
            let told = self.orders.0.borrow_and_update().clone();
            let (orders, remaining) = match &told {
                Told::Serve(orders) => (Some(orders), None),
                Told::Finish(orders) if self.any_wait() => {
                    let since = finishing_since.get_or_insert_with(Instant::now);
                    let limit = self.pipe.current().snapshot.time_limit;
                    (Some(orders), Some(limit.saturating_sub(since.elapsed())))
                }
                Told::Finish(_) | Told::Leave | Told::Drain => (None, None),
            };
            // The time limit of those who wait is over.
            let orders = orders.filter(|_| remaining != Some(Duration::ZERO));
            let look_again = remaining.map(|remaining| remaining.min(LOOK_AGAIN));
            let Some(orders) = orders else {
                self.turn_away();
                if matches!(told, Told::Drain) {
                    self.gate.close();
                    self.checks.close();
                }
                let new_orders = select! {
                    // New orders first: they may bring connections back before the last is gone.
                    biased;
                    changed = self.orders.0.changed() => changed,
                    () = self.pipe.alive.none() => return,
                };
                if new_orders.is_err() {
                    return self.pipe.alive.none().await;
                }
                continue;
            };
            let mut receiver = self.orders.0.clone();
            select! {
                // The change of orders first: `obey` polls the listener, which keeps
                // only the waker of its last poll. If the listener belongs to another
                // pipe now, polling it once more here would replace that pipe's waker,
                // and nobody there would hear of new connections.
                biased;
                changed = receiver.changed() => if changed.is_err() {
                    return;
                },
                () = sleep(look_again.unwrap_or_default()), if look_again.is_some() => {}
                () = self.obey(orders) => {}
            }
        }
    }

    /// Whether there are connections that are not served yet.
    fn any_wait(&self) -> bool {
        let strangers = self.strangers.as_ref();
        strangers.is_some_and(Strangers::any_wait) || !self.unannounced.is_empty()
    }

    fn turn_away(&mut self) {
        if let Some(strangers) = self.strangers.take() {
            strangers.turn_away();
        }
        self.unannounced.clear();
    }

    /// Serves until the future is dropped.
    async fn obey(&mut self, orders: &Arc<Orders>) {
        let Self { pipe, workers, gate, checks, unannounced, strangers, .. } = self;
        let AdmissionPolicy { budget, waiting_max, proxy_from, .. } = &orders.admission;
        // Connections that wait for a header use part of the room for those that wait
        // for a place.
        let headers_max = if proxy_from.is_empty() { 0 } else { waiting_max.div_ceil(2) };
        let waiting_max = waiting_max - headers_max;
        gate.set_budget(*budget);
        pipe.names_known().await;
        let spawner = Spawner { pipe, workers };
        let current = pipe.current();
        let time_limit = current.snapshot.time_limit;
        unannounced.limit(headers_max, time_limit);
        let mut accepting = Accepting { orders, pipe, unannounced, pause: None };
        match &current.snapshot.side {
            Side::Client(_) => {
                *strangers = None;
                serve_clients(&mut accepting, pipe, &spawner).await;
            }
            Side::Server(_) => {
                if strangers.is_none() {
                    let new = |parking| {
                        Strangers::new(pipe.clone(), gate.clone(), checks.clone(), parking)
                    };
                    match orders.take_parking().map_or_else(Parking::new, Ok) {
                        Ok(parking) => *strangers = Some(new(parking)),
                        Err(error) => pipe.observe.shortage("watch strangers", &error),
                    }
                }
                match strangers {
                    Some(strangers) => {
                        strangers.limit(*budget, waiting_max, time_limit);
                        strangers.serve(&mut accepting, &spawner).await;
                    }
                    // Without a listener, there is nothing to do until the orders
                    // change.
                    None => pending().await,
                }
            }
        }
    }
}

/// The plain side: serves every connection for which there is a slot.
async fn serve_clients(accepting: &mut Accepting<'_>, pipe: &Pipe, spawner: &Spawner<'_>) {
    loop {
        // The slot first: a connection without a slot stays in the kernel's queue.
        let slot = pipe.slots.take().await;
        let (accepted, source) = loop {
            if let Some(accepted) = accepting.next().await {
                break accepted;
            }
        };
        pipe.current().snapshot.report_if_full();
        spawner.spawn(accepted, Place::unlimited(turn_of(source)), Some(slot));
    }
}

/// Takes connections from the kernel's queue.
pub(super) struct Accepting<'a> {
    orders: &'a Orders,
    pipe: &'a Pipe,
    unannounced: &'a mut Unannounced,
    /// The pause after a shortage: how long, and until when.
    pause: Option<(Duration, Instant)>,
}

impl Accepting<'_> {
    /// The next connection from an allowed network; `None` if the system is short of
    /// resources. Dropping the future loses no connection.
    pub(super) async fn next(&mut self) -> Option<(Accepted, Origin)> {
        loop {
            if let Some((_, until)) = self.pause {
                sleep_until(until).await;
            }
            let accepted = select! {
                accepted = self.orders.listener.accept() => accepted,
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
                    if is_within(accepted.address(), &self.orders.admission.proxy_from) {
                        self.unannounced.add(accepted);
                    } else if let Some(admitted) = self.admit(accepted) {
                        return Some(admitted);
                    }
                }
                // The client has left the queue: not an error of ours.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Usually out of descriptors or memory. The listener stays readable, so
                // without a pause this would be a busy loop.
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

    /// This connection, if it is from an allowed network.
    fn admit(&self, accepted: Accepted) -> Option<(Accepted, Origin)> {
        let address = accepted.address();
        let origin = address.map(Prefix::of);
        // A Unix socket has permissions instead; a health check comes from a load
        // balancer that the settings name.
        if self.orders.admission.allowed.is_empty()
            || address.is_none()
            || accepted.is_balancers()
            || is_within(address, &self.orders.admission.allowed)
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
        let words = format!("{from}: closed: --allow does not name its network");
        let event = Event::new(Level::Info, Class::Stranger, What::Note, words);
        self.pipe.observe.say(event);
    }
}

fn is_within(address: Option<IpAddr>, networks: &[IpNet]) -> bool {
    let address = address.map(|address| address.to_canonical());
    address.is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
}
