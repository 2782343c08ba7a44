//! Strangers that wait for a place: accepted, so that whoever comes after them
//! can be, but neither read nor answered.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::pipe::admission::{FIRST_BYTES, Origin};

/// Those that wait, each as a `T`. They get older by their number.
pub(super) struct Waiting<T> {
    max: usize,
    /// For those that have spoken.
    time_limit: Duration,
    next_id: u64,
    all: HashMap<u64, Waiter<T>>,
    /// Have not sent their first bytes.
    silent: BTreeSet<u64>,
    /// Have, and wait for a place only.
    spoken: BTreeSet<u64>,
    sources: BTreeMap<Origin, Source>,
    /// Those of whom one has spoken; the first has waited longest for a turn.
    turns: VecDeque<Origin>,
}

/// One more waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Added<T> {
    /// Its number.
    pub(super) id: u64,
    /// Who made room for it.
    pub(super) shed: Option<T>,
}

struct Waiter<T> {
    source: Origin,
    since: Instant,
    who: T,
}

/// The waiters of one source.
#[derive(Default)]
struct Source {
    silent: BTreeSet<u64>,
    spoken: BTreeSet<u64>,
}

impl<T> Waiting<T> {
    /// Room for so many, who wait for `time_limit` at most.
    #[must_use]
    pub(super) fn new(max: usize, time_limit: Duration) -> Self {
        Self {
            max,
            time_limit,
            next_id: 0,
            all: HashMap::new(),
            silent: BTreeSet::new(),
            spoken: BTreeSet::new(),
            sources: BTreeMap::new(),
            turns: VecDeque::new(),
        }
    }

    /// Whether another one can wait, now or in place of one that is silent.
    #[must_use]
    pub(super) fn has_room(&self) -> bool {
        self.all.len() < self.max || !self.silent.is_empty()
    }

    /// One more, that has not spoken as far as is known. `who` is told its
    /// number. If there is no room, one that is silent goes.
    pub(super) fn add(
        &mut self,
        source: Origin,
        now: Instant,
        who: impl FnOnce(u64) -> T,
    ) -> Added<T> {
        let shed = if self.all.len() < self.max { None } else { self.shed() };
        let id = self.next_id;
        self.next_id += 1;
        self.all.insert(id, Waiter { source, since: now, who: who(id) });
        self.silent.insert(id);
        self.sources.entry(source).or_default().silent.insert(id);
        Added { id, shed }
    }

    /// Whoever waits with this number.
    #[must_use]
    pub(super) fn get(&self, id: u64) -> Option<&T> {
        self.all.get(&id).map(|waiter| &waiter.who)
    }

    /// Removes the one that is silent for longest, of the source with most of
    /// them.
    pub(super) fn shed(&mut self) -> Option<T> {
        let most = self.sources.values().max_by_key(|source| source.silent.len())?;
        let id = *most.silent.first()?;
        self.remove(id)
    }

    /// It has sent its first bytes.
    pub(super) fn spoke(&mut self, id: u64) {
        let Some(Waiter { source, .. }) = self.all.get(&id) else {
            return;
        };
        if self.silent.remove(&id)
            && let Some(waiters) = self.sources.get_mut(source)
        {
            if waiters.spoken.is_empty() {
                self.turns.push_back(*source);
            }
            waiters.silent.remove(&id);
            waiters.spoken.insert(id);
            self.spoken.insert(id);
        }
    }

    /// Has those that have spoken enter, one of each source after the other,
    /// for as long as there is a `place` for their source.
    pub(super) fn enter<P>(
        &mut self,
        mut place: impl FnMut(Origin) -> Option<P>,
        mut entered: impl FnMut(T, P),
    ) {
        let mut blocked = VecDeque::new();
        while let Some(source) = self.turns.pop_front() {
            let first = self.sources.get(&source).and_then(|waiters| waiters.spoken.first());
            let Some(&id) = first else { continue };
            let Some(place) = place(source) else {
                blocked.push_back(source);
                continue;
            };
            if let Some(who) = self.remove(id) {
                entered(who, place);
            }
            if self.sources.get(&source).is_some_and(|waiters| !waiters.spoken.is_empty()) {
                self.turns.push_back(source);
            }
        }
        self.turns = blocked;
    }

    /// Has one enter that has not spoken, if there is a `place` for its source.
    pub(super) fn enter_silent<P>(
        &mut self,
        place: impl Fn(Origin) -> Option<P>,
    ) -> Option<(T, P)> {
        let first = |(source, waiters): (&Origin, &Source)| {
            let id = *waiters.silent.first()?;
            Some((id, place(*source)?))
        };
        let (id, place) = self.sources.iter().find_map(first)?;
        Some((self.remove(id)?, place))
    }

    /// One whose time is over.
    pub(super) fn next_expired(&mut self, now: Instant) -> Option<T> {
        let id = self.expiries().find(|(_, at)| *at <= now)?.0;
        self.remove(id)
    }

    /// When there will be one.
    #[must_use]
    pub(super) fn expires_at(&self) -> Option<Instant> {
        self.expiries().map(|(_, at)| at).min()
    }

