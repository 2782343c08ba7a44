//! What the component costs in each host, as a table for `docs/performance.md`:
//! `bench-hosts [--floors]`. With `--floors`, fails if a figure is worse than it may be
//! on the machine that the floors are for: an AMD EPYC with 2 cores.

#![allow(clippy::unwrap_used, reason = "a benchmark reports by panicking")]
#![allow(clippy::print_stdout, reason = "what it is for")]

mod carried;

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;

use spiped_host_tests::{BUN, C, DENO, Host, NODE, PYTHON, WASI, figures};
use spiped_tests::Origin;

use carried::{received, round_trip, sent};

/// Of what the component costs alone.
const REPETITIONS: u32 = 400;

/// Figures by their names.
type Figures = BTreeMap<String, f64>;

/// What a figure may not fall short of, or exceed.
enum Floor {
    AtLeast(&'static str, f64),
    AtMost(&'static str, f64),
    /// So many times what our own program has.
    Times(&'static str, f64),
}

use Floor::{AtLeast, AtMost, Times};

/// The hosts, with their floors.
const HOSTS: &[(&Host, &[Floor])] = &[
    (&NODE, &[AtLeast(SEAL, 80.0), AtLeast(OPEN, 80.0), AtMost("instance, CPU ms", 1.0)]),
    (&BUN, &[]),
    (&DENO, &[]),
    (&PYTHON, &[AtLeast(SEAL, 40.0), AtLeast(OPEN, 40.0)]),
    (&C, &[AtLeast(SEAL, 60.0), AtLeast(OPEN, 60.0)]),
    (&WASI, &[AtLeast(SENDS, 40.0), AtLeast(RECEIVES, 40.0), Times(ROUND_TRIP, 4.0)]),
];

const SEAL: &str = "seal, MB/s";
const OPEN: &str = "open, MB/s";
const SENDS: &str = "client sends, MB/s";
const RECEIVES: &str = "client receives, MB/s";
const ROUND_TRIP: &str = "round trip of 64 bytes, µs";

/// The rows, in order.
const ROWS: &[&str] = &[
    SEAL,
    OPEN,
    "public value, µs",
    "shared value, µs",
    "instance, CPU ms",
    "session, KiB",
    SENDS,
    RECEIVES,
    ROUND_TRIP,
];

fn main() -> ExitCode {
    let checks = env::args().any(|word| word == "--floors");
    let ours = carried(Origin::Ours);
    let mut columns = vec![("our `spipe`", ours.clone())];
    let mut below = Vec::new();
    for (host, floors) in HOSTS {
        let figures = measure(host);
        below.extend(floors.iter().filter_map(|floor| floor.missed(host, &figures, &ours)));
        columns.push((host.name, figures));
    }
    print_table(&columns);
    for line in &below {
        println!("{line}");
    }
    if checks && !below.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn measure(host: &'static Host) -> Figures {
    let mut all = carried(Origin::Foreign(&host.programs));
    if !host.figures.is_empty() {
        all.extend(figures(host, REPETITIONS));
    }
    all
}

/// Through a client of this origin and our own server.
fn carried(client: Origin) -> Figures {
    [(SENDS, sent(client)), (RECEIVES, received(client)), (ROUND_TRIP, round_trip(client))]
        .map(|(name, figure)| (name.to_owned(), figure))
        .into()
}

impl Floor {
    /// What is to be said if the host does not reach it.
    fn missed(&self, host: &Host, figures: &Figures, ours: &Figures) -> Option<String> {
        let (name, holds, limit) = match *self {
            AtLeast(name, limit) => (name, figures[name] >= limit, limit),
            AtMost(name, limit) => (name, figures[name] <= limit, limit),
            Times(name, times) => (name, figures[name] <= times * ours[name], times * ours[name]),
        };
        let what =
            format!("{}: {name}: {:.3}, and the floor is {limit:.3}", host.name, figures[name]);
        (!holds).then_some(what)
    }
}

fn print_table(columns: &[(&str, Figures)]) {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    println!("| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for row in ROWS {
        let cells =
            columns.iter().map(|(_, figures)| figures.get(*row).copied().map_or("–".into(), cell));
        println!("| {row} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

/// Three digits.
fn cell(figure: f64) -> String {
    match figure {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}
