//! Names to addresses.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::ErrorCode;

use super::ip::ip_from_wasi;
use crate::runtime::Runtime;
use crate::settings::{Address, Host};

/// All addresses, at least one, in the host's order.
pub(super) async fn look_up(
    runtime: Runtime,
    address: &Address,
    timeout: Duration,
) -> Result<Vec<SocketAddr>, String> {
    let name = match &address.host {
        Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, address.port)]),
        Host::Name(name) => name,
    };
    let found = runtime.within(timeout, answers(runtime, name, address.port)).await;
    let problem = match found {
        Some(Ok(addresses)) if !addresses.is_empty() => return Ok(addresses),
        Some(Ok(_)) => "it has no address".into(),
        Some(Err(error)) => format!("{error}"),
        None => "no answer in time".into(),
    };
    Err(format!("Error looking up {name}: {problem}"))
}

async fn answers(runtime: Runtime, name: &str, port: u16) -> Result<Vec<SocketAddr>, ErrorCode> {
    let answers = resolve_addresses(&instance_network(), name)?;
    let pollable = Rc::new(answers.subscribe());
    let mut addresses = Vec::new();
    loop {
        match answers.resolve_next_address() {
            Ok(Some(ip)) => addresses.push(SocketAddr::new(ip_from_wasi(ip), port)),
            Ok(None) => return Ok(addresses),
            Err(ErrorCode::WouldBlock) => runtime.ready(&pollable).await,
            Err(error) => return Err(error),
        }
    }
}

/// The first address, and whether there are more.
pub(crate) async fn first_address(
    runtime: Runtime,
    address: &Address,
    timeout: Duration,
) -> Result<(SocketAddr, bool), String> {
    let addresses = look_up(runtime, address, timeout).await?;
    let first = addresses.first().copied().ok_or("it has no address")?;
    Ok((first, addresses.len() > 1))
}
