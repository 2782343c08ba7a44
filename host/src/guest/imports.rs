//! What a guest can call: packet cryptography, and nothing else.

use wasmtime::component::{Resource, ResourceTable};
use wasmtime::{Result, StoreLimits, bail};
use zeroize::Zeroizing;

use super::bindings::spiped::pipe::packet_crypto::{Host, HostDirection};
use crate::packet_crypto::{Direction, PACKET_LEN};

/// A session has two directions; a guest that asks for more is broken.
const DIRECTIONS_MAX: usize = 2;

/// The state behind one guest's imports.
pub(super) struct Imports {
    directions: ResourceTable,
    limits: StoreLimits,
}

impl Imports {
    pub(super) fn new(limits: StoreLimits) -> Self {
        let mut directions = ResourceTable::new();
        directions.set_max_capacity(DIRECTIONS_MAX);
        Self { directions, limits }
    }

    pub(super) fn limits(&mut self) -> &mut StoreLimits {
        &mut self.limits
    }
}

impl Host for Imports {}

impl HostDirection for Imports {
    fn new(&mut self, cipher_key: Vec<u8>, mac_key: Vec<u8>) -> Result<Resource<Direction>> {
        let (cipher_key, mac_key) = (Zeroizing::new(cipher_key), Zeroizing::new(mac_key));
        let Some(direction) = Direction::new(&cipher_key, &mac_key) else {
            bail!("packet keys have a wrong length");
        };
        Ok(self.directions.push(direction)?)
    }

    fn seal(
        &mut self,
        direction: Resource<Direction>,
        first: u64,
        mut packets: Vec<u8>,
    ) -> Result<Vec<u8>> {
        check_run(first, &packets)?;
        self.directions.get(&direction)?.seal(first, &mut packets);
        Ok(packets)
    }

    fn open(
        &mut self,
        direction: Resource<Direction>,
        first: u64,
        mut packets: Vec<u8>,
    ) -> Result<Vec<u8>> {
        check_run(first, &packets)?;
        let authentic = self.directions.get(&direction)?.open(first, &mut packets);
        packets.truncate(authentic);
        Ok(packets)
    }

    fn drop(&mut self, direction: Resource<Direction>) -> Result<()> {
        self.directions.delete(direction)?;
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
