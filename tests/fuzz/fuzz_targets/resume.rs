//! Any bytes as the state of a suspended session.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spiped_core::{Error, Misuse, Output, Session, SoftPacketCrypto};

fuzz_target!(|state: &[u8]| {
    let mut session = match Session::<SoftPacketCrypto>::resume(state) {
        Ok(session) => session,
        Err(misuse) => return assert_eq!(misuse, Misuse::BadState),
    };
    // What was taken for a state is one, whole and unchanged.
    assert_eq!(session.suspend().as_deref().map(Vec::as_slice), Ok(state));
    assert_eq!(session.status(), Err(Error::Misuse(Misuse::Suspended)));

    // It need not be usable, but using it does no harm.
    let mut out = Output::default();
    if let Ok(mut session) = Session::<SoftPacketCrypto>::resume(state) {
        let _ = session.handle_plain(&[0; 1025], &mut out);
    }
    if let Ok(mut session) = Session::<SoftPacketCrypto>::resume(state) {
        let _ = session.handle_crypt(&[0; 3 * 1060], &mut out);
        let _ = session.crypt_eof();
    }
});
