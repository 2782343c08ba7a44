//! The application's end of a pipe, whatever it is made of.

use std::io::{ErrorKind, Read, Write};

use crate::Process;

/// Two directions that can be used by different threads: a socket to a daemon,
/// or the standard streams of a `spipe`.
pub struct Link {
    /// Bytes from the far application.
    pub reader: Box<dyn Read + Send>,
    /// Bytes to the far application; dropping it ends this direction.
    pub writer: Box<dyn Write + Send>,
    /// The child whose streams these are; ended last.
    pub child: Option<Process>,
}

impl Link {
    pub(crate) fn new(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        child: Option<Process>,
    ) -> Self {
        Self { reader: Box::new(reader), writer: Box::new(writer), child }
    }

    /// Sends all of `bytes` at once.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.writer.write_all(bytes.as_ref()).expect("sending");
        self.writer.flush().expect("flushing");
    }

    /// Receives exactly `count` bytes.
    #[track_caller]
    pub fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).expect("receiving");
        bytes
    }

    /// Sends `message` and checks that an echo brings it back.
    #[track_caller]
    pub fn expect_echo(&mut self, message: impl AsRef<[u8]>) {
        let message = message.as_ref();
        self.send(message);
        assert_eq!(self.receive(message.len()), message);
    }

    /// Ends our direction, then receives to a clean end. A child must then
    /// end with success.
    #[track_caller]
    pub fn finish(mut self) -> Vec<u8> {
        drop(self.writer);
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes).expect("receiving");
        if let Some(child) = &mut self.child {
            child.wait().expect_success();
        }
        bytes
    }

    /// Checks that the connection ends by itself, in whatever way, with nothing
    /// received. A child must then end with failure.
    #[track_caller]
    pub fn expect_refusal(mut self) {
        let mut bytes = Vec::new();
        match self.reader.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(e) => assert_eq!(e.kind(), ErrorKind::ConnectionReset, "{e}"),
        }
        assert_eq!(bytes, b"");
        if let Some(child) = &mut self.child {
            child.wait().expect_failure("");
        }
    }
}
