//! The PROXY protocol, which announces where a connection that was passed on comes
//! from: <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>.

use std::net::{IpAddr, SocketAddr};

use proxy_header::{ParseConfig, Protocol, ProxiedAddress, ProxyHeader};

/// The forms of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// Text.
    V1,
    /// Binary.
    V2,
}

/// The two ends of a connection, as the program that accepted it sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Who opened it.
    pub source: SocketAddr,
    /// The address that it was opened to.
    pub destination: SocketAddr,
}

/// The content of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// The connection is the sender's own, such as a health check.
    Local,
    /// It was passed on, and the sender cannot say from where.
    Unknown,
    /// It was passed on, with these ends.
    PassedOn(Ends),
}

/// Something other than a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it sent no header of the PROXY protocol, version 1 or 2")]
pub struct NoHeader;

/// The most bytes of a header: version 2 has up to 232 for addresses, and
/// extensions.
pub const HEADER_MAX: usize = 1024;

/// Parses the header at the beginning of a connection. Returns it with its length, or
/// `None` if more bytes are needed, which can be so until [`HEADER_MAX`].
///
/// # Errors
/// When the bytes are not a header.
pub fn parse(bytes: &[u8]) -> Result<Option<(Announced, usize)>, NoHeader> {
    let len = if agrees(bytes, V1_SIGNATURE) {
        v1_len(bytes)?
    } else if agrees(bytes, V2_SIGNATURE) {
        v2_len(bytes)?
    } else {
        return Err(NoHeader);
    };
    let Some(header) = len.and_then(|len| bytes.get(..len)) else {
        return Ok(None);
    };
    Ok(Some((announced(header)?, header.len())))
}

/// The header for a connection that passes on one with these ends. If they are not
/// known, or not on a network, the header says so.
#[must_use]
pub fn header(version: ProxyVersion, ends: Option<Ends>) -> Vec<u8> {
    let header = ends.map_or_else(ProxyHeader::with_local, |ends| {
        let Ends { source, destination } = ends.of_one_family();
        ProxyHeader::with_address(ProxiedAddress::stream(source, destination))
    });
    let mut bytes = Vec::with_capacity(V1_MAX);
    let encoded = match version {
        ProxyVersion::V1 => header.encode_v1(&mut bytes),
        ProxyVersion::V2 => header.encode_v2(&mut bytes),
    };
    debug_assert_eq!(encoded, Ok(()), "a stream of one family, without extensions");
    bytes
}

impl Ends {
    /// The same, both as IPv4 addresses, or both as IPv6 addresses.
    fn of_one_family(self) -> Self {
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        let ends @ [source, destination] = [self.source, self.destination].map(canonical);
        let [source, destination] = if source.is_ipv4() == destination.is_ipv4() {
            ends
        } else {
            [source, destination].map(|end| match end.ip() {
                IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), end.port()),
                IpAddr::V6(_) => end,
            })
        };
        Self { source, destination }
    }
}

const V1_SIGNATURE: &[u8] = b"PROXY ";
/// The longest line, including its end.
const V1_MAX: usize = 107;
const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, version and command, family, and the length of the rest.
const V2_FIXED: usize = 16;
const V2_LOCAL: u8 = 0x20;

/// Whether these bytes may be the beginning of something with this signature.
fn agrees(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(byte, expected)| byte == expected)
}

/// The length of the header that begins with these bytes, if it is known.
fn v1_len(bytes: &[u8]) -> Result<Option<usize>, NoHeader> {
    let line = &bytes[..bytes.len().min(V1_MAX)];
    match line.windows(2).position(|end| end == b"\r\n") {
        Some(at) => Ok(Some(at + 2)),
        None if line.len() < V1_MAX => Ok(None),
        None => Err(NoHeader),
    }
}

fn v2_len(bytes: &[u8]) -> Result<Option<usize>, NoHeader> {
    let Some(&[high, low]) = bytes.get(V2_FIXED - 2..V2_FIXED) else {
        return Ok(None);
    };
    let len = V2_FIXED + usize::from(u16::from_be_bytes([high, low]));
    if len > HEADER_MAX { Err(NoHeader) } else { Ok(Some(len)) }
}

