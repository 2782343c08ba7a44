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

    /// Whether it is to be done on this host.
    pub fn is_for(&self, host: Host) -> bool {
        let paragraph = self.paragraph();
        paragraph.contains(&format!("n `{host}`")) || paragraph.contains("n both hosts")
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
