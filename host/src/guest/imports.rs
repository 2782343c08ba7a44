//! The functions a guest can call: bulk cryptography, and nothing else.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

use wasmtime::component::{Linker, Resource, ResourceTable, ResourceType, WasmList};
use wasmtime::{Result, StoreContextMut, StoreLimits, bail};
use zeroize::Zeroizing;

use super::bindings::spiped::pipe::key_search::{self, HostPskSet};
use super::clock::{Allowance, Call, Clock};
use super::output::{Output, Room};
use crate::keys::file::Psk;
use crate::packet_crypto::{BODY_LEN, Direction, KeySearch, MAC_LEN, PACKET_LEN, PLAIN_MAX};
use crate::process::wipe::wipe_used;

/// A session has two directions, an acceptor one set of PSKs. A guest that asks for
/// more is broken.
const RESOURCES_MAX: usize = 2;

/// The most packets in a run, as the interface specifies.
const RUN_MAX: usize = 64;

/// The most bytes of a salt and of a value, as the interface specifies.
const SALT_MAX: usize = 84;
const VALUE_MAX: usize = 256;

thread_local! {
    /// The run that was opened last. There is one buffer per thread: a buffer per guest
    /// would have to be allocated, faulted in and wiped with each guest.
    static OPENED: RefCell<Opened> = RefCell::default();
}

#[derive(Default)]
struct Opened {
    packets: Vec<u8>,
    /// All bytes after these are zeros.
    used: usize,
}

/// The state behind one guest's imports.
pub(super) struct Imports {
    resources: ResourceTable,
    limits: StoreLimits,
    /// The keys that an acceptor searches.
    keys: Option<KeySearch>,
    clock: Arc<Clock>,
    call: Call,
    /// The output of the current call, besides what it returns.
    output: Output,
    /// How much more output the current call may produce.
    room: Room,
    /// How many packets this guest has opened in the current call and not delivered.
    undelivered: usize,
}

impl Imports {
    pub(super) fn new(limits: StoreLimits, clock: Arc<Clock>) -> Self {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES_MAX);
        Self {
            resources,
            limits,
            keys: None,
            clock,
            call: Call::new(Allowance::EventLoop),
            output: Output::default(),
            room: Room::default(),
            undelivered: 0,
        }
    }

    /// Lends `output` to a call, which may append so much to it, until
    /// [`take_back`](Self::take_back).
    pub(super) fn lend(&mut self, output: &mut Output, room: Room) {
        self.output = mem::take(output);
        self.room = room;
        self.undelivered = 0;
    }

    /// Ends the call.
    pub(super) fn take_back(&mut self, output: &mut Output) {
        *output = mem::take(&mut self.output);
        self.room = Room::default();
    }

    /// The clock that limits the time of calls.
    pub(super) fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// The current call.
    pub(super) fn call(&mut self) -> &mut Call {
        &mut self.call
    }

    pub(super) fn limits(&mut self) -> &mut StoreLimits {
        &mut self.limits
    }

    /// Gives the guest these keys to search.
    pub(super) fn set_keys(&mut self, keys: KeySearch) {
        self.keys = Some(keys);
    }
}

/// Wipes the last run that a guest opened on this thread.
pub(super) fn wipe_opened() {
    // If the buffer is gone with its thread, it has been wiped: the heap is wiped when
    // freed.
    let _ = OPENED.try_with(|opened| {
        let Opened { packets, used } = &mut *opened.borrow_mut();
        // Includes the rest of an earlier, longer run.
        wipe_used(packets, mem::take(used));
    });
}

/// Provides `packet-crypto`. Written by hand, because the generated form copies each
/// list into a new vector.
pub(super) fn add_packet_crypto(linker: &mut Linker<Imports>) -> Result<()> {
    let mut packet_crypto = linker.instance("spiped:pipe/packet-crypto@0.1.0")?;
    packet_crypto.resource(
        "direction",
        ResourceType::host::<Direction>(),
        |mut store, index| {
            let resources: &mut ResourceTable = &mut store.data_mut().resources;
            resources.delete(Resource::<Direction>::new_own(index))?;
            Ok(())
        },
    )?;
    packet_crypto.func_wrap("[constructor]direction", new_direction)?;
    packet_crypto.func_wrap("[method]direction.seal", seal)?;
    packet_crypto.func_wrap("[method]direction.open", open)?;
    packet_crypto.func_wrap("[method]direction.deliver", deliver)
}

fn new_direction(
    mut store: StoreContextMut<'_, Imports>,
    (cipher_key, mac_key): (Vec<u8>, Vec<u8>),
) -> Result<(Resource<Direction>,)> {
    let (cipher_key, mac_key) = (Zeroizing::new(cipher_key), Zeroizing::new(mac_key));
    let Some(direction) = Direction::new(&cipher_key, &mac_key) else {
        bail!("packet keys have a wrong length");
    };
    Ok((store.data_mut().resources.push(direction)?,))
}

