//! What the other end had sent when a handshake ended, which indicates the cause.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::foreign;
use crate::guest::{HELLO_MAX, NONCE_LEN};

/// What the other end had sent when a handshake ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heard {
    /// Not recorded.
    #[default]
    Unknown,
    /// No byte.
    Nothing,
    /// Another protocol, with its name.
    Foreign(&'static str),
    /// Readable text, which spiped does not send.
    Text,
    /// A part of its nonce.
    PartOfNonce,
    /// Its nonce, but nothing of its key share.
    Nonce,
    /// Its nonce and a part of its key share.
    PartOfKeyShare,
}

impl Heard {
    /// Classifies these bytes, unless they are a complete hello.
    #[must_use]
    pub fn of(said: &[u8]) -> Self {
        if said.is_empty() {
            Self::Nothing
        } else if let Some(name) = foreign::name(said) {
            Self::Foreign(name)
        } else if foreign::is_text(said) {
            Self::Text
        } else if said.len() < NONCE_LEN {
            Self::PartOfNonce
        } else if said.len() == NONCE_LEN {
            Self::Nonce
        } else {
            Self::PartOfKeyShare
        }
    }
}

/// A stream that records the first bytes read from it.
pub(crate) struct Overheard<'a, S> {
    stream: &'a mut S,
    said: Vec<u8>,
}

impl<'a, S> Overheard<'a, S> {
    /// Records from now on.
    pub(crate) fn new(stream: &'a mut S) -> Self {
        Self { stream, said: Vec::new() }
    }

    /// The bytes read so far, at most as many as a hello has.
    #[must_use]
    pub(crate) fn said(&self) -> &[u8] {
        &self.said
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Overheard<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut *self.stream).poll_read(cx, buffer);
        let read = &buffer.filled()[before..];
        let wanted = read.len().min(HELLO_MAX.saturating_sub(self.said.len()));
        self.said.extend_from_slice(&read[..wanted]);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Overheard<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn stage_is_told_by_length_and_content() {
        let random = |len| Heard::of(&vec![0x80; len]);
        assert_eq!(random(0), Heard::Nothing);
        assert_eq!(random(31), Heard::PartOfNonce);
        assert_eq!(random(32), Heard::Nonce);
        assert_eq!(random(33), Heard::PartOfKeyShare);
        assert_eq!(Heard::of(b"GET / HTTP/1.1\r\n"), Heard::Foreign("HTTP"));
        assert_eq!(Heard::of(b"hello, world\n"), Heard::Text);
    }

    #[tokio::test]
    async fn what_was_read_is_kept_up_to_a_hello() {
        let sent = [0x5a; 2 * HELLO_MAX];
        let mut stream = &sent[..];
        let mut overheard = Overheard::new(&mut stream);
        let mut read = [0; 2 * HELLO_MAX];
        overheard.read_exact(&mut read).await.unwrap();
        assert_eq!(read, sent);
        assert_eq!(overheard.said(), &sent[..HELLO_MAX]);
    }
}
