//! Records live conversations with Debian's `spiped` into
//! `tests/transcripts`, in place of those recorded before.

use std::io;

use spiped_component_tests::{Builds, folder, record};

fn main() -> io::Result<()> {
    let builds = Builds::load(1);
    record::all(&builds).try_for_each(|case| folder::save(&case))
}
