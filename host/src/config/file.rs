//! A file of settings.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::{Fault, Faults, FileWords, Launch, Origin, Place, Places, Settings, TextFile};
use crate::cli::{self, Wanted};

/// What files of settings say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// To be done.
    pub(crate) settings: Settings,
    /// Where each of them was said.
    pub(crate) places: Places,
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
        let process = &mut parsed.settings.process;
        match (&mut process.launch, &self.pid_file) {
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
fn parse(files: &[TextFile]) -> Result<Parsed, Faults> {
    let path = files.first().map(|file| file.path.clone()).unwrap_or_default();
    let place = Place { file: Arc::new(path.clone()), line: 1, column: 1 };
    let faults = |words: String| Faults(vec![Fault { place: place.clone(), words }]);
    let (mut pipes, mut places, mut process) = (Vec::new(), Places::default(), None);
    for file in files {
        let table = DeTable::parse(&file.text).map_err(|error| faults(error.to_string()))?;
        let Some(table) = table.get_ref().get("pipe").and_then(|it| it.get_ref().as_table()) else {
            continue;
        };
        for (name, pipe) in table.iter() {
            let mut words: Vec<OsString> = vec!["-F".into()];
            for (key, value) in pipe.get_ref().as_table().into_iter().flatten() {
                let text = match value.get_ref() {
                    DeValue::String(text) => text.to_string(),
                    DeValue::Integer(number) => number.to_string(),
                    _ => String::new(),
                };
                match (&**key.get_ref(), &*text) {
                    ("mode", "decrypt") => words.push("-d".into()),
                    ("mode", _) => words.push("-e".into()),
                    ("source", text) => words.extend(["-s".into(), text.into()]),
                    ("target", text) => words.extend(["-t".into(), text.into()]),
                    ("key", text) => words.extend(["-k".into(), text.into()]),
                    ("max-connections", text) => words.extend(["-n".into(), text.into()]),
                    (other, _) => return Err(faults(format!("Unknown key: {other}"))),
                }
            }
            let wanted = cli::spiped(words).map_err(|stop| faults(format!("{stop:?}")))?;
            let Wanted::Settings(mut settings) = wanted else { continue };
            if let Some(mut pipe) = settings.pipes.pop() {
                pipe.name = (&**name.get_ref()).into();
                places.note(Some(&pipe.name), "", place.clone());
                pipes.push(pipe);
            }
            process = Some(settings.process);
        }
    }
    let mut process = process.ok_or_else(|| faults("There is no pipe".to_owned()))?;
    process.launch = Launch::Daemon { pid_file: PathBuf::from("/run/spiped.pid"), syslog: false };
    let words = FileWords { path, foreground: false, pid_file: None };
    Ok(Parsed { settings: Settings { origin: Origin::File(words), process, pipes }, places })
}
