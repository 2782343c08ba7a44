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
        what: "whether the server's key share has verified: the client goes on or closes",
        lines: &[(
            "core-wasm/src/handshake/client.rs",
            "if !bool::from(share.verifies(&key, Some(&self.value))) {",
        )],
    },
    Known {
        what: "whether any key fits a client's key share: the server goes on or closes",
        lines: &[(
            "core-wasm/src/handshake/server.rs",
            "let psk = psks.get(usize::try_from(found).ok()?)?;",
        )],
    },
    Known {
        what: "whether an X25519 shared value is 0: a peer that has the key is refused",
        lines: &[(
            "core-wasm/src/dh/x25519.rs",
            "shared.was_contributory().then(|| Secret::new(*shared.as_bytes()))",
        )],
    },
    Known {
        what: "whether a packet has verified: the connection goes on or is reset",
        lines: &[
            (
                "core-wasm/src/packet_crypto.rs",
                "if self.mac(number, body).verify_slice(mac).is_err() {",
            ),
            (
                "host/src/packet_crypto/mod.rs",
                "group.iter().zip(tags).take_while(|(packet, tag)| verifies(packet, tag)).count();",
            ),
        ],
    },
    Known {
        what: "the form of a code: white space at its ends, and how many characters",
        lines: &[
            ("core-wasm/src/pairing/exchange.rs", "let share = match code.map(str::trim) {"),
            (
                "core-wasm/src/pairing/exchange.rs",
                "Some(code) if code.chars().count() < CODE_CHARS_MIN || code.len() > CODE_LEN_MAX => {",
            ),
        ],
    },
    Known {
        what: "whether a pairing's shared value is the neutral element: the peer is refused",
        lines: &[
            (
                "core-wasm/src/pairing/cpace.rs",
                "(!shared.is_identity()).then(|| Secret::new(*Zeroizing::new(shared.compress().to_bytes())))",
            ),
            (
                "core-wasm/src/pairing/share.rs",
                "(!bool::from(shared.ct_eq(&Secret::new([0; 32])))).then_some(shared)",
            ),
        ],
    },
    Known {
        what: "whether a pairing's confirmation has verified: it goes on or ends",
        lines: &[
            (
                "core-wasm/src/pairing/confirming.rs",
                "if !self.keys.verifies(other_side(self.side), tag) {",
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
            "subtle::Choice::from(u8::from(mac(key, answered, self.value).iter().zip(self.mac).all(|(byte, other)| byte == other)))",
        )],
    },
    Known {
        what: "a table that is read at a secret index",
        lines: &[(SELECT, "*selected = elements[usize::from(index)];")],
    },
];
