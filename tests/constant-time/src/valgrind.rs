//! Runs a program under memcheck, and reads what it reports.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A use of something secret that an attacker may be able to measure.
pub(crate) struct Report {
    /// What memcheck says it is.
    pub(crate) what: String,
    /// The innermost first.
    pub(crate) frames: Vec<Frame>,
}

/// A place in machine code. Functions that were inlined there have frames of
/// their own.
pub(crate) struct Frame {
    pub(crate) address: u64,
    /// Absent in code that valgrind has no names for.
    pub(crate) place: Option<Place>,
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) function: String,
    /// As the compiler was given it, absolute mostly.
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) reports: Vec<Report>,
    /// What the program wrote to standard output.
    pub(crate) output: String,
}

/// Runs the program, which has to end well. `xml` is overwritten.
pub(crate) fn run(program: &Path, arguments: &[&str], xml: &Path) -> Result<Run> {
    let output = Command::new("valgrind")
        .args(["--tool=memcheck", "--quiet", "--leak-check=no", "--error-limit=no"])
        // Of wasm's frames and of those inlined: more than there are.
        .args(["--num-callers=64", "--read-inline-info=yes"])
        .args(["--xml=yes", &format!("--xml-file={}", xml.display())])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run valgrind")?;
    if !output.status.success() {
        bail!("{} {} under valgrind: {}", program.display(), arguments.join(" "), output.status);
    }
    let text = fs::read_to_string(xml).with_context(|| format!("cannot read {}", xml.display()))?;
    if !text.trim_end().ends_with("</valgrindoutput>") {
        bail!("{} is not complete", xml.display());
    }
    // XML comes with a search for leaks of memory, whatever the options say.
    let errors = elements(&text, "error");
    let errors = errors.filter(|error| !element(error, "kind").is_some_and(is_leak));
    let reports = errors.map(report).collect::<Result<_>>()?;
    Ok(Run { reports, output: String::from_utf8(output.stdout)? })
}

fn is_leak(kind: &str) -> bool {
    kind.starts_with("Leak_")
}

fn report(error: &str) -> Result<Report> {
    let what = element(error, "what")
        .or_else(|| element(error, "xwhat").and_then(|what| element(what, "text")))
        .or_else(|| element(error, "kind"))
        .context("a report of nothing")?;
    // More stacks may follow: of where memory was allocated.
    let stack = element(error, "stack").context("a report of no place")?;
    let frames = elements(stack, "frame").map(frame).collect::<Result<_>>()?;
    Ok(Report { what: unescape(what), frames })
}

fn frame(frame: &str) -> Result<Frame> {
    let address = element(frame, "ip").and_then(|ip| ip.strip_prefix("0x"));
    let address = u64::from_str_radix(address.context("a frame without address")?, 16)?;
    let text = |name| element(frame, name).map(unescape).unwrap_or_default();
    let place = element(frame, "fn").map(|function| Place {
        function: unescape(function),
        file: format!("{}/{}", text("dir"), text("file")),
        line: text("line").parse().unwrap_or_default(),
    });
    Ok(Frame { address, place })
}

/// The content of the first element of this name. Valgrind's have no
/// attributes and are not nested in one another.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    elements(text, name).next()
}

fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let close = format!("</{name}>");
    text.split(&format!("<{name}>"))
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(&close)?.0))
        .collect::<Vec<_>>()
        .into_iter()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
