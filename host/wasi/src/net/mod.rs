//! Streams: sockets, and standard input and output.

mod dial;
mod ip;
mod listener;
mod names;
mod reader;
mod writer;

pub(crate) use dial::{Dialer, Targets};
pub(crate) use listener::{Accepted, Listener};
pub(crate) use names::first_address;
pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

use alloc::rc::Rc;
use alloc::string::{String, ToString};
use core::fmt;

use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};

use crate::runtime::Runtime;

/// An open connection's two streams.
pub(crate) struct Duplex {
    /// What comes.
    pub(crate) reader: Reader,
    /// What goes.
    pub(crate) writer: Writer,
}

impl Duplex {
    fn of(runtime: Runtime, tcp: TcpSocket, streams: (InputStream, OutputStream)) -> Self {
        let socket = Rc::new(Socket::new(tcp));
        let (input, output) = streams;
        Self {
            reader: Reader::new(runtime, input, Some(Rc::clone(&socket))),
            writer: Writer::new(runtime, output, Some(socket)),
        }
    }

    /// Standard input and output.
    pub(crate) fn standard(runtime: Runtime) -> Self {
        Self {
            reader: Reader::new(runtime, wasip2::cli::stdin::get_stdin(), None),
            writer: Writer::new(runtime, wasip2::cli::stdout::get_stdout(), None),
        }
    }

    /// Closes both. A reader of the peer that is not at the end finds a plain
    /// end: WASI has no reset.
    pub(crate) async fn close(self) {
        self.writer.close().await;
    }
}

/// What the two have in common. Dropped after both.
struct Socket {
    tcp: TcpSocket,
    ends_with_stream: bool,
}

impl Socket {
    fn new(tcp: TcpSocket) -> Self {
        // In Node, jco's shim (preview2-shim 0.26.1) closes both directions by a
        // `shutdown` of one, and what it has not sent is lost. It ends that one as
        // it should when the stream is dropped, which in wasmtime does nothing. It
        // is the host that says that packets must not pass a single router: it
        // makes its options up.
        let ends_with_stream = tcp.hop_limit() == Ok(1);
        Self { tcp, ends_with_stream }
    }

    /// After the stream of what goes was dropped.
    fn end_sending(&self) {
        if !self.ends_with_stream {
            // If the peer has reset the connection, there is nothing to end.
            let _ = self.tcp.shutdown(ShutdownType::Send);
        }
    }
}

/// A stream that broke, in the host's words.
#[derive(Debug)]
pub(crate) struct Broken(String);

impl From<StreamError> for Broken {
    fn from(error: StreamError) -> Self {
        Self(match error {
            StreamError::Closed => "closed by the other end".to_string(),
            StreamError::LastOperationFailed(error) => error.to_debug_string(),
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
