//! Accepting connections.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::net::SocketAddr;
use core::time::Duration;

use wasip2::io::poll::Pollable;
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::ErrorCode;
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

use super::Duplex;
use super::ip::{family, from_wasi, to_wasi};
use crate::log;
use crate::runtime::Runtime;

/// The fields are dropped in this order, which WASI demands.
pub(crate) struct Listener {
    runtime: Runtime,
    pollable: Rc<Pollable>,
    tcp: TcpSocket,
    keep_alive: bool,
}

/// A connection to the source.
pub(crate) struct Accepted {
    /// Its streams.
    pub(crate) duplex: Duplex,
    /// Where it comes from, if the host says.
    pub(crate) peer: Option<SocketAddr>,
}

impl Listener {
    /// # Errors
    ///
    /// Why nothing can be accepted there.
    pub(crate) async fn bind(
        runtime: Runtime,
        address: SocketAddr,
        keep_alive: bool,
    ) -> Result<Self, String> {
        let problem = |error: ErrorCode| {
            format!("Error binding socket: [{}]:{}: {error}", address.ip(), address.port())
        };
        let tcp = create_tcp_socket(family(address.ip())).map_err(problem)?;
        // Many at once would otherwise be told to come back in a second, and in
        // three, while their time limits run.
        let _ = tcp.set_listen_backlog_size(BACKLOG);
        let pollable = Rc::new(tcp.subscribe());
        let listener = Self { runtime, pollable, tcp, keep_alive };
        listener.start(address).await.map_err(problem)?;
        Ok(listener)
    }

    async fn start(&self, address: SocketAddr) -> Result<(), ErrorCode> {
        self.tcp.start_bind(&instance_network(), to_wasi(address))?;
        while let Err(error) = self.tcp.finish_bind() {
            self.wait_or(error).await?;
        }
        self.tcp.start_listen()?;
        while let Err(error) = self.tcp.finish_listen() {
            self.wait_or(error).await?;
        }
        Ok(())
    }

    async fn wait_or(&self, error: ErrorCode) -> Result<(), ErrorCode> {
        if error != ErrorCode::WouldBlock {
            return Err(error);
        }
        self.runtime.ready(&self.pollable).await;
        Ok(())
    }

    /// The next connection.
    ///
    /// # Errors
    ///
    /// The listener is gone. Anything less is logged, and tried again.
    pub(crate) async fn accept(&self) -> Result<Accepted, String> {
        loop {
            match self.tcp.accept() {
                Ok((tcp, input, output)) => {
                    keep_alive(&tcp, self.keep_alive);
                    let peer = tcp.remote_address().ok().map(from_wasi);
                    let duplex = Duplex::of(self.runtime, tcp, (input, output));
                    return Ok(Accepted { duplex, peer });
                }
                Err(ErrorCode::WouldBlock) => self.runtime.ready(&self.pollable).await,
                Err(error @ ErrorCode::InvalidState) => return Err(format!("accept: {error}")),
                // Gone before it was accepted.
                Err(ErrorCode::ConnectionAborted) => {}
                Err(error) => {
                    // No descriptors, most likely: connections that end bring some.
                    log::line(&format!("accept: {error}"));
                    self.runtime.sleep(BACK_OFF).await;
                }
            }
        }
    }
}

/// Where a host has no such option, connections are as they are.
pub(super) fn keep_alive(tcp: &TcpSocket, enabled: bool) {
    let _ = tcp.set_keep_alive_enabled(enabled);
    if enabled {
        let _ = tcp.set_keep_alive_idle_time(60 * SECOND);
        let _ = tcp.set_keep_alive_interval(10 * SECOND);
        let _ = tcp.set_keep_alive_count(6);
    }
}

const BACKLOG: u64 = 4096;
const BACK_OFF: Duration = Duration::from_secs(1);
const SECOND: u64 = 1_000_000_000;
