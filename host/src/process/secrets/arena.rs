//! Slots of a few sizes, in chunks of locked pages.
//!
//! A free slot contains zeros. Which slots are taken is recorded outside the pages, on
//! the heap: this is not secret, and an error in a secret cannot damage it.

use std::collections::{BTreeMap, BTreeSet};
use std::ptr::NonNull;

use rustix::io::Result;

use super::pages::{PAGE_LEN, Pages};

/// The size of a chunk, unless a single slot is larger: four system calls for about
/// eighty sleeping sessions, and little memory if there is only one.
const CHUNK_LEN: usize = 4 * PAGE_LEN;

/// The step between slot sizes, up to [`COARSE`]: a key has 32 bytes, the state of a
/// session with nothing in flight less than 256.
const FINE: usize = 32;
/// All slots are aligned so: they begin at a multiple of their lengths in pages,
/// and their lengths are multiples of it.
pub(super) const ALIGN: usize = FINE;
/// The step above that, for states with part of a packet: a size that few have.
const COARSE: usize = 256;

/// A bit for each slot of a chunk.
type Bits = [u64; CHUNK_LEN / FINE / u64::BITS as usize];

/// Slots for secrets.
pub(super) struct Arena {
    /// By the length of their slots.
    shelves: BTreeMap<usize, Shelf>,
    /// Whether the secrets still have to survive a fork.
    inheritable: bool,
    /// Whether a refusal of the system has been logged.
    reported: bool,
}

/// The chunks with slots of one length.
#[derive(Default)]
struct Shelf {
    /// By their addresses.
    chunks: BTreeMap<usize, Chunk>,
    /// The chunks with a free slot.
    free: BTreeSet<usize>,
}

struct Chunk {
    pages: Pages,
    taken: Bits,
    count: usize,
}

impl Arena {
    pub(super) const fn new() -> Self {
        Self { shelves: BTreeMap::new(), inheritable: true, reported: false }
    }

    /// Takes a slot of at least `len` bytes, which are zeros.
    pub(super) fn take(&mut self, len: usize) -> NonNull<u8> {
        let slot_len = slot_len(len);
        let shelf = self.shelves.entry(slot_len).or_default();
        // From the lowest chunk, so that the others become empty.
        if let Some(slot) = shelf.take(slot_len) {
            return slot;
        }
        let pages = Pages::map(slot_len.max(CHUNK_LEN));
        let protected = protect(&pages, self.inheritable);
        shelf.add(pages);
        let slot = shelf.take(slot_len);
        self.report(protected);
        slot.unwrap_or_else(|| unreachable!("a new chunk has a free slot"))
    }

    /// Returns a slot that was taken for `len` bytes and contains zeros again.
    pub(super) fn give_back(&mut self, slot: NonNull<u8>, len: usize) {
        let slot_len = slot_len(len);
        if let Some(shelf) = self.shelves.get_mut(&slot_len) {
            shelf.give_back(slot.addr().get(), slot_len);
        }
    }

    /// Protects all pages again, against forks as well.
    pub(super) fn stop_inheritance(&mut self) {
        self.inheritable = false;
        let chunks = self.shelves.values().flat_map(|shelf| shelf.chunks.values());
        let protected = chunks.map(|chunk| protect(&chunk.pages, false));
        let protected = protected.fold(Ok(()), Result::and);
        self.report(protected);
    }

    fn report(&mut self, protected: Result<()>) {
        if let Err(error) = protected
            && !self.reported
        {
            self.reported = true;
            log::debug!(
                "Secrets in memory are not fully protected from swap, dumps and forks: {error} \
                 (LimitMEMLOCK= or ulimit -l may be too low)"
            );
        }
    }
}

impl Shelf {
    fn add(&mut self, pages: Pages) {
        let address = pages.start().addr().get();
        self.chunks.insert(address, Chunk { pages, taken: Bits::default(), count: 0 });
        self.free.insert(address);
    }

    fn take(&mut self, slot_len: usize) -> Option<NonNull<u8>> {
        let address = *self.free.first()?;
        let chunk = self.chunks.get_mut(&address)?;
        let slots = chunk.slots(slot_len);
        let index = (0..slots).find(|&index| !chunk.is_taken(index))?;
        chunk.flip(index);
        chunk.count += 1;
        if chunk.count == slots {
            self.free.remove(&address);
        }
        let start = chunk.pages.start();
        // SAFETY: the chunk has this many slots of this length, so the slot
        // begins and ends inside its mapping.
        #[allow(unsafe_code, reason = "a pointer into a mapping of our own")]
        Some(unsafe { start.add(index * slot_len) })
    }

    fn give_back(&mut self, slot: usize, slot_len: usize) {
        let Some((&address, chunk)) = self.chunks.range_mut(..=slot).next_back() else { return };
        chunk.flip((slot - address) / slot_len);
        chunk.count -= 1;
        self.free.insert(address);
        // One empty chunk is kept: a single session may sleep and wake again and again.
        if chunk.count == 0 && self.free.len() > 1 {
            self.free.remove(&address);
            self.chunks.remove(&address);
        }
    }
}

impl Chunk {
    fn slots(&self, slot_len: usize) -> usize {
        self.pages.len() / slot_len
    }

    fn is_taken(&self, index: usize) -> bool {
        let (word, bit) = place(index);
        self.taken[word] & bit != 0
    }

    fn flip(&mut self, index: usize) {
        let (word, bit) = place(index);
        self.taken[word] ^= bit;
    }
}

/// The word and the bit of a slot in [`Bits`].
fn place(index: usize) -> (usize, u64) {
    let bits = u64::BITS as usize;
    (index / bits, 1 << (index % bits))
}

/// The size of the slot for a secret of `len` bytes.
fn slot_len(len: usize) -> usize {
    let step = if len <= COARSE { FINE } else { COARSE };
    len.max(1).next_multiple_of(step)
}

fn protect(pages: &Pages, inheritable: bool) -> Result<()> {
    let protected = pages.protect();
    if inheritable { protected } else { protected.and(pages.wipe_on_fork()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_one_chunk_fill_it_without_gaps() {
        let mut arena = Arena::new();
        let mut slots: Vec<_> =
            (0..CHUNK_LEN / 160).map(|_| arena.take(150).addr().get()).collect();
        slots.sort_unstable();
        assert!(slots.windows(2).all(|pair| pair[1] - pair[0] == 160));
        assert_eq!(chunks(&arena), 1);
    }

    #[test]
    fn memory_goes_back_but_for_one_chunk_of_each_size() {
        let mut arena = Arena::new();
        for len in [32, 150, 1300, 3 * CHUNK_LEN] {
            let slots: Vec<_> = (0..1000).map(|_| arena.take(len)).collect();
            assert!(chunks(&arena) > 1);
            for slot in slots {
                arena.give_back(slot, len);
            }
        }
        assert_eq!(chunks(&arena), 4);
        arena.take(150);
        assert_eq!(chunks(&arena), 4);
    }

    #[test]
    fn sizes_are_few_and_waste_little() {
        let sizes: BTreeSet<_> = (0..=1300).map(slot_len).collect();
        assert!(sizes.len() <= 14, "{sizes:?}");
        assert!((0..5000).all(|len| slot_len(len) >= len && slot_len(len) < len + COARSE));
    }

    fn chunks(arena: &Arena) -> usize {
        arena.shelves.values().map(|shelf| shelf.chunks.len()).sum()
    }
}
