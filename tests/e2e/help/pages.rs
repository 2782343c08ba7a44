//! The manual pages, as mandoc sees them.

use std::fs;
use std::process::Command;

use super::folder;

#[test]
fn mandoc_warns_of_nothing() {
    let pages = fs::read_dir(folder("man")).unwrap().map(|page| page.unwrap().path());
    let pages: Vec<_> = pages.collect();
    assert!(pages.len() >= 4, "{pages:?}");
    let output = Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).args(&pages).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
