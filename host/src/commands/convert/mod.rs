//! From a command line, a unit, or the variables of one to a file of settings.

mod unit;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::cli::commands::ConvertWords;
use crate::cli::{self, Wanted};
use crate::config::write::{with_head, write};
use crate::config::{FileWords, Launch, Settings, TextFile};
use crate::keys::KeySource;
use crate::keys::file::KeyFile;
use crate::process::text_files::read;

/// Runs `spiped convert`.
///
/// # Errors
/// Why there is no such file.
pub(crate) fn convert(words: ConvertWords) -> Result<ExitCode> {
    let here = env::current_dir().context("Cannot find the current directory")?;
    let text = match words {
        ConvertWords::Options(words) => converted(words, None, &here)?,
        ConvertWords::File(path) => {
            of_file(&path, &here).with_context(|| path.display().to_string())?
        }
    };
    io::stdout().write_all(text.as_bytes()).context("Cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn of_file(path: &Path, here: &Path) -> Result<String> {
    let text = read(path)?.text;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let read_variables = |path: &Path| Ok(read(path)?.text);
    if text.lines().any(|line| line.trim() == "[Service]") {
        let instance = name.split_once('@').map_or("", |(_, instance)| instance);
        let words = unit::words(&text, instance, &read_variables)?;
        let left_out = unit::left_out(&text);
        if !left_out.is_empty() {
            log::warn!(
                "Not in the settings file: {} (add what is still needed to the unit that runs it: \
                 systemctl edit spiped.service)",
                left_out.join(", ")
            );
        }
        let name = if instance.is_empty() { &name } else { instance };
        return converted(words, Some(name), here);
    }
    // Of an instance of our unit: the only one that has the variables here.
    let variables = |_: &Path| Ok(text.clone());
    converted(unit::words(UNIT, &name, &variables)?, Some(&name), here)
}

/// The file that says what these words do.
fn converted(words: Vec<OsString>, name: Option<&str>, here: &Path) -> Result<String> {
    let wanted = cli::spiped(words).map_err(|stop| anyhow!("{stop}"))?;
    let Wanted::Settings(mut settings) = wanted else {
        bail!("It uses --config: its settings are in a file already");
    };
    make_absolute(&mut settings, here)?;
    let name = name.map_or_else(|| name_of_keys(&settings), pipe_name);
    let mut pipe = settings.pipes.pop().context("It describes no pipe")?;
    let text = write(&settings.process, &pipe, &name);

    // What a file cannot say must not be lost without a word.
    let path = here.join("spiped.toml");
    let foreground = settings.process.launch == Launch::Foreground;
    let words = FileWords { path: path.clone(), foreground, pid_file: None };
    let parsed = words.parse(&[TextFile { path, text: text.clone() }])?;
    pipe.name = name.as_str().into();
    let same = parsed.settings.process == settings.process && parsed.settings.pipes == [pipe];
    ensure!(same, "A settings file cannot hold all of it: a path in it is not UTF-8");

    Ok(with_head(&text, foreground))
}

fn make_absolute(settings: &mut Settings, here: &Path) -> Result<()> {
    let process = &mut settings.process;
    if let Launch::Daemon { pid_file, .. } = &mut process.launch {
        *pid_file = here.join(&*pid_file);
    }
    if let Some(control) = &mut process.control {
        // What the unit for a file has in place of a directory for each instance.
        *control = if control.starts_with("/run") && control.ends_with("control") {
            "/run/spiped/control".into()
        } else {
            here.join(&*control)
        };
    }
    if let Some(program) = &mut process.program {
        *program = here.join(&*program);
    }
    for pipe in &mut settings.pipes {
        let keys = &mut pipe.connection.keys;
        // With both readings of `NAME=FILE`, the one that upstream has not.
        if let KeySource::WholeOrNamed { named, .. } = keys {
            *keys = (**named).clone();
        }
        match keys {
            KeySource::One(KeyFile::Stdin) => {
                bail!(
                    "The key comes from standard input: store it in a file, and name that file \
                    with -k"
                )
            }
            KeySource::One(KeyFile::Path(path)) | KeySource::FileOrDirectory(path) => {
                *path = here.join(&*path);
            }
            KeySource::Named(files) => {
                for file in files {
                    file.path = here.join(&file.path);
                }
            }
            KeySource::WholeOrNamed { .. } => {}
        }
    }
    Ok(())
}

/// As its key file is called.
fn name_of_keys(settings: &Settings) -> String {
    let file = settings.pipes.first().and_then(|pipe| match &pipe.connection.keys {
        KeySource::One(KeyFile::Path(path)) | KeySource::FileOrDirectory(path) => Some(path),
        KeySource::Named(files) => files.first().map(|file| &file.path),
        KeySource::One(KeyFile::Stdin) | KeySource::WholeOrNamed { .. } => None,
    });
    pipe_name(&file.and_then(|file| file.file_stem()).unwrap_or_default().to_string_lossy())
}

/// The next best name that a pipe can have.
fn pipe_name(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
    let name: String =
        text.chars().map(|char| if is_plain(char) { char } else { '-' }).take(64).collect();
    if name.is_empty() { "pipe-1".to_owned() } else { name }
}

const UNIT: &str = include_str!("../../../packaging/systemd/spiped@.service");

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn file_says_what_the_command_line_does() {
        let base = "-s /run/s -t t:1 -k redis.key";
        for words in [
            "-d",
            "-e",
            "-d -F",
            "-d -n 500 -g -o 2.5 -r 5 -b [::1] -u nobody:nogroup -p pid --syslog",
            "-e -f -j -D -R --kex modp2048 --log-level info --log-format json --strict",
            "-d --kex x25519 -n 0 -o inf -r inf --drain 30s --memory 64M --threads 2",
            "-d --allow 192.0.2.0/24 --allow ::1 --handshakes 9 --handshakes-per-source 2",
            "-d --connections-per-key 3 --close-revoked --strict-keys --socket-mode 660",
            "-d --socket-owner nobody --control c --metrics [::1]:9 --balance spread",
            "-e --keep-alive-idle 2m --keep-alive-interval 1s --keep-alive-count 3",
            "-e --user-timeout 30s --idle-timeout 1h --half-closed-timeout 10m",
            "-d --target u:2 --proxy-to v2 --proxy-from 192.0.2.1 --drain 0",
        ] {
            let base =
                if words.contains("--target") { "-s /s --target t:1 -k redis.key" } else { base };
            let words = format!("{words} {base}").split_whitespace().map(OsString::from).collect();
            // It compares what it writes.
            let text = converted(words, None, Path::new("/etc/spiped")).unwrap();
            assert!(text.contains("\n[pipe.redis]\n"), "{text}");
        }
        for keys in ["-k a=1 -k b=/2", "-k a=1"] {
            let words = format!("-d -s /s -t t:1 {keys}");
            let words = words.split_whitespace().map(OsString::from).collect();
            let text = converted(words, None, Path::new("/etc/spiped")).unwrap();
            assert!(text.contains("key = { \"a\" = \"/etc/spiped/1\""), "{text}");
        }
    }

    #[test]
    fn file_is_short_and_has_upstreams_letters() {
        let words = "-d -s [0.0.0.0]:6390 -t [127.0.0.1]:6379 -k k/redis.key -n 500 -g -p /run/p";
        let words = words.split_whitespace().map(OsString::from).collect();
        assert_eq!(
            converted(words, None, Path::new("/etc/spiped")).unwrap(),
            "# Check it with: spiped check FILE\n# Run it with: spiped --config FILE\n\n\
             pid-file = \"/run/p\"  # -p\n\n\
             [pipe.redis]\n\
             mode = \"decrypt\"\n\
             source = \"[0.0.0.0]:6390\"  # -s\n\
             target = \"[127.0.0.1]:6379\"  # -t\n\
             key = \"/etc/spiped/k/redis.key\"  # -k\n\
             require-forward-secrecy = true  # -g\n\
             max-connections = 500  # -n\n"
        );
    }

    #[test]
    fn variables_of_an_instance_are_those_of_our_unit() {
        let lab = tempfile::tempdir().unwrap();
        let path = lab.path().join("redis.env");
        let example = include_str!("../../../packaging/systemd/example-server.env");
        std::fs::write(&path, example).unwrap();
        let text = of_file(&path, Path::new("/")).unwrap();
        for line in [
            "[pipe.redis]",
            "mode = \"decrypt\"",
            "key = \"/etc/spiped/redis.key\"  # -k",
            "control = \"/run/spiped/control\"",
            "drain = \"10s\"",
            "max-connections = 500  # -n",
            "log-level = \"info\"",
        ] {
            assert!(text.lines().any(|it| it == line), "no {line} in\n{text}");
        }
    }

    #[test]
    fn what_a_file_cannot_say_is_refused() {
        for (words, why) in [
            ("-d -s /s -t t:1 -k -", "standard input"),
            ("--config f", "in a file already"),
            ("-d -s /s", "Missing option: -t"),
            ("--help", "prints help"),
        ] {
            let words = words.split_whitespace().map(OsString::from).collect();
            let error = converted(words, None, Path::new("/")).unwrap_err();
            assert!(format!("{error:#}").contains(why), "{error:#}");
        }
    }
}
