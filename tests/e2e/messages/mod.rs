//! What the program can say, and the page that explains it: `docs/troubleshooting.md` has
//! an entry for every message in the source, and none for a message that is gone.

mod page;
mod source;

use page::entries;
use source::literals;

#[test]
fn every_message_has_its_entry_and_every_entry_its_message() {
    let (literals, entries) = (literals(), entries());
    assert!(literals.len() > 1000 && entries.len() > 300, "not all of it was found");
    let explained = |literal: &source::Literal| entries.iter().any(|it| literal.is_said_by(it));
    let missing: Vec<_> = literals
        .iter()
        .filter(|literal| literal.is_message() && !explained(literal))
        .map(ToString::to_string)
        .collect();
    let is_said = |entry: &String| literals.iter().any(|literal| literal.is_said_by(entry));
    let gone: Vec<_> = entries.iter().filter(|entry| !is_said(entry)).collect();
    assert!(
        missing.is_empty(),
        "{} messages without an entry:\n{}",
        missing.len(),
        missing.join("\n")
    );
    assert!(gone.is_empty(), "{} entries without a message:\n{gone:#?}", gone.len());
}

#[test]
fn placeholders_stand_for_words_in_capitals() {
    let literal = |text: &str| source::Literal::new("f.rs", 1, text, false);
    let message = literal(" (no {kind} in {}: {error:#}{hint})");
    assert!(message.is_message());
    assert!(message.is_said_by("no KEY in KEY-FILE: ERROR"));
    assert!(message.is_said_by("no KEY in FILE: ERRORHINT"));
    assert!(!message.is_said_by("no key in FILE: ERROR"));
    assert!(!message.is_said_by("no KEY in FILE: ERROR, too"));
    assert!(literal("write {{ NAME = \"FILE\" }}").is_said_by("write { NAME = \"FILE\" }"));
    assert!(!literal("{place}pipe {}: {error}").is_message());
}
