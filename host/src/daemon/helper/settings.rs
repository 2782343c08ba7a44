//! The longest answer: files of settings as text, and for each of their pipes
//! keys, what names stand for, and sockets that listen.
//!
//! The daemon understands the texts by itself, and asks for what follows from
//! them, message by message. A list of the sources that it has already goes with
//! the question.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::net::{RecvFlags, recv};

use super::HelperError;
use super::messages::{self, Answers, MESSAGE_MAX, ReadKeys};
use crate::config::{Parsed, PipeSettings, TextFile};
use crate::daemon::gather::{Gathered, Held, Names};
use crate::keys::Doubt;
use crate::net::address::Address;
use crate::net::listen::Bound;
use crate::net::resolve::{Endpoint, first};

const FILES: u8 = 5;
const FILE: u8 = 6;
const TEXT: u8 = 7;
const SOURCE: u8 = 8;
const SOCKET: u8 = 9;
pub(super) const DONE: u8 = 10;

/// As the files are read.
const FILES_MAX: u16 = 1001;
/// All of them together, in bytes: some hundred thousand pipes.
const TEXTS_MAX: usize = 16 << 20;
/// Of one source, which may be a name.
const SOCKETS_MAX: u16 = 64;
/// Of the daemon: its sources, of which each has a descriptor.
const HELD_MAX: usize = 65_536;

/// What is there to be put in use.
pub(crate) struct Wanted {
    /// The settings.
    pub(crate) parsed: Parsed,
    /// What the pipes need, in the order of the settings.
    pub(crate) pipes: Vec<Received>,
}

/// What one pipe needs, as it came.
pub(crate) struct Received {
    pub(crate) keys: ReadKeys,
    pub(crate) names: Names,
    /// In the order of the settings; `None`: it is held already.
    pub(crate) sources: Vec<Option<Bound>>,
}

/// Says which sources the daemon has.
pub(super) fn send_held(socket: BorrowedFd<'_>, held: &Held) -> io::Result<()> {
    let Held { addresses, pipes } = held;
    let addresses = addresses.iter().map(|address| (ADDRESS, address.text()));
    let pipes = pipes.iter().map(|pipe| (PIPE, OsString::from(pipe)));
    let mut message = Vec::new();
    for (kind, text) in addresses.chain(pipes) {
        let len = u16::try_from(text.len()).map_err(io::Error::other)?;
        if message.len() + 3 + text.len() > MESSAGE_MAX {
            messages::send(socket, &[&message])?;
            message.clear();
        }
        message.push(kind);
        message.extend(len.to_le_bytes());
        message.extend(text.as_bytes());
    }
    if !message.is_empty() {
        messages::send(socket, &[&message])?;
    }
    messages::send(socket, &[&[END]])
}

/// In the list of what the daemon has.
const ADDRESS: u8 = b'a';
const PIPE: u8 = b'p';
const END: u8 = 0;

/// Which sources the daemon says that it has.
pub(super) fn receive_held(socket: BorrowedFd<'_>) -> io::Result<Held> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let mut held = Held::default();
    loop {
        let mut message = vec![0; MESSAGE_MAX];
        let (len, _) = recv(socket, &mut message, RecvFlags::empty())?;
        let mut rest = &message[..len];
        while let Some((&kind, others)) = rest.split_first() {
            if kind == END {
                return Ok(held);
            }
            rest = others;
            let len = messages::take(&mut rest).map(u16::from_le_bytes).ok_or_else(malformed)?;
            let (text, others) = rest.split_at_checked(len.into()).ok_or_else(malformed)?;
            rest = others;
            let text = OsStr::from_bytes(text);
            match kind {
                _ if held.addresses.len() + held.pipes.len() > HELD_MAX => return Err(malformed()),
                ADDRESS => held.addresses.push(Address::parse(text).map_err(io::Error::other)?),
                PIPE => held.pipes.push(text.to_str().ok_or_else(malformed)?.to_owned()),
                _ => return Err(malformed()),
            }
        }
        if len == 0 {
            return Err(malformed());
        }
    }
}

