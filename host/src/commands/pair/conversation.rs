//! The conversation with the peer, and with the user, to its end.

use std::cell::Cell;
use std::pin::pin;

use tokio::io::AsyncWriteExt;
use tokio::select;

use super::dialogue::{Answer, same_on_both, say};
use super::error::PairError;
use super::meeting::{Peer, receive};
use crate::commands::keygen::KeyFileContent;
use crate::guest::pairing::{Exchange, Output, Status};
use crate::net::socket::Socket;

/// Runs the exchange. `confirmed` becomes true before our confirmation can
/// reach the peer.
pub(super) async fn converse(
    peer: Peer,
    confirmed: &Cell<bool>,
) -> Result<KeyFileContent, PairError> {
    let Peer { mut socket, mut exchange, output } = peer;
    let mut output = output?;
    loop {
        if matches!(output.status, Status::Confirmed | Status::Agreed) {
            confirmed.set(true);
        }
        socket.write_all(&output.to_peer).await?;
        output = match output.status {
            Status::Waiting | Status::Exchanging => receive(&mut socket, &mut exchange).await?,
            Status::Confirmed => {
                say("Waiting for the other host to confirm.");
                receive(&mut socket, &mut exchange).await?
            }
            Status::Comparing(string) => compare(&string, &mut socket, &mut exchange).await?,
            Status::Agreed => {
                // Nothing more is to come; what was sent still arrives.
                let _ = socket.shutdown().await;
                return Ok(exchange.take_key()?);
            }
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
                Answer::Same => Ok(exchange.confirm()?),
                Answer::Different => {
                    exchange.reject()?;
                    Err(PairError::Declined)
                }
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
