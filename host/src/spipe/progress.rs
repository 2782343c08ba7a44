//! How far `spipe` has come, for whoever watches it in a terminal.
//!
//! A thread of its own writes: a terminal that has been stopped stops nothing but
//! that.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, SeekFrom, fstat, seek};
use rustix::io::write;
use rustix::stdio::{stderr, stdin};
use rustix::termios::isatty;

use crate::connection::live::{Live, Stage};
use crate::connection::tally::Traffic;
use crate::control::words::{bytes, time};

/// Between two lines.
const PERIOD: Duration = Duration::from_millis(250);
/// A rate is that of so many periods.
const RATE_PERIODS: usize = 20;
/// How long to wait until the terminal has taken the end of the line.
const PATIENCE: Duration = Duration::from_millis(100);
/// To the end of the line.
const ERASE: &str = "\r\x1b[K";

/// A line in the terminal, until it ends.
pub(super) struct Progress {
    /// Nothing is sent: it is dropped.
    stop: SyncSender<()>,
    erased: Receiver<()>,
}

impl Progress {
    /// Shows that of a connection in the terminal that standard error is; `None` if
    /// it is none. Where standard input is a file, it is known how much is to come.
    ///
    /// # Errors
    /// When the system is short of threads.
    pub(super) fn show(live: Arc<Live>) -> io::Result<Option<Self>> {
        if !isatty(stderr()) {
            return Ok(None);
        }
        let total = input_len();
        let ((stop, stopped), (erase, erased)) = (sync_channel::<()>(0), sync_channel(1));
        thread::Builder::new().name("progress".into()).spawn(move || {
            let mut samples = Samples::default();
            let mut last = Instant::now();
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                let before = mem::replace(&mut last, Instant::now());
                if live.stage() != Stage::Established {
                    continue;
                }
                if samples.0.is_empty() {
                    samples.push(before, Traffic::default());
                }
                samples.push(last, live.traffic());
                put(&format!("{ERASE}{}", samples.line(total)));
            }
            if !samples.0.is_empty() {
                put(ERASE);
            }
            let _ = erase.send(());
        })?;
        Ok(Some(Self { stop, erased }))
    }

    /// Erases it, if the terminal takes that at once.
    pub(super) fn end(self) {
        drop(self.stop);
        let _ = self.erased.recv_timeout(PATIENCE);
    }
}

/// What is left of standard input, if it is a file.
fn input_len() -> Option<u64> {
    let status = fstat(stdin()).ok()?;
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        return None;
    }
    let read = seek(stdin(), SeekFrom::Current(0)).ok()?;
    u64::try_from(status.st_size).ok()?.checked_sub(read)
}

/// Not through a lock that the log might wait for.
fn put(text: &str) {
    // Whoever does not take it does not want it.
    let _ = write(stderr(), text.as_bytes());
}

/// What was moved lately.
#[derive(Default)]
struct Samples(VecDeque<(Instant, Traffic)>);

impl Samples {
    fn push(&mut self, now: Instant, traffic: Traffic) {
        if self.0.len() > RATE_PERIODS {
            self.0.pop_front();
        }
        self.0.push_back((now, traffic));
    }

    /// `total` is how many bytes there are to be sent.
    fn line(&self, total: Option<u64>) -> String {
        let (Some((first, before)), Some((last, now))) = (self.0.front(), self.0.back()) else {
            return String::new();
        };
        let seconds = last.duration_since(*first).as_secs_f64();
        let (sending, receiving) =
            (rate(now.sent - before.sent, seconds), rate(now.received - before.received, seconds));
        let mut line = format!("sent {}, {}/s", bytes(now.sent), bytes(sending));
        if let Some(left) = total.and_then(|total| total.checked_sub(now.sent))
            && sending > 0
        {
            #[allow(clippy::cast_precision_loss, reason = "it is shown in seconds")]
            let seconds = left as f64 / sending as f64;
            // Writing to a string cannot fail.
            let _ = write!(line, ", {} left", time(seconds));
        }
        if now.received > 0 {
            let _ = write!(line, "; received {}, {}/s", bytes(now.received), bytes(receiving));
        }
        line
    }
}

fn rate(moved: u64, seconds: f64) -> u64 {
    if seconds <= 0.0 {
        return 0;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "the cast saturates, which is fine for what is shown"
    )]
    let rate = (moved as f64 / seconds) as u64;
    rate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_tells_rates_and_the_time_left_if_the_size_is_known() {
        let mut samples = Samples::default();
        assert_eq!(samples.line(None), "");
        let start = Instant::now();
        let traffic = |sent, received| Traffic { sent, received };
        samples.push(start, traffic(0, 0));
        assert_eq!(samples.line(Some(1 << 30)), "sent 0, 0/s");
        samples.push(start + Duration::from_secs(2), traffic(20 << 20, 0));
        assert_eq!(samples.line(None), "sent 20M, 10M/s");
        assert_eq!(samples.line(Some(1220 << 20)), "sent 20M, 10M/s, 2 min left");
        samples.push(start + Duration::from_secs(4), traffic(20 << 20, 4096));
        assert_eq!(
            samples.line(Some(1220 << 20)),
            "sent 20M, 5.0M/s, 4 min left; received 4.0K, 1.0K/s"
        );
        // A file that has grown meanwhile.
        assert!(!samples.line(Some(1)).contains("left"));
    }

    #[test]
    fn rate_is_that_of_the_last_seconds() {
        let (mut samples, start) = (Samples::default(), Instant::now());
        for period in 0..100 {
            let sent = if period < 50 { u64::from(period) << 20 } else { 50 << 20 };
            samples.push(start + PERIOD * period, Traffic { sent, received: 0 });
        }
        assert_eq!(samples.line(None), "sent 50M, 0/s");
        assert_eq!(samples.0.len(), RATE_PERIODS + 1);
    }
}