/// Says what the files hold.
pub(super) fn send_files(socket: BorrowedFd<'_>, files: &[TextFile]) -> io::Result<()> {
    if files.iter().map(|file| file.text.len()).sum::<usize>() > TEXTS_MAX {
        messages::send_failure(socket, "The settings files have more than 16 MiB")?;
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let count = u16::try_from(files.len()).map_err(io::Error::other)?;
    messages::send(socket, &[&[FILES], &count.to_le_bytes()])?;
    for TextFile { path, text } in files {
        let len = u32::try_from(text.len()).map_err(io::Error::other)?;
        let path = path.as_os_str().as_bytes();
        messages::send(socket, &[&[FILE], &len.to_le_bytes(), path])?;
        for part in text.as_bytes().chunks(MESSAGE_MAX - 1) {
            messages::send(socket, &[&[TEXT], part])?;
        }
    }
    Ok(())
}

/// Says what a pipe with these settings needs.
pub(super) fn send_gathered(
    socket: BorrowedFd<'_>,
    pipe: &PipeSettings,
    gathered: &Gathered,
) -> io::Result<()> {
    let Gathered { keys, names, sources } = gathered;
    let warn =
        |doubt: &Doubt| messages::send_warning(socket, &format!("pipe {}: {doubt}", pipe.name));
    keys.doubts.iter().try_for_each(warn)?;
    messages::send_keys(socket, &keys.keys)?;
    for (target, endpoints) in pipe.connection.targets.iter().zip(&names.targets) {
        if is_name(target) {
            messages::send_endpoints(socket, endpoints)?;
        }
    }
    if pipe.connection.bind.as_ref().is_some_and(is_name) {
        messages::send_endpoints(socket, names.bind.as_slice())?;
    }
    for source in sources {
        let sockets: Vec<_> = source.iter().flat_map(Bound::sockets).collect();
        let count = u16::try_from(sockets.len()).map_err(io::Error::other)?;
        messages::send(socket, &[&[SOURCE], &count.to_le_bytes()])?;
        sockets.into_iter().try_for_each(|given| send_socket(socket, given))?;
    }
    Ok(())
}

/// Says that this was all.
pub(super) fn send_done(socket: BorrowedFd<'_>) -> io::Result<()> {
    messages::send(socket, &[&[DONE]])
}

fn send_socket(socket: BorrowedFd<'_>, given: BorrowedFd<'_>) -> io::Result<()> {
    messages::send_descriptor(socket, SOCKET, given)
}

impl Answers {
    /// What the files hold, as `parse` understands it, and what their pipes need;
    /// `held` are the sources that are there already.
    pub(super) async fn wanted(
        &mut self,
        parse: impl AsyncFnOnce(Vec<TextFile>) -> Result<Parsed, HelperError>,
        held: &Held,
    ) -> Result<Wanted, HelperError> {
        let files = self.files().await?;
        let parsed = parse(files).await?;
        let mut pipes = Vec::with_capacity(parsed.settings.pipes.len());
        for pipe in &parsed.settings.pipes {
            pipes.push(self.needs_of(pipe, held).await?);
        }
        self.body(DONE).await?;
        Ok(Wanted { parsed, pipes })
    }

    async fn files(&mut self) -> Result<Vec<TextFile>, HelperError> {
        let count = number(&self.body(FILES).await?, FILES_MAX)?;
        let (mut files, mut left) = (Vec::new(), TEXTS_MAX);
        for _ in 0..count {
            let head = self.body(FILE).await?;
            let (len, path) = head.split_first_chunk().ok_or(HelperError::Malformed)?;
            let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
            left = left.checked_sub(len).ok_or(HelperError::Malformed)?;
            let mut text = Vec::new();
            while text.len() < len {
                let part = self.body(TEXT).await?;
                if part.is_empty() || part.len() > len - text.len() {
                    return Err(HelperError::Malformed);
                }
                text.extend(part);
            }
            let text = String::from_utf8(text).map_err(|_| HelperError::Malformed)?;
            files.push(TextFile { path: PathBuf::from(OsStr::from_bytes(path)), text });
        }
        Ok(files)
    }

    async fn needs_of(
        &mut self,
        pipe: &PipeSettings,
        held: &Held,
    ) -> Result<Received, HelperError> {
        let keys = self.keys().await?;
        let mut names = Names::default();
        for target in &pipe.connection.targets {
            let endpoints = match Endpoint::of(target) {
                Some(endpoint) => vec![endpoint],
                None => self.endpoints_if_any().await?,
            };
            if endpoints.is_empty() && !pipe.wait_for_dns {
                return Err(HelperError::Malformed);
            }
            names.targets.push(endpoints);
        }
        if let Some(bind) = &pipe.connection.bind {
            names.bind = Some(match Endpoint::of(bind) {
                Some(endpoint) => endpoint,
                None => first(self.endpoints().await?, bind),
            });
        }
        let mut sources = Vec::with_capacity(pipe.sources.len());
        for source in &pipe.sources {
            let count = number(&self.body(SOURCE).await?, SOCKETS_MAX)?;
            if (count == 0) != held.has(pipe, source) {
                return Err(HelperError::Malformed);
            }
            let mut sockets = Vec::new();
            for _ in 0..count {
                sockets.push(self.descriptor(SOCKET).await?);
            }
            let bound = (count > 0).then(|| Bound::received(sockets));
            sources.push(bound.transpose().map_err(|_| HelperError::Malformed)?);
        }
        Ok(Received { keys, names, sources })
    }
}

fn number(body: &[u8], max: u16) -> Result<u16, HelperError> {
    let number = body.try_into().map(u16::from_le_bytes);
    number.ok().filter(|number| *number <= max).ok_or(HelperError::Malformed)
}

/// Only these can come to stand for something else.
fn is_name(address: &Address) -> bool {
    matches!(address, Address::Name { .. })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::os::fd::AsFd as _;

    use rustix::io::ioctl_fionbio;

    use super::*;
    use crate::config::FileWords;
    use crate::daemon::helper::pair;
    use crate::keys::KeySet;
    use crate::keys::file::Psk;
    use crate::net::readable::readable;

    #[test]
    fn what_is_held_arrives_as_it_was_sent() {
        let mut held = Held::default();
        for port in 1..1000 {
            held.addresses.push(format!("[127.0.0.1]:{port}").parse().unwrap());
        }
        held.addresses
            .extend(["/run/socket", "@abstract", "name:80"].map(|it| it.parse().unwrap()));
        held.pipes.push("redis".to_owned());
        let (ours, theirs) = pair().unwrap();
        send_held(ours.as_fd(), &held).unwrap();
        assert_eq!(receive_held(theirs.as_fd()).unwrap(), held);
    }

    #[tokio::test]
    async fn settings_and_what_they_need_arrive_as_they_were_sent() {
        let file = TextFile { path: "/etc/file".into(), text: PIPE.to_owned() };
        let wanted = answer(|socket| {
            send_files(socket, &[file]).unwrap();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let bound = Bound::received(vec![listener.into()]).unwrap();
            send_needs(socket, Some(&bound));
            send_done(socket).unwrap();
        });
        let wanted = wanted.await.unwrap();
        assert_eq!(&*wanted.parsed.settings.pipes[0].name, "redis");
        assert_eq!(wanted.pipes[0].sources[0].as_ref().unwrap().sockets().len(), 1);
    }

    #[tokio::test]
    async fn answers_that_do_not_fit_the_settings_are_refused() {
        let file = || TextFile { path: "/etc/file".into(), text: PIPE.to_owned() };
        let datagrams = || std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        // No source; one that does not listen; another message; nothing.
        let no_source = |socket: BorrowedFd<'_>| {
            send_files(socket, &[file()]).unwrap();
            send_needs(socket, None);
        };
        let no_listener = |socket: BorrowedFd<'_>| {
            send_files(socket, &[file()]).unwrap();
            messages::send_keys(socket, &KeySet::of_one(Psk::copy_of(&[1; Psk::LEN]))).unwrap();
            messages::send(socket, &[&[SOURCE], &1_u16.to_le_bytes()]).unwrap();
            send_socket(socket, datagrams().as_fd()).unwrap();
        };
        let too_many = |socket: BorrowedFd<'_>| {
            messages::send(socket, &[&[FILES], &u16::MAX.to_le_bytes()]).unwrap();
        };
        let endless = |socket: BorrowedFd<'_>| {
            messages::send(socket, &[&[FILES], &1_u16.to_le_bytes()]).unwrap();
            messages::send(socket, &[&[FILE], &u32::MAX.to_le_bytes(), b"/file"]).unwrap();
        };
        for sent in [&no_source as &dyn Fn(BorrowedFd<'_>), &no_listener, &too_many, &endless] {
            let error = answer(sent).await.map(drop).unwrap_err();
            assert!(matches!(error, HelperError::Malformed), "{error}");
        }
    }

    #[tokio::test]
    async fn faults_are_told_all_together() {
        let error = answer(|socket| {
            messages::send_fault(socket, "one").unwrap();
            messages::send_fault(socket, "another").unwrap();
        });
        assert_eq!(error.await.map(drop).unwrap_err().to_string(), "one\nanother");
    }

    const PIPE: &str = "[pipe.redis]\nmode = \"decrypt\"\nsource = \"[127.0.0.1]:1\"\n\
        target = \"[127.0.0.1]:2\"\nkey = \"/key\"\n";

    /// One key, and a source if it is given; otherwise a list of none.
    fn send_needs(socket: BorrowedFd<'_>, source: Option<&Bound>) {
        messages::send_keys(socket, &KeySet::of_one(Psk::copy_of(&[1; Psk::LEN]))).unwrap();
        let count = u16::from(source.is_some()).to_le_bytes();
        messages::send(socket, &[&[SOURCE], &count]).unwrap();
        for given in source.into_iter().flat_map(Bound::sockets) {
            send_socket(socket, given).unwrap();
        }
    }

    async fn answer(sent: impl FnOnce(BorrowedFd<'_>)) -> Result<Wanted, HelperError> {
        let (ours, theirs) = pair().unwrap();
        ioctl_fionbio(&ours, true).unwrap();
        sent(theirs.as_fd());
        drop(theirs);
        let words = FileWords { path: "/etc/file".into(), foreground: true, pid_file: None };
        let parse = async |files: Vec<TextFile>| {
            words.parse(&files).map_err(|faults| HelperError::Failed(faults.to_string()))
        };
        let mut answers = Answers::new(readable(ours).unwrap());
        answers.wanted(parse, &Held::default()).await
    }
}
