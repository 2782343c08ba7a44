//! The strangers of a server: which of them get a place immediately, and which wait for
//! one, and for how long.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use log::Level;
use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::guest::NONCE_LEN;
use crate::net::listen::Accepted;
use crate::net::socket::hang_up;
use crate::observe::counters::Ending;
use crate::observe::{Class, Event, What};
use crate::pipe::Pipe;
use crate::pipe::admission::{Budget, Origin, Refused};
use crate::pipe::gate::Gate;
use crate::pipe::listener::Accepting;
use crate::pipe::parked::{Parking, Sign, has_sent};
use crate::pipe::spawn::Spawner;
use crate::pipe::waiting::Waiting;

/// Strangers that have or want a place.
pub(super) struct Strangers {
    pipe: Arc<Pipe>,
    budget: Budget,
    gate: Arc<Gate>,
    /// For health checks of load balancers: a flood of strangers must not make this
    /// host look down.
    checks: Arc<Gate>,
    waiting: Waiting<Accepted>,
    parking: Parking,
    /// When it was last logged that there are many.
    said: Option<Instant>,
}

enum Step {
    /// A place is free, or a deadline has passed.
    Due,
    Signs(io::Result<Vec<Sign>>),
    Accepted(Option<(Accepted, Origin)>),
}

impl Strangers {
    /// Without strangers, and without room for any until [limits](Self::limit) are set.
    #[must_use]
    pub(super) fn new(
        pipe: Arc<Pipe>,
        gate: Arc<Gate>,
        checks: Arc<Gate>,
        parking: Parking,
    ) -> Self {
        let waiting = Waiting::new(0, Duration::ZERO);
        Self { pipe, budget: Budget::NONE, gate, checks, waiting, parking, said: None }
    }

    /// Sets how many are served, how many wait, and for how long.
    pub(super) fn limit(&mut self, budget: Budget, waiting_max: usize, time_limit: Duration) {
        self.budget = budget;
        self.waiting.limit(waiting_max, time_limit);
    }

    /// Whether a stranger waits for a place.
    pub(super) fn any_wait(&self) -> bool {
        self.waiting.len() > 0
    }

    /// Dismisses those that wait for a place.
    pub(super) fn turn_away(mut self) {
        while let Some(stranger) = self.waiting.pop() {
            hang_up(&stranger);
            self.pipe.counters.connections.turned_away(Ending::Evicted);
        }
        self.pipe.counters.waiting.set(0);
    }

    /// Serves strangers until the future is dropped.
    pub(super) async fn serve(&mut self, accepting: &mut Accepting<'_>, spawner: &Spawner<'_>) {
        let pipe = self.pipe.clone();
        loop {
            let due = self.tend(spawner);
            self.pipe.counters.waiting.set(self.waiting.len());
            // While all slots are taken, no connection is accepted: peers with a key
            // wait in the kernel's queue, as with upstream.
            let accept = async {
                pipe.slots.any_free().await;
                accepting.next().await
            };
            let step = select! {
                () = self.gate.changed() => Step::Due,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Step::Due,
                signs = self.parking.signs() => Step::Signs(signs),
                accepted = accept, if self.waiting.has_room() => Step::Accepted(accepted),
            };
            match step {
                Step::Due => {}
                Step::Signs(Ok(signs)) => signs.into_iter().for_each(|sign| self.take(sign)),
                Step::Signs(Err(error)) => self.pipe.observe.shortage("watch strangers", &error),
                Step::Accepted(Some((accepted, source))) => self.meet(accepted, source, spawner),
                // Silent strangers occupy places that others need.
                Step::Accepted(None) => {
                    let shed = self.waiting.shed();
                    self.lose(shed, Ending::Evicted);
                }
            }
        }
    }

    /// Handles a new connection.
    fn meet(&mut self, accepted: Accepted, source: Origin, spawner: &Spawner<'_>) {
        if accepted.is_balancers()
            && let Some(place) = self.checks.welcome(source)
        {
            return spawner.spawn(accepted, place, None);
        }
        if let Some(place) = self.gate.welcome(source) {
            return spawner.spawn(accepted, place, None);
        }
        // It waits, and is reported as soon as it has sent something, possibly already.
        let mut watched = Ok(());
        // A report that has not been read yet may save the one that would be evicted.
        if self.waiting.is_full()
            && let Ok(signs) = self.parking.signs_now()
        {
            for sign in signs {
                self.take(sign);
            }
        }
        let parking = &self.parking;
        let added = self.waiting.add(source, Instant::now(), |id| {
            watched = parking.watch(&accepted, id);
            accepted
        });
        self.lose(added.shed, Ending::Evicted);
        if let Err(error) = watched {
            self.pipe.observe.shortage("watch a stranger", &error);
            let unwatched = self.waiting.remove(added.id);
            self.lose(unwatched, Ending::Internal);
        }
    }

    /// Handles a waiting stranger that has sent something, or has been closed.
    fn take(&mut self, Sign { id, is_over }: Sign) {
        let Some(accepted) = self.waiting.get(id) else {
            return;
        };
        // protocol.md H-2: a client that is not answered sends no more.
        if has_sent(accepted, NONCE_LEN) {
            self.waiting.spoke(id);
        } else if is_over {
            let left = self.waiting.remove(id);
            self.lose(left, Ending::Handshake);
        }
    }

    /// Does what is due, and returns when more will be.
    fn tend(&mut self, spawner: &Spawner<'_>) -> Option<Instant> {
        let now = Instant::now();
        while let Some(expired) = self.waiting.next_expired(now) {
            self.lose(Some(expired), Ending::TimeLimit);
        }
        self.gate.dismiss_overdue(now);
        let mut ask_again = None;
        let place = |source| match self.gate.admit(source, now) {
            Ok(place) => ControlFlow::Continue(Some(place)),
            Err(Refused { ask_again: at, of_the_source }) => {
                ask_again = Some(ask_again.map_or(at, |earlier: Instant| earlier.min(at)));
                if of_the_source { ControlFlow::Continue(None) } else { ControlFlow::Break(()) }
            }
        };
        let parking = &self.parking;
        let enter = |accepted: Accepted, place| {
            parking.leave_alone(&accepted);
            spawner.spawn(accepted, place, None);
        };
        self.waiting.enter(place, enter);
        while self.gate.welcomes_any()
            && let Some((accepted, place)) =
                self.waiting.enter_silent(|source| self.gate.welcome(source))
        {
            enter(accepted, place);
        }
        // The stranger that has just entered may be the next one due.
        [self.gate.overdue_at(), ask_again, self.waiting.expires_at()].into_iter().flatten().min()
    }

    /// Closes a stranger that waited in vain.
    fn lose(&mut self, stranger: Option<Accepted>, ending: Ending) {
        let Some(stranger) = stranger else {
            return;
        };
        hang_up(&stranger);
        drop(stranger);
        self.pipe.counters.connections.turned_away(ending);
        let now = Instant::now();
        if self.said.is_none_or(|said| said + SAY_AGAIN <= now) {
            self.said = Some(now);
            let Budget { total, per_source } = self.budget;
            let words = format!(
                "more strangers than places (--handshakes {total}, {per_source} for each source): \
                 silent ones are dropped"
            );
            let event = Event::new(Level::Warn, Class::Ourselves, What::Crowded, words);
            self.pipe.observe.say(event);
        }
    }
}

/// How often to log that a flood continues.
const SAY_AGAIN: Duration = Duration::from_mins(1);
