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

use spiped::cli::{self, Program};
use spiped::daemon::startup;
use spiped::guest::Precompiled;
use spiped::handover::edition::{Edition, Formats};
use spiped::process::allocator::WipingAllocator;
use spiped::process::streams::open_standard_streams;
use spiped::{commands, observe};

#[global_allocator]
static HEAP: WipingAllocator = WipingAllocator;

spiped::before_main!(open_standard_streams);

fn main() -> ExitCode {
    let mut args = args_os().peekable();
    let name = Program::Spiped.invoked_as(args.next().as_deref());
    if let Some(command) = args.peek().and_then(|word| Program::command(word)) {
        return commands::run(command, args.skip(1), &name);
    }
    let wanted = match cli::spiped(args) {
        Ok(wanted) => wanted,
        Err(stop) => return stop.report(Program::Spiped, &name),
    };
    let parsed = match commands::settings(wanted) {
        Ok(parsed) => parsed,
        Err(error) => return commands::report(&name, &error),
    };
    let process = &parsed.settings.process;
    let log = observe::install(&name, process.log_level, process.log_format);
    let code = startup::spiped(&parsed, log, &edition()).unwrap_or_else(|error| {
        log::error!("{error:#}");
        ExitCode::FAILURE
    });
    log.finish();
    code
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
