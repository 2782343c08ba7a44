//! A new program in the place of one that serves.

// Whichever process ends at whichever step.
mod kills;

use spiped_tests::traffic::Manner;

/// One of each manner, and more of those of which there are many.
fn all_manners() -> impl Iterator<Item = Manner> {
    // As many forms as there are take turns: with a number of manners that has no
    // factor in common with theirs, each comes to have each.
    Manner::ALL.into_iter().cycle()
}
