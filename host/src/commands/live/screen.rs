//! A terminal that is drawn again and again, and is left as it was found.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// The user's terminal, or whatever takes standard output in its place.
pub(super) struct Screen {
    is_terminal: bool,
    /// How the terminal of standard input was set, if it is one.
    before: Option<Termios>,
    told_to_end: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal over until this is dropped.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub(super) fn open() -> io::Result<Self> {
        let told_to_end = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, told_to_end.clone())?;
        }
        let is_terminal = io::stdout().is_terminal();
        let before = if is_terminal { take_keys() } else { None };
        let screen = Self { is_terminal, before, told_to_end };
        if is_terminal {
            write("\x1b[?1049h\x1b[?25l")?;
        }
        Ok(screen)
    }

    /// Shows this text, as much as fits, in place of what was there before. Where
    /// there is no terminal, all of it comes after what was there.
    ///
    /// # Errors
    /// When nobody takes it.
    pub(super) fn show(&self, text: &str) -> io::Result<()> {
        if !self.is_terminal {
            return write(&format!("{text}\n"));
        }
        let size = tcgetwinsize(io::stdout()).map(|size| (size.ws_row.into(), size.ws_col.into()));
        let (rows, columns) = size.ok().filter(|size| *size != (0, 0)).unwrap_or((24, 80));
        write(&format!("\x1b[H{}\x1b[J", fit(text, rows, columns)))
    }

    /// Waits for so long. Says whether the user wants no more.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn wait(&self, period: Duration) -> io::Result<bool> {
        let end = Instant::now() + period;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if self.told_to_end.load(Ordering::Relaxed) {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            let stdin = io::stdin();
            let mut keys = [PollFd::new(&stdin, PollFlags::IN)];
            let watched = if self.before.is_some() { &mut keys[..] } else { &mut [] };
            let limit = Timespec::try_from(left).map_err(io::Error::other)?;
            match poll(watched, Some(&limit)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => {
                    if wants_to_quit()? {
                        return Ok(true);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
        if self.is_terminal {
            let _ = write("\x1b[?25h\x1b[?1049l");
        }
    }
}

/// Has keys come one by one and unseen. To stop the program in the middle would
/// leave the terminal as it is, so that key does nothing.
fn take_keys() -> Option<Termios> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).ok()?;
    let mut taken = before.clone();
    taken.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
    taken.special_codes[SpecialCodeIndex::VSUSP] = 0;
    tcsetattr(&stdin, OptionalActions::Now, &taken).ok()?;
    Some(before)
}

/// Whether one of the keys that were pressed is `q`, or no more can be.
fn wants_to_quit() -> io::Result<bool> {
    let mut keys = [0; 64];
    match rustix::io::read(io::stdin(), &mut keys) {
        Ok(0) => Ok(true),
        Ok(count) => Ok(keys[..count].iter().any(|key| b"qQ".contains(key))),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The first rows and columns of a text, each row to be cleared behind it. The
/// last row says how many there is no room for.
fn fit(text: &str, rows: usize, columns: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    let shown = if lines.len() > rows { rows.saturating_sub(1) } else { lines.len() };
    let mut fitted: Vec<String> =
        lines[..shown].iter().map(|line| line.chars().take(columns).collect()).collect();
    if lines.len() > shown {
        let more = format!("({} more lines; spiped status shows all)", lines.len() - shown);
        fitted.push(more.chars().take(columns).collect());
    }
    // No line break after the last row: it would move all of them up.
    fitted.join("\x1b[K\n") + "\x1b[K"
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        assert_eq!(fit("a\nb\n", 2, 80), "a\x1b[K\nb\x1b[K");
        let fitted = fit("first\nb\nc\n", 2, 4);
        assert_eq!(fitted, "firs\x1b[K\n(2 m\x1b[K");
    }
}
