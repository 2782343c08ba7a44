//! The peer.

use std::io::{ErrorKind, Read, Write};

use super::flow::Flow;
use super::{Interest, interest};
use crate::wire::{Direction, PACKET_LEN, PLAIN_MAX, Session};
use crate::{Conn, Ending};

/// The end at the crypt side.
pub(super) struct Crypt {
    conn: Conn,
    sealing: Direction,
    opening: Direction,
    mark_is_due: bool,
    out: Vec<u8>,
    /// How many bytes of what is sealed stay here.
    pub(super) withheld: usize,
    partial: Vec<u8>,
    mark_came: bool,
    is_broken: bool,
}

impl Crypt {
    pub(super) fn new(session: Session, mark_is_due: bool) -> Self {
        let (conn, sealing, opening) = session.into_parts();
        conn.set_nonblocking();
        Self {
            conn,
            sealing,
            opening,
            mark_is_due,
            out: Vec::new(),
            withheld: 0,
            partial: Vec::new(),
            mark_came: false,
            is_broken: false,
        }
    }

    pub(super) fn interest(&self, outgoing: &Flow, incoming: &Flow) -> Interest<'_> {
        let writes = self.out.len() > self.withheld || outgoing.has_more();
        interest(&self.conn, incoming.is_wanted(), writes && !self.is_broken)
    }

    /// Sends what there is to send. Says whether anything went.
    pub(super) fn write(&mut self, outgoing: &mut Flow) -> bool {
        if self.out.len() <= self.withheld && outgoing.has_more() {
            self.seal(outgoing);
        }
        let ready = self.out.len().saturating_sub(self.withheld);
        if ready > 0 {
            match self.conn.write(&self.out[..ready]) {
                Ok(count) => {
                    self.out.drain(..count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(_) => self.is_broken = true,
            }
        }
        if self.out.is_empty() && outgoing.is_at_end() {
            self.conn.half_close();
            outgoing.end_sent = true;
        }
        true
    }

    fn seal(&mut self, outgoing: &mut Flow) {
        for _ in 0..PACKETS {
            let mut plain = Vec::with_capacity(PLAIN_MAX);
            if outgoing.take(PLAIN_MAX, &mut plain) == 0 {
                break;
            }
            self.out.extend_from_slice(&self.sealing.packet(&plain));
        }
        if outgoing.is_at_end() && self.mark_is_due {
            self.mark_is_due = false;
            self.out.extend_from_slice(&self.sealing.packet(b""));
        }
    }

    /// Takes what has arrived. Says whether anything had.
    pub(super) fn read(&mut self, incoming: &mut Flow, marks_end: bool) -> bool {
        let mut bytes = vec![0; PACKETS * PACKET_LEN];
        match self.conn.read(&mut bytes) {
            Ok(0) if self.is_broken => incoming.end(Ending::Reset),
            Ok(0) if !self.partial.is_empty() || marks_end && !self.mark_came => {
                incoming.fail("truncated, without a reset".into());
            }
            Ok(0) => incoming.end(Ending::Closed),
            Ok(count) => {
                self.partial.extend_from_slice(&bytes[..count]);
                self.open(incoming);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => incoming.end(Ending::Reset),
        }
        true
    }

    fn open(&mut self, incoming: &mut Flow) {
        let partial = std::mem::take(&mut self.partial);
        let (packets, rest) = partial.as_chunks::<PACKET_LEN>();
        self.partial = rest.to_vec();
        for packet in packets {
            match self.opening.open(packet) {
                Some(_) if self.mark_came => incoming.fail("a packet after the end mark".into()),
                Some(plain) if plain.is_empty() => self.mark_came = true,
                Some(plain) => incoming.receive(&plain),
                None => return incoming.fail(self.misplaced(packet)),
            }
        }
    }

    /// What is wrong with a packet that is not the next one.
    fn misplaced(&mut self, packet: &[u8; PACKET_LEN]) -> String {
        let expected = self.opening.number;
        let others = expected.saturating_sub(FAR)..expected + FAR;
        for number in others {
            self.opening.number = number;
            if self.opening.open(packet).is_some() {
                return if number < expected {
                    format!("THE KEY STREAM OF PACKET {number} TWICE, {expected} was next")
                } else {
                    format!("packet {number}, and {expected} was next: some were left out")
                };
            }
        }
        format!("a packet that is not authentic, {expected} was next")
    }
}

const PACKETS: usize = 16;
/// How far from its place a packet is looked for.
const FAR: u64 = 2000;
