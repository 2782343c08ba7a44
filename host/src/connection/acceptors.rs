//! Who is there? The acceptors of a server, which know the keys in use.
//!
//! A few instances serve all strangers in turn: none has one of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::guest::{
    AcceptorGuest, Engine, Failure, GuestError, HELLO_MAX, NONCE_LEN, PeerFault, ServerConfig,
    Verdict,
};
use crate::keys::KeySet;
use crate::keys::file::Psk;
use crate::packet_crypto::KeySearch;
use crate::process::compute::{Class, Compute, Turn};

/// With more keys than this, a search takes too long for an event loop. With so
/// many it takes some 30 µs for both forms of a hello: half as long as a batch
/// of packets.
const QUICK_SEARCH_MAX: usize = 64;

/// How many guests there can be. For one set of keys, there are at most as many as
/// can be asked at once, by the event loops or by as many computing threads; those
/// of a set that was replaced, which a thread may still be asking, are as many.
#[must_use]
pub(crate) const fn acceptors_max(threads: usize) -> usize {
    2 * threads
}

/// A server's acceptors and the keys they know, replaced together.
pub struct Acceptors {
    config: ServerConfig,
    compute: Compute,
    in_use: watch::Sender<Arc<InUse>>,
    hello_min: usize,
}

struct InUse {
    engine: Engine,
    config: ServerConfig,
    keys: Arc<KeySet>,
    search: KeySearch,
    /// Those that nobody is asking; `None` once other keys are in use. A search
    /// that still runs then keeps the acceptor it asks, and no other.
    idle: Mutex<Option<Vec<AcceptorGuest>>>,
}

type Question<T> = fn(&mut AcceptorGuest, &[u8; NONCE_LEN], &[u8]) -> Result<T, Failure>;

impl Acceptors {
    /// Acceptors for the first keys, of which `prepared` was made. None is there
    /// before a stranger comes: most pipes are idle.
    #[must_use]
    pub fn new(
        engine: &Engine,
        config: ServerConfig,
        compute: &Compute,
        keys: Arc<KeySet>,
        prepared: Prepared,
    ) -> Self {
        let Prepared { search, hello_min } = prepared;
        let in_use = InUse::new(engine.clone(), config, keys, search);
        Self {
            config,
            compute: compute.clone(),
            in_use: watch::Sender::new(Arc::new(in_use)),
            hello_min,
        }
    }

    /// The server configuration.
    #[must_use]
    pub fn config(&self) -> ServerConfig {
        self.config
    }

    /// The shortest hello: with fewer bytes, no acceptor is asked, so silence enters no
    /// sandbox.
    #[must_use]
    pub fn hello_min(&self) -> usize {
        self.hello_min
    }

    /// Prepares for other keys. With many, this takes too long for an event loop.
    #[must_use]
    pub fn prepare(&self, keys: &KeySet) -> Prepared {
        Prepared { search: AcceptorGuest::search_of(keys.psks()), hello_min: self.hello_min }
    }

    /// Puts these keys in use; `prepared` was made from them.
    pub fn replace(&self, keys: Arc<KeySet>, prepared: Prepared) {
        let engine = self.in_use.borrow().engine.clone();
        let new = InUse::new(engine, self.config, keys, prepared.search);
        self.in_use.send_replace(Arc::new(new)).retire();
    }

    /// Drops the instances, except those in a call: others replace them.
    pub fn retire(&self) {
        self.in_use.borrow().retire();
    }

