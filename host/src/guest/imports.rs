//! What a guest can call: bulk cryptography, and nothing else.

use wasmtime::component::{Resource, ResourceTable};
use wasmtime::{Result, StoreLimits, bail};
use zeroize::Zeroizing;

use super::bindings::spiped::pipe::key_search::{self, HostPskSet};
use super::bindings::spiped::pipe::packet_crypto::{self, HostDirection};
use crate::packet_crypto::{Direction, KeySearch, PACKET_LEN};

/// A session has two directions, an acceptor one set of PSKs; a guest that asks
/// for more is broken.
const RESOURCES_MAX: usize = 2;

/// The state behind one guest's imports.
pub(super) struct Imports {
    resources: ResourceTable,
    limits: StoreLimits,
}

impl Imports {
    pub(super) fn new(limits: StoreLimits) -> Self {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES_MAX);
        Self { resources, limits }
    }

    pub(super) fn limits(&mut self) -> &mut StoreLimits {
        &mut self.limits
    }
}

impl packet_crypto::Host for Imports {}
impl key_search::Host for Imports {}

impl HostDirection for Imports {
    fn new(&mut self, cipher_key: Vec<u8>, mac_key: Vec<u8>) -> Result<Resource<Direction>> {
        let (cipher_key, mac_key) = (Zeroizing::new(cipher_key), Zeroizing::new(mac_key));
        let Some(direction) = Direction::new(&cipher_key, &mac_key) else {
            bail!("packet keys have a wrong length");
        };
        Ok(self.resources.push(direction)?)
    }

    fn seal(
        &mut self,
        direction: Resource<Direction>,
        first: u64,
        mut packets: Vec<u8>,
    ) -> Result<Vec<u8>> {
        check_run(first, &packets)?;
        self.resources.get(&direction)?.seal(first, &mut packets);
        Ok(packets)
    }

    fn open(
        &mut self,
        direction: Resource<Direction>,
        first: u64,
        mut packets: Vec<u8>,
    ) -> Result<Vec<u8>> {
        check_run(first, &packets)?;
        let authentic = self.resources.get(&direction)?.open(first, &mut packets);
        packets.truncate(authentic);
        Ok(packets)
    }

    fn drop(&mut self, direction: Resource<Direction>) -> Result<()> {
        self.resources.delete(direction)?;
        Ok(())
    }
}

impl HostPskSet for Imports {
    fn new(&mut self, psks: Vec<u8>) -> Result<Resource<KeySearch>> {
        let psks = Zeroizing::new(psks);
        let Some(search) = KeySearch::new(&psks) else {
            bail!("PSKs have a wrong length: {} bytes", psks.len());
        };
        Ok(self.resources.push(search)?)
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
        Ok(self.resources.get(&psk_set)?.find(&salt, &value, tag))
    }

    fn drop(&mut self, psk_set: Resource<KeySearch>) -> Result<()> {
        self.resources.delete(psk_set)?;
        Ok(())
    }
}

fn check_run(first: u64, packets: &[u8]) -> Result<()> {
    if !packets.len().is_multiple_of(PACKET_LEN) {
        bail!("not a whole number of packets: {} bytes", packets.len());
    }
    if first.checked_add((packets.len() / PACKET_LEN) as u64).is_none() {
        bail!("packet numbers beyond the last: {first}");
    }
    Ok(())
}
