//! Connecting to the target.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use core::time::Duration;

use wasip2::io::poll::Pollable;
use wasip2::io::streams::{InputStream, OutputStream};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::ErrorCode;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

use super::ip::{family, to_wasi};
use super::listener::keep_alive;
use super::names::look_up;
use super::{Duplex, first_address};
use crate::runtime::{Runtime, after};
use crate::settings::{Address, Connecting};

/// How to connect.
pub(crate) struct Dialer {
    runtime: Runtime,
    bind: Option<SocketAddr>,
    keep_alive: bool,
    timeout: Duration,
}

impl Dialer {
    /// # Errors
    ///
    /// The address to bind to cannot be looked up.
    pub(crate) async fn new(runtime: Runtime, settings: &Connecting) -> Result<Self, String> {
        let Connecting { keep_alive, timeout, .. } = *settings;
        let bind = match &settings.bind {
            Some(address) => Some(first_address(runtime, address, timeout).await?.0),
            None => None,
        };
        Ok(Self { runtime, bind, keep_alive, timeout })
    }

    /// The first of the target's addresses that can be reached, each for its
    /// share of the time.
    pub(crate) async fn dial(&self, targets: &Targets) -> Result<Duplex, String> {
        let deadline = after(self.timeout);
        let mut addresses = targets.addresses().await?.into_iter();
        let mut problem = String::from("it has no address");
        while let Some(address) = addresses.next() {
            let left = deadline.saturating_sub(after(Duration::ZERO));
            let share = Duration::from_nanos(left / (addresses.len() as u64 + 1));
            problem = match self.runtime.within(share, self.connect(address)).await {
                Some(Ok(duplex)) => return Ok(duplex),
                Some(Err(error)) => format!("{address}: {error}"),
                None => format!("{address}: no answer in time"),
            };
        }
        Err(format!("Could not connect to {}: {problem}", targets.address))
    }

    async fn connect(&self, address: SocketAddr) -> Result<Duplex, ErrorCode> {
        let network = instance_network();
        let tcp = create_tcp_socket(family(address.ip()))?;
        let streams: (InputStream, OutputStream) = {
            let pollable = Rc::new(tcp.subscribe());
            if let Some(bind) = self.bind {
                tcp.start_bind(&network, to_wasi(bind))?;
                self.finished(&pollable, || tcp.finish_bind()).await?;
            }
            tcp.start_connect(&network, to_wasi(address))?;
            self.finished(&pollable, || tcp.finish_connect()).await?
        };
        keep_alive(&tcp, self.keep_alive);
        Ok(Duplex::of(self.runtime, tcp, streams))
    }

    async fn finished<T>(
        &self,
        pollable: &Rc<Pollable>,
        finish: impl Fn() -> Result<T, ErrorCode>,
    ) -> Result<T, ErrorCode> {
        loop {
            match finish() {
                Err(ErrorCode::WouldBlock) => self.runtime.ready(pollable).await,
                result => return result,
            }
        }
    }
}

/// What to connect to.
pub(crate) struct Targets {
    runtime: Runtime,
    address: Address,
    timeout: Duration,
    period: Duration,
    known: RefCell<Vec<SocketAddr>>,
    looked_up_again: Cell<u64>,
}

impl Targets {
    /// Looks the target up.
    ///
    /// # Errors
    ///
    /// It cannot be looked up.
    pub(crate) async fn new(
        runtime: Runtime,
        settings: &Connecting,
        period: Duration,
    ) -> Result<Self, String> {
        let Connecting { target, timeout, .. } = settings;
        let known = RefCell::new(look_up(runtime, target, *timeout).await?);
        let looked_up_again = Cell::new(after(period));
        let (address, timeout) = (target.clone(), *timeout);
        Ok(Self { runtime, address, timeout, period, known, looked_up_again })
    }

    /// Looks it up again if that was long ago. What cannot be looked up again
    /// stays as it was.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        if after(Duration::ZERO) >= self.looked_up_again.get() {
            // Others need not do the same meanwhile.
            self.looked_up_again.set(after(self.period));
            match look_up(self.runtime, &self.address, self.timeout).await {
                Ok(addresses) => *self.known.borrow_mut() = addresses,
                Err(problem) => crate::log::line(&problem),
            }
        }
        Ok(self.known.borrow().clone())
    }
}
