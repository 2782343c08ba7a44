//! Someone who does what a page says, to the letter, and sees what it shows.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::bash::{Bash, Status};
use crate::book::{self, Step};
use crate::process::read_whole;
use crate::{Lab, procfs, wait};

/// A page, an empty folder outside the project, and a shell there.
///
/// What is in a block depends on its fence:
///
/// - Nothing, or `sh`: commands. All of them have to succeed. If a line ends with `&`,
///   the next one waits until that command listens, as someone who types does.
/// - `text`: what the commands before have printed, or will have soon.
/// - Anything else: a file. The paragraph before names it: its first word in
///   backticks that has a dot and no space.
///
/// What still runs in the end is killed.
pub struct Newcomer {
    page: Vec<Step>,
    /// The headings that were followed.
    followed: Vec<String>,
    replaced: Vec<(String, String)>,
    lab: Lab,
    shell: Bash,
    /// What was printed.
    screen: File,
}

impl Newcomer {
    /// Opens a page of this project.
    ///
    /// # Panics
    /// If there is no such page.
    #[track_caller]
    pub fn reading(page: &str) -> Self {
        Self::doing(book::steps(page))
    }

    #[track_caller]
    fn doing(page: Vec<Step>) -> Self {
        let lab = Lab::empty();
        let mut shell = Command::new("bash");
        shell.current_dir(lab.directory());
        // Cargo and its test runner tell the programs they start about the project.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["CARGO", "NEXTEST", "npm_"].iter().any(|prefix| name.starts_with(prefix))
                && name != "CARGO_HOME"
            {
                shell.env_remove(&*name);
            }
        }
        let screen = tempfile::tempfile().unwrap();
        let shell = Bash::start(shell, screen.try_clone().unwrap());
        let (followed, replaced) = (Vec::new(), Vec::new());
        Self { page, followed, replaced, lab, shell, screen }
    }

    /// Reads one text as another, wherever it stands: an address that is free here.
    #[must_use]
    pub fn replacing(mut self, text: &str, other: &str) -> Self {
        let stands = |step: &Step| step.text.contains(text);
        assert!(self.page.iter().any(stands), "the page does not have {text:?}");
        self.replaced.push((text.into(), other.into()));
        self
    }

    /// Reads a port as one that is free here.
    #[must_use]
    pub fn replacing_port(self, port: u16) -> Self {
        let free = self.lab.tcp().port();
        self.replacing(&port.to_string(), &free.to_string())
    }

    /// Copies a file into the folder.
    ///
    /// # Panics
    /// If there is no such file.
    #[must_use]
    #[track_caller]
    pub fn given(self, file: &Path) -> Self {
        let name = file.file_name().expect("a file");
        fs::copy(file, self.lab.directory().join(name))
            .unwrap_or_else(|error| panic!("{}: {error}; run make packages", file.display()));
        self
    }

    /// The folder, and addresses.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Does all that stands under this heading, and says what was printed.
    ///
    /// # Panics
    /// If there is no such heading, a command fails, or the page shows something else.
    #[track_caller]
    pub fn does(&mut self, heading: &str) -> String {
        self.follow(heading, "set -e")
    }

    /// Like [`does`](Self::does), but commands may fail.
    ///
    /// # Panics
    /// If there is no such heading, or the page shows something else.
    #[track_caller]
    pub fn tries(&mut self, heading: &str) -> String {
        self.follow(heading, "set +e")
    }

    /// Checks that nothing on the page was left out but what is under these headings.
    ///
    /// # Panics
    /// If something was.
    #[track_caller]
    pub fn has_done_all_but(&self, headings: &[&str]) {
        for step in &self.page {
            let heading = &step.heading;
            assert!(
                self.followed.contains(heading) || headings.contains(&heading.as_str()),
                "nobody did what {heading:?} says"
            );
        }
    }

    #[track_caller]
    fn follow(&mut self, heading: &str, mode: &str) -> String {
        let steps = self.page.iter().filter(|step| step.heading == heading);
        let steps: Vec<_> = steps.cloned().collect();
        assert!(!steps.is_empty(), "the page has nothing to do under {heading:?}");
        self.followed.push(heading.into());
        let before = self.said().len();
        for step in steps {
            let text = self
                .replaced
                .iter()
                .fold(step.text.clone(), |text, (this, other)| text.replace(this, other));
            match step.language.as_str() {
                "" | "sh" => text.split_inclusive(" &\n").for_each(|lines| self.types(lines, mode)),
                "text" => self.sees(&text, before),
                _ => self.writes(&step, &text),
            }
        }
        self.said().split_off(before)
    }

    fn writes(&self, step: &Step, text: &str) {
        let file = step.names_file();
        let file = file.unwrap_or_else(|| panic!("nothing says what file this is:\n{text}"));
        self.lab.write(file, text);
    }

    /// Waits for lines of the page to be printed after `before`.
    #[track_caller]
    fn sees(&self, text: &str, before: usize) {
        for line in text.lines() {
            wait::until(&format!("this was printed: {line}"), || {
                self.said()[before..].lines().any(|said| said.contains(line))
            });
        }
    }

    #[track_caller]
    fn types(&mut self, commands: &str, mode: &str) {
        let listening = procfs::listening_in(self.lab.directory());
        self.shell.run(&format!("{mode}\n{commands}"), "</dev/null");
        let status = wait::within(PATIENCE, "a block of commands ended", || self.shell.status());
        let ended = matches!(status, Status::Exited(_));
        assert!(!ended, "a command failed:\n{commands}\n{}", self.said());
        if commands.ends_with(" &\n") {
            wait::until(&format!("this listened:\n{commands}"), || {
                !procfs::listening_in(self.lab.directory()).is_subset(&listening)
            });
        }
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&read_whole(&self.screen)).into_owned()
    }
}

impl Drop for Newcomer {
    /// The lab kills what was started, by the folder.
    #[allow(clippy::print_stderr, reason = "part of a failed test's report")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- what was printed:\n{}", self.said());
        }
    }
}

/// Installing packages takes longer than what tests wait for else.
const PATIENCE: Duration = Duration::from_mins(3);

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str, language: &str, prose: &str) -> Step {
        Step::new("Try it", text, language, prose)
    }

    #[test]
    fn does_what_a_page_says() {
        let server = "import socket\nserver = socket.create_server(('127.0.0.1', 7000))\n\
            while True:\n    server.accept()\n";
        let page = vec![
            step("cat hello.txt\n", "", ""),
            step("Hello\n", "text", ""),
            step(server, "python", "The command `ls -a.b` shows `server.py`, as `other.py`:"),
            step(
                "x=7000\npython3 server.py &\nbash -c \"exec 3<>/dev/tcp/127.0.0.1/$x\" && kill %1\n",
                "sh",
                "",
            ),
        ];
        let mut newcomer = Newcomer::doing(page).replacing_port(7000);
        newcomer.lab().write("hello.txt", "Hello\n");
        assert_eq!(newcomer.does("Try it"), "Hello\n");
        newcomer.has_done_all_but(&[]);
    }

    #[test]
    #[should_panic(expected = "a command failed")]
    fn notices_a_command_that_fails() {
        Newcomer::doing(vec![step("false\ntrue\n", "", "")]).does("Try it");
    }

    #[test]
    #[should_panic(expected = "nobody did what \"Try it\" says")]
    fn notices_what_is_left_out() {
        Newcomer::doing(vec![step("true\n", "", "")]).has_done_all_but(&["Other"]);
    }
}
