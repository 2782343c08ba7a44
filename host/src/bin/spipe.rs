//! One connection between standard input and output and an encrypted target.

use std::env::args_os;
use std::process::ExitCode;

use spiped::cli::{self, Program};
use spiped::process::allocator::WipingAllocator;
use spiped::process::streams::open_standard_streams;
use spiped::spipe::inherited::look_at_sigpipe;
use spiped::{observe, spipe};

#[global_allocator]
static HEAP: WipingAllocator = WipingAllocator;

spiped::before_main!(open_standard_streams);
spiped::before_main!(look_at_sigpipe);

fn main() -> ExitCode {
    let mut args = args_os();
    let name = Program::Spipe.invoked_as(args.next().as_deref());
    let settings = match cli::spipe(args) {
        Ok(settings) => settings,
        Err(stop) => return stop.report(Program::Spipe, &name),
    };
    let log = observe::install(&name, settings.log_level, settings.log_format);
    let code = spipe::run(&settings, log).unwrap_or_else(|error| {
        log::error!("{error:#}");
        ExitCode::FAILURE
    });
    log.finish();
    code
}
