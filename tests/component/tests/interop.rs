//! What Debian's `spiped` says to us today.

use spiped_component_tests::transcript::Transcript;
use spiped_component_tests::{Builds, record};

#[test]
fn live_conversations_replay_in_every_build() {
    let builds = Builds::load(1);
    for case in record::all(&builds) {
        let text = case.to_string();
        let transcript = Transcript::parse(&text).unwrap();
        if let Err(fault) = builds.replay(&transcript) {
            panic!("{}:{fault}\n\n{text}", case.name);
        }
    }
}
