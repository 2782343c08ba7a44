//! Steps of upgrades, reported to a test that may hold the process at one of them.
//!
//! In the folder is a file `steps`, to which a line `STEP PID` is appended at each
//! step, and `Begun PID` by a process that is to take over; and a file `hold`, which says at which step to stay until it says otherwise.
//! Both are opened before the daemon gives up the right to open files.

use std::env::var_os;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process;
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use spiped::handover::edition::Step;

static FILES: OnceLock<Files> = OnceLock::new();

struct Files {
    steps: File,
    hold: Mutex<File>,
}

/// Opens the files, if the environment says where they are.
pub(crate) fn open() {
    let Some(folder) = var_os("SPIPED_EDITION_STEPS") else { return };
    let folder = Path::new(&folder);
    let steps = OpenOptions::new().append(true).open(folder.join("steps"));
    let hold = File::open(folder.join("hold"));
    let files = Files { steps: steps.expect("steps"), hold: Mutex::new(hold.expect("hold")) };
    if var_os("SPIPED_HANDOVER").is_some() {
        files.report("Begun");
    }
    let _ = FILES.set(files);
}

/// Reports this step, and stays as long as it is the one to stay at.
pub(crate) fn at(step: Step) {
    let Some(files) = FILES.get() else { return };
    let step = format!("{step:?}");
    files.report(&step);
    while files.hold(&step) {
        thread::sleep(Duration::from_millis(2));
    }
}

impl Files {
    fn report(&self, step: &str) {
        let line = format!("{step} {}\n", process::id());
        let _ = (&self.steps).write_all(line.as_bytes());
    }

    fn hold(&self, step: &str) -> bool {
        let Ok(mut file) = self.hold.lock() else { return false };
        let mut named = String::new();
        let read = file.rewind().and_then(|()| file.read_to_string(&mut named));
        read.is_ok() && named.trim() == step
    }
}
