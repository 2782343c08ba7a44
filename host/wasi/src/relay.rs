//! Both ways: one read, one call, one write, and only then the next read. So
//! a reader that is slow slows the writer on the other side, and no buffer
//! holds more than what came from one read.

use alloc::vec::Vec;
use core::pin::pin;
use core::time::Duration;

use crate::bindings::{Output, Session, Status};
use crate::handshake::Established;
use crate::net::{Duplex, Reader, Writer};
use crate::runtime::{Either, Runtime, pinned};
use crate::words::Fault;

/// Until both directions have ended, or one has failed. What was authenticated
/// before that is written first.
///
/// # Errors
///
/// Why the directions that are not finished never will be.
pub(crate) async fn relay(
    runtime: Runtime,
    grace: Duration,
    established: Established,
    plain: &mut Duplex,
    crypt: &mut Duplex,
) -> Result<(), Fault> {
    let Established { session, first } = established;
    let seal = seal(runtime, &session, &mut plain.reader, &mut crypt.writer);
    let open = open(runtime, &session, first, &mut crypt.reader, &mut plain.writer);
    let (mut seal, mut open) = (pin!(seal), pin!(open));
    let (first, other) = match pinned(seal.as_mut(), open.as_mut()).await {
        Either::First(Ok(())) => return open.await,
        Either::Second(Ok(())) => return seal.await,
        // Whoever reads no more may have sent something before.
        Either::First(Err(fault @ Fault::Crypt(_))) => (fault, runtime.within(grace, open).await),
        Either::Second(Err(fault @ Fault::Plain(_))) => (fault, runtime.within(grace, seal).await),
        // A session that has failed is over both ways, and so is a socket that
        // cannot be read.
        Either::First(Err(fault)) | Either::Second(Err(fault)) => return Err(fault),
    };
    match other {
        Some(Err(fault @ Fault::Protocol(_))) => Err(fault),
        _ => Err(first),
    }
}

async fn seal(
    runtime: Runtime,
    session: &Session,
    plain: &mut Reader,
    crypt: &mut Writer,
) -> Result<(), Fault> {
    loop {
        let bytes = plain.read(PLAIN_BATCH).await.map_err(Fault::Plain)?;
        let output = match &bytes {
            Some(bytes) => session.handle_plain(bytes),
            None => session.plain_eof(),
        };
        crypt.write(&output.to_crypt).await.map_err(Fault::Crypt)?;
        check(&output)?;
        if bytes.is_none() {
            return crypt.finish().await.map_err(Fault::Crypt);
        }
        runtime.pass().await;
    }
}

async fn open(
    runtime: Runtime,
    session: &Session,
    first: Vec<u8>,
    crypt: &mut Reader,
    plain: &mut Writer,
) -> Result<(), Fault> {
    plain.write(&first).await.map_err(Fault::Plain)?;
    drop(first);
    loop {
        let bytes = crypt.read(CRYPT_BATCH).await.map_err(Fault::Crypt)?;
        let output = match &bytes {
            Some(bytes) => session.handle_crypt(bytes),
            None => session.crypt_eof(),
        };
        plain.write(&output.to_plain).await.map_err(Fault::Plain)?;
        check(&output)?;
        if bytes.is_none() {
            return plain.finish().await.map_err(Fault::Plain);
        }
        runtime.pass().await;
    }
}

fn check(output: &Output) -> Result<(), Fault> {
    match output.status {
        Status::Failed(failure) => Err(Fault::Protocol(failure)),
        Status::Handshaking | Status::WantsCompute | Status::Established => Ok(()),
    }
}

/// Whole packets that fit into one write: hosts take 65,536 bytes at once.
const PLAIN_BATCH: usize = 61 * 1024;
const CRYPT_BATCH: usize = 61 * 1060;
