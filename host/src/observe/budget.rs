//! How many lines of a kind the log takes: whoever makes trouble uses up a
//! share of it and no more, and what was left out is counted and said.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::observe::event::{Class, Event, What};
use crate::observe::prefix::Prefix;

/// The pace of a class: so many lines at once, and then one in every interval.
const BURST: u32 = 10;
const INTERVAL: Duration = Duration::from_millis(500);

/// What a source has of that at most: half.
const SHARE_BURST: u32 = BURST / 2;
const SHARE_INTERVAL: Duration = Duration::from_secs(1);

/// One line about a shortage, and one about a full house, a second.
const OWN_BURST: u32 = 1;
const OWN_INTERVAL: Duration = Duration::from_secs(1);

/// The budgets of all pipes.
#[derive(Debug, Default)]
pub(super) struct Budgets(HashMap<Account, Budget>);

/// What has a budget of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Account {
    pipe: Option<Arc<str>>,
    class: Class,
    /// Our own troubles are few and different: each has its own.
    what: Option<What>,
}

#[derive(Debug)]
struct Budget {
    whole: Allowance,
    /// What sources have used of it. Only a line that is let through makes an
    /// entry, and one that has its whole allowance again is removed, so there
    /// are as few as there are lines.
    shares: HashMap<Share, Allowance>,
    suppressed: u64,
}

/// What can use up a part of a class's budget only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Share {
    Prefix(Prefix),
    Key(String),
}

impl Budgets {
    /// Asks for the line of an event. `Some(n)`: write it, `n` like it were
    /// suppressed since the last one. `None`: it is suppressed and counted.
    pub(super) fn admit(&mut self, event: &Event, now: Instant) -> Option<u64> {
        let account = Account::of(event);
        let budget = self.0.entry(account).or_insert_with_key(Budget::new);
        if budget.spend(Share::of(event), now) {
            return Some(std::mem::take(&mut budget.suppressed));
        }
        // To say it once is enough.
        if event.what != What::LimitReached {
            budget.suppressed = budget.suppressed.saturating_add(1);
        }
        None
    }

    /// Whether there is something for [`reports`](Self::reports), now or
    /// later.
    pub(super) fn owe_reports(&self) -> bool {
        self.0.values().any(|budget| budget.suppressed > 0)
    }

    /// What is to be said about suppressed lines although no other line has
    /// come since.
    pub(super) fn reports(&mut self, now: Instant) -> Vec<Event> {
        let mut reports = Vec::new();
        for (account, budget) in &mut self.0 {
            if budget.suppressed > 0 && budget.whole.spend(now) {
                let count = std::mem::take(&mut budget.suppressed);
                let words = format!("{count} more lines about {} suppressed", account.class);
                let what = What::Suppressed(count);
                let mut report = Event::new(log::Level::Warn, account.class, what, words);
                report.subject.pipe.clone_from(&account.pipe);
                reports.push(report);
            }
        }
        reports
    }
}

impl Account {
    fn of(event: &Event) -> Self {
        let what = (event.class == Class::Ourselves).then_some(event.what);
        Self { pipe: event.subject.pipe.clone(), class: event.class, what }
    }
}

impl Share {
    fn of(event: &Event) -> Option<Self> {
        let subject = &event.subject;
        let prefix = || subject.peer.as_ref()?.prefix.map(Self::Prefix);
        match event.class {
            Class::Stranger => prefix(),
            Class::KeyHolder => subject.key.clone().map(Self::Key).or_else(prefix),
            // They are one each.
            Class::Target | Class::Ourselves => None,
        }
    }
}

impl Budget {
    fn new(account: &Account) -> Self {
        let whole = match account.class {
            Class::Stranger | Class::KeyHolder | Class::Target => Allowance::new(BURST, INTERVAL),
            Class::Ourselves => Allowance::new(OWN_BURST, OWN_INTERVAL),
        };
        Self { whole, shares: HashMap::new(), suppressed: 0 }
    }

    fn spend(&mut self, share: Option<Share>, now: Instant) -> bool {
        let Some(share) = share else {
            return self.whole.spend(now);
        };
        let fresh = || Allowance::new(SHARE_BURST, SHARE_INTERVAL);
        let mut part = self.shares.get(&share).cloned().unwrap_or_else(fresh);
        if !part.spend(now) || !self.whole.spend(now) {
            return false;
        }
        self.shares.retain(|_, part| !part.is_whole(now));
        self.shares.insert(share, part);
        true
    }
}

/// Lets `burst` lines through at once and then one in every `interval`.
#[derive(Clone, Debug)]
struct Allowance {
    burst: u32,
    interval: Duration,
    /// When it will be whole again; `None` before the first line. Each line
    /// moves it on by one interval, from now at the earliest.
    whole_at: Option<Instant>,
}

impl Allowance {
    fn new(burst: u32, interval: Duration) -> Self {
        Self { burst, interval, whole_at: None }
    }

    /// Takes one line from it, if there is one.
    fn spend(&mut self, now: Instant) -> bool {
        let whole_at = self.whole_at.map_or(now, |whole_at| whole_at.max(now));
        let debt = self.interval.saturating_mul(self.burst.saturating_sub(1));
        if whole_at.duration_since(now) > debt {
            return false;
        }
        // Past the end of time: as good as an allowance that is whole.
        self.whole_at = whole_at.checked_add(self.interval);
        true
    }

