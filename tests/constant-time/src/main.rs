//! Checks that no branch and no address depends on a secret, except where the
//! outcome is public: `constant-time quick|full`, from the top of the tree.
//!
//! `run.sh` builds what this needs. See `docs/security.md`, "Constant time".

mod finding;
mod machine_code;
mod valgrind;
mod verdicts;

use std::collections::BTreeSet;
use std::env::args;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use finding::Finding;
use machine_code::MachineCode;
use verdicts::{Known, Line, VERDICTS, WEAK_COMPONENT, WEAK_FUNCTIONS};

const PROGRAM: &str = "target/release/poisoned";
/// `weaken.sh` makes this.
const WEAKENED: &str = "target/weakened";

/// What `make test` has time for: the powers of X25519, both derivations,
/// packets, and the search among keys.
const QUICK: [&str; 2] = ["packets", "key-search-x25519"];

/// What packet cryptography has a part in.
const PACKETS: [&str; 2] = ["packets", "plaintext"];

fn main() -> Result<ExitCode> {
    let args: Vec<String> = args().skip(1).collect();
    let mut check = Check::default();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["quick"] => check.quick()?,
        ["full"] => check.full()?,
        _ => bail!("usage: constant-time quick|full"),
    }
    Ok(if check.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[derive(Default)]
struct Check {
    failed: bool,
    /// The lines of verdicts that were found.
    passed: BTreeSet<Line<'static>>,
}

impl Check {
    fn quick(&mut self) -> Result<()> {
        self.weak("weak functions", &run("weakened", &[], None)?, WEAK_FUNCTIONS)?;
        self.strong("native crate, in part", &run("crate", &QUICK, None)?)?;
        self.strong("packets on vectors", &run("parallel", &PACKETS, None)?)
    }

    fn full(&mut self) -> Result<()> {
        self.weak("weak functions", &run("weakened", &[], None)?, WEAK_FUNCTIONS)?;
        let weakened = Component { tree: Path::new(WEAKENED), world: "native" };
        self.weak("weak component", &run_component(&weakened)?, WEAK_COMPONENT)?;

        self.strong("native crate", &run("crate", &[], None)?)?;
        self.strong("packets on vectors", &run("parallel", &PACKETS, None)?)?;
        let production = Component { tree: Path::new(""), world: "native" };
        self.strong("production component", &run_component(&production)?)?;
        let portable = Component { tree: Path::new(""), world: "portable" };
        self.strong("portable component", &run_component(&portable)?)?;
        // A list that nothing is taken off grows, and excuses more and more.
        for Known { what, lines } in VERDICTS {
            for line in *lines {
                if !self.passed.contains(line) {
                    self.fail(&format!("never happened, {what}: {line:?}"))?;
                }
            }
        }
        Ok(())
    }

    /// All findings are known verdicts.
    fn strong(&mut self, name: &str, findings: &BTreeSet<Finding>) -> Result<()> {
        let mut passed = BTreeSet::new();
        for finding in findings {
            let mut lines = VERDICTS.iter().flat_map(|verdict| verdict.lines);
            match lines.find(|line| finding.is_in(line)) {
                Some(line) => _ = passed.insert(*line),
                None => self.fail(&format!("{name}: {finding}"))?,
            }
        }
        say(&format!("{name}: {} lines with public verdicts", passed.len()))?;
        self.passed.extend(passed);
        Ok(())
    }

    /// What is weak is found.
    fn weak(&mut self, name: &str, findings: &BTreeSet<Finding>, weak: &[Known]) -> Result<()> {
        for Known { what, lines } in weak {
            if lines.iter().all(|line| findings.iter().any(|finding| finding.is_in(line))) {
                say(&format!("{name}: found {what}"))?;
            } else {
                self.fail(&format!("{name}: did not find {what}"))?;
            }
        }
        Ok(())
    }

    fn fail(&mut self, message: &str) -> Result<()> {
        self.failed = true;
        say(&format!("FAILED: {message}"))
    }
}

/// A component, by the tree of sources that it was built from and in, and its
/// WIT world.
struct Component<'a> {
    tree: &'a Path,
    world: &'a str,
}

impl Component<'_> {
    fn machine_code(&self) -> PathBuf {
        self.tree.join(format!("target/components/spiped-{}.cwasm", self.world))
    }

    fn encoded(&self) -> PathBuf {
        self.tree.join(format!("target/components/spiped-{}.wasm", self.world))
    }

    /// With debug information.
    fn core_module(&self) -> PathBuf {
        let built = "wasm32-unknown-unknown/component/spiped_core.wasm";
        self.tree.join(format!("target/wasm/{}/{built}", self.world))
    }
}

/// Runs all operations in a component. Its machine code is loaded from the file:
/// in the daemon the same is a part of the program, where it has names, but the
/// wrong ones.
fn run_component(component: &Component<'_>) -> Result<BTreeSet<Finding>> {
    let machine_code = component.machine_code();
    run(machine_code.to_str().context("a path of UTF-8")?, &[], Some(component))
}

/// Runs groups of operations in a world, all if none is named.
fn run(
    world: &str,
    groups: &[&str],
    component: Option<&Component<'_>>,
) -> Result<BTreeSet<Finding>> {
    let arguments: Vec<_> = [world].into_iter().chain(groups.iter().copied()).collect();
    fs::create_dir_all("target/constant-time")?;
    let name = world.replace('/', "-");
    let xml = PathBuf::from(format!("target/constant-time/{name}.xml"));
    let run = valgrind::run(Path::new(PROGRAM), &arguments, &xml)?;
    let Some(component) = component else {
        let nowhere = |_| Ok(Vec::new());
        return run
            .reports
            .iter()
            .map(|report| Finding::new(report, nowhere, Path::new("")))
            .collect();
    };
    let hosts = |line: &&str| line.starts_with("packet cryptography");
    if let (Some(line), "native") = (run.output.lines().find(hosts), component.world) {
        say(line)?;
    }
    let machine_code = read(&component.machine_code())?;
    let encoded = read(&component.encoded())?;
    let core_module = read(&component.core_module())?;
    let code = MachineCode::parse(&machine_code, &encoded, &core_module)?;
    let at = code.loaded_at(&run.output)?;
    let places = |address: u64| code.places(address.wrapping_sub(at));
    run.reports.iter().map(|report| Finding::new(report, places, component.tree)).collect()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
