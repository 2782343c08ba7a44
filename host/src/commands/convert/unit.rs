//! The command line in a unit of systemd.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

/// The words that the unit runs, the program's own name left out. `instance` is
/// what stands behind the `@` of its name; `read` reads a file with variables.
pub(super) fn words(
    text: &str,
    instance: &str,
    read: &dyn Fn(&Path) -> Result<String>,
) -> Result<Vec<OsString>> {
    let service = Service::parse(text, instance)?;
    let mut variables = HashMap::new();
    if let Some(directory) = service.all("RuntimeDirectory").first() {
        variables.insert("RUNTIME_DIRECTORY".to_owned(), format!("/run/{directory}"));
    }
    variables.insert("CREDENTIALS_DIRECTORY".to_owned(), CREDENTIALS.to_owned());
    for line in service.all("Environment") {
        for word in split(line)? {
            let (name, value) = word.split_once('=').context("Environment= has no value")?;
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    for path in service.all("EnvironmentFile") {
        match read(Path::new(path.trim_start_matches('-'))) {
            Ok(text) => variables.extend(assignments(&text)),
            Err(_) if path.starts_with('-') => {}
            Err(error) => return Err(error),
        }
    }
    let commands = service.all("ExecStart");
    let [command] = commands[..] else {
        bail!("It has {} ExecStart= lines, and one is needed", commands.len())
    };
    let mut words = Vec::new();
    for word in split(command.trim_start_matches(['@', '-', ':', '+', '!', '|']))? {
        expand(&word, &variables, &mut words)?;
    }
    ensure!(!words.is_empty(), "ExecStart= is empty");
    let credentials = service.credentials()?;
    let words = words.into_iter().skip(1).map(|word| credentials.iter().fold(word, in_place_of));
    Ok(words.map(OsString::from).collect())
}

/// What the `[Service]` section says beside the command line and is not in either of
/// our own units: what the daemon is run with, which a settings file cannot hold.
pub(super) fn left_out(text: &str) -> Vec<String> {
    let ours: Vec<_> = OURS.iter().flat_map(|unit| service_lines(unit)).collect();
    let said = service_lines(text).filter(|line| !USED.contains(&&*line.0));
    let said = said.filter(|line| !line.1.is_empty() && !ours.contains(line));
    said.map(|(key, value)| format!("{key}={value}")).collect()
}

/// Variables as in a file that `EnvironmentFile=` names.
fn assignments(text: &str) -> Vec<(String, String)> {
    let assignment = |line: String| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim();
        let quote = value.chars().next().filter(|first| "'\"".contains(*first));
        let value = match quote {
            Some(quote) => value[1..].rsplit_once(quote).map_or(&value[1..], |(inner, _)| inner),
            None => value,
        };
        Some((name.trim().to_owned(), value.to_owned()))
    };
    lines(text).filter_map(assignment).collect()
}

/// What the `[Service]` section says, specifiers replaced.
struct Service(Vec<(String, String)>);

impl Service {
    fn parse(text: &str, instance: &str) -> Result<Self> {
        let mut said = Vec::new();
        for (key, value) in service_lines(text) {
            // An empty value takes back what was said before.
            if value.is_empty() {
                said.retain(|(earlier, _)| *earlier != key);
            } else if USED.contains(&&*key) {
                said.push((key, specified(&value, instance)?));
            }
        }
        Ok(Self(said))
    }

    fn all(&self, key: &str) -> Vec<&str> {
        let said = self.0.iter().filter(|(known, _)| known == key);
        said.map(|(_, value)| value.as_str()).collect()
    }

    /// Files that the program sees under another name.
    fn credentials(&self) -> Result<Vec<(String, String)>> {
        let pair = |line: &str| {
            let (name, path) = line.split_once(':').unwrap_or((line, line));
            ensure!(
                path.starts_with('/'),
                "LoadCredential={line} does not name the absolute path \
                of a file"
            );
            Ok((format!("{CREDENTIALS}/{name}"), path.to_owned()))
        };
        self.all("LoadCredential").into_iter().map(pair).collect()
    }
}

/// Keys and values of the `[Service]` section.
fn service_lines(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut is_service = false;
    lines(text).filter_map(move |line| {
        if line.starts_with('[') {
            is_service = line == "[Service]";
        }
        let (key, value) = line.split_once('=').filter(|_| is_service)?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    })
}

fn in_place_of(mut word: String, (seen, path): &(String, String)) -> String {
    if let Some(before) = word.strip_suffix(seen.as_str()) {
        word = format!("{before}{path}");
    }
    word
}

/// Lines that say something, those that go on in the next one joined.
fn lines(text: &str) -> impl Iterator<Item = String> {
    let mut joined = Vec::new();
    let mut begun = String::new();
    for line in text.lines() {
        let is_comment = line.trim_start().starts_with(['#', ';']);
        if is_comment || (begun.is_empty() && line.trim().is_empty()) {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(line) => begun.extend([line, " "]),
            None => joined.push(std::mem::take(&mut begun) + line),
        }
    }
    joined.push(begun);
    joined.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// Words, as systemd splits a command line.
fn split(text: &str) -> Result<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, quote) {
            ('\\', _) => {
                let escaped = chars.next().context("A command line ends with a backslash")?;
                let escaped = match escaped {
                    '\\' | '"' | '\'' | ' ' => escaped,
                    's' => ' ',
                    't' => '\t',
                    'n' => '\n',
                    other => bail!("Unknown escape sequence: \\{other}"),
                };
                word.get_or_insert_default().push(escaped);
            }
            (char, Some(end)) if char == end => quote = None,
            ('"' | '\'', None) => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (char, None) if char.is_whitespace() => words.extend(word.take()),
            (char, _) => word.get_or_insert_default().push(char),
        }
    }
    ensure!(quote.is_none(), "A quotation mark is missing");
    words.extend(word);
    Ok(words)
}

