//! How much there can be at once, in all and for each pipe. Pure, but for a look
//! at what the system allows.

mod total;

use std::num::NonZeroUsize;

use crate::config::{PipeSettings, ProcessSettings, Settings};
use crate::connection::acceptors::acceptors_max;
use crate::daemon::observers;
use crate::guest::{Config, Engine};
use crate::pipe::admission::Budget;
use crate::process::compute::processors;
use crate::process::limits::OpenFiles;
use crate::process::memory::Memory;

pub(crate) use total::TooLittle;
use total::{CONNECTIONS_MAX, Capacity, FILES_PER_CONNECTION, WAITING_MIN, Wanted};

/// Strangers that wait to be listened to: more than anybody needs who is in
/// earnest, and a descriptor and some hundred bytes each. Shared by all pipes.
const WAITING_MAX: usize = 4096;
/// Of these, a pipe's share is not less than this, as far as there is room.
const WAITING_LEAST: usize = 64;

/// What settings ask for.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    pipes: Vec<PipeNeed>,
    /// Event loops, and as many threads that compute.
    loops: usize,
    /// All the memory that peers may make us take, in bytes; `None`: any.
    memory: Option<u64>,
    /// Descriptors that are there whoever connects.
    files: u64,
}

/// What a pipe asks for.
#[derive(Clone, Debug)]
struct PipeNeed {
    config: Config,
    connections: Option<NonZeroUsize>,
    handshakes: Option<NonZeroUsize>,
}

/// What the system has for us.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    /// Descriptors, those of sources among them; `None`: any number.
    files: Option<u64>,
    memory: Memory,
    /// Guests at a time, once that is decided.
    guests: Option<u32>,
}

/// What there can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    /// In the order of the settings.
    pub(crate) pipes: Vec<Share>,
    total: Capacity,
    other_guests: usize,
}

/// A pipe's share of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) connections: NonZeroUsize,
    pub(crate) strangers: usize,
    /// More of them, who wait unread.
    pub(crate) waiting: usize,
}

impl Need {
    /// What these settings ask for.
    #[must_use]
    pub(crate) fn of(settings: &Settings) -> Self {
        let ProcessSettings { threads, memory, .. } = &settings.process;
        let pipe = |pipe: &PipeSettings| PipeNeed {
            config: pipe.connection.config,
            connections: pipe.connection_limit,
            handshakes: pipe.admission.handshakes,
        };
        let pipes: Vec<_> = settings.pipes.iter().map(pipe).collect();
        // Of the first pipe, they are among those to spare.
        let sources = settings.pipes.iter().skip(1).map(files_for_sources).sum::<u64>();
        let observers = observers::descriptors(&settings.process) as u64;
        let loops = threads.map_or_else(processors, NonZeroUsize::get);
        Self { pipes, loops, memory: *memory, files: sources + observers }
    }

    /// Raises the limit on open files, and looks at what there is then, while so
    /// many of the sources are `open` already. Everything that can be had is taken
    /// if more may be asked for `later`.
    #[must_use]
    pub(crate) fn make_room(&self, open: u64, later: bool) -> Room {
        let wanted = self.wanted();
        let most = wanted.connections.unwrap_or(CONNECTIONS_MAX).min(CONNECTIONS_MAX);
        let need = wanted.connections.filter(|_| !later).map(|_| wanted.files(most) + self.files);
        let files = OpenFiles::raise_for(need).left().map(|left| left + open);
        Room { files, memory: Memory::left(), guests: None }
    }

