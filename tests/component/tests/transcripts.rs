//! The transcripts in `tests/transcripts`: replayed in every build, complete,
//! and as they are made. And those in `tests/states`, which are never made
//! again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use spiped_component_tests::transcript::Transcript;
use spiped_component_tests::{Builds, Call, Ingredients, cases, folder};
use wit_parser::{Resolve, TypeDefKind};

/// What is wrong in the folder, one message for each file.
fn report(faults: &[String]) {
    assert!(faults.is_empty(), "{} files:\n\n{}", faults.len(), faults.join("\n"));
}

fn replay(files: Vec<PathBuf>) {
    let builds = Builds::load(2);
    let faults = files.into_iter().filter_map(|file| {
        let transcript = Transcript::parse(&fs::read_to_string(&file).unwrap());
        let fault = transcript.and_then(|transcript| builds.replay(&transcript)).err()?;
        Some(format!("{}:{fault}", file.display()))
    });
    report(&faults.collect::<Vec<_>>());
}

#[test]
fn every_transcript_replays_in_every_build() {
    replay(folder::transcripts());
}

/// protocol.md S-5.
#[test]
fn states_of_earlier_versions_are_resumed_in_every_build() {
    replay(folder::states());
}

#[test]
fn states_of_the_present_version_are_kept() {
    let mut versions = BTreeSet::new();
    for file in folder::states() {
        let transcript = Transcript::parse(&fs::read_to_string(&file).unwrap()).unwrap();
        let Ingredients::Resume { state } = &transcript.parts[0].ingredients else {
            panic!("{} begins with something else", file.display());
        };
        let version = format!("v{}-", state[VERSION]);
        assert!(folder::name(&file).starts_with(&version), "{} is {version}", file.display());
        versions.insert(state[VERSION]);
    }
    let suspended = cases::all().into_iter().find(|case| case.name == "resume-0-client").unwrap();
    let Ingredients::Resume { state } = &suspended.transcript.parts[0].ingredients else {
        panic!("a suspended session");
    };
    assert!(versions.contains(&state[VERSION]), "no files of version {}", state[VERSION]);
}

/// Offset of the version in a state.
const VERSION: usize = 4;

#[test]
fn synthetic_transcripts_are_those_that_are_made() {
    let files = folder::transcripts().into_iter().filter(|file| !folder::is_recorded(file));
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

/// A server's session is that of a stranger that its acceptor has let in.
#[test]
fn sessions_follow_from_their_acceptors() {
    for file in folder::transcripts() {
        let transcript = Transcript::parse(&fs::read_to_string(&file).unwrap()).unwrap();
        for pair in transcript.parts.windows(2) {
            let Ingredients::Acceptor { config, psks, our_nonce } = &pair[0].ingredients else {
                panic!("{}: something comes before {:?}", file.display(), pair[1].ingredients);
            };
            let mut received = Vec::new();
            for step in &pair[0].steps {
                if let Call::Identify(bytes) = &step.call {
                    received.extend_from_slice(bytes);
                }
            }
            let verdict = pair[0].steps.last().unwrap().answer.as_str();
            let words: Vec<_> = verdict.split_whitespace().collect();
            let ["=", "authenticated", index, _, length] = words[..] else {
                panic!("{}: {verdict}", file.display());
            };
            let (index, length): (usize, usize) = (index.parse().unwrap(), length.parse().unwrap());
            let Ingredients::Accept {
                config: same_config,
                our_nonce: same_nonce,
                hello,
                psk,
                entropy: _,
            } = &pair[1].ingredients
            else {
                panic!("{}: {:?} follows", file.display(), pair[1].ingredients);
            };
            assert_eq!((same_config, same_nonce), (config, our_nonce), "{}", file.display());
            assert_eq!(
                (&hello[..], psk),
                (&received[..length], &psks[index]),
                "{}",
                file.display()
            );
        }
    }
}

/// The names of the cases of a type in the interface `types`.
fn cases_of(type_name: &str) -> BTreeSet<String> {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    resolve.push_path(wit).unwrap();
    let (_, types) =
        resolve.interfaces.iter().find(|(_, it)| it.name.as_deref() == Some("types")).unwrap();
    let kind = &resolve.types[types.types[type_name]].kind;
    if let TypeDefKind::Enum(it) = kind {
        it.cases.iter().map(|case| case.name.clone()).collect()
    } else if let TypeDefKind::Variant(it) = kind {
        it.cases.iter().map(|case| case.name.clone()).collect()
    } else {
        panic!("{type_name} is {kind:?}")
    }
}

/// What can only happen to one kind of end, or to none in particular.
const NOT_ON_A_CLIENT: [&str; 5] =
    ["key-exchange-not-accepted", "duplicate-psk", "nonce-length", "hello-length", "bad-state"];

#[test]
fn every_fault_and_misuse_occurs_under_its_name() {
    let mut expected = BTreeSet::from([("client", "exhausted".to_owned())]);
    for name in [cases_of("peer-fault"), cases_of("misuse")].into_iter().flatten() {
        if !NOT_ON_A_CLIENT.contains(&&*name) {
            expected.insert(("client", name.clone()));
        }
        if name != "bad-state" {
            expected.insert(("server", name));
        }
    }
    expected.insert(("server", "exhausted".to_owned()));
    expected.insert(("", "bad-state".to_owned()));

    let mut occurring = BTreeSet::new();
    for file in folder::transcripts() {
        let name = folder::name(&file);
        let side = ["client", "server"].into_iter().find(|side| name.ends_with(side));
        for line in fs::read_to_string(&file).unwrap().lines() {
            let mut words = line.split(' ');
            let failure = match (words.next(), words.next(), words.next()) {
                (Some("="), Some("failed"), Some("peer" | "misuse")) => words.next(),
                (Some("="), Some("failed" | "refused" | "fault"), failure) => failure,
                _ => None,
            };
            occurring.extend(failure.map(|name| (side.unwrap_or_default(), name.to_owned())));
        }
    }
    assert_eq!(occurring, expected);
}

#[test]
fn every_pair_of_options_occurs() {
    let names: BTreeSet<_> =
        folder::transcripts().iter().map(|file| folder::name(file).to_owned()).collect();
    let options = ["offer", "require", "omit"];
    for side in ["client", "server"] {
        for option in options {
            let name = format!("recorded-{option}-{side}");
            assert!(names.contains(&name), "{name}");
        }
        for (client, server) in options.iter().flat_map(|a| options.map(|b| (a, b))) {
            let name = format!("options-{client}-{server}-{side}");
            assert!(names.contains(&name), "{name}");
        }
    }
}
