//! The daemon again, for tests of upgrades: a program that differs from the real one
//! in what its environment says, and in nothing if that says nothing.
//!
//! - `SPIPED_EDITION_FORMATS=OLDEST-NEWEST`: the versions of the hand-over it knows;
//! - `SPIPED_EDITION_COMPONENT=FILE`: its component, precompiled by this build;
//! - `SPIPED_EDITION_STEPS=FOLDER`: where it reports the steps of upgrades, and
//!   stops at one of them: see [`steps`].
#![allow(clippy::expect_used, reason = "a test tool reports by panicking")]

mod steps;

use std::env::{args_os, var_os};
use std::fs;
use std::process::ExitCode;

use spiped::cli::Program;
use spiped::commands;
use spiped::guest::Precompiled;
use spiped::handover::edition::{Edition, Formats};
use spiped::process::allocator::WipingAllocator;
use spiped::process::streams::open_standard_streams;

#[global_allocator]
static HEAP: WipingAllocator = WipingAllocator;

spiped::before_main!(open_standard_streams);

fn main() -> ExitCode {
    let mut args = args_os().peekable();
    let name = Program::Spiped.invoked_as(args.next().as_deref());
    match args.peek().and_then(|word| Program::command(word)) {
        Some(command) => commands::run(command, args.skip(1), &name),
        None => commands::serve(args, &name, &edition()),
    }
}

/// What the environment says.
fn edition() -> Edition {
    steps::open();
    Edition { formats: formats(), component: component(), at: steps::at }
}

fn formats() -> Formats {
    let Some(formats) = var_os("SPIPED_EDITION_FORMATS") else { return Formats::THIS };
    let versions = formats.to_str().and_then(|formats| formats.split_once('-'));
    let (oldest, newest) = versions.expect("SPIPED_EDITION_FORMATS=OLDEST-NEWEST");
    let version = |text: &str| text.parse().expect("a version");
    Formats { oldest: version(oldest), newest: version(newest) }
}

fn component() -> Option<Precompiled> {
    let code =
        fs::read(var_os("SPIPED_EDITION_COMPONENT")?).expect("SPIPED_EDITION_COMPONENT=FILE");
    // SAFETY: the build made it with the compiler and settings that this program was
    // built with. Nothing but a test says where it is.
    #[allow(unsafe_code, reason = "the promise about machine code")]
    Some(unsafe { Precompiled::new(code.leak()) })
}
