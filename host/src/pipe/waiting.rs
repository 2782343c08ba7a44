//! Strangers that wait for a place: accepted, so that later ones can be accepted, too,
//! but neither read nor answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::Instant;

use crate::pipe::admission::{FIRST_BYTES, Origin};

/// The waiting strangers, each as a `T`. The oldest has the lowest number.
pub(super) struct Waiting<T> {
    max: usize,
    /// The time limit of those that have sent something.
    time_limit: Duration,
    next_id: u64,
    all: HashMap<u64, Waiter<T>>,
    /// Strangers that have not sent their first bytes.
    silent: BTreeSet<u64>,
    /// Strangers that have sent them, and only wait for a place.
    spoken: BTreeSet<u64>,
    sources: BTreeMap<Origin, Source>,
    /// The sources with a stranger that has sent something; the first has waited
    /// longest for its turn.
    line: BTreeMap<u64, Origin>,
    /// The end of the line.
    next_turn: u64,
}

/// The result of adding a stranger.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Added<T> {
    /// Its number.
    pub(super) id: u64,
    /// The stranger that was removed to make room.
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
    /// Its place in the line, if it has one.
    turn: Option<u64>,
}

impl Source {
    fn len(&self) -> usize {
        self.silent.len() + self.spoken.len()
    }
}

impl<T> Waiting<T> {
    /// Room for this many, with this time limit.
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
            line: BTreeMap::new(),
            next_turn: 0,
        }
    }

    /// How many wait.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Changes the room and the time limit. Strangers beyond it stay until they leave.
    pub(super) fn limit(&mut self, max: usize, time_limit: Duration) {
        self.max = max;
        self.time_limit = time_limit;
    }

    /// Whether another stranger can wait, possibly in place of one that is removed.
    #[must_use]
    pub(super) fn has_room(&self) -> bool {
        !self.is_full() || self.next_to_go().is_some()
    }

    /// Whether another stranger can wait only in place of one that is removed.
    #[must_use]
    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= self.max
    }

    /// Adds a stranger that has not sent anything as far as is known. `who` gets its
    /// number. If there is no room, another stranger is removed.
    pub(super) fn add(
        &mut self,
        source: Origin,
        now: Instant,
        who: impl FnOnce(u64) -> T,
    ) -> Added<T> {
        let shed = if self.is_full() { self.shed() } else { None };
        let id = self.next_id;
        self.next_id += 1;
        self.all.insert(id, Waiter { source, since: now, who: who(id) });
        self.silent.insert(id);
        self.sources.entry(source).or_default().silent.insert(id);
        Added { id, shed }
    }

    /// The stranger with this number.
    #[must_use]
    pub(super) fn get(&self, id: u64) -> Option<&T> {
        self.all.get(&id).map(|waiter| &waiter.who)
    }

    /// Removes any stranger.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.remove(*self.all.keys().next()?)
    }

    /// Removes the stranger that is next to go.
    pub(super) fn shed(&mut self) -> Option<T> {
        self.remove(self.next_to_go()?)
    }

    /// The next to go: of the source with most waiting strangers, the one that has been
    /// silent for longest. If all of that source have sent something, the latest of
    /// them, provided that the source has more than its share; otherwise a silent one
    /// of another source. An honest burst is no reason to remove anyone, unless it
    /// keeps others out.
    fn next_to_go(&self) -> Option<u64> {
        let greediest = self.sources.values().max_by_key(|one| (one.len(), one.silent.len()))?;
        if let Some(id) = greediest.silent.first() {
            return Some(*id);
        }
        if greediest.len() > (self.max / SHARES).max(1) {
            return greediest.spoken.last().copied();
        }
        let most = self.sources.values().max_by_key(|source| source.silent.len())?;
        most.silent.first().copied()
    }

    /// Records that it has sent its first bytes.
    pub(super) fn spoke(&mut self, id: u64) {
        let Some(Waiter { source, .. }) = self.all.get(&id) else {
            return;
        };
        let source = *source;
        if self.silent.remove(&id)
            && let Some(waiters) = self.sources.get_mut(&source)
        {
            waiters.silent.remove(&id);
            waiters.spoken.insert(id);
            self.spoken.insert(id);
            self.line_up(source);
        }
    }

    /// Lets strangers that have sent something enter, one of each source in turn, for
    /// as long as there is a `place`: there may be none for this source, or for anyone.
    pub(super) fn enter<P>(
        &mut self,
        mut place: impl FnMut(Origin) -> ControlFlow<(), Option<P>>,
        mut entered: impl FnMut(T, P),
    ) {
        let mut next = 0;
        while let Some((turn, source)) = self.line.range(next..).next() {
            let (turn, source) = (*turn, *source);
            next = turn + 1;
            let place = match place(source) {
                ControlFlow::Continue(Some(place)) => place,
                ControlFlow::Continue(None) => continue,
                ControlFlow::Break(()) => return,
            };
            self.line.remove(&turn);
            let Some(waiters) = self.sources.get_mut(&source) else { continue };
            waiters.turn = None;
            let first = waiters.spoken.first().copied();
            if let Some(who) = first.and_then(|id| self.remove(id)) {
                entered(who, place);
            }
            self.line_up(source);
        }
    }

    /// Adds a source to the end of the line, unless it is in it already or has no
    /// stranger that has sent something.
    fn line_up(&mut self, source: Origin) {
        if let Some(waiters) = self.sources.get_mut(&source)
            && waiters.turn.is_none()
            && !waiters.spoken.is_empty()
        {
            waiters.turn = Some(self.next_turn);
            self.line.insert(self.next_turn, source);
            self.next_turn += 1;
        }
    }

    /// Lets a silent stranger enter, if there is a `place` for its source.
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

    /// A stranger whose time limit is over.
    pub(super) fn next_expired(&mut self, now: Instant) -> Option<T> {
        let id = self.expiries().find(|(_, at)| *at <= now)?.0;
        self.remove(id)
    }

    /// When there will be one, as of now.
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

    /// Removes it.
    pub(super) fn remove(&mut self, id: u64) -> Option<T> {
        let Waiter { source, who, .. } = self.all.remove(&id)?;
        self.silent.remove(&id);
        self.spoken.remove(&id);
        if let Some(waiters) = self.sources.get_mut(&source) {
            waiters.silent.remove(&id);
            waiters.spoken.remove(&id);
            if waiters.spoken.is_empty()
                && let Some(turn) = waiters.turn.take()
            {
                self.line.remove(&turn);
            }
            if waiters.silent.is_empty() && waiters.spoken.is_empty() {
                self.sources.remove(&source);
            }
        }
        Some(who)
    }
}

