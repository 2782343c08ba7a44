//! A conversation with somebody between, who cuts, changes, adds, repeats and
//! reflects: what arrives is always the beginning of what was sent, and all of
//! it if nobody interfered.

use std::mem;

use arbitrary::Arbitrary;
use spiped_core::{
    Error, KeyExchange, Output, PACKET_LEN, Session, Side, SoftPacketCrypto, Status,
};

use crate::ends::{Choice, compute, end};

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
    /// Somebody takes bytes away that are on the way, and puts others there.
    Replace { to: bool, at: u16, count: u8, with: &'a [u8] },
    /// Somebody sends a packet again, counted from the last on the way.
    Repeat { to: bool, packet: u8 },
    /// Somebody sends a packet back to where it came from.
    Reflect { to: bool, packet: u8 },
    /// An application has nothing more to say.
    Finish { by: bool },
    /// Somebody ends the connection.
    Eof { to: bool },
}

/// Holds the conversation.
pub fn hold(conversation: &Conversation<'_>) {
    let [client, server] = conversation.choices;
    let possible = client.agrees_with(server);
    let mut ends = [End::new(Side::Client, client), End::new(Side::Server, server)];
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
struct End {
    session: Session<SoftPacketCrypto>,
    result: Result<(), Error>,
    out: Output,
    /// Bytes on the way to this end.
    wire: Vec<u8>,
    sent: Vec<u8>,
    delivered: Vec<u8>,
    finished: bool,
}

impl End {
    fn new(side: Side, choice: Choice) -> Self {
        let mut end = Self {
            session: end(side, choice),
            result: Ok(()),
            out: Output::default(),
            wire: Vec::new(),
            sent: Vec::new(),
            delivered: Vec::new(),
            finished: false,
        };
        end.call(Session::start);
        end
    }

    /// Makes a call unless this end has failed, as a host would, and computes
    /// what is due after it.
    fn call(
        &mut self,
        call: impl FnOnce(&mut Session<SoftPacketCrypto>, &mut Output) -> Result<(), Error>,
    ) {
        if self.result.is_ok() {
            let (session, out) = (&mut self.session, &mut self.out);
            self.result = call(session, out).and_then(|()| compute(session, out));
        }
    }

    /// Says what nobody could take for anything else that was said.
    fn speak(&mut self, count: usize) {
        if self.session.status() == Ok(Status::Established) && !self.finished {
            let position = self.sent.len()..self.sent.len() + count;
            let plain: Vec<u8> = position.flat_map(usize::to_be_bytes).take(count).collect();
            self.call(|session, out| session.handle_plain(&plain, out));
            self.sent.extend(plain);
        }
    }

    fn finish(&mut self) {
        if self.session.status() == Ok(Status::Established) && !self.finished {
            self.finished = true;
            self.call(Session::plain_eof);
        }
    }

    fn suspend_and_resume(&mut self) {
        if self.session.status() == Ok(Status::Established) {
            self.call(|session, _| {
                *session = Session::resume(&session.suspend()?)?;
                Ok(())
            });
        }
    }

    /// The last packet on the way to this end, or one before it; less than a
    /// packet if there are not so many.
    fn packet(&self, from_last: u8) -> Vec<u8> {
        let mut packets = self.wire.rchunks(PACKET_LEN);
        packets.nth(from_last.into()).unwrap_or_default().to_vec()
    }
}

impl Event<'_> {
    /// Whether this was somebody's interference.
    fn happen(&self, ends: &mut [End; 2]) -> bool {
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
fn eof(ends: &mut [End; 2], to: usize) {
    ends[to].call(|session, _| session.crypt_eof());
    let [end, peer] = [&ends[to], &ends[1 - to]];
    if end.session.key_exchange() == Some(KeyExchange::X25519) {
        assert!(peer.finished && end.delivered == peer.sent, "cut off, and did not notice");
    }
}

fn deliver(end: &mut End, count: usize) {
    let rest = end.wire.split_off(end.wire.len().min(count));
    let bytes = mem::replace(&mut end.wire, rest);
    end.call(|session, out| session.handle_crypt(&bytes, out));
}

/// Puts on the wire what the ends have said, and checks what they delivered.
fn exchange(ends: &mut [End; 2]) {
    for turn in 0..2 {
        let Output { to_crypt, to_plain } = mem::take(&mut ends[turn].out);
        ends[1 - turn].wire.extend(to_crypt);
        ends[turn].delivered.extend(to_plain);
        assert!(ends[1 - turn].sent.starts_with(&ends[turn].delivered), "not what was sent");
    }
}

fn deliver_all(ends: &mut [End; 2]) {
    while ends.iter().any(|end| !end.wire.is_empty()) {
        for end in &mut *ends {
            deliver(end, usize::MAX);
        }
        exchange(ends);
    }
}
