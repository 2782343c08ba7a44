//! Writes all synthetic cases into `tests/transcripts`, in place of those
//! that are there. Recorded ones stay.

use std::{fs, io};

use spiped_component_tests::{cases, folder};

fn main() -> io::Result<()> {
    for file in folder::transcripts().into_iter().filter(|file| !folder::is_recorded(file)) {
        fs::remove_file(file)?;
    }
    cases::all().iter().try_for_each(folder::save)
}
