//! The transcripts in `tests/transcripts`: replayed in every build, complete,
//! and as they are made.

use std::collections::BTreeMap;
use std::fs;

use spiped_component_tests::transcript::{FAILURES, Transcript};
use spiped_component_tests::{Builds, cases, folder};

/// What is wrong in the folder, one message for each file.
fn report(faults: &[String]) {
    assert!(faults.is_empty(), "{} files:\n\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_transcript_replays_in_every_build() {
    let builds = Builds::load(1);
    let faults = folder::files().into_iter().filter_map(|file| {
        let transcript = Transcript::parse(&fs::read_to_string(&file).unwrap());
        let fault = transcript.and_then(|transcript| builds.replay(&transcript)).err()?;
        Some(format!("{}:{fault}", file.display()))
    });
    report(&faults.collect::<Vec<_>>());
}

#[test]
fn synthetic_transcripts_are_those_that_are_made() {
    let files = folder::files().into_iter().filter(|file| !folder::is_recorded(file));
    let mut kept: BTreeMap<String, String> = files
        .map(|file| (folder::name(&file).to_owned(), fs::read_to_string(file).unwrap()))
        .collect();
    let mut faults = Vec::new();
    for case in cases::all() {
        if kept.remove(&case.name) != Some(case.to_string()) {
            faults.push(format!("{}: make-transcripts would write something else", case.name));
        }
    }
    faults.extend(kept.keys().map(|name| format!("{name}: make-transcripts would delete it")));
    report(&faults);
}

#[test]
fn every_option_fault_and_misuse_occurs() {
    let contents: BTreeMap<String, String> = folder::files()
        .into_iter()
        .map(|file| (folder::name(&file).to_owned(), fs::read_to_string(file).unwrap()))
        .collect();
    assert!(contents.len() >= 60, "{} transcripts", contents.len());

    let options = ["offer", "require", "omit"];
    let sides = ["client", "server"];
    for (client, server) in options.iter().flat_map(|a| options.map(|b| (a, b))) {
        for side in sides {
            let name = format!("options-{client}-{server}-{side}");
            assert!(contents.contains_key(&name), "{name}");
        }
    }
    for side in sides {
        let numbered = ["peer forged-packet ", "peer bad-length "];
        for failure in FAILURES.map(|(failure, _)| failure).into_iter().chain(numbered) {
            // Bytes that are no state have no side.
            let any_side = failure == "misuse bad-state";
            let line = format!("\n= failed {failure}");
            let occurs = contents.iter().any(|(name, content)| {
                (any_side || name.ends_with(side)) && content.contains(&line)
            });
            assert!(occurs, "{failure}, {side}");
        }
        for option in ["offer", "omit", "require"] {
            let name = format!("recorded-{option}-{side}");
            assert!(contents.contains_key(&name), "{name}");
        }
    }
}
