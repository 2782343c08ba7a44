//! Where it begins: `wasi:cli/run`.

use alloc::string::String;

use wasip2::cli::environment::{get_arguments, get_environment};
use wasip2::cli::stdout::get_stdout;

use crate::runtime::Reactor;
use crate::settings::{Program, Settings, Stop, unknown_variables};
use crate::{log, pipe, spipe};

#[allow(unsafe_code, reason = "the exported symbols are generated")]
mod exports {
    wasip2::cli::command::export!(Spiped);
    use super::Spiped;
}

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    log::line(&alloc::format!("{info}"));
    core::arch::wasm32::unreachable()
}

struct Spiped;

impl wasip2::exports::cli::run::Guest for Spiped {
    fn run() -> Result<(), ()> {
        match settings() {
            Ok(settings) => run(settings).map_err(|problem| log::line(&problem)),
            Err(stop) => report(stop),
        }
    }
}

fn settings() -> Result<Settings, Stop> {
    let mut words = get_arguments();
    let name = if words.is_empty() { String::new() } else { words.remove(0) };
    let variables = get_environment();
    let program = Program::choose(&name, &mut words, &variables)?;
    log::speaks_for(program);
    for variable in unknown_variables(&variables) {
        log::line(&alloc::format!("unknown variable in the environment: {variable}"));
    }
    Settings::read(program, &words, &variables)
}

/// Runs to the end, which `spiped` has only if it fails.
fn run(settings: Settings) -> Result<(), String> {
    let runtime = Reactor::leaked();
    match settings {
        Settings::Spiped(settings) => runtime.run(pipe::run(runtime, settings)),
        Settings::Spipe(settings) => runtime.run(spipe::run(runtime, settings)),
    }
}

fn report(stop: Stop) -> Result<(), ()> {
    match stop {
        Stop::Answer(text) => {
            for part in alloc::format!("{}\n", text.trim_end()).as_bytes().chunks(4096) {
                get_stdout().blocking_write_and_flush(part).map_err(drop)?;
            }
            Ok(())
        }
        Stop::UpstreamVersion(text) => {
            log::raw(&alloc::format!("{text}\n"));
            Ok(())
        }
        Stop::Usage(text) | Stop::Value(text) => {
            log::line(text.trim_end());
            Err(())
        }
    }
}
