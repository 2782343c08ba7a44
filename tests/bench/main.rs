//! Compares encrypted pipes: throughput, latency, new connections, memory.
//!
//! It takes every [`FIGURES`](figures::FIGURES) entry of every
//! [`PEERS`](peers::PEERS) entry several times, in turn, so that whatever else
//! the machine does hits all peers alike, with new processes each time. It
//! prints tables in Markdown, and writes the same to `target/bench.json`.
//! `bench --help` says what else it can do.
//!
//! To add a peer or a figure, add an entry to its list.

mod affinity;
mod docs;
mod figures;
mod limits;
mod load;
mod machine;
mod markdown;
mod noise;
mod options;
mod others;
mod peers;
mod plot;
mod report;
mod results;
mod service;
mod targets;
mod tunnel;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::affinity::OneCore;
use crate::figures::{Figure, Measured, Subject};
use crate::machine::Machine;
use crate::options::Options;
use crate::others::Others;
use crate::peers::Entrant;
use crate::report::Report;
use crate::results::{Results, Round};
use crate::targets::Targets;

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
    let Some(options) = Options::parse(env::args_os().skip(1))? else {
        return print(&options::usage());
    };
    let report = match &options.from {
        Some(file) => Report::read(file)?,
        None => measure_all(&options)?,
    };
    if let Some(directory) = &options.plot {
        plot::draw(&report, directory)?;
        docs::update(&report, directory)?;
    }
    print(&markdown::document(&report))
}

/// Everything that is asked for, written to a file as well.
fn measure_all(options: &Options) -> Result<Report> {
    limits::raise()?;
    let machine = Machine::look_up()?;
    let versions = options.peers.iter().map(Entrant::description).collect::<Result<Vec<_>>>()?;
    let targets = Targets::start(options)?;
    let mut results = Results::new(options);
    let start = Instant::now();
    for round in 1..=options.rounds {
        for figure in options.figures.iter().filter(|figure| round <= figure.rounds) {
            note(&format!("round {round} of {}: {}", options.rounds, figure.title));
            results.add(figure, measure_peers(figure, options, round, &targets)?);
        }
    }
    let end = Instant::now() + start.elapsed() / REPETITION;
    for round in options.rounds + 1.. {
        let lacking = options.figures.iter().filter(|figure| results.lacks(figure));
        let lacking: Vec<_> = lacking.collect();
        if lacking.is_empty() || Instant::now() > end {
            break;
        }
        for figure in lacking {
            note(&format!("the machine was not quiet, once more: {}", figure.title));
            results.add(figure, measure_peers(figure, options, round, &targets)?);
            if Instant::now() > end {
                break;
            }
        }
    }
    let report = results.report(machine, versions);
    report.write(&options.json)?;
    Ok(report)
}

/// One figure of all peers that take part, every other time in reverse order.
fn measure_peers(
    figure: &Figure,
    options: &Options,
    round: usize,
    targets: &Targets,
) -> Result<Round> {
    let others = Others::watch()?;
    let mut peers: Vec<_> =
        options.peers.iter().filter(|peer| peer.takes_part(figure.id)).collect();
    if round.is_multiple_of(2) {
        peers.reverse();
    }
    let measured = peers.into_iter().map(|peer| {
        let measured = measure(figure, peer, targets);
        let measured = measured.with_context(|| format!("{}: {}", peer.name, figure.title))?;
        Ok((peer.id.clone(), measured))
    });
    let peers = measured.collect::<Result<_>>()?;
    Ok(Round { peers, others: others.share()? })
}

/// One figure of one peer, with processes of its own. If it fails, what they
/// had to say becomes part of the error.
fn measure(figure: &Figure, peer: &Entrant, targets: &Targets) -> Result<Measured> {
    let _one_core = if figure.on_one_core { Some(OneCore::enter()?) } else { None };
    let tunnel = peer.start(targets.endpoint(figure.target)?)?;
    let service = &targets.service;
    let subject = Subject { tunnel: &tunnel, service, amounts: &peer.peer.amounts };
    let measured = (figure.measure)(&subject);
    let measured = measured.with_context(|| format!("the daemons said {:?}", tunnel.stderr()));
    drop(tunnel);
    // The next peer must not share the machine with what this one left behind.
    service.wait_until_idle()?;
    measured
}

fn print(text: &str) -> Result<()> {
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

/// Progress and errors, beside the tables on standard output.
fn note(text: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Rounds are repeated for this part of the time that all of them took.
const REPETITION: u32 = 5;
