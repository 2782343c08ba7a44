//! The entries of the page.

use std::fs;
use std::path::Path;

/// The messages that have an entry: what is set as code where a list's item begins. The
/// next line explains it.
pub(super) fn entries() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/troubleshooting.md");
    let page = fs::read_to_string(path).unwrap();
    let lines: Vec<_> = page.lines().collect();
    for item in lines.windows(2).filter(|pair| pair[0].starts_with("- `")) {
        assert!(item[0].ends_with(':') && item[1].starts_with("  "), "unexplained: {}", item[0]);
    }
    lines.iter().filter_map(|line| line.strip_prefix("- ")).flat_map(leading_code).collect()
}

/// The pieces of code, separated by commas, that a line begins with.
fn leading_code(mut line: &str) -> Vec<String> {
    let mut found = Vec::new();
    while line.starts_with('`') {
        let fence = &line[..line.find(|char| char != '`').unwrap_or(line.len())];
        let Some((code, rest)) = line[fence.len()..].split_once(fence) else { break };
        found.push(code.trim().to_owned());
        line = rest.strip_prefix(", ").unwrap_or_default();
    }
    found
}
