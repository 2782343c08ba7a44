//! One connection between standard input and output and an encrypted target.

use std::env::args_os;
use std::process::ExitCode;

use spiped::cli::{self, Program};
use spiped::process::allocator::WipingAllocator;
use spiped::{observe, spipe};

#[global_allocator]
static HEAP: WipingAllocator = WipingAllocator;

fn main() -> ExitCode {
    let mut args = args_os();
    let name = Program::Spipe.invoked_as(args.next().as_deref());
    let settings = match cli::spipe(args) {
        Ok(settings) => settings,
        Err(stop) => return stop.report(Program::Spipe, &name),
    };
    // Standard error it stays.
    let _ = observe::log::install(&name, settings.log_level);
    spipe::run(settings).unwrap_or_else(|error| {
        log::error!("{error:#}");
        ExitCode::FAILURE
    })
}
