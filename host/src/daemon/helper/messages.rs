//! What the daemon and its helper say to each other.
//!
//! A question is one byte; what it is about follows on the socket for the answer.
//! An answer is messages that begin with a byte for their kind: a failure and its
//! words; a warning, after which there is more; the number of keys, each of which
//! follows as a message of its own; addresses; and what [`super::settings`] adds.
//! Numbers are little-endian. The daemon checks all of it: whoever has taken over
//! the helper shall not have the daemon as well.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::HelperError;
use crate::keys::file::Psk;
use crate::keys::{KEYS_MAX, KeyName, KeySet};
use crate::net::resolve::Endpoint;

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The keys of a command line.
    Keys,
    /// What an address stands for.
    Endpoints,
    /// Files of settings, and all that their pipes need.
    Settings,
    /// To remove the file of a Unix socket on which nobody listens.
    Remove,
    /// To take back the pid file that was made at the start.
    PidFile,
    /// To start the program that takes over.
    Upgrade,
}

impl Question {
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Keys => b'k',
            Self::Endpoints => b'e',
            Self::Settings => b's',
            Self::Remove => b'r',
            Self::PidFile => b'p',
            Self::Upgrade => b'u',
        }
    }

    pub(super) fn of(byte: u8) -> Option<Self> {
        let reading = [Self::Keys, Self::Endpoints, Self::Settings];
        let mut all = reading.into_iter().chain([Self::Remove, Self::PidFile, Self::Upgrade]);
        all.find(|question| question.byte() == byte)
    }
}

const FAILURE: u8 = 0;
const KEYS: u8 = 1;
const ENDPOINTS: u8 = 2;
const WARNING: u8 = 3;
/// One of several failures: after the last of them, there is nothing else.
const FAULT: u8 = 4;

/// Of one message: far more than there is to say, and little for a socket.
pub(super) const MESSAGE_MAX: usize = 8192;
/// Some for each key that there can be.
const WARNINGS_MAX: usize = 4 * KEYS_MAX;
/// Enough for whoever has to mend them.
const FAULTS_MAX: usize = 4096;
/// A file's name is no longer.
const NAME_MAX: usize = 255;
/// In the message about a key.
const WITHOUT_NAME: u8 = 0;
const WITH_NAME: u8 = 1;
/// In the message about addresses: an IP address, a port and a scope.
const V4: u8 = 4;
const V6: u8 = 6;

/// Says why there is nothing else to say.
pub(super) fn send_failure(socket: BorrowedFd<'_>, words: &str) -> io::Result<()> {
    send_words(socket, FAILURE, words)
}

/// Says one of the things that are wrong.
pub(super) fn send_fault(socket: BorrowedFd<'_>, words: &str) -> io::Result<()> {
    send_words(socket, FAULT, words)
}

/// Says what belongs into the log, before the keys.
pub(super) fn send_warning(socket: BorrowedFd<'_>, words: &str) -> io::Result<()> {
    send_words(socket, WARNING, words)
}

fn send_words(socket: BorrowedFd<'_>, kind: u8, words: &str) -> io::Result<()> {
    let words = &words[..words.floor_char_boundary(MESSAGE_MAX - 1)];
    send(socket, &[&[kind], words.as_bytes()])
}

/// Says what the keys are. They go from their place to the kernel directly.
pub(super) fn send_keys(socket: BorrowedFd<'_>, keys: &KeySet) -> io::Result<()> {
    let count = u16::try_from(keys.psks().len()).map_err(io::Error::other)?;
    send(socket, &[&[KEYS], &count.to_le_bytes()])?;
    for (psk, key) in keys.psks().iter().zip(keys.keys()) {
        match key.name() {
            None => send(socket, &[psk.expose(), &[WITHOUT_NAME]])?,
            Some(name) => send(socket, &[psk.expose(), &[WITH_NAME], name.as_bytes()])?,
        }
    }
    Ok(())
}