/// Parses a complete header.
fn announced(header: &[u8]) -> Result<Announced, NoHeader> {
    // The rest, including the family, has no meaning in this case.
    if header.starts_with(V2_SIGNATURE) && header.get(V2_SIGNATURE.len()) == Some(&V2_LOCAL) {
        return Ok(Announced::Local);
    }
    // The crate accepts any byte as the blank after PROXY, and takes missing bytes at
    // the end for some that are still to come. Neither case may reach it.
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    match ProxyHeader::parse(header, config) {
        Ok((parsed, len)) if len == header.len() => match parsed.proxied_address() {
            None => Ok(Announced::Unknown),
            Some(&ProxiedAddress { protocol: Protocol::Stream, source, destination }) => {
                Ok(Announced::PassedOn(Ends { source, destination }))
            }
            Some(_) => Err(NoHeader),
        },
        Ok(_) | Err(_) => Err(NoHeader),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn header_is_read_as_soon_as_it_is_whole_and_no_further() {
        for (header, expected) in headers() {
            let mut bytes = header.clone();
            bytes.extend(b"what follows");
            for len in 0..header.len() {
                assert_eq!(parse(&bytes[..len]), Ok(None), "{len} of {header:?}");
            }
            for len in header.len()..=bytes.len() {
                assert_eq!(parse(&bytes[..len]), Ok(Some((expected, header.len()))));
            }
        }
    }

    #[test]
    fn what_was_encoded_is_read_again() {
        let pairs = [("192.0.2.1:1", "198.51.100.2:65535"), ("[2001:db8::1]:1", "[2001:db8::2]:2")];
        for (source, destination) in pairs {
            let ends = ends(source, destination);
            for version in [ProxyVersion::V1, ProxyVersion::V2] {
                let bytes = header(version, Some(ends));
                let expected = Announced::PassedOn(ends);
                assert_eq!(parse(&bytes), Ok(Some((expected, bytes.len()))));
                let unknown = header(version, None);
                let expected = match version {
                    ProxyVersion::V1 => Announced::Unknown,
                    ProxyVersion::V2 => Announced::Local,
                };
                assert_eq!(parse(&unknown), Ok(Some((expected, unknown.len()))));
            }
        }
    }

    #[test]
    fn both_ends_are_of_one_family() {
        let shown = |source, destination| {
            String::from_utf8(header(ProxyVersion::V1, Some(ends(source, destination)))).unwrap()
        };
        assert_eq!(
            shown("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:2"),
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
        );
        assert_eq!(
            shown("192.0.2.1:1", "[2001:db8::2]:2"),
            "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n"
        );
    }

    #[test]
    fn other_bytes_are_refused_at_the_first_that_does_not_fit() {
        for other in [
            &b"G"[..],
            b"PROXY\t",
            b"PROXYxTCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            b"\r\n\r\n\0\r\nQUIX",
        ] {
            assert_eq!(parse(other), Err(NoHeader));
        }
    }

    #[test]
    fn malformed_headers_are_refused() {
        for line in [
            "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
            "PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
            "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
            "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY \r\n",
        ] {
            assert_eq!(parse(line.as_bytes()), Err(NoHeader), "{line}");
        }
        assert_eq!(parse(&[V1_SIGNATURE, &[b'1'; 200]].concat()), Err(NoHeader));
        for (command, family, len, rest) in [
            (0x31, 0x11, 12, 12),
            (0x22, 0x11, 12, 12),
            (0x21, 0x11, 11, 11),
            (0x21, 0x21, 35, 35),
            (0x21, 0x12, 12, 12),
            (0x21, 0x41, 12, 12),
            (0x21, 0x11, 1009, 1009),
            (0x20, 0x00, 0xffff, 0),
        ] {
            assert_eq!(parse(&v2(command, family, len, rest)), Err(NoHeader), "{command} {family}");
        }
    }

    /// What the specification has receivers accept, and the crate alone does not.
    #[test]
    fn local_command_is_accepted_whatever_its_family() {
        for (family, len) in [(0x00, 0), (0x11, 12), (0x11, 3), (0x99, 7), (0x31, 1008)] {
            let bytes = v2(V2_LOCAL, family, len, usize::from(len));
            assert_eq!(parse(&bytes), Ok(Some((Announced::Local, bytes.len()))));
        }
    }

    /// One in 256 of each of these bytes makes a difference; all of them are tried.
    #[test]
    fn damaged_header_is_no_panic() {
        for (header, _) in headers() {
            for at in 0..header.len() {
                for byte in 0..=u8::MAX {
                    let mut damaged = header.clone();
                    damaged[at] = byte;
                    for len in at..=header.len() {
                        let len_read = parse(&damaged[..len]).ok().flatten().map(|read| read.1);
                        assert!(len_read.is_none_or(|read| read <= len));
                    }
                }
            }
        }
    }

    fn headers() -> Vec<(Vec<u8>, Announced)> {
        let v4 = Announced::PassedOn(ends("192.0.2.1:258", "192.0.2.2:772"));
        let mut with_extension = v2(0x21, 0x11, 20, 0);
        let addresses = [192, 0, 2, 1, 192, 0, 2, 2, 1, 2, 3, 4];
        with_extension.extend(addresses.iter().chain(b"\x04\0\x05noise"));
        vec![
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 258 772\r\n".to_vec(), v4),
            (
                b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n".to_vec(),
                Announced::PassedOn(ends("[2001:db8::1]:1", "[2001:db8::2]:2")),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), Announced::Unknown),
            (b"PROXY UNKNOWN ::1 ::2 1 2\r\n".to_vec(), Announced::Unknown),
            (with_extension, v4),
            (v2(V2_LOCAL, 0, 0, 0), Announced::Local),
            // Unix sockets, and what is not said.
            (v2(0x21, 0x31, 216, 216), Announced::Unknown),
            (v2(0x21, 0x00, 0, 0), Announced::Unknown),
        ]
    }

    fn v2(command: u8, family: u8, len: u16, rest: usize) -> Vec<u8> {
        let fixed = [command, family];
        [V2_SIGNATURE, &fixed, &len.to_be_bytes(), &vec![0; rest]].concat()
    }

    fn ends(source: &str, destination: &str) -> Ends {
        Ends { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
    }
}
