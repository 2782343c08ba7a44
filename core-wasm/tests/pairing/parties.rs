//! Exchanges to talk to each other.

use std::mem;

use spiped_core::Side;
use spiped_core::pairing::{Entropy, Error, Exchange, Status};

pub(crate) const CODE: &str = "correct horse";

/// Both ways of excluding a man in the middle, as the code both ends have.
pub(crate) const MODES: [Option<&str>; 2] = [None, Some(CODE)];

/// An exchange with what it has to send.
pub(crate) struct Party {
    pub(crate) exchange: Exchange,
    out: Vec<u8>,
    key: Option<[u8; 32]>,
}

/// Random bytes, those of a test.
pub(crate) fn entropy(seed: u8) -> Entropy {
    Entropy::build(|bytes| {
        bytes.fill(seed);
        bytes[31] = !seed;
    })
}

impl Party {
    /// A started exchange.
    pub(crate) fn new(side: Side, code: Option<&str>, seed: u8) -> Self {
        Self::with_entropy(side, code, &entropy(seed))
    }

    pub(crate) fn with_entropy(side: Side, code: Option<&str>, entropy: &Entropy) -> Self {
        let exchange = Exchange::new(side, code, entropy).unwrap();
        let mut end = Self { exchange, out: Vec::new(), key: None };
        end.exchange.start(&mut end.out).unwrap();
        end
    }

    pub(crate) fn client(code: Option<&str>) -> Self {
        Self::new(Side::Client, code, 1)
    }

    pub(crate) fn server(code: Option<&str>) -> Self {
        Self::new(Side::Server, code, 2)
    }

    /// Takes what the peer sends; returns what is to be sent.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.exchange.receive(bytes, &mut self.out)?;
        self.take_key();
        Ok(self.take())
    }

    /// The user says yes; returns what is to be sent.
    pub(crate) fn confirm(&mut self) -> Result<Vec<u8>, Error> {
        self.exchange.confirm(&mut self.out)?;
        self.take_key();
        Ok(self.take())
    }

    /// The user says no.
    pub(crate) fn reject(&mut self) -> Result<(), Error> {
        self.exchange.reject()
    }

    /// As soon as there is a key.
    fn take_key(&mut self) {
        if self.key.is_none() && self.exchange.status() == Ok(Status::Agreed) {
            self.key = Some(*self.exchange.take_key().unwrap().expose());
        }
    }

    /// What it has to send.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        mem::take(&mut self.out)
    }

    /// The string it shows, if it does.
    pub(crate) fn string(&self) -> Option<String> {
        match self.exchange.status() {
            Ok(Status::Comparing(string)) => Some(string),
            _ => None,
        }
    }

    /// The key, if there is one.
    pub(crate) fn key(&self) -> Option<[u8; 32]> {
        self.key
    }

    pub(crate) fn error(&self) -> Option<Error> {
        self.exchange.status().err()
    }
}

/// What both ends of an undisturbed pairing have sent, message by message.
/// With a code there are two in the client's second flight.
pub(crate) struct Conversation {
    pub(crate) from_client: Vec<Vec<u8>>,
    pub(crate) from_server: Vec<Vec<u8>>,
}

/// Runs an undisturbed pairing to its end, if the user says yes on both ends.
pub(crate) fn converse(client: &mut Party, server: &mut Party) -> Result<Conversation, Error> {
    let client_hello = client.take();
    let server_hello = server.receive(&client_hello)?;
    let mut value = client.receive(&server_hello)?;
    let client_tag = match client.string() {
        Some(_) => client.confirm()?,
        None => value.split_off(32),
    };
    let mut server_tag = server.receive(&value)?;
    if server.string().is_some() {
        server_tag = server.confirm()?;
        server.receive(&client_tag)?;
    } else {
        server_tag.extend(server.receive(&client_tag)?);
    }
    client.receive(&server_tag)?;
    Ok(Conversation {
        from_client: vec![client_hello, value, client_tag],
        from_server: vec![server_hello, server_tag],
    })
}
