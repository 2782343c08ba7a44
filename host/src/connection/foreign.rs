//! Recognizes other protocols by the first bytes of a peer. The random bytes that a
//! spiped peer begins with are mistaken for one about once in 2³² times.

/// The name of the protocol, if it is one that is often sent to the wrong port.
/// Recognizes clients and servers of it.
#[must_use]
pub(crate) fn name(said: &[u8]) -> Option<&'static str> {
    let begins = |starts: &[&str]| starts.iter().any(|start| said.starts_with(start.as_bytes()));
    if is_tls(said) {
        Some("TLS")
    } else if begins(&HTTP) {
        Some("HTTP")
    } else if begins(&["SSH-"]) {
        Some("SSH")
    } else if begins(&REDIS) || is_redis_request(said) {
        Some("Redis")
    } else if is_postgres(said) {
        Some("PostgreSQL")
    } else if is_mysql(said) {
        Some("MySQL")
    } else if begins(&["EHLO ", "HELO ", "220 ", "220-"]) {
        Some("SMTP or FTP")
    } else if begins(&["PROXY TCP", "PROXY UNKNOWN", "\r\n\r\n\0\r\nQUIT\n"]) {
        Some(PROXY_PROTOCOL)
    } else {
        None
    }
}

/// Whether this looks like readable text: random bytes of this length do not.
#[must_use]
pub(crate) fn is_text(said: &[u8]) -> bool {
    let readable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    said.len() >= TEXT_MIN && said.iter().take(TEXT_MAX).all(readable)
}

/// A handshake record with a hello in it, or an alert.
fn is_tls(said: &[u8]) -> bool {
    matches!(said, [0x16, 3, 0..=4, _, _, 1 | 2, 0, ..] | [0x15, 3, 0..=4, 0, 2, 1 | 2, ..])
}

/// An array of strings: `*1\r\n$4\r\nPING\r\n`.
fn is_redis_request(said: &[u8]) -> bool {
    let Some(array) = said.strip_prefix(b"*") else {
        return false;
    };
    let digits = array.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && array[digits..].starts_with(b"\r\n$")
}

/// A start-up message of version 3, or the question for encryption.
fn is_postgres(said: &[u8]) -> bool {
    let starts = |versions: &[[u8; 4]]| {
        versions.iter().any(|version| said.get(4..).is_some_and(|rest| rest.starts_with(version)))
    };
    said.starts_with(&[0, 0])
        && starts(&[[0, 3, 0, 0], [4, 0xd2, 0x16, 0x2f], [4, 0xd2, 0x16, 0x30]])
}

/// A server's greeting: a packet with number 0 of protocol 10, and a version.
fn is_mysql(said: &[u8]) -> bool {
    matches!(said, [_, 0, 0, 0, 10, b'1'..=b'9', b'0'..=b'9' | b'.', ..])
}

/// Both the requests and the answer.
const HTTP: [&str; 11] = [
    "GET /",
    "HEAD /",
    "POST /",
    "PUT /",
    "PATCH /",
    "DELETE /",
    "OPTIONS ",
    "CONNECT ",
    "TRACE /",
    "PRI * HTTP/2",
    "HTTP/1.",
];

/// Inline requests, and answers to an invalid request.
const REDIS: [&str; 6] = ["PING\r\n", "AUTH ", "-ERR ", "-NOAUTH ", "-DENIED ", "+PONG\r\n"];

/// Shorter random bytes are often readable.
const TEXT_MIN: usize = 6;
/// The length of what a spiped peer sends first.
const TEXT_MAX: usize = 32;

/// The first bytes from a load balancer.
pub(super) const PROXY_PROTOCOL: &str = "the PROXY protocol";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_first_bytes() {
        let cases: [(&[u8], &str); 19] = [
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
            (b"\x15\x03\x03\x00\x02\x02\x28", "TLS"),
            (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "HTTP"),
            (b"POST /form HTTP/1.0\r\n", "HTTP"),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP"),
            (b"HTTP/1.1 400 Bad Request\r\n", "HTTP"),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"),
            (b"*1\r\n$4\r\nPING\r\n", "Redis"),
            (b"*12\r\n$3\r\nSET\r\n", "Redis"),
            (b"PING\r\n", "Redis"),
            (b"-ERR unknown command\r\n", "Redis"),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", "PostgreSQL"),
            (b"\0\0\0\x29\0\x03\0\0user\0", "PostgreSQL"),
            (b"\x4a\0\0\0\x0a8.0.36\0", "MySQL"),
            (b"EHLO mail.example.org\r\n", "SMTP or FTP"),
            (b"220 mail.example.org ESMTP\r\n", "SMTP or FTP"),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "the PROXY protocol"),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11", "the PROXY protocol"),
            (b"OPTIONS * RTSP/1.0\r\n", "HTTP"),
        ];
        for (said, expected) in cases {
            assert_eq!(name(said), Some(expected), "{said:?}");
        }
    }

    #[test]
    fn what_is_cut_or_random_has_no_name() {
        let few: [&[u8]; 7] = [b"", b"*", b"*\r\n$", b"G", b"\x16", b"\0\0\0\x08", b"SS"];
        for said in few {
            assert_eq!(name(said), None, "{said:?}");
        }
        let random: Vec<u8> =
            (0..32_u8).map(|byte| byte.wrapping_mul(73).wrapping_add(11)).collect();
        assert_eq!(name(&random), None);
        assert!(!is_text(&random));
    }

    #[test]
    fn text_is_readable_and_not_too_short() {
        assert!(is_text(b"hello\r\n") && is_text(&[b'x'; 320]));
        assert!(!is_text(b"hello") && !is_text(b"") && !is_text(b"hello\0world"));
        assert!(!is_text("ÄÖÜß".as_bytes()));
    }
}
