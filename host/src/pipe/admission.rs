//! Decides which strangers are served.
//!
//! Anyone can be a stranger, so the number of places is limited, and no network gets
//! more than its share. A stranger that sends what it is asked for keeps its place. One
//! that has sent nothing for a second loses it to the next that has sent something.
//! Networks with more places lose theirs first.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::time::Instant;

use crate::observe::Prefix;

/// A stranger that has sent nothing it was asked for during this time is evicted if
/// others need its place. Incomplete messages do not count: bytes may trickle in one by
/// one.
pub(crate) const QUIET: Duration = Duration::from_secs(1);

/// How long a stranger may take for its first bytes while more than half of the places
/// are taken. A client sends them as soon as it is connected.
pub(crate) const FIRST_BYTES: Duration = Duration::from_secs(2);

/// The source of a stranger: a network, or `None` for a process on this host.
pub(crate) type Origin = Option<Prefix>;

/// How many strangers are served at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// In total.
    pub total: NonZeroUsize,
    /// From one source.
    pub per_source: NonZeroUsize,
}

impl Budget {
    /// The budget before there are orders: one place, because every pipe has at least
    /// one.
    pub(crate) const NONE: Self = Self { total: NonZeroUsize::MIN, per_source: NonZeroUsize::MIN };

    /// The places of a pipe by default, unless it has many connections.
    pub(crate) const LEAST: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");

    /// The budget for health checks of load balancers.
    pub(crate) const CHECKS: Self = {
        let (total, per_source) = (NonZeroUsize::new(8), NonZeroUsize::new(4));
        Self { total: total.expect("8 is not 0"), per_source: per_source.expect("4 is not 0") }
    };

    /// The configured budget, or the default for this many connections.
    #[must_use]
    pub(crate) fn new(
        connections: NonZeroUsize,
        total: Option<NonZeroUsize>,
        per_source: Option<NonZeroUsize>,
    ) -> Self {
        let half = |number: NonZeroUsize| NonZeroUsize::new(number.get() / 2);
        let total = total.unwrap_or(half(connections).unwrap_or(Self::LEAST).max(Self::LEAST));
        let per_source = per_source.or(half(total)).unwrap_or(total).min(total);
        Self { total, per_source }
    }

    /// At most this many, and at least one.
    #[must_use]
    pub(crate) fn within(self, most: usize) -> Self {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        let total = self.total.min(most);
        Self { total, per_source: self.per_source.min(total) }
    }
}

/// The strangers that have a place. `T` is how to reach each of them.
pub(crate) struct Admission<T> {
    budget: Budget,
    next_id: u64,
    places: HashMap<u64, Place<T>>,
    /// The places of each source that has any, the quietest first.
    sources: HashMap<Origin, BTreeSet<(Instant, u64)>>,
    /// The same sources, ordered by their number of places.
    greed: BTreeSet<(usize, Origin)>,
    /// All places, the quietest first.
    quiet: BTreeSet<(Instant, u64)>,
    /// The places of strangers that have sent nothing.
    silent: BTreeSet<(Instant, u64)>,
}

struct Place<T> {
    source: Origin,
    /// When the stranger connected or last sent what it was asked for.
    since: Instant,
    reach: T,
}

/// The result if there is a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Admitted<T> {
    /// The number of the place.
    pub id: u64,
    /// The stranger that had it before and is evicted.
    pub instead_of: Option<T>,
}

/// The result if there is no place now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// When to ask again even if no place becomes free earlier.
    pub(crate) ask_again: Instant,
    /// Whether only the share of this source is exhausted: there may be a place for
    /// another source.
    pub(crate) of_the_source: bool,
}