    /// What of it there can be.
    ///
    /// # Errors
    /// When there is not even one connection for each pipe.
    pub(crate) fn within(&self, room: &Room) -> Result<Shares, TooLittle> {
        let wanted = self.wanted();
        let mut total = wanted.within(self.files_left(room), room.memory)?;
        if let Some(guests) = room.guests {
            let guests = usize::try_from(guests).unwrap_or(usize::MAX);
            let connections = guests.saturating_sub(wanted.other_guests);
            let connections = NonZeroUsize::new(connections).unwrap_or(NonZeroUsize::MIN);
            total.connections = total.connections.min(connections);
        }
        let (connections, pipes) = (total.connections.get(), self.pipes.len());
        if connections < pipes {
            let reason = wanted.reason(self.files_left(room), room.memory, total.connections);
            return Err(TooLittle::Connections { connections, pipes, reason });
        }
        let asked = |limit: Option<NonZeroUsize>| limit.unwrap_or(CONNECTIONS_MAX).get();
        let connections: Vec<_> = self.pipes.iter().map(|pipe| asked(pipe.connections)).collect();
        let strangers: Vec<_> = self.pipes.iter().map(PipeNeed::strangers).collect();
        let waiting = vec![WAITING_MAX; self.pipes.len()];
        let connections = shared(total.connections.get(), &connections, 1);
        let strangers = shared(total.strangers, &strangers, 1);
        let waiting = shared(total.waiting, &waiting, WAITING_MIN);
        let pipes = connections.into_iter().zip(strangers).zip(waiting);
        let pipes = pipes.map(|((connections, strangers), waiting)| Share {
            connections: NonZeroUsize::new(connections).unwrap_or(NonZeroUsize::MIN),
            strangers,
            waiting,
        });
        let other_guests = wanted.other_guests;
        Ok(Shares { pipes: pipes.collect(), total, other_guests })
    }

    /// What keeps there from being more.
    #[must_use]
    pub(crate) fn reason(&self, room: &Room, shares: &Shares) -> &'static str {
        if room.guests.is_some_and(|guests| u64::from(guests) <= shares.all_guests()) {
            return "their number is fixed at the start: restart spiped for more";
        }
        self.wanted().reason(self.files_left(room), room.memory, shares.total.connections)
    }

    fn files_left(&self, room: &Room) -> Option<u64> {
        room.files.map(|files| files.saturating_sub(self.files))
    }

    /// In all.
    fn wanted(&self) -> Wanted {
        let mut connections = self.pipes.iter().map(|pipe| pipe.connections);
        let sum = |all: usize, one: NonZeroUsize| all.saturating_add(one.get());
        let connections = connections.try_fold(0, |all, one| one.map(|one| sum(all, one)));
        let servers = self.pipes.iter().filter(|pipe| pipe.is_server()).count();
        Wanted {
            connections: connections.and_then(NonZeroUsize::new),
            strangers: self.pipes.iter().map(PipeNeed::strangers).sum(),
            waiting: WAITING_MAX.max(WAITING_LEAST * servers),
            loops: self.loops,
            other_guests: self.loops + servers * acceptors_max(self.loops),
            memory: self.memory,
        }
    }
}

impl PipeNeed {
    fn is_server(&self) -> bool {
        matches!(self.config, Config::Server(_))
    }

    /// How many strangers there are to be room for: none on a client.
    fn strangers(&self) -> usize {
        if !self.is_server() {
            return 0;
        }
        let connections = self.connections.unwrap_or(CONNECTIONS_MAX);
        Budget::new(connections, self.handshakes, None).total.get()
    }
}

impl Room {
    /// With room for as many guests as this engine has.
    #[must_use]
    pub(crate) fn of(self, engine: &Engine) -> Self {
        Self { guests: Some(engine.guests()), ..self }
    }

    /// While so many connections have a part of it that no pipe's share is for.
    #[must_use]
    pub(crate) fn beside(self, connections: usize) -> Self {
        let files = FILES_PER_CONNECTION * connections as u64;
        let guests = u32::try_from(connections).unwrap_or(u32::MAX);
        Self {
            files: self.files.map(|left| left.saturating_sub(files)),
            guests: self.guests.map(|guests_max| guests_max.saturating_sub(guests)),
            ..self
        }
    }
}

impl Shares {
    /// Event loops.
    #[must_use]
    pub(crate) fn loops(&self) -> usize {
        self.total.loops
    }

    /// How many guests to ask an engine for. It is for some more if there may be
    /// more pipes `later`: address space costs little until it is used.
    #[must_use]
    pub(crate) fn guests(&self, later: bool) -> u32 {
        let needed = self.all_guests();
        let spare = if later { GUESTS_TO_SPARE.max(needed / 4) } else { 0 };
        u32::try_from(needed.saturating_add(spare)).unwrap_or(u32::MAX)
    }

