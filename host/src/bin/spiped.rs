//! The daemon: accepts on one address, connects to another, and keeps one of
//! the two sides encrypted.

use std::env::args_os;
use std::process::ExitCode;

use spiped::cli::{self, Program};
use spiped::{observe, startup};

fn main() -> ExitCode {
    let mut args = args_os();
    let name = Program::Spiped.invoked_as(args.next().as_deref());
    let plan = match cli::spiped(args) {
        Ok(plan) => plan,
        Err(stop) => return stop.report(Program::Spiped, &name),
    };
    let log = observe::log::install(&name, plan.log_level);
    startup::spiped(plan, log).unwrap_or_else(|error| {
        log::error!("{error:#}");
        ExitCode::FAILURE
    })
}
