//! What may depend on a secret, because it becomes public anyway; and what the
//! checks have to find in code that was weakened.

/// Something that a branch or an address depends on.
pub(crate) struct Known {
    /// What becomes public by it, and why that does no harm; or what is weak.
    pub(crate) what: &'static str,
    /// The places in the source that do it.
    pub(crate) lines: &'static [Line<'static>],
}

/// A source file, from the top of the tree, and a whole line of it, without the
/// white space around it.
pub(crate) type Line<'a> = (&'a str, &'a str);

/// Everything that the production code may decide by a secret.
pub(crate) const VERDICTS: &[Known] = &[
    Known {
        what: "whether randomness is broken: nobody goes on with it",
        lines: &[
            ("core-wasm/src/session.rs", "check_randomness(&nonce, &exponent)?;"),
            ("core-wasm/src/session.rs", "check_randomness(our_nonce, entropy)?;"),
            (
                "core-wasm/src/session.rs",
                "if bool::from(nonce.ct_eq(exponent.expose())) { Err(Misuse::BrokenRandomness) } else { Ok(()) }",
            ),
            ("core-wasm/src/pairing/exchange.rs", "if bool::from(entropy.is_uniform()) {"),
        ],
    },
    Known {
        what: "whether a key share has verified: this end goes on or closes",
        lines: &[(SHARE, "if !bool::from(mac(key, answered, self.value).ct_eq(self.mac)) {")],
    },
    Known {
        what: "whether the peer sent our public value, which is sent, or would have been",
        lines: &[
            (
                SHARE,
                "if ours == theirs && *ours != PublicValue::ONE { Err(PeerFault::Reflected) } else { Ok(()) }",
            ),
            ("core-wasm/src/pairing/share.rs", "if *peer == self.public {"),
        ],
    },
    Known {
        what: "whether an X25519 shared value is 0: a peer that has the key is refused",
        lines: &[(
            "core-wasm/src/dh/x25519/mod.rs",
            "bool::from(!shared.expose().ct_eq(&[0; PUBLIC_VALUE_LEN])).then_some(shared)",
        )],
    },
    Known {
        what: "the order of PSK ids, which are public: not the keys, but a PRF of them",
        lines: &[(ACCEPTOR, "psks.iter().all(|psk| ids.insert(psk_id(psk)))")],
    },
    Known {
        what: "which key fits a client's key share, if any does: all that follows shows it",
        lines: &[
            (ACCEPTOR, "if let Some(psk_index) = self.find(exchange, our_nonce, received) {"),
            ANSWER,
            (
                "host/src/guest/acceptor.rs",
                "keys.checked_sub(1).is_some_and(|last| fits(*psk_index, last))",
            ),
        ],
    },
    Known {
        what: "whether a packet has verified: the connection goes on or is reset",
        lines: &[
            (
                "core-wasm/src/packet_crypto/soft.rs",
                "if self.mac(number, body).verify_slice(mac).is_err() {",
            ),
            (
                "core-wasm/src/packet_crypto/parallel.rs",
                "let verified = group.iter().zip(&tags).take_while(verifies).count();",
            ),
            (
                "host/src/packet_crypto/mod.rs",
                "group.iter().zip(tags).take_while(|(packet, tag)| verifies(packet, tag)).count();",
            ),
        ],
    },
    Known {
        what: "whether a suspended state is whole: the session goes on or ends",
        lines: &[
            (SUSPENDED, "if *checksum != self::checksum(bytes) || take(&mut bytes)? != MAGIC {"),
            // Natively one branch asks whether the checksum is wrong or the rest too short.
            (SUSPENDED, "let (taken, rest) = bytes.split_first_chunk()?;"),
        ],
    },
    Known {
        what: "the form of a code: where its separators are, and whether it is acceptable",
        lines: &[
            (CODE, "let code = code.trim_ascii();"),
            (CODE, "if bool::from(!(byte.ct_eq(&b' ') | byte.ct_eq(&b'-'))) {"),
            (CODE, "if !bool::from(is_printable) {"),
        ],
    },
    Known {
        what: "whether a pairing's shared value is the neutral element: the peer is refused",
        lines: &[
            (
                "core-wasm/src/pairing/cpace.rs",
                "(!shared.is_identity()).then(|| Secret::copy_of(&Zeroizing::new(shared.compress().to_bytes())))",
            ),
            (
                "core-wasm/src/pairing/share.rs",
                "(!bool::from(shared.expose().ct_eq(&[0; 32]))).then_some(shared)",
            ),
        ],
    },
    Known {
        what: "whether a pairing's confirmation has verified: it goes on or ends",
        lines: &[
            (
                "core-wasm/src/pairing/confirming.rs",
                "if !self.keys.verifies(self.side.other(), tag) {",
            ),
            ("core-wasm/src/pairing/schedule.rs", "self.tag(side).ct_eq(tag).into()"),
        ],
    },
    Known {
        what: "the string that both ends of a pairing show",
        lines: &[(
            "core-wasm/src/pairing/schedule.rs",
            r#"format!("{first:04} {:04} {:04}", rest / 10_000, rest % 10_000)"#,
        )],
    },
];

/// What the host's key search has answered, where wasmtime writes it to the
/// guest's memory. All generated code is this line; only that answer is meant.
pub(crate) const ANSWER: Line<'static> = (
    "core-wasm/src/component/mod.rs",
    r#"wit_bindgen::generate!({ path: "wit", world: "native" });"#,
);

const ACCEPTOR: &str = "core-wasm/src/acceptor.rs";
const CODE: &str = "core-wasm/src/pairing/code.rs";
const SUSPENDED: &str = "core-wasm/src/suspended.rs";
const WEAKENED: &str = "tests/constant-time/subject/src/bin/poisoned/weakened.rs";
const SHARE: &str = "core-wasm/src/handshake/share.rs";
const SELECT: &str = "core-wasm/src/dh/modp/field/select.rs";

/// In the program under test.
pub(crate) const WEAK_FUNCTIONS: &[Known] = &[
    Known {
        what: "a comparison that stops early",
        lines: &[(WEAKENED, "if black_box(byte) != other {")],
    },
    Known { what: "a secret index", lines: &[(WEAKENED, "table[usize::from(secret[0])]")] },
];

/// What `weaken.sh` does.
pub(crate) const WEAK_COMPONENT: &[Known] = &[
    Known {
        what: "a MAC comparison that stops early",
        lines: &[(
            SHARE,
            "if !bool::from(subtle::Choice::from(u8::from(mac(key, answered, self.value).iter().zip(self.mac).all(|(byte, other)| byte == other)))) {",
        )],
    },
    Known {
        what: "a table that is read at a secret index",
        lines: &[(SELECT, "*selected = elements[usize::from(index)];")],
    },
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// A line that was edited would be reported as unknown, and this one as
    /// never met.
    #[test]
    fn every_verdict_is_a_line_of_the_source() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (file, line) in VERDICTS.iter().flat_map(|known| known.lines) {
            let source = fs::read_to_string(root.join(file)).expect(file);
            assert!(source.lines().any(|other| other.trim() == *line), "{file}: {line}");
        }
    }
}