    /// In words.
    #[must_use]
    pub(crate) fn describe(&self) -> String {
        let Capacity { connections, strangers, loops, memory, .. } = self.total;
        format!(
            "Room for connections: {connections}, strangers: {strangers}, on event loops: {loops}; \
             memory for them: at most {} MiB",
            memory.div_ceil(1 << 20)
        )
    }

    fn all_guests(&self) -> u64 {
        (self.total.connections.get() + self.other_guests) as u64
    }
}

/// For pipes that a reload adds: some forty, as they are by default.
const GUESTS_TO_SPARE: u64 = 4096;

/// A source's sockets, most of which are one, and what watches those who wait.
fn files_for_sources(pipe: &PipeSettings) -> u64 {
    let watching = matches!(pipe.connection.config, Config::Server(_));
    pipe.sources.len() as u64 + u64::from(watching)
}

/// Shares out `all`: whoever asks for no more than an even share gets it, and the
/// others get an even share of what is left. Nobody who asks gets less than
/// `least`.
fn shared(all: usize, asked: &[usize], least: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..asked.len()).collect();
    order.sort_by_key(|&index| asked[index]);
    let (mut left, mut shares) = (all, vec![0; asked.len()]);
    for (done, &index) in order.iter().enumerate() {
        let even = left / (asked.len() - done);
        let share = asked[index].min(even.max(least));
        shares[index] = share;
        left = left.saturating_sub(share);
    }
    shares
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::guest::{ClientConfig, ForwardSecrecy, ServerConfig};

    #[test]
    fn whoever_asks_for_little_gets_it() {
        assert_eq!(shared(100, &[10, 20, 30], 1), [10, 20, 30]);
        assert_eq!(shared(100, &[10, 100, 200], 1), [10, 45, 45]);
        assert_eq!(shared(10, &[100], 1), [10]);
        assert_eq!(shared(2, &[5, 0, 5, 5], 1), [1, 0, 1, 1]);
        assert_eq!(shared(0, &[], 1), Vec::<usize>::new());
    }

    #[test]
    fn shares_of_all_pipes_fit_together() {
        let need = need(vec![server(Some(100)), server(None), client(Some(50))]);
        let room = Room { files: Some(2000), ..Room::default() };
        let shares = need.within(&room).unwrap();
        let connections: usize = shares.pipes.iter().map(|share| share.connections.get()).sum();
        assert!(connections <= shares.total.connections.get());
        assert_eq!(shares.pipes[0].connections.get(), 100);
        assert_eq!(shares.pipes[2].connections.get(), 50);
        assert_eq!(shares.pipes[2].strangers, 0);
        assert!(need.reason(&room, &shares).contains("open files"));
    }

    #[test]
    fn room_that_was_set_aside_is_a_bound() {
        let need = need(vec![server(Some(100)); 2]);
        let room = Room { guests: Some(110), ..Room::default() };
        let shares = need.within(&room).unwrap();
        assert_eq!(shares.pipes[0].connections, shares.pipes[1].connections);
        assert!(shares.total.connections.get() <= 100);
        assert!(need.reason(&room, &shares).contains("restart"));
    }

    #[test]
    fn descriptors_of_other_sources_and_observers_are_counted() {
        let mut need = need(vec![server(Some(100))]);
        let room = Room { files: Some(300), ..Room::default() };
        let before = need.within(&room).unwrap().total.connections;
        need.files = 100;
        assert!(need.within(&room).unwrap().total.connections < before);
        let few = Need { files: 295, ..need }.within(&room);
        assert!(matches!(few, Err(TooLittle::Files { .. })));
    }

    fn need(pipes: Vec<PipeNeed>) -> Need {
        Need { pipes, loops: 2, memory: None, files: 0 }
    }

    fn server(connections: Option<usize>) -> PipeNeed {
        let config = Config::Server(ServerConfig::Any(ForwardSecrecy::Offer));
        PipeNeed { config, connections: connections.and_then(NonZeroUsize::new), handshakes: None }
    }

    fn client(connections: Option<usize>) -> PipeNeed {
        PipeNeed { config: Config::Client(ClientConfig::X25519), ..server(connections) }
    }
}
