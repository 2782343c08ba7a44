//! What the daemon and its helper say to each other.
//!
//! A question is one byte. An answer is a message that begins with a byte for its
//! kind: a failure and its words; a warning, after which there is more; the number
//! of keys, each of which follows as a message of its own; or addresses. Numbers
//! are little-endian. The daemon checks all of it: whoever has taken over the
//! helper shall not have the daemon as well.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, recvmsg, sendmsg,
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
    Keys,
    Endpoints,
}

impl Question {
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Keys => b'k',
            Self::Endpoints => b'e',
        }
    }

    pub(super) fn of(byte: u8) -> Option<Self> {
        [Self::Keys, Self::Endpoints].into_iter().find(|question| question.byte() == byte)
    }
}

const FAILURE: u8 = 0;
const KEYS: u8 = 1;
const ENDPOINTS: u8 = 2;
const WARNING: u8 = 3;

/// Of one message: far more than there is to say, and little for a socket.
const MESSAGE_MAX: usize = 8192;
/// Some for each key that there can be.
const WARNINGS_MAX: usize = 4 * KEYS_MAX;
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

/// One message of these parts.
fn send(socket: BorrowedFd<'_>, parts: &[&[u8]]) -> io::Result<()> {
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
pub(super) struct Answers(AsyncFd<OwnedFd>);

impl Answers {
    pub(super) fn new(socket: AsyncFd<OwnedFd>) -> Self {
        Self(socket)
    }

    /// The keys, all of them.
    pub(super) async fn keys(self) -> Result<ReadKeys, HelperError> {
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
    pub(super) async fn endpoints(self) -> Result<Vec<Endpoint>, HelperError> {
        let body = self.body(ENDPOINTS).await?;
        let endpoints = parse_endpoints(&body).ok_or(HelperError::Malformed)?;
        if endpoints.is_empty() { Err(HelperError::Malformed) } else { Ok(endpoints) }
    }

    /// The first message that is no warning, which should be of this `kind`.
    async fn body(&self, kind: u8) -> Result<Vec<u8>, HelperError> {
        let mut message = vec![0; MESSAGE_MAX];
        for _ in 0..=WARNINGS_MAX {
            let len = self.receive(|socket| receive(socket, &mut [&mut message])).await?;
            match message[..len].split_first() {
                Some((&found, body)) if found == kind => return Ok(body.to_vec()),
                Some((&WARNING, words)) => log::warn!("{}", String::from_utf8_lossy(words)),
                Some((&FAILURE, words)) => {
                    return Err(HelperError::Failed(String::from_utf8_lossy(words).into_owned()));
                }
                Some(_) => return Err(HelperError::Malformed),
                None => return Err(HelperError::Silent),
            }
        }
        Err(HelperError::Malformed)
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
        let received = self.0.async_io(Interest::READABLE, |socket| receive(socket)).await;
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

fn take<const LEN: usize>(bytes: &mut &[u8]) -> Option<[u8; LEN]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
