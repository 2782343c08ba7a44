//! Packets: numbering and splitting both streams.
//!
//! The end mark, if there is one, is the last packet, with length 0.

use alloc::vec::Vec;

use crate::error::{Error, PeerFault};
use crate::inbound::Inbound;
use crate::keys::DirectionKeys;
use crate::packet_crypto::{
    BODY_LEN, Bodies, LENGTH_LEN, PACKET_LEN, PLAIN_MAX, PacketCrypto, Packets, RUN_MAX, split_last,
};

/// Makes packets in one direction.
pub(crate) struct Sealer<P> {
    crypto: P,
    position: Position,
}

impl<P: PacketCrypto> Sealer<P> {
    pub(crate) fn new(position: Position) -> Self {
        Self { crypto: P::new(&position.keys), position }
    }

    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    /// Seals the end mark.
    pub(crate) fn seal_end_mark(&mut self, sealed: &mut Vec<u8>) -> Result<(), Error> {
        let numbers = self.position.take(1);
        if numbers.count == 0 {
            return Err(Error::Exhausted);
        }
        self.seal_run(numbers.first, &[], sealed);
        Ok(())
    }

    /// Seals all of `plain`, appending packets to `sealed`; if the numbers run out, as
    /// much of it as there are numbers for. protocol.md P-1, P-6.
    pub(crate) fn seal(&mut self, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), Error> {
        for batch in plain.chunks(RUN_MAX * PLAIN_MAX) {
            let packets = batch.len().div_ceil(PLAIN_MAX);
            let numbers = self.position.take(packets);
            if numbers.count > 0 {
                let messages = &batch[..batch.len().min(numbers.count * PLAIN_MAX)];
                self.seal_run(numbers.first, messages, sealed);
            }
            if numbers.count < packets {
                return Err(Error::Exhausted);
            }
        }
        Ok(())
    }

    /// Seals packets with these messages, or one without a message.
    fn seal_run(&mut self, first: u64, messages: &[u8], sealed: &mut Vec<u8>) {
        let last_len = split_last(messages).1.len();
        // protocol.md P-5
        let mut last = [0; BODY_LEN];
        #[allow(clippy::cast_possible_truncation, reason = "at most 1024")]
        last[PLAIN_MAX..].copy_from_slice(&(last_len as u32).to_be_bytes());
        let last_trailer = &last[last_len..];
        let bodies = Bodies { messages, trailer: &FULL, last_trailer };
        self.crypto.seal(first, bodies, sealed);
    }
}

/// The length field of a full message.
#[allow(clippy::cast_possible_truncation, reason = "it is 1024")]
const FULL: [u8; LENGTH_LEN] = (PLAIN_MAX as u32).to_be_bytes();

/// Verifies and opens packets in one direction, however they are split.
pub(crate) struct Opener<P> {
    runs: Runs<P>,
    /// The beginning of a packet whose rest has not come.
    partial: Inbound<PACKET_LEN>,
}

/// The same for whole packets.
struct Runs<P> {
    crypto: P,
    position: Position,
    end_mark: EndMark,
}

/// The state of the packet that ends a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndMark {
    /// There is none: the end of the stream is the end of the direction.
    Unused,
    /// It has not arrived.
    Expected,
    /// It has arrived: nothing may follow.
    Received,
}

impl<P: PacketCrypto> Opener<P> {
    pub(crate) fn new(position: Position, end_mark: EndMark) -> Self {
        let crypto = P::new(&position.keys);
        Self { runs: Runs { crypto, position, end_mark }, partial: Inbound::new() }
    }

    pub(crate) fn end_mark(&self) -> EndMark {
        self.runs.end_mark
    }

    pub(crate) fn position(&self) -> &Position {
        &self.runs.position
    }

    /// The beginning of a packet whose rest has not come.
    pub(crate) fn partial(&self) -> &[u8] {
        self.partial.bytes()
    }

