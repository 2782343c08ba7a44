//! Addresses in WASI's types.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wasip2::sockets::network::{
    IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};

pub(super) fn family(address: IpAddr) -> IpAddressFamily {
    match address {
        IpAddr::V4(_) => IpAddressFamily::Ipv4,
        IpAddr::V6(_) => IpAddressFamily::Ipv6,
    }
}

pub(super) fn to_wasi(address: SocketAddr) -> IpSocketAddress {
    let port = address.port();
    match address.ip() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (a, b, c, d) })
        }
        IpAddr::V6(ip) => {
            let it = ip.segments();
            let address = (it[0], it[1], it[2], it[3], it[4], it[5], it[6], it[7]);
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
        }
    }
}

pub(super) fn from_wasi(address: IpSocketAddress) -> SocketAddr {
    let (ip, port) = match address {
        IpSocketAddress::Ipv4(it) => (IpAddress::Ipv4(it.address), it.port),
        IpSocketAddress::Ipv6(it) => (IpAddress::Ipv6(it.address), it.port),
    };
    SocketAddr::new(ip_from_wasi(ip), port)
}

pub(super) fn ip_from_wasi(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        IpAddress::Ipv6(it) => Ipv6Addr::new(it.0, it.1, it.2, it.3, it.4, it.5, it.6, it.7).into(),
    }
}