impl<T> Admission<T> {
    /// All places are free.
    #[must_use]
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            budget,
            next_id: 0,
            places: HashMap::new(),
            sources: HashMap::new(),
            greed: BTreeSet::new(),
            quiet: BTreeSet::new(),
            silent: BTreeSet::new(),
        }
    }

    /// Changes the number of places. Strangers that have a place beyond it keep it
    /// until they leave.
    pub(crate) fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// Whether a stranger that has not sent anything yet gets a place: as long as
    /// neither the pipe nor its source has used half of them. After that, only
    /// strangers that have sent something do.
    #[must_use]
    pub(crate) fn welcomes(&self, source: Origin) -> bool {
        self.welcomes_any() && !is_half_used(self.count(source), self.budget.per_source)
    }

    /// Whether this depends on the source.
    #[must_use]
    pub(crate) fn welcomes_any(&self) -> bool {
        !is_half_used(self.places.len(), self.budget.total)
    }

    /// Gives a stranger from `source` a place. `reach` is called if there is one.
    ///
    /// # Errors
    /// When there is none now.
    pub(crate) fn admit(
        &mut self,
        source: Origin,
        now: Instant,
        reach: impl FnOnce() -> T,
    ) -> Result<Admitted<T>, Refused> {
        let instead_of = self.make_room(source, now)?;
        let id = self.next_id;
        self.next_id += 1;
        self.places.insert(id, Place { source, since: now, reach: reach() });
        self.count_in(source, (now, id));
        self.quiet.insert((now, id));
        self.silent.insert((now, id));
        Ok(Admitted { id, instead_of })
    }

    /// The stranger has sent all that was asked for next.
    pub(crate) fn heard(&mut self, id: u64, now: Instant) {
        let Some(place) = self.places.get_mut(&id) else {
            return;
        };
        let (source, before) = (place.source, std::mem::replace(&mut place.since, now));
        self.silent.remove(&(before, id));
        self.quiet.remove(&(before, id));
        self.quiet.insert((now, id));
        if let Some(places) = self.sources.get_mut(&source) {
            places.remove(&(before, id));
            places.insert((now, id));
        }
    }

    /// Frees the place, unless its stranger was evicted before.
    pub(crate) fn leave(&mut self, id: u64) -> Option<T> {
        let Place { source, since, reach } = self.places.remove(&id)?;
        self.quiet.remove(&(since, id));
        self.silent.remove(&(since, id));
        self.count_out(source, (since, id));
        Some(reach)
    }

    /// A stranger whose first bytes are overdue, if that matters now. It is evicted.
    pub(crate) fn next_overdue(&mut self, now: Instant) -> Option<T> {
        let (_, id) =
            *self.silent.first().filter(|_| self.overdue_at().is_some_and(|at| at <= now))?;
        self.leave(id)
    }

    /// When there will be one, as of now.
    #[must_use]
    pub(crate) fn overdue_at(&self) -> Option<Instant> {
        let (since, _) = self.silent.first()?;
        is_more_than_half_used(self.places.len(), self.budget.total).then(|| *since + FIRST_BYTES)
    }

    /// Empties all places.
    pub(crate) fn dismiss_all(&mut self) -> Vec<T> {
        let all: Vec<_> = self.places.keys().copied().collect();
        all.into_iter().filter_map(|id| self.leave(id)).collect()
    }

    fn make_room(&mut self, source: Origin, now: Instant) -> Result<Option<T>, Refused> {
        let Budget { total, per_source } = self.budget;
        if self.places.len() > total.get() || self.count(source) > per_source.get() {
            // The budget was lowered: these are evicted first.
            return Err(Refused { ask_again: now + QUIET, of_the_source: false });
        }
        let of_the_source = self.count(source) >= per_source.get();
        let quietest = if of_the_source {
            self.sources.get(&source).and_then(BTreeSet::first).copied()
        } else if self.places.len() >= total.get() {
            self.quietest_of_the_greediest(now)
        } else {
            return Ok(None);
        };
        match quietest {
            Some((since, id)) if since + QUIET <= now => Ok(self.leave(id)),
            quietest => {
                let since = quietest.map_or(now, |(since, _)| since);
                Err(Refused { ask_again: since + QUIET, of_the_source })
            }
        }
    }

    /// The victim: of the source with most places that has a stranger which is quiet
    /// for long enough, that stranger; if there is none, the quietest of all.
    fn quietest_of_the_greediest(&self, now: Instant) -> Option<(Instant, u64)> {
        let of_all = *self.quiet.first()?;
        let is_quiet = |(since, _): &(Instant, u64)| *since + QUIET <= now;
        if !is_quiet(&of_all) {
            return Some(of_all);
        }
        let mut greediest = self.greed.iter().rev();
        let found = greediest
            .find_map(|(_, source)| self.sources.get(source)?.first().copied().filter(is_quiet));
        found.or(Some(of_all))
    }

    fn count(&self, source: Origin) -> usize {
        self.sources.get(&source).map_or(0, BTreeSet::len)
    }

    fn count_in(&mut self, source: Origin, place: (Instant, u64)) {
        let places = self.sources.entry(source).or_default();
        self.greed.remove(&(places.len(), source));
        places.insert(place);
        self.greed.insert((places.len(), source));
    }

    fn count_out(&mut self, source: Origin, place: (Instant, u64)) {
        if let Some(places) = self.sources.get_mut(&source) {
            self.greed.remove(&(places.len(), source));
            places.remove(&place);
            if places.is_empty() {
                self.sources.remove(&source);
            } else {
                self.greed.insert((places.len(), source));
            }
        }
    }
}

