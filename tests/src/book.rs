//! Documentation as something to be done.

use std::fs;
use std::path::Path;

use crate::Host;

/// A block of a page, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The heading that it is under.
    pub heading: String,
    /// The block.
    pub text: String,
    /// What its fence says it is; nothing for commands.
    pub language: String,
    /// The prose since the block before.
    prose: String,
}

/// The blocks of a page of this project.
///
/// # Panics
/// If there is no such page, or none in it.
pub fn steps(page: &str) -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let page = fs::read_to_string(path).unwrap();
    let (mut steps, mut heading, mut prose) = (Vec::new(), String::new(), String::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block = lines.by_ref().take_while(|line| *line != "```");
            let text = block.flat_map(|line| [line, "\n"]).collect();
            let prose = std::mem::take(&mut prose);
            steps.push(Step { heading: heading.clone(), text, language: language.into(), prose });
        } else if line.starts_with('#') {
            line.trim_start_matches('#').trim().clone_into(&mut heading);
            prose.clear();
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    assert!(!steps.is_empty());
    steps
}

impl Step {
    /// A block under a heading, after some prose.
    #[cfg(test)]
    pub(crate) fn new(heading: &str, text: &str, language: &str, prose: &str) -> Self {
        let (heading, text) = (heading.into(), text.into());
        Self { heading, text, language: language.into(), prose: prose.into() }
    }

    /// Whether it is to be done on this host: the last sentence before it that names
    /// hosts decides. "Both" are those of the first pipe.
    pub fn is_for(&self, host: Host) -> bool {
        let names = |sentence: &str, host: Host| {
            let is_one_of_both = host != Host::Db2 && sentence.contains("n both hosts");
            is_one_of_both || sentence.contains(&format!("n `{host}`"))
        };
        let paragraph = self.paragraph().split_whitespace().collect::<Vec<_>>().join(" ");
        let mut sentences = paragraph.rsplit(". ");
        let named = sentences.find(|it| Host::ALL.iter().any(|&host| names(it, host)));
        named.is_some_and(|sentence| names(sentence, host))
    }

    /// Whether it goes below what the file has.
    pub fn is_added(&self) -> bool {
        self.paragraph().contains("below what is there")
    }

    /// The first word in backticks before it that can be a file's name.
    pub fn names_file(&self) -> Option<&str> {
        let words = self.paragraph().split('`').skip(1).step_by(2);
        words.into_iter().find(|word| word.contains('.') && !word.contains(char::is_whitespace))
    }

    /// The file below `/etc` that it is the content of, if it is.
    pub fn file(&self) -> Option<&str> {
        let paragraph = self.paragraph();
        let start = paragraph.rfind("`/etc/").filter(|_| !self.language.is_empty())?;
        paragraph[start + 1..].split('`').next()
    }

    /// The one that the block ends.
    fn paragraph(&self) -> &str {
        let prose = self.prose.trim();
        prose.rsplit_once("\n\n").map_or(prose, |(_, last)| last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_sentence_that_names_hosts_decides() {
        for (prose, expected) in [
            ("Nowhere.", &[] as &[Host]),
            ("On `db2`.\n\nNowhere.", &[]),
            ("On `db1`, then on\n`app1`:", &[Host::Db1, Host::App1]),
            ("The same on both hosts. On `db2`, with `db1`. Look:", &[Host::Db2]),
            ("On `db1`. Then on both hosts:", &[Host::Db1, Host::App1]),
        ] {
            let step = Step::new("", "", "", prose);
            let is_for = Host::ALL.iter().filter(|&&host| step.is_for(host));
            assert!(is_for.eq(expected), "{prose}");
        }
    }
}
