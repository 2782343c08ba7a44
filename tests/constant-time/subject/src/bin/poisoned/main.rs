//! Runs the protocol's operations on poisoned secrets, for memcheck to report
//! what depends on them: `poisoned WORLD [GROUP...]`.
//!
//! A world is `crate`, the native crate; `parallel`, the same with the portable
//! component's packet cryptography; or the path of a precompiled component. See
//! `docs/security.md`, "Constant time".

#![deny(unsafe_code)]

mod memcheck;
mod operations;
mod weakened;

use std::env::args;
use std::fs;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::process::ExitCode;

use operations::groups;
use spiped::packet_crypto::Backend;
use spiped_core::{ParallelPacketCrypto, SoftPacketCrypto};
use spiped_subject::{Component, Crate, World};

fn main() -> ExitCode {
    let args: Vec<String> = args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let [world, groups @ ..] = &args[..] else {
        return fail("usage: poisoned WORLD [GROUP...]");
    };
    if !memcheck::is_watching() {
        return fail("this runs under valgrind only");
    }
    match *world {
        "weakened" => weakened::run(),
        "crate" => run(&Crate::<SoftPacketCrypto>(PhantomData), groups),
        "parallel" => run(&Crate::<ParallelPacketCrypto>(PhantomData), groups),
        path => run_component(&Component::precompiled(path), groups),
    }
    ExitCode::SUCCESS
}

/// Also shows where the machine code is: reports have only addresses in it.
fn run_component(component: &Component, groups: &[&str]) {
    say(&fs::read_to_string("/proc/self/maps").expect("the memory map"));
    // Memcheck does not offer all that this processor has.
    say(&format!("packet cryptography: {}\n", Backend::detect()));
    run(component, groups);
}

/// Runs the groups of operations, all if none is named.
fn run<W: World>(world: &W, wanted: &[&str]) {
    for (name, run) in groups() {
        if wanted.is_empty() || wanted.contains(&name) {
            run(world);
        }
    }
}

fn say(text: &str) {
    io::stdout().write_all(text.as_bytes()).expect("standard output");
}

fn fail(message: &str) -> ExitCode {
    // Standard error is valgrind's, too, and both are shown on a failure.
    writeln!(io::stderr(), "{message}").ok();
    ExitCode::FAILURE
}