/// The share of the list that a source may have before others displace it.
const SHARES: usize = 4;

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
        let place = |from| ControlFlow::Continue((from != source(1)).then_some(()));
        waiting.enter(place, |who, ()| entered.push(who));
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
    fn full_list_of_those_that_have_spoken_has_no_room_unless_one_source_has_it() {
        let speaking = |number: fn(u8) -> u8| {
            let mut waiting = Waiting::new(8, LIMIT);
            for who in 0..8 {
                let id = waiting.add(source(number(who)), Instant::now(), |_| who).id;
                waiting.spoke(id);
            }
            waiting
        };
        let mut fair = speaking(|who| who / 2);
        assert!(fair.is_full() && !fair.has_room());
        assert_eq!(fair.shed(), None);
        let mut greedy = speaking(|_| 1);
        assert!(greedy.is_full() && greedy.has_room());
        // Whoever comes from elsewhere stays, silent or not.
        for (newcomer, shed) in [(2, 7), (3, 6)] {
            let added = greedy.add(source(newcomer), Instant::now(), |_| 100 + newcomer);
            assert_eq!(added.shed, Some(shed));
        }
    }

    #[test]
    fn source_whose_last_speaker_left_has_one_place_in_line_later() {
        let mut waiting = Waiting::new(9, LIMIT);
        for who in ["a", "b"] {
            let id = waiting.add(source(1), Instant::now(), |_| who).id;
            waiting.spoke(id);
            assert_eq!(waiting.line.len(), 1);
            waiting.remove(id);
            assert!(waiting.line.is_empty() && waiting.sources.is_empty());
        }
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
        let place = |_| match left.checked_sub(1) {
            Some(less) => {
                left = less;
                ControlFlow::Continue(Some(()))
            }
            None => ControlFlow::Break(()),
        };
        waiting.enter(place, |who, ()| entered.push(who));
        entered
    }

    fn source(number: u8) -> Origin {
        Origin::from(Prefix::of(Ipv4Addr::new(192, 0, 2, number).into()))
    }
}