/// Says what a name stands for; as many addresses as fit.
pub(super) fn send_endpoints(socket: BorrowedFd<'_>, endpoints: &[Endpoint]) -> io::Result<()> {
    let mut message = vec![ENDPOINTS];
    for endpoint in endpoints {
        let Endpoint::Tcp(address) = endpoint else { continue };
        let mut entry = Vec::with_capacity(23);
        match address {
            SocketAddr::V4(address) => {
                entry.push(V4);
                entry.extend(address.ip().octets());
                entry.extend(address.port().to_le_bytes());
            }
            SocketAddr::V6(address) => {
                entry.push(V6);
                entry.extend(address.ip().octets());
                entry.extend(address.port().to_le_bytes());
                entry.extend(address.scope_id().to_le_bytes());
            }
        }
        if message.len() + entry.len() > MESSAGE_MAX {
            break;
        }
        message.extend(entry);
    }
    send(socket, &[&message])
}

/// One message of this `kind`, and a descriptor along with it.
pub(super) fn send_descriptor(
    socket: BorrowedFd<'_>,
    kind: u8,
    given: BorrowedFd<'_>,
) -> io::Result<()> {
    let descriptors = [given];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, &[IoSlice::new(&[kind])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// One message of these parts.
pub(super) fn send(socket: BorrowedFd<'_>, parts: &[&[u8]]) -> io::Result<()> {
    let parts: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut control = SendAncillaryBuffer::default();
    sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Keys as they came.
pub(crate) struct ReadKeys(Vec<(Option<KeyName>, Psk)>);

impl ReadKeys {
    /// Makes a set of them. With many keys, this takes some time.
    ///
    /// # Errors
    /// When they are no set.
    pub(crate) fn into_set(self) -> Result<KeySet, HelperError> {
        let mut keys = self.0;
        if let [(None, _)] = &keys[..] {
            let only = keys.pop().map(|(_, psk)| KeySet::of_one(psk));
            return only.ok_or(HelperError::Malformed);
        }
        let named: Option<Vec<_>> =
            keys.into_iter().map(|(name, psk)| name.map(|name| (name, psk))).collect();
        let named = named.filter(|named| !named.is_empty()).ok_or(HelperError::Malformed)?;
        KeySet::of_named(named).map_err(|_| HelperError::Malformed)
    }
}

/// The daemon's end of the socket for one answer.
pub(super) struct Answers {
    socket: AsyncFd<OwnedFd>,
    /// How many of them there have been.
    warnings: usize,
}

impl Answers {
    pub(super) fn new(socket: AsyncFd<OwnedFd>) -> Self {
        Self { socket, warnings: 0 }
    }

    /// The keys, all of them.
    pub(super) async fn keys(&mut self) -> Result<ReadKeys, HelperError> {
        let body = self.body(KEYS).await?;
        let count = u16::from_le_bytes(body.try_into().map_err(|_| HelperError::Malformed)?);
        if usize::from(count) > KEYS_MAX {
            return Err(HelperError::Malformed);
        }
        let mut keys = Vec::with_capacity(count.into());
        for _ in 0..count {
            keys.push(self.key().await?);
        }
        Ok(ReadKeys(keys))
    }

    /// The addresses, at least one.
    pub(super) async fn endpoints(&mut self) -> Result<Vec<Endpoint>, HelperError> {
        let endpoints = self.endpoints_if_any().await?;
        if endpoints.is_empty() { Err(HelperError::Malformed) } else { Ok(endpoints) }
    }

    /// The addresses, if there are any yet.
    pub(super) async fn endpoints_if_any(&mut self) -> Result<Vec<Endpoint>, HelperError> {
        let body = self.body(ENDPOINTS).await?;
        parse_endpoints(&body).ok_or(HelperError::Malformed)
    }

    /// The first message that is no warning, which should be of this `kind`.
    pub(super) async fn body(&mut self, kind: u8) -> Result<Vec<u8>, HelperError> {
        let mut faults = Vec::new();
        loop {
            let mut message = vec![0; MESSAGE_MAX];
            let len = self.receive(|socket| receive(socket, &mut [&mut message])).await?;
            let words = |words| String::from_utf8_lossy(words).into_owned();
            match message[..len].split_first() {
                Some((&FAULT, fault)) if faults.len() < FAULTS_MAX => faults.push(words(fault)),
                None if !faults.is_empty() => return Err(HelperError::Faults(faults)),
                _ if !faults.is_empty() => return Err(HelperError::Malformed),
                Some((&found, body)) if found == kind => return Ok(body.to_vec()),
                Some((&WARNING, warning)) if self.warnings < WARNINGS_MAX => {
                    self.warnings += 1;
                    log::warn!("{}", words(warning));
                }
                Some((&FAILURE, failure)) => return Err(HelperError::Failed(words(failure))),
                Some(_) => return Err(HelperError::Malformed),
                None => return Err(HelperError::Silent),
            }
        }
    }

    /// The descriptor that comes with the next message, which is of this `kind`.
    pub(super) async fn descriptor(&mut self, kind: u8) -> Result<OwnedFd, HelperError> {
        self.descriptor_if_any(kind).await?.ok_or(HelperError::Malformed)
    }

    /// As [`descriptor`](Self::descriptor), of a message that may come without.
    pub(super) async fn descriptor_if_any(
        &mut self,
        kind: u8,
    ) -> Result<Option<OwnedFd>, HelperError> {
        let mut byte = [0];
        let received = self.receive(|socket| receive_descriptor(socket, &mut byte)).await?;
        if byte[0] == kind { Ok(received) } else { Err(HelperError::Malformed) }
    }

    /// Says something that takes no words, and does not wait for anybody.
    pub(super) fn say(&self, kind: u8) -> io::Result<()> {
        send(self.socket.as_fd(), &[&[kind]])
    }

    /// A key, from the kernel to its place directly.
    async fn key(&self) -> Result<(Option<KeyName>, Psk), HelperError> {
        let mut rest = [0; 1 + NAME_MAX];
        let (psk, len) = self
            .receive(|socket| {
                let mut received = Ok(0);
                let psk = Psk::build(|place| received = receive(socket, &mut [place, &mut rest]));
                Ok((psk, received?))
            })
            .await?;
        let name = len.checked_sub(Psk::LEN).and_then(|len| rest[..len].split_first());
        match name {
            Some((&WITHOUT_NAME, [])) => Ok((None, psk)),
            Some((&WITH_NAME, name)) if is_name(name) => {
                Ok((Some(KeyName::new(OsStr::from_bytes(name))), psk))
            }
            None if len == 0 => Err(HelperError::Silent),
            Some(_) | None => Err(HelperError::Malformed),
        }
    }

    /// Waits until `receive` has something.
    async fn receive<T>(
        &self,
        mut receive: impl FnMut(&OwnedFd) -> io::Result<T>,
    ) -> Result<T, HelperError> {
        let received = self.socket.async_io(Interest::READABLE, |socket| receive(socket)).await;
        received.map_err(|error| {
            if error.kind() == io::ErrorKind::ConnectionReset {
                HelperError::Silent
            } else if error.kind() == io::ErrorKind::InvalidData {
                HelperError::Malformed
            } else {
                HelperError::System(error)
            }
        })
    }
}

/// The next message, whole; 0 bytes at the end.
fn receive(socket: &OwnedFd, parts: &mut [&mut [u8]]) -> io::Result<usize> {
    let mut parts: Vec<_> = parts.iter_mut().map(|part| IoSliceMut::new(part)).collect();
    let mut control = RecvAncillaryBuffer::default();
    let message = recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(message.bytes)
}

/// As [`receive`], with the descriptor that came along.
pub(super) fn receive_descriptor(
    socket: &OwnedFd,
    byte: &mut [u8; 1],
) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(byte)];
    let message = recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let descriptor = |message| {
        let RecvAncillaryMessage::ScmRights(mut descriptors) = message else { return None };
        descriptors.next()
    };
    Ok(control.drain().find_map(descriptor))
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && !name.contains(&b'/') && !name.contains(&0)
}

/// `None` unless all of it is addresses.
fn parse_endpoints(mut body: &[u8]) -> Option<Vec<Endpoint>> {
    let mut endpoints = Vec::new();
    while let Some((&family, rest)) = body.split_first() {
        body = rest;
        let address = match family {
            V4 => {
                let ip = Ipv4Addr::from(take::<4>(&mut body)?);
                SocketAddr::new(IpAddr::V4(ip), u16::from_le_bytes(take(&mut body)?))
            }
            V6 => {
                let ip = Ipv6Addr::from(take::<16>(&mut body)?);
                let port = u16::from_le_bytes(take(&mut body)?);
                let scope = u32::from_le_bytes(take(&mut body)?);
                SocketAddrV6::new(ip, port, 0, scope).into()
            }
            _ => return None,
        };
        endpoints.push(Endpoint::Tcp(address));
    }
    Some(endpoints)
}

pub(super) fn take<const LEN: usize>(bytes: &mut &[u8]) -> Option<[u8; LEN]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