    /// The first of either kind to expire.
    fn expiries(&self) -> impl Iterator<Item = (u64, Instant)> {
        let first_bytes = FIRST_BYTES.min(self.time_limit);
        let first = move |ids: &BTreeSet<u64>, limit| {
            let id = *ids.first()?;
            Some((id, self.all.get(&id)?.since + limit))
        };
        let kinds = [first(&self.silent, first_bytes), first(&self.spoken, self.time_limit)];
        kinds.into_iter().flatten()
    }

    /// It waits no longer.
    pub(super) fn remove(&mut self, id: u64) -> Option<T> {
        let Waiter { source, who, .. } = self.all.remove(&id)?;
        self.silent.remove(&id);
        self.spoken.remove(&id);
        if let Some(waiters) = self.sources.get_mut(&source) {
            waiters.silent.remove(&id);
            // Its turn is passed over if this was the last.
            waiters.spoken.remove(&id);
            if waiters.silent.is_empty() && waiters.spoken.is_empty() {
                self.sources.remove(&source);
            }
        }
        Some(who)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::observe::Prefix;

    const LIMIT: Duration = Duration::from_secs(5);

    #[test]
    fn only_those_that_have_spoken_enter_and_sources_take_turns() {
        let mut waiting = Waiting::new(9, LIMIT);
        let now = Instant::now();
        let add = |waiting: &mut Waiting<&'static str>, number, who| {
            waiting.add(source(number), now, |_| who).id
        };
        let [a, b, c] = ["a", "b", "c"].map(|who| add(&mut waiting, 1, who));
        add(&mut waiting, 2, "silent");
        let d = add(&mut waiting, 2, "d");
        for id in [b, a, c, d, d] {
            waiting.spoke(id);
        }
        assert_eq!(entering(&mut waiting, usize::MAX), ["a", "d", "b", "c"]);
        assert!(entering(&mut waiting, usize::MAX).is_empty());
    }

    #[test]
    fn source_without_a_place_stays_in_line() {
        let mut waiting = Waiting::new(9, LIMIT);
        let now = Instant::now();
        for (number, who) in [(1, "a"), (1, "b"), (2, "c"), (2, "d")] {
            let id = waiting.add(source(number), now, |_| who).id;
            waiting.spoke(id);
        }
        let mut entered = Vec::new();
        waiting.enter(|from| (from != source(1)).then_some(()), |who, ()| entered.push(who));
        assert_eq!(entered, ["c", "d"]);
        assert_eq!(entering(&mut waiting, 1), ["a"]);
        assert_eq!(entering(&mut waiting, 1), ["b"]);
    }

    #[test]
    fn full_list_sheds_the_silent_of_the_source_with_most_of_them() {
        let mut waiting = Waiting::new(3, LIMIT);
        let now = Instant::now();
        let first = waiting.add(source(2), now, |_| "modest").id;
        let added = waiting.add(source(1), now, |_| "greedy");
        assert_eq!(added.shed, None);
        waiting.add(source(1), now, |_| "greedy too");
        assert_eq!(waiting.add(source(3), now, |_| "new").shed, Some("greedy"));
        assert_eq!(waiting.get(added.id), None);
        waiting.spoke(first);
        assert!(waiting.has_room());
        assert!(waiting.shed().is_some());
        assert!(waiting.shed().is_some());
        assert_eq!(waiting.shed(), None);
        assert_eq!(entering(&mut waiting, 9), ["modest"]);
    }

    #[test]
    fn list_of_those_that_have_spoken_has_no_room() {
        let mut waiting = Waiting::new(1, LIMIT);
        let id = waiting.add(source(1), Instant::now(), |_| "speaks").id;
        assert!(waiting.has_room());
        waiting.spoke(id);
        assert!(!waiting.has_room());
        assert_eq!(waiting.remove(id), Some("speaks"));
        assert!(waiting.has_room());
    }

    #[test]
    fn silence_ends_sooner_than_waiting() {
        let mut waiting = Waiting::new(9, LIMIT);
        let start = Instant::now();
        assert_eq!(waiting.expires_at(), None);
        let speaks = waiting.add(source(1), start, |_| "speaks").id;
        waiting.add(source(1), start, |_| "silent");
        waiting.spoke(speaks);
        assert_eq!(waiting.expires_at(), Some(start + FIRST_BYTES));
        assert_eq!(waiting.next_expired(start), None);
        assert_eq!(waiting.next_expired(start + FIRST_BYTES), Some("silent"));
        assert_eq!(waiting.next_expired(start + FIRST_BYTES), None);
        assert_eq!(waiting.next_expired(start + LIMIT), Some("speaks"));
        assert_eq!(waiting.expires_at(), None);
    }

    /// Those that enter when there are so many places.
    fn entering(waiting: &mut Waiting<&'static str>, places: usize) -> Vec<&'static str> {
        let (mut left, mut entered) = (places, Vec::new());
        let place = |_| left.checked_sub(1).map(|less| left = less);
        waiting.enter(place, |who, ()| entered.push(who));
        entered
    }

    fn source(number: u8) -> Origin {
        Origin::from(Prefix::of(Ipv4Addr::new(192, 0, 2, number).into()))
    }
}
