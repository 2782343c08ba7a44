//! Standard error: what an administrator has to know.

use alloc::format;
use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use wasip2::cli::stderr::get_stderr;

use crate::runtime::after;
use crate::settings::Program;

/// One line, with the program's name. WASI has no way to write it without
/// waiting for whoever reads it.
pub(crate) fn line(text: &str) {
    let name = if IS_SPIPE.load(Ordering::Relaxed) { "spipe" } else { "spiped" };
    raw(&format!("{name}: {text}\n"));
}

/// As it is.
pub(crate) fn raw(text: &str) {
    let stderr = get_stderr();
    for part in text.as_bytes().chunks(MOST) {
        // Without anyone to tell, there is nothing to be done.
        let _ = stderr.blocking_write_and_flush(part);
    }
}

/// Which program speaks.
pub(crate) fn speaks_for(program: Program) {
    IS_SPIPE.store(program == Program::Spipe, Ordering::Relaxed);
}

static IS_SPIPE: AtomicBool = AtomicBool::new(false);

/// What WASI takes at once.
const MOST: usize = 4096;

/// Lines that anyone can cause: one a second, and how many were left out.
pub(crate) struct Budget {
    next: Cell<u64>,
    left_out: Cell<u64>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { next: Cell::new(0), left_out: Cell::new(0) }
    }

    pub(crate) fn line(&self, text: &str) {
        if after(Duration::ZERO) < self.next.get() {
            self.left_out.set(self.left_out.get() + 1);
            return;
        }
        self.next.set(after(Duration::from_secs(1)));
        match self.left_out.replace(0) {
            0 => line(text),
            count => line(&format!("{text} (and {count} more of such lines)")),
        }
    }
}
