//! A client and a server with an active attacker between them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spiped_fuzz::two_party::{Conversation, hold};

fuzz_target!(|conversation: Conversation<'_>| hold(&conversation));