    /// Consumes all of `bytes`, appending authenticated bytes to `plain`, also if a
    /// later packet fails: protocol.md F-1.
    pub(crate) fn open(&mut self, mut bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), Error> {
        // protocol.md E-5
        if self.end_mark() == EndMark::Received && !bytes.is_empty() {
            return Err(PeerFault::DataAfterEndMark.into());
        }
        let mut head: &[u8] = &[];
        if !self.partial.is_empty() {
            match self.partial.fill(&mut bytes) {
                Some(packet) => head = packet,
                None => return Ok(()),
            }
        }
        let (mut whole, mut later) = bytes.split_at(bytes.len() - bytes.len() % PACKET_LEN);
        while !(head.is_empty() && whole.is_empty()) {
            let room = (RUN_MAX * PACKET_LEN - head.len()).min(whole.len());
            let (rest, next) = whole.split_at(room);
            self.runs.open(Packets { head, rest }, plain)?;
            (head, whole) = (&[], next);
            if self.runs.end_mark == EndMark::Received && !(whole.is_empty() && later.is_empty()) {
                return Err(PeerFault::DataAfterEndMark.into());
            }
        }
        self.partial.fill(&mut later);
        Ok(())
    }
}

impl<P: PacketCrypto> Runs<P> {
    fn open(&mut self, run: Packets<'_>, plain: &mut Vec<u8>) -> Result<(), Error> {
        let packets = (run.head.len() + run.rest.len()) / PACKET_LEN;
        let numbers = self.position.take(packets);
        let lengths = match run.first(numbers.count) {
            Some(run) => self.crypto.open(numbers.first, run),
            None => Vec::new(),
        };
        let stop = Stop::find(&lengths);
        let messages = stop.as_ref().map_or(lengths.len(), |stop| stop.index);
        // protocol.md P-5: the padding is ignored.
        if messages > 0 {
            self.crypto.deliver(&lengths[..messages], plain);
        }
        match stop {
            None => {}
            Some(Stop { index, length: 0 }) if self.end_mark == EndMark::Expected => {
                self.end_mark = EndMark::Received;
                // protocol.md E-5: any bytes that follow, authenticated or not.
                return if index + 1 < packets {
                    Err(PeerFault::DataAfterEndMark.into())
                } else {
                    Ok(())
                };
            }
            Some(Stop { index, length }) => {
                let number = numbers.first + index as u64;
                return Err(PeerFault::BadLength { number, length }.into());
            }
        }
        if lengths.len() < numbers.count {
            let number = numbers.first + lengths.len() as u64;
            return Err(PeerFault::ForgedPacket { number }.into());
        }
        if numbers.count < packets { Err(Error::Exhausted) } else { Ok(()) }
    }
}

impl Packets<'_> {
    /// The first so many of them, if that is any.
    fn first(self, packets: usize) -> Option<Self> {
        let Self { head, rest } = self;
        let len = (packets * PACKET_LEN).checked_sub(head.len())?;
        (packets > 0).then(|| Self { head, rest: &rest[..len.min(rest.len())] })
    }
}

/// A packet without a message.
struct Stop {
    /// Its index in the run.
    index: usize,
    /// The declared length, outside 1 to 1024.
    length: u32,
}

impl Stop {
    /// The first packet with such a length: protocol.md P-4.
    fn find(lengths: &[u32]) -> Option<Self> {
        let has_none = |length: &u32| *length == 0 || *length as usize > PLAIN_MAX;
        let index = lengths.iter().position(has_none)?;
        Some(Self { index, length: lengths[index] })
    }
}

/// The position in one direction.
#[derive(Clone)]
pub(crate) struct Position {
    pub(crate) keys: DirectionKeys,
    /// The number of the next packet.
    pub(crate) next: u64,
}

impl Position {
    /// The beginning of a direction.
    pub(crate) fn first(keys: DirectionKeys) -> Self {
        Self { keys, next: 0 }
    }

    /// Takes up to `wanted` packet numbers; fewer only if they run out. The highest
    /// number is never used. protocol.md P-2, P-7.
    fn take(&mut self, wanted: usize) -> Numbers {
        let first = self.next;
        let left = usize::try_from(u64::MAX - first).unwrap_or(usize::MAX);
        let count = wanted.min(left);
        self.next = first + count as u64;
        Numbers { first, count }
    }
}

