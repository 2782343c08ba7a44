//! One connection, and what is done with it.

use std::fmt;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::Interest;
use super::crypt::Crypt;
use super::flow::Flow;
use super::plain::Plain;
use crate::wire::{Handshake, Side};
use crate::{Backend, Conn, Endpoint, KEY};

/// What is done with a connection, until all of it is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// A few bytes each way, and then nothing.
    Idle,
    /// A few bytes each way, and half a packet.
    Torn,
    /// As much as goes, both ways.
    Bulk,
    /// A question, its answer, the next question, without a pause.
    PingPong,
    /// The same, so many milliseconds after the last.
    Pinging(u16),
    /// The peer has ended its direction, and takes what comes.
    PeerEnded,
    /// The plain side has ended its direction, and takes what comes.
    PlainEnded,
    /// As much as goes from the peer, whom nobody reads.
    PlainReadsNothing,
    /// As much as goes to the peer, who does not read.
    PeerReadsNothing,
    /// Both.
    NobodyReads,
}

impl Manner {
    /// All of them, with a mix of those of which there are many.
    pub const ALL: [Self; 9] = [
        Self::Idle,
        Self::Torn,
        Self::Bulk,
        Self::PingPong,
        Self::PeerEnded,
        Self::PlainEnded,
        Self::PlainReadsNothing,
        Self::PeerReadsNothing,
        Self::NobodyReads,
    ];
}

/// The daemon's part, and the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// It decrypts, and its peer speaks modp2048.
    Server,
    /// It decrypts, and its peer speaks X25519.
    ServerX25519,
    /// It encrypts, with modp2048.
    Client,
    /// It encrypts, with X25519.
    ClientX25519,
}

/// A connection that is established.
pub struct Connection {
    number: u64,
    form: Form,
    manner: Manner,
    crypt: Crypt,
    plain: Plain,
    /// From the crypt to the plain side.
    inward: Flow,
    outward: Flow,
    is_abandoned: bool,
    /// When the question was asked whose answer is not there yet.
    asked: Option<Instant>,
    /// When the next one may be.
    next: Instant,
    /// The longest that an answer took.
    pause: Option<Duration>,
}

impl Connection {
    /// Connects to a daemon's source; the backend is its target. There is one number
    /// for each.
    #[track_caller]
    pub fn establish(
        number: u64,
        form: Form,
        manner: Manner,
        source: &Endpoint,
        target: &Backend,
    ) -> Self {
        let ours = Conn::narrow_to(source);
        let (session, plain) = match form {
            Form::Server => {
                let session = Handshake::begin(ours, Side::Client, KEY).complete();
                (session, target.accept())
            }
            Form::ServerX25519 => {
                let session = Handshake::begin(ours, Side::Client, KEY).complete_x25519();
                (session, target.accept())
            }
            Form::Client => (Handshake::begin(target.accept(), Side::Server, KEY).complete(), ours),
            Form::ClientX25519 => {
                (Handshake::begin(target.accept(), Side::Server, KEY).complete_x25519(), ours)
            }
        };
        let mut connection = Self {
            number,
            form,
            manner,
            crypt: Crypt::new(session, form.has_end_marks()),
            plain: Plain::new(plain),
            inward: Flow::new(2 * number),
            outward: Flow::new(2 * number + 1),
            is_abandoned: false,
            asked: None,
            next: Instant::now(),
            pause: None,
        };
        connection.begin();
        connection
    }

    fn begin(&mut self) {
        let all = u64::MAX / 2;
        let (inward, outward) = (&mut self.inward, &mut self.outward);
        (inward.budget, outward.budget) = (A_FEW, A_FEW);
        match self.manner {
            Manner::Idle => {}
            // The last packet is whole but for its end.
            Manner::Torn => {
                inward.budget = 2 * A_FEW;
                self.crypt.withheld = 300;
            }
            Manner::Bulk => (inward.budget, outward.budget) = (all, all),
            Manner::PingPong | Manner::Pinging(_) => (inward.budget, outward.budget) = (0, 0),
            Manner::PeerEnded => inward.ends = true,
            Manner::PlainEnded => outward.ends = true,
            Manner::PlainReadsNothing => (inward.budget, inward.is_read) = (A_LOT, false),
            Manner::PeerReadsNothing => (outward.budget, outward.is_read) = (A_LOT, false),
            Manner::NobodyReads => {
                for flow in [inward, outward] {
                    (flow.budget, flow.is_read) = (A_LOT, false);
                }
            }
        }
    }

    /// Decides what comes next.
    pub(super) fn plan(&mut self) {
        if self.is_abandoned || self.inward.ends && self.outward.ends {
            return;
        }
        let Self { inward, outward, .. } = self;
        match self.manner {
            Manner::PingPong => self.exchange(Duration::ZERO),
            Manner::Pinging(after) => self.exchange(Duration::from_millis(after.into())),
            // What goes on does so a piece at a time.
            Manner::PeerEnded if outward.received == outward.budget => outward.budget += A_FEW,
            Manner::PlainEnded if inward.received == inward.budget => inward.budget += A_FEW,
            Manner::Idle
            | Manner::Torn
            | Manner::Bulk
            | Manner::PeerEnded
            | Manner::PlainEnded
            | Manner::PlainReadsNothing
            | Manner::PeerReadsNothing
            | Manner::NobodyReads => {}
        }
    }

