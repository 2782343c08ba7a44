//! The conversation with the peer, and with the user, to its end.

use std::cell::Cell;
use std::mem;
use std::pin::pin;

use tokio::io::AsyncWriteExt;
use tokio::select;

use super::dialogue::{Answer, same_on_both, say};
use super::error::PairError;
use super::meeting::{Peer, receive};
use crate::guest::pairing::{Exchange, Output, Status};
use crate::keygen::KeyFileContent;
use crate::net::socket::Socket;

/// Runs the exchange. `confirmed` becomes true before our confirmation can
/// reach the peer.
pub(super) async fn converse(
    peer: Peer,
    confirmed: &Cell<bool>,
) -> Result<KeyFileContent, PairError> {
    let Peer { mut socket, mut exchange, mut output } = peer;
    loop {
        if matches!(output.status, Status::Confirmed | Status::Agreed(_)) {
            confirmed.set(true);
        }
        // After a failure nothing goes out: a confirmation might be among it.
        if !matches!(output.status, Status::Failed(_)) {
            socket.write_all(&mem::take(&mut output.to_peer)).await?;
        }
        output = match output.status {
            Status::Waiting | Status::Exchanging => receive(&mut socket, &mut exchange).await?,
            Status::Confirmed => {
                say("Waiting for the other host to confirm.");
                receive(&mut socket, &mut exchange).await?
            }
            Status::Comparing(string) => compare(&string, &mut socket, &mut exchange).await?,
            Status::Agreed(content) => {
                // Nothing more is to come; what was sent still arrives.
                let _ = socket.shutdown().await;
                return Ok(content);
            }
            Status::Failed(failure) => return Err(PairError::Exchange { failure }),
        };
    }
}

/// Asks the user, and listens to the peer until there is an answer: it may be
/// first to confirm, or give up.
async fn compare(
    string: &str,
    socket: &mut Socket,
    exchange: &mut Exchange,
) -> Result<Output, PairError> {
    let mut same = pin!(same_on_both(string));
    loop {
        select! {
            answer = &mut same => return match answer? {
                Answer::Same => Ok(exchange.confirm()),
                Answer::Different => Err(PairError::Declined),
            },
            output = receive(socket, exchange) => {
                let output = output?;
                if !matches!(output.status, Status::Comparing(_)) {
                    return Ok(output);
                }
            }
        }
    }
}
