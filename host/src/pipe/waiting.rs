//! Strangers that wait for a place: accepted, so that whoever comes after them
//! can be, but neither read nor answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
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
    line: BTreeMap<u64, Origin>,
    /// The end of the line.
    next_turn: u64,
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
    /// Its place in the line, if it has one.
    turn: Option<u64>,
}

impl Source {
    fn len(&self) -> usize {
        self.silent.len() + self.spoken.len()
    }
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
            line: BTreeMap::new(),
            next_turn: 0,
        }
    }

    /// How many wait.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// From now on there is room for so many, who wait for so long at most. Those
    /// who are too many stay until they leave.
    pub(super) fn limit(&mut self, max: usize, time_limit: Duration) {
        self.max = max;
        self.time_limit = time_limit;
    }

    /// Whether another one can wait, now or in place of one that would go.
    #[must_use]
    pub(super) fn has_room(&self) -> bool {
        !self.is_full() || self.next_to_go().is_some()
    }

    /// Whether another one can wait in place of one only.
    #[must_use]
    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= self.max
    }

    /// One more, that has not spoken as far as is known. `who` is told its
    /// number. If there is no room, another one goes.
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

    /// Whoever waits with this number.
    #[must_use]
    pub(super) fn get(&self, id: u64) -> Option<&T> {
        self.all.get(&id).map(|waiter| &waiter.who)
    }

    /// Removes any one.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.remove(*self.all.keys().next()?)
    }

    /// Removes the next to go.
    pub(super) fn shed(&mut self) -> Option<T> {
        self.remove(self.next_to_go()?)
    }

    /// Of the source with most waiters, the one that is silent for longest. If
    /// all of them have spoken, the latest, provided that they are more than a
    /// source's share; else one that is silent of another source. An honest
    /// burst is no reason to send anybody away, unless it keeps others out.
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

    /// It has sent its first bytes.
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

    /// Has those that have spoken enter, one of each source after the other,
    /// for as long as there is a `place`: none for this source, or for nobody.
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

    /// To the end of the line, unless it has its place there or nobody who has
    /// spoken.
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

/// One source may have this part of the list before others send it away.
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
