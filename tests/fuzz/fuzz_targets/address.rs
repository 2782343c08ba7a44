//! Any bytes as an address.

#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use libfuzzer_sys::fuzz_target;
use spiped::net::address::Address;

fuzz_target!(|text: &[u8]| {
    for parse in [Address::parse, Address::parse_bind] {
        match parse(OsStr::from_bytes(text)) {
            Ok(Address::Unix(path)) => assert_eq!(path.as_os_str().as_bytes(), text),
            Ok(Address::Abstract(name)) => assert_eq!([b"@", name.as_bytes()].concat(), text),
            // What is shown can be typed, and means the same.
            Ok(address) => {
                let shown = address.to_string();
                assert_eq!(Address::parse_bind(shown.as_ref()), Ok(address), "{shown}");
            }
            Err(error) => assert_ne!(error.to_string(), ""),
        }
    }
});
