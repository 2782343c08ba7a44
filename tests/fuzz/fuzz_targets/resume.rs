//! Any bytes as the state of a suspended session.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use spiped_core::{Error, Misuse, Output, Session, SoftPacketCrypto};

fuzz_target!(|bytes: &[u8]| {
    resume(bytes);
    // A fuzzer does not guess a checksum.
    resume(&[bytes, &Sha256::digest(bytes)[..CHECKSUM_LEN]].concat());
});

/// Length of the checksum at a state's end.
const CHECKSUM_LEN: usize = 16;
/// What a state of this version says of its version.
const PRESENT_VERSION: [u8; 2] = [1, 1];

fn resume(state: &[u8]) {
    let mut session = match Session::<SoftPacketCrypto>::resume(state) {
        Ok(session) => session,
        Err(misuse) => return assert_eq!(misuse, Misuse::BadState),
    };
    let again = session.suspend().expect("an established session");
    assert_eq!(session.status(), Err(Error::Misuse(Misuse::Suspended)));
    // What was taken for a state is one, whole and unchanged. Of a later
    // version's we keep what we know.
    if state[4..6] == PRESENT_VERSION && state[7] == 0 {
        assert_eq!(**again, *state);
    }
    let mut session = Session::<SoftPacketCrypto>::resume(&again).expect("a state");
    assert_eq!(session.suspend().as_deref(), Ok(&*again));

    // It need not be usable, but using it does no harm.
    let mut out = Output::default();
    if let Ok(mut session) = Session::<SoftPacketCrypto>::resume(state) {
        let _ = session.handle_plain(&[0; 1025], &mut out);
    }
    if let Ok(mut session) = Session::<SoftPacketCrypto>::resume(state) {
        let _ = session.handle_crypt(&[0; 3 * 1060], &mut out);
        let _ = session.crypt_eof();
    }
}
