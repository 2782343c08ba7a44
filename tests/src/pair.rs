//! Both ends of an encrypted connection, between an application and a target.

use std::path::Path;

use crate::{Conn, Daemon, Endpoint, Foreign, Lab, Link, Origin, Spipe, Spiped};

/// What the application talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// `spiped -e`.
    Daemon,
    /// `spipe`, a new one for each connection.
    Spipe,
}

/// Whose programs stand at the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineUp {
    /// The kind of client.
    pub client: Client,
    /// Whose client.
    pub client_origin: Origin,
    /// Whose `spiped -d`.
    pub server_origin: Origin,
    /// What the client's `--kex` says, if there is one.
    pub key_exchange: Option<&'static str>,
}

impl LineUp {
    /// Our `-e` with our `-d`.
    pub const OURS: Self = Self {
        client: Client::Daemon,
        client_origin: Origin::Ours,
        server_origin: Origin::Ours,
        key_exchange: None,
    };

    /// A client in another host of the component with Debian's `spiped -d`.
    pub const fn to_debian(client: Client, host: &'static Foreign) -> Self {
        let client_origin = Origin::Foreign(host);
        Self { client, client_origin, server_origin: Origin::Debian, key_exchange: None }
    }

    /// Debian's `spiped -e` with a server in another host.
    pub const fn from_debian(host: &'static Foreign) -> Self {
        Self { client_origin: Origin::Debian, server_origin: Origin::Foreign(host), ..Self::OURS }
    }

    /// Whether nobody else's programs have a part in it.
    pub fn is_ours(self) -> bool {
        self.client_origin == Origin::Ours && self.server_origin == Origin::Ours
    }

    /// How many bytes both ends carry each way in about a second.
    pub fn bulk(self) -> u64 {
        let of = |origin: Origin| origin.foreign().map_or(64 << 20, |host| host.bulk);
        of(self.client_origin).min(of(self.server_origin))
    }

    /// Starts both ends, with further arguments for each.
    #[track_caller]
    pub fn start(
        self,
        lab: &Lab,
        target: &Endpoint,
        client_args: &[&str],
        server_args: &[&str],
    ) -> Pair {
        let server = Spiped::decrypt(lab, target).args(server_args);
        self.launch(lab, &server, &lab.key(), client_args)
    }

    /// Starts both ends, for hundreds of connections.
    #[track_caller]
    pub fn start_for_many(self, lab: &Lab, target: &Endpoint) -> Pair {
        let client_args: &[&str] = match self.client {
            Client::Daemon => MANY,
            Client::Spipe => &[],
        };
        let server_args = self.server_origin.foreign().map_or(MANY, |host| host.many);
        self.start(lab, target, client_args, server_args)
    }

    /// Starts both ends, with keys that do not match.
    #[track_caller]
    pub fn start_with_wrong_key(self, lab: &Lab, target: &Endpoint) -> Pair {
        let server = Spiped::decrypt(lab, target);
        self.launch(lab, &server, &lab.other_key(), &[])
    }

    #[track_caller]
    fn launch(self, lab: &Lab, server: &Spiped, client_key: &Path, client_args: &[&str]) -> Pair {
        let server = server.clone().of(self.server_origin).start();
        let key_exchange = self.key_exchange.map(|name| ["--kex", name]);
        let client_args = [key_exchange.as_ref().map_or(&[][..], |args| args), client_args];
        let client_args = &client_args.concat();
        let entrance = match self.client {
            Client::Daemon => Entrance::Daemon(
                Spiped::encrypt(lab, server.source())
                    .of(self.client_origin)
                    .key(client_key)
                    .args(client_args)
                    .start(),
            ),
            Client::Spipe => Entrance::Spipe(
                Spipe::to(lab, server.source())
                    .of(self.client_origin)
                    .key(client_key)
                    .args(client_args),
            ),
        };
        Pair { entrance, server }
    }
}

/// What lets a daemon take hundreds of connections.
const MANY: &[&str] = &["-n", "300"];

/// Two running ends.
pub struct Pair {
    entrance: Entrance,
    /// The `spiped -d`.
    pub server: Daemon,
}

enum Entrance {
    Daemon(Daemon),
    Spipe(Spipe),
}

impl Pair {
    /// Starts ours at both ends, without further arguments.
    #[track_caller]
    pub fn ours(lab: &Lab, target: &Endpoint) -> Self {
        LineUp::OURS.start(lab, target, &[], &[])
    }

    /// The `spiped -e`.
    ///
    /// # Panics
    /// If the client is a `spipe`.
    #[track_caller]
    pub fn client(&mut self) -> &mut Daemon {
        match &mut self.entrance {
            Entrance::Daemon(daemon) => daemon,
            Entrance::Spipe(_) => panic!("a spipe is no daemon"),
        }
    }

    /// Opens a connection through both ends, over a socket.
    ///
    /// # Panics
    /// If the client is a `spipe`.
    #[track_caller]
    pub fn connect(&self) -> Conn {
        match &self.entrance {
            Entrance::Daemon(daemon) => daemon.connect(),
            Entrance::Spipe(_) => panic!("a spipe has no socket for the application"),
        }
    }

    /// Opens a connection through both ends, over whatever the client offers.
    #[track_caller]
    pub fn open(&self) -> Link {
        match &self.entrance {
            Entrance::Daemon(daemon) => daemon.connect().into_link(),
            Entrance::Spipe(spipe) => spipe.start().into_link(),
        }
    }
}
