//! Compares encrypted pipes: throughput, latency, new connections, memory.
//!
//! `bench [--rounds N]` takes every [`FIGURES`] entry of every [`PEERS`] entry
//! N times, in turn, so that whatever else the machine does hits all peers
//! alike, with new processes each time. It prints tables in Markdown, and
//! writes the same to `target/bench.json`.
//!
//! To add a peer or a figure, add an entry to its list.

mod figures;
mod json;
mod load;
mod machine;
mod markdown;
mod peers;
mod results;
mod service;
mod tunnel;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::figures::{FIGURES, Figure, Values};
use crate::machine::Machine;
use crate::peers::{PEERS, Peer};
use crate::results::Results;
use crate::service::Service;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let rounds = rounds(env::args().skip(1))?;
    let machine = Machine::look_up()?;
    let versions = PEERS.iter().map(|peer| (peer.version)()).collect::<Result<Vec<_>>>()?;
    let service = Service::start().context("starting the service behind the pipes")?;
    let mut results = Results::new(rounds, machine, versions);
    for round in 1..=rounds {
        note(&format!("round {round} of {rounds}"));
        for (f, figure) in FIGURES.iter().enumerate() {
            for (p, peer) in PEERS.iter().enumerate() {
                let values = measure(figure, peer, &service)
                    .with_context(|| format!("{}: {}", peer.name, figure.title))?;
                results.add(f, p, values);
            }
        }
    }
    fs::write(JSON, json::document(&results)).with_context(|| format!("writing {JSON}"))?;
    io::stdout().lock().write_all(markdown::document(&results).as_bytes())?;
    Ok(())
}

/// One figure of one peer, with processes of its own. If it fails, what they
/// had to say becomes part of the error.
fn measure(figure: &Figure, peer: &Peer, service: &Service) -> Result<Values> {
    let tunnel = (peer.start)(service.endpoint())?;
    let measured = (figure.measure)(&tunnel, service, &peer.amounts);
    let measured = measured.with_context(|| format!("the daemons said {:?}", tunnel.stderr()));
    drop(tunnel);
    // The next peer must not share the machine with what this one left behind.
    service.wait_until_idle()?;
    measured
}

fn rounds(mut args: impl Iterator<Item = String>) -> Result<usize> {
    let rounds = match (args.next().as_deref(), args.next(), args.next()) {
        (None, ..) => DEFAULT_ROUNDS,
        (Some("--rounds"), Some(number), None) => {
            number.parse().with_context(|| format!("--rounds {number}"))?
        }
        _ => bail!("usage: bench [--rounds N]"),
    };
    if rounds == 0 {
        bail!("--rounds 0 would measure nothing");
    }
    Ok(rounds)
}

/// Progress and errors, beside the tables on standard output.
fn note(text: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(io::stderr(), "{text}");
}

const DEFAULT_ROUNDS: usize = 5;
const JSON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench.json");

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds_of(args: &[&str]) -> Result<usize> {
        rounds(args.iter().map(ToString::to_string))
    }

    #[test]
    fn rounds_are_five_unless_said_otherwise() {
        assert_eq!(rounds_of(&[]).unwrap_or(0), 5);
        assert_eq!(rounds_of(&["--rounds", "2"]).unwrap_or(0), 2);
    }

    #[test]
    fn other_arguments_are_refused() {
        for args in [&["--rounds"][..], &["--rounds", "x"], &["--rounds", "0"], &["2"]] {
            assert!(rounds_of(args).is_err(), "{args:?}");
        }
    }
}
