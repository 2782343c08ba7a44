//! What is an address, and what is not.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

#[test]
fn slash_makes_a_unix_path() {
    assert_eq!(address("/run/a b:c"), Ok(Address::Unix("/run/a b:c".into())));
    let longest = format!("/{}", "x".repeat(106));
    assert!(address(&longest).is_ok());
    assert!(matches!(address(&format!("{longest}x")), Err(AddressError::PathTooLong(_))));
}

#[test]
fn at_sign_makes_an_abstract_name_of_all_that_follows() {
    for name in ["redis", "a b", "name:80", "[::1]:80", "/run/socket", "@"] {
        assert_eq!(address(&format!("@{name}")), Ok(Address::Abstract(name.into())));
        assert_eq!(bind(&format!("@{name}")), Ok(Address::Abstract(name.into())));
    }
    assert_eq!(address("@"), Err(AddressError::NoName));
    let longest = format!("@{}", "x".repeat(107));
    assert!(address(&longest).is_ok());
    assert!(matches!(address(&format!("{longest}x")), Err(AddressError::NameTooLong(_))));
    assert!(matches!(Address::parse(OsStr::from_bytes(b"@\xff")), Ok(Address::Abstract(_))));
    assert!(Address::parse(OsStr::from_bytes(b"@a\0b")).is_err());
}

#[test]
fn unix_path_need_not_be_text() {
    let path = OsStr::from_bytes(b"/tmp/\xff");
    assert_eq!(Address::parse(path), Ok(Address::Unix(path.into())));
    assert!(Address::parse(OsStr::from_bytes(b"\xff:1")).is_err());
}

#[test]
fn brackets_hold_an_ip_address() {
    assert_eq!(address("[127.0.0.1]:8025"), literal("127.0.0.1:8025"));
    assert_eq!(address("[::1]:65535"), literal("[::1]:65535"));
    assert_eq!(address("[::ffff:1.2.3.4]:1"), literal("[::ffff:1.2.3.4]:1"));
    for wrong in ["[localhost]:1", "[1.2.3]:1", "[01.2.3.4]:1", "[]:1", "[fe80::1%lo]:1"] {
        assert!(matches!(address(wrong), Err(AddressError::BadIp { .. })), "{wrong}");
    }
}

#[test]
fn bracketed_port_is_a_number_from_1_to_65535() {
    for number in ["80", "+80", " 80", "\t+080"] {
        assert_eq!(address(&format!("[::1]:{number}")), literal("[::1]:80"), "{number}");
    }
    for wrong in ["0", "65536", "", "+", "+ 80", "++80", "0x50", "http", "-1", "1 "] {
        assert_eq!(
            address(&format!("[::1]:{wrong}")),
            Err(AddressError::BadPort { port: wrong.to_owned(), text: format!("[::1]:{wrong}") })
        );
    }
}

#[test]
fn broken_brackets_are_named() {
    for wrong in ["[::1", "[::1]x:80", "[::1:80"] {
        assert_eq!(address(wrong), Err(AddressError::Brackets(wrong.into())));
    }
    assert_eq!(address("[::1]"), Err(AddressError::NoPort("[::1]".into())));
}

#[test]
fn anything_else_is_split_at_its_last_colon() {
    assert_eq!(address("localhost:http"), named("localhost", "http"));
    assert_eq!(address("2001:db8::1:80"), named("2001:db8::1", "80"));
    assert_eq!(address("fe80::1%eth0:80"), named("fe80::1%eth0", "80"));
    assert_eq!(address("127.0.0.1:8025"), literal("127.0.0.1:8025"));
    assert_eq!(address("127.0.0.1:0"), literal("127.0.0.1:0"));
    assert_eq!(address("127.1:80"), named("127.1", "80"));
}

#[test]
fn missing_parts_are_named() {
    assert_eq!(address(""), Err(AddressError::Empty));
    assert_eq!(address(":80"), Err(AddressError::NoHost(":80".into())));
    assert_eq!(address("::1:80"), Err(AddressError::NoHost("::1:80".into())));
    assert_eq!(address("host"), Err(AddressError::NoPort("host".into())));
    assert_eq!(address("host:"), Err(AddressError::NoPort("host".into())));
    assert!(matches!(address("host:65536"), Err(AddressError::BadPort { .. })));
}

#[test]
fn ipv6_without_brackets_is_shown_with_them() {
    for (text, hint) in [
        ("::1:6399", "[::1]:6399"),
        ("::1", "[::1]:PORT"),
        ("::", "[::]:PORT"),
        ("2001:db8::1", "[2001:db8::1]:PORT"),
        ("1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:PORT"),
    ] {
        let error = address(text).unwrap_err().to_string();
        let hint = format!("(write an IPv6 address in brackets: {hint})");
        assert!(error.ends_with(&hint), "{error}");
    }
    assert_eq!(address(":80").unwrap_err().to_string(), "No host in \":80\"");
}

#[test]
fn any_port_makes_no_ipv6_address_of_what_is_none() {
    for text in ["9:3:6:6:0:6:6:", "2001:db8::"] {
        assert_eq!(bind(text), Err(AddressError::Ipv6WithoutPort(text.to_owned())));
    }
    assert_eq!(bind("2001:db8::1:"), named("2001:db8::1", "0"));
}

#[test]
fn bind_address_may_omit_its_port() {
    assert_eq!(bind("127.0.0.1"), literal("127.0.0.1:0"));
    assert_eq!(bind("[127.0.0.1]"), literal("127.0.0.1:0"));
    assert_eq!(bind("[::1]"), literal("[::1]:0"));
    assert_eq!(bind("[::1]:0"), literal("[::1]:0"));
    assert_eq!(bind("[::1]:7"), literal("[::1]:7"));
    assert_eq!(bind("host"), named("host", "0"));
    assert_eq!(bind("host:7"), named("host", "7"));
    assert_eq!(bind("host:"), named("host", "0"));
    assert_eq!(bind("127.0.0.2:"), literal("127.0.0.2:0"));
    assert_eq!(bind("[::1]:"), literal("[::1]:0"));
    assert!(bind("[::1]x").is_err());
    assert!(bind("").is_err());
    assert!(bind(":7").is_err());
}

#[test]
fn shown_as_it_can_be_typed() {
    for text in ["[::1]:80", "[1.2.3.4]:80", "host:http", "/run/socket", "@redis:80"] {
        assert_eq!(address(text).unwrap().to_string(), text);
    }
}

#[test]
fn errors_say_what_to_write() {
    assert_eq!(
        address("mail").unwrap_err().to_string(),
        "Address must contain port number: mail (write mail:PORT)"
    );
}

fn address(text: &str) -> Result<Address, AddressError> {
    text.parse()
}

fn bind(text: &str) -> Result<Address, AddressError> {
    Address::parse_bind(OsStr::new(text))
}

#[allow(clippy::unnecessary_wraps, reason = "compared with a result")]
fn literal(text: &str) -> Result<Address, AddressError> {
    Ok(Address::Literal(text.parse().unwrap()))
}

#[allow(clippy::unnecessary_wraps, reason = "compared with a result")]
fn named(host: &str, port: &str) -> Result<Address, AddressError> {
    Ok(name(host, port))
}