/// Consecutive packet numbers.
#[derive(Clone, Copy)]
struct Numbers {
    first: u64,
    count: usize,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::packet_crypto::SoftPacketCrypto;
    use crate::secret::Secret;

    fn keys() -> DirectionKeys {
        DirectionKeys { cipher: Secret::copy_of(&[1; 32]), mac: Secret::copy_of(&[2; 32]) }
    }

    fn sealer() -> Sealer<SoftPacketCrypto> {
        Sealer::new(Position::first(keys()))
    }

    fn opener() -> Opener<SoftPacketCrypto> {
        Opener::new(Position::first(keys()), EndMark::Unused)
    }

    /// A packet with this body, whatever it is.
    fn sealed(number: u64, body: &[u8; BODY_LEN]) -> Vec<u8> {
        let mut packet = Vec::new();
        let bodies = Bodies { messages: &[], trailer: &FULL, last_trailer: body };
        SoftPacketCrypto::new(&keys()).seal(number, bodies, &mut packet);
        packet
    }

    /// protocol.md P-2, P-7.
    #[test]
    fn packet_numbers_run_out_instead_of_repeating() {
        let mut sealer = sealer();
        sealer.position.next = u64::MAX - 1;
        let mut sealed = Vec::new();
        assert_eq!(sealer.seal(b"last", &mut sealed), Ok(()));
        assert_eq!(sealed.len(), PACKET_LEN);
        assert_eq!(sealer.seal(b"one too many", &mut sealed), Err(Error::Exhausted));
        assert_eq!(sealed.len(), PACKET_LEN);
    }

    #[test]
    fn what_there_are_numbers_for_does_not_depend_on_batches() {
        let plain = [7; 5 * PLAIN_MAX];
        let ends = u64::MAX - 3;
        let (mut sealer, mut opener) = (sealer(), opener());
        (sealer.position.next, opener.runs.position.next) = (ends, ends);
        let (mut sealed, mut opened) = (Vec::new(), Vec::new());
        assert_eq!(sealer.seal(&plain, &mut sealed), Err(Error::Exhausted));
        assert_eq!(sealed.len(), 3 * PACKET_LEN);
        sealed.extend_from_slice(&[0; 2 * PACKET_LEN]);
        assert_eq!(opener.open(&sealed, &mut opened), Err(Error::Exhausted));
        assert_eq!(opened, plain[..3 * PLAIN_MAX]);
    }

    #[test]
    fn runs_longer_than_the_batch_are_split() {
        let plain: Vec<u8> =
            (0..3 * RUN_MAX * PLAIN_MAX + 7).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let (mut sealed, mut opened) = (Vec::new(), Vec::new());
        sealer().seal(&plain, &mut sealed).unwrap();
        assert_eq!(sealed.len(), (3 * RUN_MAX + 1) * PACKET_LEN);
        let mut opener = opener();
        opener.open(&sealed[..5], &mut opened).unwrap();
        opener.open(&sealed[5..], &mut opened).unwrap();
        assert_eq!(opener.partial(), b"");
        assert_eq!(opened, plain);
    }

    /// protocol.md P-5.
    #[test]
    fn padding_is_not_checked() {
        let mut body = [0xaa; BODY_LEN];
        body[..2].copy_from_slice(b"hi");
        body[PLAIN_MAX..].copy_from_slice(&2_u32.to_be_bytes());
        let packet = sealed(0, &body);
        let mut opened = Vec::new();
        opener().open(&packet, &mut opened).unwrap();
        assert_eq!(opened, b"hi");
    }

    /// protocol.md P-4, F-1.
    #[test]
    fn impossible_length_delivers_what_came_before() {
        for length in [0_u32, 1025, u32::MAX] {
            let mut run = Vec::new();
            sealer().seal(b"good", &mut run).unwrap();
            let mut bad = [0; BODY_LEN];
            bad[PLAIN_MAX..].copy_from_slice(&length.to_be_bytes());
            run.extend(sealed(1, &bad));
            let mut opened = Vec::new();
            let result = opener().open(&run, &mut opened);
            assert_eq!(result, Err(PeerFault::BadLength { number: 1, length }.into()));
            assert_eq!(opened, b"good");
        }
    }