/// Half of the places, if there is more than one.
fn is_half_used(used: usize, of: NonZeroUsize) -> bool {
    used >= of.get().div_ceil(2)
}

fn is_more_than_half_used(used: usize, of: NonZeroUsize) -> bool {
    used > of.get() / 2
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn budget_follows_the_number_of_connections() {
        let number = |number| NonZeroUsize::new(number).unwrap();
        let budget = |connections, total, per_source| {
            let asked = |asked| NonZeroUsize::new(asked);
            let budget = Budget::new(number(connections), asked(total), asked(per_source));
            (budget.total.get(), budget.per_source.get())
        };
        assert_eq!(budget(100, 0, 0), (64, 32));
        assert_eq!(budget(1, 0, 0), (64, 32));
        assert_eq!(budget(1000, 0, 0), (500, 250));
        assert_eq!(budget(100, 10, 0), (10, 5));
        assert_eq!(budget(100, 1, 0), (1, 1));
        assert_eq!(budget(100, 10, 7), (10, 7));
        assert_eq!(budget(100, 10, 70), (10, 10));
    }

    #[test]
    fn share_of_a_source_is_its_own() {
        let mut test = Test::new(8, 4);
        for _ in 0..4 {
            test.admit(1).unwrap();
        }
        assert_eq!(test.admit(1), refused(test.now + QUIET, true));
        for _ in 0..4 {
            test.admit(2).unwrap();
        }
    }

    #[test]
    fn quiet_stranger_of_a_full_source_gives_way_to_the_next() {
        let mut test = Test::new(8, 2);
        let first = test.admit(1).unwrap().id;
        test.pass(QUIET / 2);
        let second = test.admit(1).unwrap().id;
        test.pass(QUIET / 2);
        assert_eq!(test.admit(1).unwrap().instead_of, Some(first));
        assert_eq!(test.admit(1), refused(test.now + QUIET / 2, true));
        test.pass(QUIET / 2);
        assert_eq!(test.admit(1).unwrap().instead_of, Some(second));
    }

    #[test]
    fn stranger_that_speaks_stays() {
        let mut test = Test::new(8, 1);
        let only = test.admit(1).unwrap().id;
        for _ in 0..5 {
            test.pass(QUIET / 2);
            assert!(test.admit(1).is_err());
            test.admission.heard(only, test.now);
        }
    }

    #[test]
    fn of_a_full_house_the_greediest_loses_its_quietest() {
        let mut test = Test::new(6, 4);
        let modest = test.admit(2).unwrap().id;
        test.pass(Duration::from_millis(1));
        let greedy: Vec<_> = (0..3).map(|_| test.admit(1).unwrap().id).collect();
        test.admit(3).unwrap();
        test.admit(4).unwrap();
        assert_eq!(test.admit(5), refused(test.now + Duration::from_millis(999), false));
        test.pass(QUIET);
        // The modest one is the quietest, but has one place only.
        test.admission.heard(greedy[0], test.now);
        let admitted = test.admit(5).unwrap();
        assert_eq!(admitted.instead_of, Some(greedy[1]));
        assert_ne!(admitted.instead_of, Some(modest));
    }

    #[test]
    fn greedy_source_that_makes_progress_leaves_it_to_others_to_give_way() {
        let mut test = Test::new(3, 2);
        let greedy: Vec<_> = (0..2).map(|_| test.admit(1).unwrap().id).collect();
        let modest = test.admit(2).unwrap().id;
        test.pass(QUIET);
        for id in greedy {
            test.admission.heard(id, test.now);
        }
        assert_eq!(test.admit(3).unwrap().instead_of, Some(modest));
    }

    #[test]
    fn silent_ones_are_welcome_until_half_is_used() {
        let mut test = Test::new(8, 4);
        for _ in 0..2 {
            assert!(test.admission.welcomes(source(1)));
            test.admit(1).unwrap();
        }
        assert!(!test.admission.welcomes(source(1)));
        for _ in 0..2 {
            assert!(test.admission.welcomes(source(2)));
            test.admit(2).unwrap();
        }
        assert!(!test.admission.welcomes(source(3)));
        assert!(test.admit(3).is_ok());
        assert!(Test::new(1, 1).admission.welcomes(source(1)));
    }

    #[test]
    fn first_bytes_are_due_soon_only_while_more_than_half_is_used() {
        let mut test = Test::new(4, 4);
        let silent = test.admit(1).unwrap().id;
        let speaks = test.admit(1).unwrap().id;
        test.admission.heard(speaks, test.now);
        assert_eq!(test.admission.overdue_at(), None);
        test.pass(Duration::from_millis(1));
        let last = test.admit(2).unwrap().id;
        assert_eq!(test.admission.next_overdue(test.now), None);
        test.pass(Duration::from_millis(1999));
        assert_eq!(test.admission.overdue_at(), Some(test.now));
        assert_eq!(test.admission.next_overdue(test.now), Some(silent));
        assert_eq!(test.admission.next_overdue(test.now), None);
        assert_eq!(test.admission.leave(last), Some(last));
    }

    #[test]
    fn smaller_budget_waits_for_those_that_are_too_many() {
        let mut test = Test::new(8, 4);
        let ids: Vec<_> = (0..4).map(|_| test.admit(1).unwrap().id).collect();
        test.admission.set_budget(Budget { total: 3.try_into().unwrap(), ..test.admission.budget });
        test.pass(QUIET);
        assert_eq!(test.admit(2), refused(test.now + QUIET, false));
        test.admission.leave(ids[0]);
        assert_eq!(test.admit(2).unwrap().instead_of, Some(ids[1]));
    }

    #[test]
    fn whoever_leaves_is_forgotten() {
        let mut test = Test::new(2, 2);
        for _ in 0..3 {
            let ids = [1, 2].map(|source| test.admit(source).unwrap().id);
            for id in ids {
                test.admission.heard(id, test.now);
                assert_eq!(test.admission.leave(id), Some(id));
                assert_eq!(test.admission.leave(id), None);
                test.admission.heard(id, test.now);
            }
        }
        let Admission { places, sources, greed, quiet, silent, .. } = &test.admission;
        assert!(places.is_empty() && sources.is_empty() && greed.is_empty());
        assert!(quiet.is_empty() && silent.is_empty());
        test.admit(1).unwrap();
        assert_eq!(test.admission.dismiss_all().len(), 1);
    }

    struct Test {
        admission: Admission<u64>,
        now: Instant,
        given: u64,
    }

    impl Test {
        fn new(total: usize, per_source: usize) -> Self {
            let number = |number| NonZeroUsize::new(number).unwrap();
            let budget = Budget { total: number(total), per_source: number(per_source) };
            Self { admission: Admission::new(budget), now: Instant::now(), given: 0 }
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
        }

        /// Whoever is reached by the number of the place.
        fn admit(&mut self, number: u8) -> Result<Admitted<u64>, Refused> {
            let id = self.given;
            let admitted = self.admission.admit(source(number), self.now, || id)?;
            assert_eq!(admitted.id, id);
            self.given += 1;
            Ok(admitted)
        }
    }

    fn refused(ask_again: Instant, of_the_source: bool) -> Result<Admitted<u64>, Refused> {
        Err(Refused { ask_again, of_the_source })
    }

    fn source(number: u8) -> Origin {
        Origin::from(Prefix::of(Ipv4Addr::new(192, 0, 2, number).into()))
    }
}
