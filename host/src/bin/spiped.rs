//! The daemon: accepts on one address, connects to another, and keeps one of
//! the two sides encrypted.

use std::env::args_os;
use std::process::ExitCode;

use spiped::cli::Program;
use spiped::commands;
use spiped::handover::edition::Edition;
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
        None => commands::serve(args, &name, &Edition::this()),
    }
}