/// `%i` and the like.
fn specified(text: &str, instance: &str) -> Result<String> {
    let mut result = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            result.push(char);
            continue;
        }
        match chars.next() {
            Some('i' | 'I') => {
                ensure!(
                    !instance.is_empty(),
                    "It uses %i, but the name of its file has no \
                    @INSTANCE"
                );
                result += instance;
            }
            Some('d') => result += CREDENTIALS,
            Some('t') => result += "/run",
            Some('%') => result.push('%'),
            other => bail!("Unknown specifier: %{}", other.map_or_else(String::new, String::from)),
        }
    }
    Ok(result)
}

/// `$NAME` alone is any number of words, `${NAME}` a part of one.
fn expand(word: &str, variables: &HashMap<String, String>, words: &mut Vec<String>) -> Result<()> {
    let value = |name: &str| {
        variables.get(name).with_context(|| {
            format!(
                "It uses ${name}, but nothing sets that \
            variable"
            )
        })
    };
    let is_name =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if let Some(name) = word.strip_prefix('$').filter(|name| !name.is_empty() && is_name(name)) {
        // What is not set is no word at all.
        let value = variables.get(name).map_or("", String::as_str);
        words.extend(split(value)?);
        return Ok(());
    }
    let (mut result, mut rest) = (String::new(), word);
    while let Some((before, after)) = rest.split_once('$') {
        result += before;
        rest = match (after.strip_prefix('$'), after.strip_prefix('{')) {
            (Some(after), _) => {
                result.push('$');
                after
            }
            (None, Some(after)) => {
                let (name, after) = after.split_once('}').context("A } is missing")?;
                result += value(name)?;
                after
            }
            (None, None) => {
                result.push('$');
                after
            }
        };
    }
    words.push(result + rest);
    Ok(())
}

/// Stands for the directory that is known only when the unit runs.
const CREDENTIALS: &str = "/run/credentials";
const OURS: [&str; 2] = [super::UNIT, include_str!("../../../packaging/systemd/spiped.service")];
const USED: [&str; 5] =
    ["Environment", "EnvironmentFile", "ExecStart", "LoadCredential", "RuntimeDirectory"];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_and_variables_filled_in() {
        let unit = "[Unit]\nExecStart=no\n[Service]\nRuntimeDirectory=s@%i\n\
            Environment=\"KEYS=-k /etc/%i.key\" A=1\nEnvironment=B=2\nEnvironmentFile=-/no\n\
            EnvironmentFile=/etc/%i.env\nLoadCredential=key:/etc/%i.secret\nExecStart=gone\n\
            ExecStart=\n# a comment\nExecStart=-/usr/bin/spiped $MODE \\\n  -s ${SOURCE} $KEYS \
            'a b' \"c\\\"d\" x${A}y$$${B} $NOTHING -k n=%d/key ${RUNTIME_DIRECTORY}/control\n";
        let read = |path: &Path| {
            ensure!(path == Path::new("/etc/web.env"), "no");
            Ok("# x\nMODE=-d -F\nSOURCE='[::1]:1'\nB=\"3\"\n".to_owned())
        };
        assert_eq!(
            words(unit, "web", &read).unwrap(),
            [
                "-d",
                "-F",
                "-s",
                "[::1]:1",
                "-k",
                "/etc/web.key",
                "a b",
                "c\"d",
                "x1y$3",
                "-k",
                "n=/etc/web.secret",
                "/run/s@web/control"
            ]
        );
    }

    #[test]
    fn what_cannot_be_known_is_refused() {
        let no_file = |_: &Path| -> Result<String> { bail!("no such file") };
        for (command, words_of_error) in [
            ("ExecStart=spiped ${SOURCE}", "nothing sets that variable"),
            ("ExecStart=spiped %u", "Unknown specifier: %u"),
            ("ExecStart=spiped %i", "no @INSTANCE"),
            ("ExecStart=spiped 'a", "quotation mark"),
            ("ExecStart=spiped \\x41", "Unknown escape"),
            ("EnvironmentFile=/f\nExecStart=spiped", "no such file"),
            ("LoadCredential=key\nExecStart=spiped", "does not name the absolute path"),
            ("Type=notify", "0 ExecStart= lines"),
            ("ExecStart=a\nExecStart=b", "2 ExecStart= lines"),
        ] {
            let error = words(&format!("[Service]\n{command}"), "", &no_file).unwrap_err();
            assert!(format!("{error:#}").contains(words_of_error), "{command}: {error:#}");
        }
    }
}
