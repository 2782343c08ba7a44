//! Files of settings: what they say, or all that is wrong with them.

mod lines;
mod pipes;
mod read;
#[cfg(test)]
mod tests;

use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;

use super::build::Builder;
use super::given::Given;
use super::options::{Key, Scope};
use super::{Fault, Faults, FileWords, Launch, Origin, Place, Places, Settings, TextFile};
use lines::Source;
use pipes::Pipes;
use read::Reader;

/// What files of settings say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// To be done.
    pub settings: Settings,
    /// Where each of them was said.
    pub places: Places,
}

impl FileWords {
    /// Understands the file that was named and those beside it, as read, for a
    /// process that was started with these words.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub(crate) fn parse(&self, files: &[TextFile]) -> Result<Parsed, Faults> {
        let mut parsed = parse(files)?;
        parsed.settings.origin = Origin::File(self.clone());
        let launch = &mut parsed.settings.process.launch;
        match (launch, &self.pid_file) {
            (launch, _) if self.foreground => *launch = Launch::Foreground,
            (Launch::Daemon { pid_file, .. }, Some(given)) => pid_file.clone_from(given),
            (Launch::Daemon { .. } | Launch::Foreground, _) => {}
        }
        Ok(parsed)
    }
}

/// Understands the file of settings, which comes first, and those of
/// `pipes.d`.
///
/// # Errors
/// All that is wrong with them.
pub(crate) fn parse(files: &[TextFile]) -> Result<Parsed, Faults> {
    let path = files.first().map(|file| file.path.clone()).unwrap_or_default();
    let sources: Vec<_> = files.iter().map(Source::new).collect();
    let mut faults = Vec::new();
    let mut tables = Vec::new();
    for source in &sources {
        let (table, errors) = DeTable::parse_recoverable(source.text);
        let is_sound = errors.is_empty();
        let mut line = 0;
        for error in errors {
            let fault =
                source.fault(error.span().map_or(0, |span| span.start), error.message().to_owned());
            // What the parser finds behind its first fault in a line follows from that one.
            if fault.place.line != line {
                line = fault.place.line;
                faults.push(fault);
            }
        }
        // What is left of a table that is not understood would only mislead.
        tables.push(is_sound.then_some(table));
    }
    let is_sound = faults.is_empty();
    let mut said = Said::default();
    for (index, (source, table)) in sources.iter().zip(&tables).enumerate() {
        let Some(table) = table else { continue };
        let mut reader = Reader::new(source, &mut faults);
        said.read(&mut reader, table, index == 0);
    }
    // Without what is said in one file, others look wrong that are not.
    let parsed = if is_sound { said.build(&path, &mut faults) } else { None };
    match parsed {
        Some(parsed) if faults.is_empty() => Ok(parsed),
        _ => Err(in_order(faults, &sources)),
    }
}

/// All that was said.
#[derive(Default)]
struct Said {
    process: Given<Place>,
    defaults: Given<Place>,
    pipes: Pipes,
}

impl Said {
    fn read(&mut self, reader: &mut Reader<'_>, table: &Spanned<DeTable<'_>>, is_main: bool) {
        let table = table.get_ref();
        let process: &[_] = if is_main { &PROCESS } else { &[] };
        let tables: &[_] = if is_main { &[DEFAULTS, PIPE, BOTH_WAYS] } else { &[PIPE, BOTH_WAYS] };
        self.process.append(reader.table(table, process, tables));
        if let Some(defaults) = reader.subtable(table, DEFAULTS).filter(|_| is_main) {
            self.defaults = reader.table(defaults, &DEFAULT, &[]);
            if let Some(source) = self.defaults.take(Key::Source) {
                reader.refuse_shared(&source);
            }
            reader.refuse_twice(&self.process, &self.defaults);
        }
        self.pipes.read(reader, table);
    }

    /// Makes settings of it, if nothing is wrong.
    fn build(self, path: &Path, faults: &mut Vec<Fault>) -> Option<Parsed> {
        let mut places = Places::default();
        let mut builder = Builder::new(vec![&self.process, &self.defaults]);
        let process = builder.process(|| PID_FILE.into());
        let pipes = self.pipes.build(&self.defaults, &mut places, faults);
        for problem in builder.problems() {
            let words = problem.to_string();
            faults.extend(problem.place.map(|place| Fault { place, words }));
        }
        places.note_all(None, &self.process);
        places.note_all(None, &self.defaults);
        if pipes.is_empty() && faults.is_empty() {
            let place = Place { file: path.to_owned().into(), line: 1, column: 1 };
            faults.push(Fault { place, words: NO_PIPE.to_owned() });
        }
        let words = FileWords { path: path.to_owned(), foreground: false, pid_file: None };
        let settings = Settings { origin: Origin::File(words), process, pipes };
        faults.is_empty().then_some(Parsed { settings, places })
    }
}

/// As they stand in the files, each once.
fn in_order(mut faults: Vec<Fault>, sources: &[Source<'_>]) -> Faults {
    let index = |fault: &Fault| sources.iter().position(|it| it.path == fault.place.file);
    faults.sort_by_cached_key(|fault| (index(fault), fault.place.line, fault.place.column));
    faults.dedup();
    let left_out = faults.len().saturating_sub(FAULTS_MAX);
    faults.truncate(FAULTS_MAX);
    Faults { faults, left_out }
}

const DEFAULTS: &str = "defaults";
const PIPE: &str = "pipe";
const BOTH_WAYS: &str = "both-ways";
const PROCESS: [Scope; 2] = [Scope::Process, Scope::Log];
const DEFAULT: [Scope; 3] = [Scope::Ends, Scope::Pipe, Scope::Log];
/// More than anybody mends at once.
const FAULTS_MAX: usize = 100;
const PID_FILE: &str = "/run/spiped.pid";
const NO_PIPE: &str =
    "There is no pipe: write [pipe.NAME], with mode, source, target and key below it";
