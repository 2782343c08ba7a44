//! A conversation with an active attacker, who truncates, changes, adds, repeats
//! and reflects: what arrives is always the beginning of what was sent, and all of
//! it if nobody interfered.

use std::mem;

use arbitrary::Arbitrary;
use spiped_core::{Error, Output, PACKET_LEN, Session, Side, SoftPacketCrypto};

use crate::parties::{self, Choice};

/// What is said, and what is done to it on the way.
#[derive(Arbitrary, Debug)]
pub struct Conversation<'a> {
    /// The client's choice, then the server's.
    choices: [Choice; 2],
    /// Whether nobody interferes with the handshake.
    handshake_first: bool,
    events: Vec<Event<'a>>,
}

/// `true` is the server.
#[derive(Arbitrary, Debug)]
enum Event<'a> {
    /// So many bytes arrive.
    Deliver { to: bool, count: u16 },
    /// An application sends so many bytes, at most 5000.
    Speak { by: bool, count: u16 },
    /// An end is suspended, and goes on.
    Move { end: bool },
    /// The attacker takes bytes away that are on the way, and puts others there.
    Replace { to: bool, at: u16, count: u8, with: &'a [u8] },
    /// The attacker sends a packet again, counted from the last on the way.
    Repeat { to: bool, packet: u8 },
    /// The attacker sends a packet back to where it came from.
    Reflect { to: bool, packet: u8 },
    /// An application has nothing more to say.
    Finish { by: bool },
    /// The attacker ends the connection.
    Eof { to: bool },
}

/// Holds the conversation.
pub fn hold(conversation: &Conversation<'_>) {
    let [client, server] = conversation.choices;
    let possible = client.agrees_with(server);
    let mut ends = [Party::new(Side::Client, client), Party::new(Side::Server, server)];
    exchange(&mut ends);
    if conversation.handshake_first {
        deliver_all(&mut ends);
    }
    let mut interfered = false;
    for event in &conversation.events {
        interfered |= event.happen(&mut ends);
        exchange(&mut ends);
    }
    if !interfered {
        deliver_all(&mut ends);
        let [client, server] = &ends;
        assert_eq!(client.result.and(server.result).is_ok(), possible);
        if possible {
            assert_eq!(client.delivered, server.sent);
            assert_eq!(server.delivered, client.sent);
        }
    }
}

/// One end, with what is on the way to it.
struct Party {
    host: parties::Party<SoftPacketCrypto>,
    choice: Choice,
    result: Result<(), Error>,
    out: Output,
    /// Bytes on the way to this end.
    wire: Vec<u8>,
    sent: Vec<u8>,
    delivered: Vec<u8>,
    finished: bool,
}

impl Party {
    fn new(side: Side, choice: Choice) -> Self {
        let mut end = Self {
            host: parties::Party::new(side, choice),
            choice,
            result: Ok(()),
            out: Output::default(),
            wire: Vec::new(),
            sent: Vec::new(),
            delivered: Vec::new(),
            finished: false,
        };
        end.call(parties::Party::start);
        end
    }

    /// Makes a call unless this end has failed, as a host would.
    fn call(
        &mut self,
        call: impl FnOnce(&mut parties::Party<SoftPacketCrypto>, &mut Output) -> Result<(), Error>,
    ) {
        if self.result.is_ok() {
            self.result = call(&mut self.host, &mut self.out);
        }
    }

    /// Makes a call on the session, if it is established.
    fn call_established(
        &mut self,
        call: impl FnOnce(&mut Session<SoftPacketCrypto>, &mut Output) -> Result<(), Error>,
    ) -> bool {
        let is_established = self.result.is_ok() && self.host.established().is_some();
        self.call(|end, out| end.established().map_or(Ok(()), |session| call(session, out)));
        is_established
    }

    /// Says what nobody could take for anything else that was said.
    fn speak(&mut self, count: usize) {
        if !self.finished {
            let position = self.sent.len()..self.sent.len() + count;
            let plain: Vec<u8> = position.flat_map(usize::to_be_bytes).take(count).collect();
            if self.call_established(|session, out| session.handle_plain(&plain, out)) {
                self.sent.extend(plain);
            }
        }
    }

    fn finish(&mut self) {
        if !self.finished {
            self.finished = self.call_established(Session::plain_eof);
        }
    }

    fn suspend_and_resume(&mut self) {
        self.call_established(|session, _| {
            *session = Session::resume(&session.suspend()?)?;
            Ok(())
        });
    }

    /// The last packet on the way to this end, or one before it; less than a
    /// packet if there are not so many.
    fn packet(&self, from_last: u8) -> Vec<u8> {
        let mut packets = self.wire.rchunks(PACKET_LEN);
        packets.nth(from_last.into()).unwrap_or_default().to_vec()
    }
}

impl Event<'_> {
    /// Whether this was the attacker's interference.
    fn happen(&self, ends: &mut [Party; 2]) -> bool {
        match *self {
            Self::Deliver { to, count } => {
                deliver(&mut ends[usize::from(to)], count.into());
                return false;
            }
            Self::Speak { by, count } => {
                ends[usize::from(by)].speak(usize::from(count) % 5000);
                return false;
            }
            Self::Move { end } => {
                ends[usize::from(end)].suspend_and_resume();
                return false;
            }
            Self::Finish { by } => {
                ends[usize::from(by)].finish();
                return false;
            }
            Self::Replace { to, at, count, with } => {
                let wire = &mut ends[usize::from(to)].wire;
                let start = usize::from(at) % (wire.len() + 1);
                let end = wire.len().min(start + usize::from(count));
                wire.splice(start..end, with.iter().copied());
            }
            Self::Repeat { to, packet } => {
                let packet = ends[usize::from(to)].packet(packet);
                ends[usize::from(to)].wire.extend(packet);
            }
            Self::Reflect { to, packet } => {
                let packet = ends[usize::from(!to)].packet(packet);
                ends[usize::from(to)].wire.extend(packet);
            }
            Self::Eof { to } => eof(ends, to.into()),
        }
        true
    }
}

/// With end marks, only an end that was meant is taken for one.
fn eof(ends: &mut [Party; 2], to: usize) {
    // A server's exchange is its client's, and this client sent this nonce.
    let has_end_marks = ends[0].choice == Choice::X25519;
    let is_established = ends[to].call_established(|_, _| Ok(()));
    ends[to].call(|end, _| end.crypt_eof());
    let [end, peer] = [&ends[to], &ends[1 - to]];
    if has_end_marks && is_established && end.result.is_ok() {
        assert!(peer.finished && end.delivered == peer.sent, "truncated, and did not notice");
    }
}

fn deliver(end: &mut Party, count: usize) {
    let rest = end.wire.split_off(end.wire.len().min(count));
    let bytes = mem::replace(&mut end.wire, rest);
    end.call(|end, out| end.receive(&bytes, out));
}

/// Puts on the wire what the ends have said, and checks what they delivered.
fn exchange(ends: &mut [Party; 2]) {
    for turn in 0..2 {
        let Output { to_crypt, to_plain } = mem::take(&mut ends[turn].out);
        ends[1 - turn].wire.extend(to_crypt);
        ends[turn].delivered.extend(to_plain);
        assert!(ends[1 - turn].sent.starts_with(&ends[turn].delivered), "not what was sent");
    }
}

fn deliver_all(ends: &mut [Party; 2]) {
    while ends.iter().any(|end| !end.wire.is_empty()) {
        for end in &mut *ends {
            deliver(end, usize::MAX);
        }
        exchange(ends);
    }
}
