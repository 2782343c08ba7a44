//! Where in a text something stands, as people count.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Fault, Place, TextFile};

/// A text, and where its lines begin.
#[derive(Debug)]
pub(super) struct Source<'a> {
    /// Where it was found.
    pub(super) path: Arc<PathBuf>,
    /// All of it.
    pub(super) text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a TextFile) -> Self {
        let ends = file.text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let line_starts = [0].into_iter().chain(ends.map(|(end, _)| end + 1)).collect();
        Self { path: Arc::new(file.path.clone()), text: &file.text, line_starts }
    }

    /// The place of the byte at `offset`.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.line_starts.partition_point(|&start| start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Place { file: self.path.clone(), line, column: before.chars().count() + 1 }
    }

    /// What is wrong at `offset`.
    pub(super) fn fault(&self, offset: usize, words: String) -> Fault {
        Fault { place: self.place(offset), words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let file = TextFile { path: "f".into(), text: "ab\nä = x\n".to_owned() };
        let source = Source::new(&file);
        let place = |offset| source.place(offset).to_string();
        assert_eq!(place(0), "f:1:1");
        assert_eq!(place(2), "f:1:3");
        assert_eq!(place(3), "f:2:1");
        assert_eq!(place(5), "f:2:2");
        assert_eq!(place(file.text.len()), "f:3:1");
        assert_eq!(place(1000), "f:3:1");
        let empty = TextFile { path: "f".into(), text: String::new() };
        assert_eq!(Source::new(&empty).place(0).to_string(), "f:1:1");
    }
}