    /// Questions from the peer, and answers.
    fn exchange(&mut self, after: Duration) {
        let (inward, outward) = (&mut self.inward, &mut self.outward);
        outward.budget = inward.received;
        if outward.received < inward.budget {
            return;
        }
        let now = Instant::now();
        if let Some(asked) = self.asked.take() {
            self.pause = self.pause.max(Some(now - asked));
            self.next = now + after;
        }
        if now >= self.next {
            inward.budget += QUESTION;
            self.asked = Some(now);
        }
    }

    /// Whether it has come to where its manner is at work.
    pub(super) fn is_settled(&self) -> bool {
        let (inward, outward) = (&self.inward, &self.outward);
        let is_done = |flow: &Flow| flow.received == flow.budget;
        match self.manner {
            Manner::Idle => is_done(inward) && is_done(outward),
            Manner::Torn => inward.received >= A_FEW && is_done(outward),
            Manner::Bulk => inward.received > A_FEW && outward.received > A_FEW,
            Manner::PingPong | Manner::Pinging(_) => self.pause.is_some(),
            Manner::PeerEnded => inward.is_over() && outward.received > A_FEW,
            Manner::PlainEnded => outward.is_over() && inward.received > A_FEW,
            Manner::PlainReadsNothing => is_done(outward) && inward.sent > A_BATCH,
            Manner::PeerReadsNothing => is_done(inward) && outward.sent > A_BATCH,
            Manner::NobodyReads => inward.sent > A_BATCH && outward.sent > A_BATCH,
        }
    }

    /// Sends a little more each way, and the ends; all is read.
    pub(super) fn finish(&mut self) {
        self.crypt.withheld = 0;
        for flow in [&mut self.inward, &mut self.outward] {
            flow.is_read = true;
            if !flow.end_sent && !flow.ends {
                flow.budget = flow.sent + A_FEW;
                flow.ends = true;
            }
        }
    }

    /// Sends nothing more; all is read.
    pub(super) fn abandon(&mut self) {
        self.is_abandoned = true;
        for flow in [&mut self.inward, &mut self.outward] {
            flow.is_read = true;
            flow.budget = flow.sent;
        }
    }

    /// What both ends wait for: first the peer, then the plain side.
    pub(super) fn interests(&self) -> [Interest<'_>; 2] {
        let (inward, outward) = (&self.inward, &self.outward);
        [self.crypt.interest(inward, outward), self.plain.interest(outward, inward)]
    }

    /// One of them can go on. Says whether it did.
    pub(super) fn handle(&mut self, end: usize, events: PollFlags) -> bool {
        let Self { inward, outward, crypt, plain, .. } = self;
        let broken = PollFlags::POLLERR | PollFlags::POLLHUP;
        let reads = events.intersects(PollFlags::POLLIN | broken);
        let writes = events.intersects(PollFlags::POLLOUT | broken);
        let mut moved = false;
        if end == 0 {
            let marks_end = self.form.has_end_marks();
            moved |= reads && outward.is_wanted() && crypt.read(outward, marks_end);
            moved |= writes && crypt.write(inward);
        } else {
            moved |= reads && inward.is_wanted() && plain.read(inward);
            moved |= writes && plain.write(outward);
        }
        moved
    }

    /// Whether nothing more is expected of it.
    pub(super) fn is_over(&self) -> bool {
        self.inward.is_over() && self.outward.is_over()
    }

    pub(super) fn is_delivered(&self) -> bool {
        self.inward.is_delivered() && self.outward.is_delivered()
    }

    pub(super) fn is_reset(&self) -> bool {
        let flows = [&self.inward, &self.outward];
        let ended = |flow: &Flow| flow.is_delivered() || flow.is_reset();
        flows.iter().all(|flow| ended(flow)) && flows.iter().any(|flow| flow.is_reset())
    }

    pub(super) fn forget_pause(&mut self) {
        self.pause = None;
    }

    pub(super) fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// Whether bytes go to and fro as long as it works.
    pub(super) fn is_restless(&self) -> bool {
        use Manner::{Bulk, PeerEnded, PingPong, Pinging, PlainEnded};
        matches!(self.manner, Bulk | PeerEnded | PingPong | Pinging(_) | PlainEnded)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.inward.received + self.outward.received
    }

    pub(super) fn kind(&self) -> (Form, Manner) {
        (self.form, self.manner)
    }
}

impl Form {
    fn has_end_marks(self) -> bool {
        matches!(self, Self::ServerX25519 | Self::ClientX25519)
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, form, manner, inward, outward, .. } = self;
        write!(f, "{number} ({form:?}, {manner:?}): inward {inward}; outward {outward}")
    }
}

const A_FEW: u64 = 3000;
const QUESTION: u64 = 100;
/// More than a daemon, and the kernel for it, takes that cannot pass it on.
const A_LOT: u64 = 64 << 20;
/// What has filled the first of its buffers.
const A_BATCH: u64 = 100_000;
