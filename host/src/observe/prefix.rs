//! The part of an address that is one source: a whole IPv4 address, or the 64
//! bits of an IPv6 one that a network gets.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A network of which all addresses count as one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(IpAddr);

impl Prefix {
    /// The one that this address belongs to. An IPv4 address is the same
    /// source whichever family its socket is of.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        })
    }

    /// It as an address: the one that it is, or the first of the network.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.0
    }

    /// A number that no other one has, as far as networks are in use.
    #[must_use]
    pub fn number(self) -> u64 {
        match self.0 {
            // As if it were of multicast, from where nobody comes.
            IpAddr::V4(address) => 0xff << 56 | u64::from(address.to_bits()),
            #[allow(clippy::cast_possible_truncation, reason = "it is the first half")]
            IpAddr::V6(network) => (network.to_bits() >> 64) as u64,
        }
    }
}

/// The first half.
const NETWORK: u128 = !0 << 64;

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn source_is_an_address_or_the_network_of_one() {
        let prefix = |address: &str| Prefix::of(address.parse().unwrap());
        assert_eq!(prefix("192.0.2.1").to_string(), "192.0.2.1");
        assert_ne!(prefix("192.0.2.1"), prefix("192.0.2.2"));
        assert_eq!(prefix("::ffff:192.0.2.1"), prefix("192.0.2.1"));
        assert_eq!(prefix("2001:db8::1"), prefix("2001:db8::ffff:2"));
        assert_eq!(prefix("2001:db8::1").to_string(), "2001:db8::/64");
        assert_ne!(prefix("2001:db8:0:1::1"), prefix("2001:db8::1"));
    }
}
