//! A TCP echo server for trying out pipes: `echo ADDR:PORT`, or port 0 for any free port.
//! Prints the address it listens on, and sends everything it receives back.

use std::env;
use std::io::{self, Write};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let Some(address) = env::args().nth(1) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "usage: echo ADDR:PORT"));
    };
    let listener = TcpListener::bind(address).await?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
    }
}

/// Sends back what comes, until the other end has finished. An error ends this connection only.
async fn echo(mut stream: TcpStream) -> io::Result<u64> {
    let (mut reader, mut writer) = stream.split();
    let count = tokio::io::copy(&mut reader, &mut writer).await?;
    writer.shutdown().await?;
    Ok(count)
}
