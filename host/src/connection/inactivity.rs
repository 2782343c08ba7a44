//! Time limits for an established connection that moves no byte.
//!
//! A connection without such limits has no cost. With one, it has a timer that is set
//! each time it expires, not for each byte.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::direction::Direction;
use crate::connection::relay::Limits;

/// Which limit was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inactive {
    /// No byte moved for this long.
    Idle(Duration),
    /// One direction had ended, and no byte moved in the other for this long.
    HalfClosed(Duration),
}

impl fmt::Display for Inactive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle(limit) => {
                write!(f, "no data for {} s (--idle-timeout)", limit.as_secs_f64())
            }
            Self::HalfClosed(limit) => write!(
                f,
                "one direction had ended, and there was no data in the other for {} s \
                 (--half-closed-timeout)",
                limit.as_secs_f64()
            ),
        }
    }
}

/// Measures how long a connection moves no byte.
pub(super) struct Inactivity(Option<Box<Watch>>);

struct Watch {
    idle: Option<Duration>,
    half_closed: Option<Duration>,
    is_half_closed: bool,
    /// When a byte moved last, as of the last check.
    since: Instant,
    /// Whether a byte has moved since then.
    moved: bool,
    timer: Pin<Box<Sleep>>,
}

impl Inactivity {
    /// A measurement that starts now.
    pub(super) fn new(limits: Limits) -> Self {
        let Limits { reader: _, idle, half_closed } = limits;
        Self((idle.is_some() || half_closed.is_some()).then(|| {
            let since = Instant::now();
            let timer = Box::pin(sleep_until(since));
            Watch { idle, half_closed, is_half_closed: false, since, moved: true, timer }.into()
        }))
    }

    /// A measurement that started this long ago, with no byte moved since.
    pub(super) fn since(limits: Limits, idle: Duration, is_half_closed: bool) -> Self {
        let mut inactivity = Self::new(limits);
        if let Some(watch) = &mut inactivity.0 {
            watch.since = watch.since.checked_sub(idle).unwrap_or(watch.since);
            watch.moved = false;
            watch.is_half_closed = is_half_closed;
        }
        inactivity
    }

    /// How long no byte has moved, if that is measured. The end of a direction counts
    /// as a byte.
    pub(super) fn idle(&self) -> Option<Duration> {
        let watch = self.0.as_ref()?;
        Some(if watch.moved { Duration::ZERO } else { watch.since.elapsed() })
    }

    /// Records what the last poll of both directions has moved.
    pub(super) fn note(&mut self, inward: &Direction, outward: &Direction) {
        if let Some(watch) = &mut self.0 {
            let is_half_closed = inward.is_done() || outward.is_done();
            // The end of a direction counts as the last of its bytes.
            watch.moved |=
                inward.has_moved() || outward.has_moved() || is_half_closed != watch.is_half_closed;
            watch.is_half_closed = is_half_closed;
        }
    }

    /// Ready when a limit is exceeded. Call it while nothing moves.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Inactive> {
        self.0.as_mut().map_or(Poll::Pending, |watch| watch.poll(cx))
    }
}

impl Watch {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Inactive> {
        if mem::take(&mut self.moved) {
            self.since = Instant::now();
        }
        let half_closed = self.half_closed.filter(|_| self.is_half_closed);
        let limits = [self.idle.map(Inactive::Idle), half_closed.map(Inactive::HalfClosed)];
        let Some(first) = limits.into_iter().flatten().min_by_key(|limit| limit.duration()) else {
            return Poll::Pending;
        };
        let deadline = self.since + first.duration();
        // A timer that is set to an earlier time is left, and set again when it
        // expires.
        if self.timer.deadline() > deadline {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(first);
            }
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl Inactive {
    fn duration(self) -> Duration {
        match self {
            Self::Idle(limit) | Self::HalfClosed(limit) => limit,
        }
    }
}
