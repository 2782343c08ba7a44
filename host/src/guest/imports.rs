//! What a guest can call: bulk cryptography, and nothing else.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

use wasmtime::component::{Linker, Resource, ResourceTable, ResourceType, WasmList};
use wasmtime::{Result, StoreContextMut, StoreLimits, bail};
use zeroize::Zeroizing;

use super::bindings::spiped::pipe::key_search::{self, HostPskSet};
use super::clock::{Allowance, Call, Clock};
use crate::keys::file::Psk;
use crate::packet_crypto::{Direction, KeySearch, PACKET_LEN};
use crate::process::wipe::wipe;

/// A session has two directions, an acceptor one set of PSKs; a guest that asks
/// for more is broken.
const RESOURCES_MAX: usize = 2;

/// The most packets in a run, by the interface.
const RUN_MAX: usize = 64;

/// The most bytes of a salt and of a value, by the interface.
const SALT_MAX: usize = 84;
const VALUE_MAX: usize = 256;

thread_local! {
    /// A run on its way from a guest and back to it. A buffer for each thread,
    /// as a guest's own would be allocated, faulted in and wiped with it.
    /// Shared for as long as wasmtime copies a run out of it.
    static RUN: RefCell<Run> = RefCell::default();
}

#[derive(Default)]
struct Run {
    packets: Arc<Vec<u8>>,
    /// Beyond these bytes, all are zeros.
    used: usize,
}

/// The state behind one guest's imports.
pub(super) struct Imports {
    resources: ResourceTable,
    limits: StoreLimits,
    /// What an acceptor is to search.
    keys: Option<KeySearch>,
    clock: Arc<Clock>,
    call: Call,
}

impl Imports {
    pub(super) fn new(limits: StoreLimits, clock: Arc<Clock>) -> Self {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES_MAX);
        let call = Call::new(Allowance::EventLoop);
        Self { resources, limits, keys: None, clock, call }
    }

    /// What counts the time of calls.
    pub(super) fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// The call that is going on.
    pub(super) fn call(&mut self) -> &mut Call {
        &mut self.call
    }

    pub(super) fn limits(&mut self) -> &mut StoreLimits {
        &mut self.limits
    }

    /// Lets the guest search these.
    pub(super) fn set_keys(&mut self, keys: KeySearch) {
        self.keys = Some(keys);
    }
}

/// Wipes what this thread's guests have sealed and opened last.
pub(super) fn wipe_run() {
    // Gone with its thread is as good: the heap is wiped when freed.
    let _ = RUN.try_with(|run| {
        let Run { packets, used } = &mut *run.borrow_mut();
        if let Some(packets) = Arc::get_mut(packets) {
            // Also what is left of a longer run.
            packets.resize(mem::take(used), 0);
            wipe(packets);
            packets.clear();
        }
    });
}

/// Provides `packet-crypto`. By hand: the generated form copies each run into a
/// fresh vector.
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
    packet_crypto.func_wrap("[method]direction.seal", |store, parameters| {
        with_run(&store, parameters, |direction, first, run| direction.seal(first, run))
    })?;
    packet_crypto.func_wrap("[method]direction.open", |store, parameters| {
        with_run(&store, parameters, |direction, first, run| {
            let authentic = direction.open(first, run);
            run.truncate(authentic);
        })
    })
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

/// Copies a run out of the guest's memory and works on it. The answer is copied
/// into the guest's memory by wasmtime.
fn with_run(
    store: &StoreContextMut<'_, Imports>,
    (direction, first, packets): (Resource<Direction>, u64, WasmList<u8>),
    work: impl FnOnce(&Direction, u64, &mut Vec<u8>),
) -> Result<(Arc<Vec<u8>>,)> {
    let direction = store.data().resources.get(&direction)?;
    let packets = packets.as_le_slice(store);
    check_run(first, packets)?;
    RUN.with_borrow_mut(|Run { packets: shared, used }| {
        // The last answer has been copied, so nobody else has it.
        let run = Arc::make_mut(shared);
        run.clear();
        run.extend_from_slice(packets);
        *used = run.len().max(*used);
        work(direction, first, run);
        Ok((shared.clone(),))
    })
}

fn check_run(first: u64, packets: &[u8]) -> Result<()> {
    let count = packets.len() / PACKET_LEN;
    if !packets.len().is_multiple_of(PACKET_LEN) || count > RUN_MAX {
        bail!("not a run of packets: {} bytes", packets.len());
    }
    if first.checked_add(count as u64).is_none() {
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
        // Hashed under every key, and no epoch ends that.
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
