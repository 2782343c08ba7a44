//! Packets, both well-formed and not.

use aes::Aes256;
use ctr::Ctr64BE;
use ctr::cipher::{KeyIvInit, StreamCipher};

use super::handshake::Side;
use super::keys::{Key, mac};
use crate::Conn;

/// A packet on the wire.
pub const PACKET_LEN: usize = SEALED_LEN + 32;

/// The most plain bytes in a packet.
pub const PLAIN_MAX: usize = 1024;

/// One end of an established connection.
pub struct Session {
    /// The crypt side.
    pub conn: Conn,
    /// What it came from.
    pub derived: Derived,
    outgoing: Direction,
    incoming: Direction,
}

/// What both ends of a connection know and nobody else may.
#[derive(Clone)]
pub struct Derived {
    /// The MAC keys of the client's and the server's key share.
    pub handshake_keys: [Key; 2],
    /// The shared value, as it goes into the second derivation.
    pub shared_value: Vec<u8>,
    /// Cipher and MAC key of the client's packets, then of the server's.
    pub session_keys: [Key; 4],
}

impl Session {
    pub(super) fn new(conn: Conn, side: Side, derived: Derived) -> Self {
        let [client_cipher, client_mac, server_cipher, server_mac] = derived.session_keys;
        let (ours, theirs) =
            side.client_first([client_cipher, client_mac], [server_cipher, server_mac]);
        Self { conn, derived, outgoing: Direction::new(ours), incoming: Direction::new(theirs) }
    }

    /// The next packet, carrying `message`.
    pub fn packet(&mut self, message: &[u8]) -> [u8; PACKET_LEN] {
        self.outgoing.packet(message)
    }

    /// The next packet, authentic, but with a declared length of our choice.
    pub fn packet_declaring(&mut self, length: u32, message: &[u8]) -> [u8; PACKET_LEN] {
        self.outgoing.packet_declaring(length, message)
    }

    /// The end mark of the protocol's form with X25519.
    pub fn end_mark(&mut self) -> [u8; PACKET_LEN] {
        self.packet(b"")
    }

    /// Sends one packet.
    #[track_caller]
    pub fn send(&mut self, message: &[u8]) {
        let packet = self.packet(message);
        self.conn.send(packet);
    }

    /// Receives one packet and returns what it carries.
    #[track_caller]
    pub fn receive(&mut self) -> Vec<u8> {
        let packet = self.conn.receive(PACKET_LEN).try_into().unwrap();
        self.incoming.open(&packet).expect("a packet's MAC")
    }

    /// Its connection, and the packets from here and to here.
    pub(crate) fn into_parts(self) -> (Conn, Direction, Direction) {
        (self.conn, self.outgoing, self.incoming)
    }
}

/// Packets one way.
pub struct Direction {
    cipher_key: Key,
    mac_key: Key,
    /// The next packet's number.
    pub number: u64,
}

impl Direction {
    /// From the first packet.
    pub fn new([cipher_key, mac_key]: [Key; 2]) -> Self {
        Self { cipher_key, mac_key, number: 0 }
    }

    /// The next packet, carrying `message`.
    pub fn packet(&mut self, message: &[u8]) -> [u8; PACKET_LEN] {
        let length = u32::try_from(message.len()).expect("a short message");
        self.packet_declaring(length, message)
    }

    /// The next packet, authentic, but with a declared length of our choice.
    pub fn packet_declaring(&mut self, length: u32, message: &[u8]) -> [u8; PACKET_LEN] {
        let mut packet = [0; PACKET_LEN];
        packet[..message.len()].copy_from_slice(message);
        packet[PLAIN_MAX..SEALED_LEN].copy_from_slice(&length.to_be_bytes());
        self.seal(&mut packet);
        packet
    }

    /// Makes the next packet out of what is in its first 1028 bytes.
    pub fn seal(&mut self, packet: &mut [u8; PACKET_LEN]) {
        self.apply_key_stream(packet);
        let mac = self.mac(packet);
        packet[SEALED_LEN..].copy_from_slice(&mac);
        self.number += 1;
    }

    /// What the next packet carries, if this is it.
    pub(crate) fn open(&mut self, packet: &[u8; PACKET_LEN]) -> Option<Vec<u8>> {
        if packet[SEALED_LEN..] != self.mac(packet) {
            return None;
        }
        let mut opened = *packet;
        self.apply_key_stream(&mut opened);
        self.number += 1;
        let (plain, length) = opened[..SEALED_LEN].split_at(PLAIN_MAX);
        let length = u32::from_be_bytes(length.try_into().unwrap());
        Some(plain[..usize::try_from(length).unwrap()].to_vec())
    }

    /// The counter block is the packet number, then the block's index.
    fn apply_key_stream(&self, packet: &mut [u8; PACKET_LEN]) {
        let mut counter = [0; 16];
        counter[..8].copy_from_slice(&self.number.to_be_bytes());
        Ctr64BE::<Aes256>::new(&self.cipher_key.into(), &counter.into())
            .apply_keystream(&mut packet[..SEALED_LEN]);
    }

    fn mac(&self, packet: &[u8; PACKET_LEN]) -> Key {
        let number = self.number.to_be_bytes();
        mac(&self.mac_key, &[&packet[..SEALED_LEN], &number])
    }
}

/// The encrypted part of a packet: the padded message and its length.
const SEALED_LEN: usize = PLAIN_MAX + 4;
