//! The daemon: accepts on one address, connects to another, and keeps one of
//! the two sides encrypted.

use std::env::args_os;
use std::process::ExitCode;

use spiped::cli::{self, Program};
use spiped::daemon::startup;
use spiped::handover::edition::Edition;
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
    let code = startup::spiped(&parsed, log, &Edition::this()).unwrap_or_else(|error| {
        log::error!("{error:#}");
        ExitCode::FAILURE
    });
    log.finish();
    code
}
