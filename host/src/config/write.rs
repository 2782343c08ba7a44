//! A file that says what settings are.

use super::options::{Key, OPTIONS, Opt, Scope};
use super::settings::{PipeSettings, ProcessSettings, Settings};
use super::{TextFile, file, show};

/// A file with these settings of a process and of its one pipe, which gets this
/// name. What goes without saying is left out.
pub(crate) fn write(process: &ProcessSettings, pipe: &PipeSettings, name: &str) -> String {
    let defaults = defaults(pipe);
    let (mut top, mut below) = (String::new(), String::new());
    for option in OPTIONS {
        let key = option.key;
        let usual = defaults.as_ref().map(|it| (show::of_process(key, &it.process), &it.pipes[0]));
        let (of_process, of_pipe) = match usual {
            Some((process, pipe)) => (process, show::of_pipe(key, pipe)),
            None => (None, None),
        };
        let said = show::of_process(key, process).filter(|said| Some(said) != of_process.as_ref());
        top += &line(option, said);
        let must = matches!(option.scope, Scope::Ends) || key == Key::Keys;
        let said = show::of_pipe(key, pipe).filter(|said| must || Some(said) != of_pipe.as_ref());
        below += &line(option, said);
    }
    if !top.is_empty() {
        top.push('\n');
    }
    format!("{top}[pipe.{name}]\n{below}")
}

/// The text of a file, and before it how to check and to run such a file.
pub(crate) fn with_head(text: &str, foreground: bool) -> String {
    let launch = if foreground { "spiped -F --config FILE" } else { "spiped --config FILE" };
    format!("# Check it with: spiped check FILE\n# Run it with: {launch}\n\n{text}")
}

/// Whether the settings in this text are the same when written and read again;
/// nothing if it is refused.
#[must_use]
pub fn settings_survive(text: &str) -> Option<bool> {
    let read = |text: String| file::parse(&[TextFile { path: "/etc/spiped.toml".into(), text }]);
    let Settings { process, pipes, .. } = read(text.to_owned()).ok()?.settings;
    let survives = |pipe: &PipeSettings| {
        let again = read(write(&process, pipe, &pipe.name));
        again.is_ok_and(|it| it.settings.process == process && it.settings.pipes == [pipe.clone()])
    };
    Some(pipes.iter().all(survives))
}

/// What is said about a key, with the letter that says it on a command line.
fn line(option: &Opt, said: Option<String>) -> String {
    let (Some(name), Some(mut said)) = (option.file, said) else { return String::new() };
    if option.key == Key::Strength {
        // Two keys are about it.
        if !name.starts_with(&said) {
            return String::new();
        }
        "true".clone_into(&mut said);
    }
    let letter = option.short.map_or_else(String::new, |letter| format!("  # -{letter}"));
    format!("{name} = {said}{letter}\n")
}

/// What is said of such a pipe if nothing is.
fn defaults(pipe: &PipeSettings) -> Option<Settings> {
    let mode = show::of_pipe(Key::Mode, pipe)?;
    let text =
        format!("[pipe.p]\nmode = {mode}\nsource = \"a:1\"\ntarget = \"b:1\"\nkey = \"k\"\n");
    let parsed = file::parse(&[TextFile { path: "/".into(), text }]);
    parsed.ok().map(|parsed| parsed.settings)
}