    /// Two packets, the end mark, and another packet.
    fn past_the_end() -> Vec<u8> {
        let mut run = Vec::new();
        let mut sealer = sealer();
        sealer.seal(&[7; PLAIN_MAX + 1], &mut run).unwrap();
        sealer.seal_end_mark(&mut run).unwrap();
        sealer.seal(b"more", &mut run).unwrap();
        run
    }

    /// protocol.md E-5.
    #[test]
    fn nothing_may_follow_the_end_mark_however_it_is_split() {
        let run = past_the_end();
        let marked = 3 * PACKET_LEN;
        for split in 0..=marked {
            let mut opener =
                Opener::<SoftPacketCrypto>::new(Position::first(keys()), EndMark::Expected);
            let mut opened = Vec::new();
            opener.open(&run[..split], &mut opened).unwrap();
            assert_eq!(opener.end_mark() == EndMark::Received, split == marked);
            opener.open(&run[split..marked], &mut opened).unwrap();
            assert_eq!(opener.end_mark(), EndMark::Received);
            assert_eq!(opened.len(), PLAIN_MAX + 1);
            assert_eq!(opener.open(&[], &mut opened), Ok(()));
            assert_eq!(opener.open(&[0], &mut opened), Err(PeerFault::DataAfterEndMark.into()));
        }
        for end in marked + 1..=run.len() {
            for split in [0, 1, PACKET_LEN, marked - 1] {
                let mut opener =
                    Opener::<SoftPacketCrypto>::new(Position::first(keys()), EndMark::Expected);
                let mut opened = Vec::new();
                opener.open(&run[..split], &mut opened).unwrap();
                let result = opener.open(&run[split..end], &mut opened);
                assert_eq!(result, Err(PeerFault::DataAfterEndMark.into()));
                assert_eq!(opened.len(), PLAIN_MAX + 1);
            }
        }
    }

    #[test]
    fn what_follows_the_end_mark_need_not_be_authenticated() {
        let mut run = past_the_end();
        run[3 * PACKET_LEN] ^= 1;
        let mut opener =
            Opener::<SoftPacketCrypto>::new(Position::first(keys()), EndMark::Expected);
        let result = opener.open(&run, &mut Vec::new());
        assert_eq!(result, Err(PeerFault::DataAfterEndMark.into()));
    }

    /// Opens everything, if the runs are no longer than promised.
    struct Bounded;

    impl PacketCrypto for Bounded {
        fn new(_: &DirectionKeys) -> Self {
            Self
        }

        fn seal(&mut self, _: u64, bodies: Bodies<'_>, sealed: &mut Vec<u8>) {
            assert!(bodies.messages.len() <= RUN_MAX * PLAIN_MAX);
            sealed.resize(sealed.len() + bodies.messages.len().div_ceil(PLAIN_MAX) * PACKET_LEN, 0);
        }

        fn open(&mut self, _: u64, packets: Packets<'_>) -> Vec<u32> {
            let len = packets.head.len() + packets.rest.len();
            assert!(len <= RUN_MAX * PACKET_LEN);
            alloc::vec![1024; len / PACKET_LEN]
        }

        fn deliver(&mut self, lengths: &[u32], plain: &mut Vec<u8>) {
            plain.resize(plain.len() + lengths.len() * PLAIN_MAX, 0);
        }
    }

    #[test]
    fn no_run_is_longer_than_promised() {
        let plain = alloc::vec![7; (2 * RUN_MAX + 1) * PLAIN_MAX];
        for first in [0, 1, PACKET_LEN - 1, PACKET_LEN, PACKET_LEN + 1] {
            let mut sealer = Sealer::<Bounded>::new(Position::first(keys()));
            let mut opener = Opener::<Bounded>::new(Position::first(keys()), EndMark::Unused);
            let (mut sealed, mut opened) = (Vec::new(), Vec::new());
            sealer.seal(&plain, &mut sealed).unwrap();
            opener.open(&sealed[..first], &mut opened).unwrap();
            opener.open(&sealed[first..], &mut opened).unwrap();
            assert_eq!(opened.len(), plain.len());
        }
    }
}
