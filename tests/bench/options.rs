//! The command line.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lexopt::{Arg, ValueExt};

use crate::figures::{FIGURES, Figure};
use crate::peers::{Entrant, PEERS};

/// What to do.
pub(crate) struct Options {
    /// How often everything is measured.
    pub(crate) rounds: usize,
    /// What is measured.
    pub(crate) figures: Vec<&'static Figure>,
    /// Of whom.
    pub(crate) peers: Vec<Entrant>,
    /// Where the results go.
    pub(crate) json: PathBuf,
    /// The directory that plots are drawn in.
    pub(crate) plot: Option<PathBuf>,
    /// The results of an earlier run, to be used instead of a new one.
    pub(crate) from: Option<PathBuf>,
}

impl Options {
    /// Those in the arguments; nothing if it is the usage that is wanted.
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Self>> {
        let mut options = Self {
            rounds: DEFAULT_ROUNDS,
            figures: FIGURES.iter().collect(),
            peers: PEERS.iter().map(Entrant::usual).collect(),
            json: JSON.into(),
            plot: None,
            from: None,
        };
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("rounds") => {
                    options.rounds = parser.value()?.parse().context("--rounds")?;
                    if options.rounds == 0 {
                        bail!("--rounds 0 would measure nothing");
                    }
                }
                Arg::Long("only") => {
                    options.figures = choose(FIGURES, |f| f.id, &parser.value()?.string()?)?;
                }
                Arg::Long("peers") => {
                    let asked = parser.value()?.string()?;
                    let peers = asked.split(',').map(Entrant::asked_for);
                    options.peers = peers.collect::<Result<_>>()?;
                    let ids = options.peers.iter().map(|peer| &peer.id);
                    if ids.collect::<HashSet<_>>().len() < options.peers.len() {
                        bail!("--peers {asked} names one twice");
                    }
                }
                Arg::Long("json") => options.json = parser.value()?.into(),
                Arg::Long("plot") => options.plot = Some(parser.value()?.into()),
                Arg::Long("from") => options.from = Some(parser.value()?.into()),
                Arg::Long("help") => return Ok(None),
                Arg::Long(_) | Arg::Short(_) | Arg::Value(_) => {
                    return Err(arg.unexpected().into());
                }
            }
        }
        Ok(Some(options))
    }
}

/// How to call the program.
pub(crate) fn usage() -> String {
    format!(
        "usage: bench [--rounds N] [--only FIGURE,...] [--peers PEER,...] [--json FILE]
             [--plot DIRECTORY]
       bench --from FILE [--plot DIRECTORY]

Compares encrypted pipes, side by side. All of it takes about 15 minutes on a
quiet machine. Rounds in which the machine was not quiet are taken again, for at
most a fifth of the time.

  --rounds N         take every figure N times, some fewer times; default {DEFAULT_ROUNDS}
  --only FIGURE,...  some figures: {}
  --peers PEER,...   some peers: {}
                     PEER=PROGRAM is another build of one
  --json FILE        write the results there; default target/bench.json
  --plot DIRECTORY   draw performance.svg and memory.svg there, and put the tables
                     into its performance.md, if there is one
  --from FILE        measure nothing, use the results of an earlier run
",
        ids(FIGURES, |f| f.id),
        ids(PEERS, |p| p.id)
    )
}

/// Those entries of a list that are asked for, in the order of the list.
fn choose<T>(all: &'static [T], id: fn(&T) -> &str, asked: &str) -> Result<Vec<&'static T>> {
    if let Some(unknown) = asked.split(',').find(|name| !all.iter().any(|entry| id(entry) == *name))
    {
        bail!("{unknown:?} is none of {}", ids(all, id));
    }
    Ok(all.iter().filter(|entry| asked.split(',').any(|name| id(entry) == name)).collect())
}

fn ids<T>(all: &[T], id: fn(&T) -> &str) -> String {
    all.iter().map(id).collect::<Vec<_>>().join(", ")
}

const DEFAULT_ROUNDS: usize = 5;

const JSON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench.json");

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Option<Options>> {
        Options::parse(args.iter().map(OsString::from))
    }

    #[test]
    fn everything_is_measured_five_times_unless_said_otherwise() {
        let options = parse(&[]).expect("good arguments").expect("not the usage");
        assert_eq!(options.rounds, 5);
        assert_eq!(options.figures.len(), FIGURES.len());
        assert_eq!(options.peers.len(), PEERS.len());
    }

    #[test]
    fn some_figures_and_peers_can_be_chosen() {
        let args = ["--only", "start,bulk-1", "--peers=spiped-ours", "--rounds", "2"];
        let options = parse(&args).expect("good arguments").expect("not the usage");
        assert_eq!(options.rounds, 2);
        assert!(options.figures.iter().map(|f| f.id).eq(["bulk-1", "start"]));
        assert!(options.peers.iter().map(|p| p.id.as_str()).eq(["spiped-ours"]));
    }

    #[test]
    fn other_builds_of_a_peer_can_be_compared() {
        let args = ["--peers", "spiped-ours=/bin/sh,haproxy,spiped-ours=/bin/ls"];
        let options = parse(&args).expect("good arguments").expect("not the usage");
        let ids = ["spiped-ours=/bin/sh", "haproxy", "spiped-ours=/bin/ls"];
        assert!(options.peers.iter().map(|p| p.id.as_str()).eq(ids));
    }

    #[test]
    fn other_arguments_are_refused() {
        let cases = [
            &["--rounds"][..],
            &["--rounds", "x"],
            &["--rounds", "0"],
            &["--only", "bulk"],
            &["--only", ""],
            &["--peers", "x"],
            &["--peers", "haproxy,haproxy"],
            &["--peers", "direct=/bin/sh"],
            &["--peers", "spiped-ours=/no/such/file"],
            &["2"],
        ];
        for args in cases {
            assert!(parse(args).is_err(), "{args:?}");
        }
    }
}
