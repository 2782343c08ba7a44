//! Where a report comes from, in the words of the source.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::valgrind::{Place, Report};
use crate::verdicts::{ANSWER, Line};

/// The folders whose code is ours. A report in another crate's belongs to the
/// line of ours that called it.
const OURS: [&str; 3] = ["core-wasm/src/", "host/src/", "tests/constant-time/subject/src/"];

/// A report, as far as it differs from others.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    what: String,
    /// The innermost first, as far as our line.
    places: Vec<Place>,
    /// The file of our line, from the top of the tree; empty if there is none.
    file: String,
    /// What our line says.
    text: String,
}

impl Finding {
    /// `unnamed` gives the places of code that valgrind has no names for;
    /// `tree` has the sources.
    pub(crate) fn new(
        report: &Report,
        unnamed: impl Fn(u64) -> Result<Vec<Place>>,
        tree: &Path,
    ) -> Result<Self> {
        let (mut places, mut file, mut text) = (Vec::new(), String::new(), String::new());
        for frame in &report.frames {
            match &frame.place {
                Some(place) => places.push(place.clone()),
                None => places.extend(unnamed(frame.address)?),
            }
            let ours = |place: &Place| OURS.iter().find_map(|folder| place.file.find(folder));
            if let Some((index, at)) =
                places.iter().enumerate().find_map(|(index, place)| Some((index, ours(place)?)))
            {
                let Place { file: full, line: number, .. } = &places[index];
                full[at..].clone_into(&mut file);
                text = line(&tree.join(&file), *number)?;
                places.truncate(index + 1);
                break;
            }
        }
        Ok(Self { what: report.what.clone(), places, file, text })
    }

    /// Whether it is in this line, or in what that calls of Rust's own library.
    /// The crates that we use have no verdicts to make.
    pub(crate) fn is_in(&self, line: &Line<'_>) -> bool {
        if (&*self.file, &*self.text) != *line {
            return false;
        }
        let Some((ours, called)) = self.places.split_last() else { return false };
        if *line == ANSWER {
            return ours.function == "find" && called.iter().any(writes_an_index);
        }
        let is_choice = called.first().is_some_and(makes_a_choice);
        called.iter().all(|place| {
            place.file.contains("/library/") || is_choice && place.file.contains(SUBTLE)
        })
    }
}

/// wasmtime's function for an `option<u32>`.
fn writes_an_index(place: &Place) -> bool {
    place.file.contains("/wasmtime-")
        && place.function.starts_with("linear_lower_to_memory<core::option::Option<u32>")
}

/// Where a comparison in constant time is done, and its outcome is made a
/// `Choice`: the compiler may put there the branch that our line takes by it.
fn makes_a_choice(place: &Place) -> bool {
    place.file.contains(SUBTLE) && place.function == "from"
}

const SUBTLE: &str = "/subtle-";

fn line(file: &Path, line: u32) -> Result<String> {
    let source =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = (line as usize).checked_sub(1).and_then(|index| source.lines().nth(index));
    Ok(text.unwrap_or_default().trim().to_owned())
}

/// All there is to know, on several lines.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    at `{}`", self.what, self.text)?;
        for Place { function, file, line } in &self.places {
            write!(f, "\n    in {function} ({file}:{line})")?;
        }
        Ok(())
    }
}