    fn is_whole(&self, now: Instant) -> bool {
        self.whole_at.is_none_or(|whole_at| whole_at <= now)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use log::Level;

    use super::*;
    use crate::observe::event::Source;

    #[test]
    fn burst_passes_and_the_rest_is_counted() {
        let (mut budgets, start) = (Budgets::default(), Instant::now());
        let event = about(Class::Target, None);
        for _ in 0..BURST {
            assert_eq!(budgets.admit(&event, start), Some(0));
        }
        for _ in 0..5 {
            assert_eq!(budgets.admit(&event, start), None);
        }
        assert_eq!(budgets.admit(&event, start + INTERVAL), Some(5));
        assert_eq!(budgets.admit(&event, start + INTERVAL), None);
        assert_eq!(budgets.admit(&event, start + 2 * INTERVAL), Some(1));
    }

    #[test]
    fn quiet_time_fills_the_allowance_but_not_beyond() {
        let (mut allowance, start) = (Allowance::new(2, INTERVAL), Instant::now());
        assert!(allowance.spend(start) && allowance.spend(start));
        assert!(!allowance.is_whole(start));
        let later = start + 100 * INTERVAL;
        assert!(allowance.is_whole(later));
        assert!(allowance.spend(later) && allowance.spend(later) && !allowance.spend(later));
    }

    #[test]
    fn clock_may_step_back() {
        let mut allowance = Allowance::new(1, INTERVAL);
        let later = Instant::now() + INTERVAL;
        assert!(allowance.spend(later));
        assert!(!allowance.spend(later.checked_sub(INTERVAL).unwrap_or(later)));
    }

    #[test]
    fn last_count_is_told_once_and_at_the_same_pace() {
        let (mut budgets, start) = (Budgets::default(), Instant::now());
        let event = about(Class::Stranger, Some(1));
        while budgets.admit(&event, start).is_some() {}
        assert!(budgets.owe_reports());
        let reports = budgets.reports(start);
        let words: Vec<_> = reports.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["pipe: 1 more lines about strangers suppressed"]);
        assert!(!budgets.owe_reports() && budgets.reports(start + INTERVAL).is_empty());
    }

    #[test]
    fn strangers_mute_only_strangers_and_only_of_their_pipe() {
        let (mut budgets, now) = (Budgets::default(), Instant::now());
        for host in 0..100 {
            budgets.admit(&about(Class::Stranger, Some(host)), now);
        }
        assert_eq!(budgets.admit(&about(Class::Stranger, Some(200)), now), None);
        assert_eq!(budgets.admit(&about(Class::KeyHolder, Some(1)), now), Some(0));
        assert_eq!(budgets.admit(&about(Class::Target, None), now), Some(0));
        let mut elsewhere = about(Class::Stranger, Some(1));
        elsewhere.subject.pipe = Some("other".into());
        assert_eq!(budgets.admit(&elsewhere, now), Some(0));
    }

    #[test]
    fn one_prefix_leaves_half_to_the_others() {
        let (mut budgets, now) = (Budgets::default(), Instant::now());
        for _ in 0..1000 {
            budgets.admit(&about(Class::Stranger, Some(1)), now);
        }
        let others = (2..100)
            .filter(|&host| budgets.admit(&about(Class::Stranger, Some(host)), now).is_some());
        assert_eq!(others.count(), 5);
    }

    #[test]
    fn one_key_leaves_half_to_the_others() {
        let (mut budgets, now) = (Budgets::default(), Instant::now());
        let mut event = about(Class::KeyHolder, Some(1));
        event.subject.key = Some("alice".to_owned());
        for _ in 0..1000 {
            budgets.admit(&event, now);
        }
        event.subject.key = Some("bob".to_owned());
        assert!(budgets.admit(&event, now).is_some());
    }

    #[test]
    fn sources_that_flood_leave_no_entries_behind() {
        let (mut budgets, start) = (Budgets::default(), Instant::now());
        for second in 0..100 {
            for host in 0..=255 {
                let now = start + Duration::from_secs(second);
                budgets.admit(&about(Class::Stranger, Some(host)), now);
            }
        }
        let shares: usize = budgets.0.values().map(|budget| budget.shares.len()).sum();
        assert!(shares <= 30, "{shares}");
    }

    #[test]
    fn each_trouble_of_our_own_has_a_line_a_second() {
        let (mut budgets, now) = (Budgets::default(), Instant::now());
        let own = |what| {
            let mut event = about(Class::Ourselves, None);
            event.what = what;
            event
        };
        assert_eq!(budgets.admit(&own(What::Shortage), now), Some(0));
        assert_eq!(budgets.admit(&own(What::Shortage), now), None);
        assert_eq!(budgets.admit(&own(What::LimitReached), now), Some(0));
        assert_eq!(budgets.admit(&own(What::Shortage), now + OWN_INTERVAL), Some(1));
    }

    fn about(class: Class, host: Option<u8>) -> Event {
        let mut event = Event::new(Level::Warn, class, What::Note, "words");
        event.subject.pipe = Some("pipe".into());
        event.subject.peer = host.map(|host| {
            let address: IpAddr = Ipv4Addr::new(192, 0, 2, host).into();
            Source::new(&address, Some(address))
        });
        event
    }
}
