//! A TCP echo server for trying out pipes: `echo ADDR:PORT`, or port 0 for any free port.
//! Prints the address it listens on, and sends everything it receives back.
//!
//! Needs the standard library only, so that `rustc` alone builds it.

use std::env;
use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let Some(address) = env::args().nth(1) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "usage: echo ADDR:PORT"));
    };
    let listener = TcpListener::bind(address)?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || echo(&stream));
    }
    Ok(())
}

/// Sends back what comes, until the other end has finished. An error ends this connection only.
fn echo(stream: &TcpStream) -> io::Result<()> {
    io::copy(&mut &*stream, &mut &*stream)?;
    stream.shutdown(Shutdown::Write)
}
