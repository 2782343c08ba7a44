//! What an honest peer says.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use spiped_core::{Error, Output, Side};

use crate::clear::Clear;
use crate::parties::{Choice, Party, opposite};

/// Who takes part: the side that listens, and both choices, its own first.
type Parties = (bool, Choice, Choice);

/// All that was ever said, since exponentiations are slow.
static SAID: Mutex<BTreeMap<Parties, Arc<[u8]>>> = Mutex::new(BTreeMap::new());

/// All that `listener` hears from its peer: a handshake as far as both agree,
/// then a short and a long message, and the end.
pub(crate) fn to(listener: Side, choice: Choice, peer: Choice) -> Arc<[u8]> {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let parties = (listener == Side::Client, choice, peer);
    said.entry(parties).or_insert_with(|| record(listener, choice, peer).into()).clone()
}

fn record(listener: Side, choice: Choice, peer: Choice) -> Vec<u8> {
    let mut said = Vec::new();
    // A disagreement ends the conversation here, with what was said so far.
    let _ = converse(listener, choice, peer, &mut said);
    said
}

fn converse(listener: Side, choice: Choice, peer: Choice, said: &mut Vec<u8>) -> Result<(), Error> {
    let mut speaker = Party::<Clear>::new(opposite(listener), peer);
    let mut listener = Party::<Clear>::new(listener, choice);
    let (mut heard, mut spoken) = (Output::default(), Output::default());
    listener.start(&mut heard)?;
    speaker.start(&mut spoken)?;
    // A nonce and a key share each.
    for _ in 0..3 {
        let words = mem::take(&mut spoken.to_crypt);
        said.extend_from_slice(&words);
        listener.receive(&words, &mut heard)?;
        speaker.receive(&mem::take(&mut heard.to_crypt), &mut spoken)?;
    }
    if let Some(speaker) = speaker.established() {
        speaker.handle_plain(b"PING\r\n", &mut spoken)?;
        speaker.handle_plain(&[b'x'; 3000], &mut spoken)?;
        speaker.plain_eof(&mut spoken)?;
    }
    said.append(&mut spoken.to_crypt);
    Ok(())
}