/// Seals a run in the output buffer. Copying the bodies there takes 2 % of the time of
/// sealing: they stay in the first-level cache.
fn seal(
    mut store: StoreContextMut<'_, Imports>,
    (direction, first, messages, trailer, last_trailer): (
        Resource<Direction>,
        u64,
        WasmList<u8>,
        WasmList<u8>,
        WasmList<u8>,
    ),
) -> Result<()> {
    produce(&mut store, |store, Output { to_crypt, .. }, room| {
        let [messages, trailer, last_trailer] =
            [&messages, &trailer, &last_trailer].map(|list| list.as_le_slice(store));
        let packets = messages.len().div_ceil(PLAIN_MAX).max(1);
        check_run(first, packets)?;
        let (full, last) = messages.split_at((packets - 1) * PLAIN_MAX);
        if trailer.len() != BODY_LEN - PLAIN_MAX || last.len() + last_trailer.len() != BODY_LEN {
            bail!("bodies have a wrong length");
        }
        take_room(&mut room.to_crypt, packets * PACKET_LEN)?;
        let start = to_crypt.len();
        let full = full.chunks_exact(PLAIN_MAX).map(|message| (message, trailer));
        for (message, trailer) in full.chain([(last, last_trailer)]) {
            to_crypt.extend_from_slice(message);
            to_crypt.extend_from_slice(trailer);
            to_crypt.extend_from_slice(&[0; MAC_LEN]);
        }
        store.data().resources.get(&direction)?.seal(first, &mut to_crypt[start..]);
        Ok(())
    })
}

/// Opens a run in this thread's buffer, and returns the declared lengths.
fn open(
    mut store: StoreContextMut<'_, Imports>,
    (direction, first, head, packets): (Resource<Direction>, u64, WasmList<u8>, WasmList<u8>),
) -> Result<(Vec<u32>,)> {
    let lengths = OPENED.with_borrow_mut(|Opened { packets: run, used }| {
        let [head, packets] = [&head, &packets].map(|list| list.as_le_slice(&store));
        let len = head.len() + packets.len();
        if !len.is_multiple_of(PACKET_LEN) {
            bail!("not a run of packets: {len} bytes");
        }
        check_run(first, len / PACKET_LEN)?;
        run.clear();
        run.extend_from_slice(head);
        run.extend_from_slice(packets);
        *used = run.len().max(*used);
        let authentic = store.data().resources.get(&direction)?.open(first, run);
        run.truncate(authentic);
        let (packets, _) = run.as_chunks::<PACKET_LEN>();
        let length = |packet: &[u8; PACKET_LEN]| {
            let bytes = packet[PLAIN_MAX..].first_chunk();
            u32::from_be_bytes(*bytes.unwrap_or_else(|| unreachable!("a packet is longer")))
        };
        Ok(packets.iter().map(length).collect::<Vec<_>>())
    })?;
    store.data_mut().undelivered = lengths.len();
    Ok((lengths,))
}

/// Delivers the run that this guest has just opened.
fn deliver(
    mut store: StoreContextMut<'_, Imports>,
    (_, lengths): (Resource<Direction>, WasmList<u32>),
) -> Result<()> {
    let undelivered = mem::take(&mut store.data_mut().undelivered);
    produce(&mut store, |store, Output { to_plain, .. }, room| {
        let lengths = lengths.as_le_slice(store);
        if lengths.len() > undelivered {
            bail!("more to deliver than was opened");
        }
        OPENED.with_borrow(|opened| {
            let (packets, _) = opened.packets.as_chunks::<PACKET_LEN>();
            for (packet, length) in packets.iter().zip(lengths) {
                let length = u32::from_le(*length) as usize;
                let Some(message) = packet[..PLAIN_MAX].get(..length) else {
                    bail!("more to deliver than a packet has: {length} bytes");
                };
                take_room(&mut room.to_plain, length)?;
                to_plain.extend_from_slice(message);
            }
            Ok(())
        })
    })
}

/// Appends to the output of the current call.
fn produce(
    store: &mut StoreContextMut<'_, Imports>,
    add: impl FnOnce(&StoreContextMut<'_, Imports>, &mut Output, &mut Room) -> Result<()>,
) -> Result<()> {
    let Imports { output, room, .. } = store.data_mut();
    // Moved out, so that the guest's memory can be borrowed at the same time.
    let (mut output, mut room) = (mem::take(output), mem::take(room));
    let added = add(store, &mut output, &mut room);
    let imports = store.data_mut();
    (imports.output, imports.room) = (output, room);
    added
}

fn take_room(room: &mut usize, len: usize) -> Result<()> {
    let Some(left) = room.checked_sub(len) else {
        bail!("more than it was given");
    };
    *room = left;
    Ok(())
}

fn check_run(first: u64, packets: usize) -> Result<()> {
    if packets > RUN_MAX {
        bail!("not a run of packets: {packets} of them");
    }
    if first.checked_add(packets as u64).is_none() {
        bail!("packet numbers beyond the last: {first}");
    }
    Ok(())
}

impl key_search::Host for Imports {}

impl HostPskSet for Imports {
    /// The host has prepared the same PSKs already, once for all acceptors.
    fn new(&mut self, psks: Vec<u8>) -> Result<Resource<KeySearch>> {
        let psks = Zeroizing::new(psks);
        let Some(keys) = self.keys.clone() else {
            bail!("there are no PSKs to be searched");
        };
        if psks.len() != keys.len() * Psk::LEN {
            bail!("PSKs have a wrong length: {} bytes", psks.len());
        }
        Ok(self.resources.push(keys)?)
    }

    fn find(
        &mut self,
        psk_set: Resource<KeySearch>,
        salt: Vec<u8>,
        value: Vec<u8>,
        tag: Vec<u8>,
    ) -> Result<Option<u32>> {
        let Some(tag) = tag.as_array() else {
            bail!("a tag has a wrong length: {} bytes", tag.len());
        };
        // The message is hashed under every key in the host, where the clock does not
        // stop it: hence the limit.
        if salt.len() > SALT_MAX || value.len() > VALUE_MAX {
            bail!("too much to search for: {} and {} bytes", salt.len(), value.len());
        }
        Ok(self.resources.get(&psk_set)?.find(&salt, &value, tag))
    }

    fn drop(&mut self, psk_set: Resource<KeySearch>) -> Result<()> {
        self.resources.delete(psk_set)?;
        Ok(())
    }
}