    /// Looks up which key a stranger has that sent `received` in response to our nonce.
    /// Also returns the keys that the index refers to: those in use now. A search of many
    /// keys is scheduled in turn by `source`.
    ///
    /// # Errors
    /// When an acceptor fails. It is replaced; other strangers are not affected.
    pub async fn identify(
        &self,
        source: u64,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<(Verdict, Arc<KeySet>), GuestError> {
        self.ask(AcceptorGuest::identify, source, our_nonce, received).await
    }

    /// The fault of a stranger that sends nothing more.
    ///
    /// # Errors
    /// As for [`identify`](Self::identify).
    pub async fn fault_at_eof(
        &self,
        source: u64,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<PeerFault, GuestError> {
        if received.is_empty() {
            return Ok(PeerFault::TruncatedInHandshake);
        }
        let (fault, _) = self.ask(AcceptorGuest::fault_at_eof, source, our_nonce, received).await?;
        Ok(fault)
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: Question<T>,
        source: u64,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<(T, Arc<KeySet>), GuestError> {
        let in_use = self.in_use.borrow().clone();
        if in_use.keys.psks().len() <= QUICK_SEARCH_MAX {
            return in_use.answer(question, our_nonce, received);
        }
        let (our_nonce, received) = (*our_nonce, received.to_vec());
        // Searches the keys in use when its turn comes. Until then it holds no set: each set
        // has acceptors of its own, and there is room in the engine for those of two sets.
        // Former ones that waited here once kept a reload from putting new keys in use.
        drop(in_use);
        let in_use = self.in_use.subscribe();
        let answer = move || {
            let in_use = in_use.borrow().clone();
            in_use.answer(question, &our_nonce, &received)
        };
        // In a box: most strangers never need it.
        let turn = Turn { class: Class::Stranger, source };
        let answer = Box::pin(self.compute.run(turn, answer)).await;
        answer.ok_or_else(|| GuestError::Failed(Failure::abandoned()))?
    }
}

impl InUse {
    fn new(engine: Engine, config: ServerConfig, keys: Arc<KeySet>, search: KeySearch) -> Self {
        Self { engine, config, keys, search, idle: Mutex::new(Some(Vec::new())) }
    }

    fn fresh(&self) -> Result<AcceptorGuest, GuestError> {
        AcceptorGuest::new(&self.engine, self.config, self.keys.psks(), &self.search)
    }

    /// Calls an idle acceptor, or a new one if none is idle. One that fails is dropped.
    fn answer<T>(
        &self,
        question: Question<T>,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<(T, Arc<KeySet>), GuestError> {
        let idle = self.idle().as_mut().and_then(Vec::pop);
        let mut acceptor = idle.map_or_else(|| self.fresh(), Ok)?;
        let answer = question(&mut acceptor, our_nonce, received);
        if !acceptor.has_failed()
            && let Some(idle) = &mut *self.idle()
        {
            idle.push(acceptor);
        }
        Ok((answer.map_err(GuestError::Failed)?, self.keys.clone()))
    }

    /// Drops all acceptors, and takes none back.
    fn retire(&self) {
        let idle = self.idle().take();
        drop(idle);
    }

    /// A poisoned lock is usable: nothing changes in several steps while it is held.
    fn idle(&self) -> MutexGuard<'_, Option<Vec<AcceptorGuest>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long hellos are at least, by what is accepted: it depends on nothing else.
#[derive(Default)]
pub struct Hellos(Vec<(ServerConfig, usize)>);

impl Hellos {
    fn min(
        &mut self,
        engine: &Engine,
        config: ServerConfig,
        psks: &[Psk],
        search: &KeySearch,
    ) -> Result<usize, GuestError> {
        if let Some((_, min)) = self.0.iter().find(|(known, _)| *known == config) {
            return Ok(*min);
        }
        let mut acceptor = AcceptorGuest::new(engine, config, psks, search)?;
        let min = match acceptor.identify(&[0; NONCE_LEN], &[]).map_err(GuestError::Failed)? {
            Verdict::More(more) => usize::try_from(more).unwrap_or(HELLO_MAX),
            Verdict::Authenticated(_) | Verdict::Refused(_) => 0,
        };
        self.0.push((config, min));
        Ok(min)
    }
}

/// What acceptors that know certain keys are made of.
pub struct Prepared {
    search: KeySearch,
    hello_min: usize,
}

impl Prepared {
    /// For these keys. With many, this takes too long for an event loop.
    ///
    /// # Errors
    /// When there is not even one acceptor to try.
    pub fn new(
        engine: &Engine,
        config: ServerConfig,
        keys: &KeySet,
        hellos: &mut Hellos,
    ) -> Result<Self, GuestError> {
        let search = AcceptorGuest::search_of(keys.psks());
        let hello_min = hellos.min(engine, config, keys.psks(), &search)?;
        Ok(Self { search, hello_min })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::guest::ForwardSecrecy;

    #[test]
    fn search_among_former_keys_keeps_no_acceptor_from_the_next() {
        // An engine has room for three guests at least.
        let compute = Compute::start(2, || {}).unwrap();
        let guests = acceptors_max(compute.threads()).try_into().unwrap();
        let engine = Engine::new(guests).unwrap();
        let config = ServerConfig::Any(ForwardSecrecy::Offer);
        let mut hellos = Hellos::default();
        let mut prepare =
            |keys: &KeySet| Prepared::new(&engine, config, keys, &mut hellos).unwrap();
        let first = keys(0);
        let prepared = prepare(&first);
        let acceptors = Acceptors::new(&engine, config, &compute, first, prepared);
        let mut replace = |round| {
            let keys = keys(round);
            let prepared = prepare(&keys);
            acceptors.replace(keys, prepared);
        };
        for round in 1..4 {
            let former = acceptors.in_use.borrow().clone();
            replace(round);
            // As a search does that is late.
            former.answer(AcceptorGuest::identify, &[1; NONCE_LEN], &[]).unwrap();
            replace(round);
            let now = acceptors.in_use.borrow().clone();
            now.answer(AcceptorGuest::identify, &[1; NONCE_LEN], &[]).unwrap();
        }
    }

    fn keys(round: u8) -> Arc<KeySet> {
        Arc::new(KeySet::of_one(Psk::copy_of(&[round; Psk::LEN])))
    }
}
