//! What our own host can do wrong.

use spiped_core::{Config, ForwardSecrecy, KeyExchange, Side};

use super::Case;
use super::end::{End, config, entropy, established, ingredients, secret};
use crate::transcript::SIDES;
use crate::{Call, Ingredients};

pub(super) fn cases() -> Vec<Case> {
    let cases = SIDES.iter().flat_map(|(name, side)| {
        let groups = [
            unmakeable(name, *side),
            contradictory(name, *side),
            before_start(name, *side),
            order(name, *side),
        ];
        groups.into_iter().flatten()
    });
    cases.collect()
}

/// Sessions that cannot be made.
fn unmakeable(name: &str, side: Side) -> Vec<Case> {
    let one = || vec![secret().to_vec()];
    let mut wrong = vec![
        ("secret-short", vec![vec![1; 31]], entropy(side), "A secret of 31 bytes."),
        ("secret-long", vec![vec![1; 33]], entropy(side), "A secret of 33 bytes."),
        ("secret-empty", vec![vec![]], entropy(side), "A secret of no bytes."),
        ("no-secret", vec![], entropy(side), "No secret."),
        ("entropy-short", one(), vec![1; 63], "63 random bytes."),
        ("entropy-long", one(), vec![1; 65], "65 random bytes."),
        ("entropy-none", one(), vec![], "No random bytes."),
    ];
    if side == Side::Client {
        wrong.push((
            "two-secrets",
            [one(), one()].concat(),
            entropy(side),
            "Two secrets for a client.",
        ));
    }
    let cases = wrong.into_iter().map(|(what, secrets, entropy, about)| {
        let config = config(side, ForwardSecrecy::Offer);
        let mut end = End::of(Ingredients::New { config, secrets, entropy });
        end.calls([Call::PeerSecret, Call::Start, Call::Compute, Call::Suspend]);
        end.case(format!("misuse-{what}-{name}"), about)
    });
    cases.collect()
}

/// Configurations that contradict themselves, with nothing else wrong or
/// everything.
fn contradictory(name: &str, side: Side) -> Vec<Case> {
    let omitting = Config {
        side,
        key_exchange: Some(KeyExchange::X25519),
        forward_secrecy: ForwardSecrecy::Omit,
    };
    let mut configs = vec![("x25519-omits", omitting, "X25519 without forward secrecy.")];
    if side == Side::Client {
        let open = Config { key_exchange: None, ..config(side, ForwardSecrecy::Offer) };
        configs.push(("open-exchange", open, "A client that leaves the key exchange open."));
    }
    let cases = configs.into_iter().flat_map(|(what, config, about)| {
        let case = |what: String, secrets| {
            let mut end = End::of(Ingredients::New { config, secrets, entropy: entropy(side) });
            end.calls([Call::PeerSecret, Call::KeyExchange, Call::Start, Call::Suspend]);
            end.case(format!("misuse-{what}-{name}"), about)
        };
        [
            case(what.to_owned(), vec![secret().to_vec()]),
            case(format!("{what}-no-secret"), vec![]),
            case(format!("{what}-secret-short"), vec![vec![1; 31]]),
        ]
    });
    cases.collect()
}

/// Every call that is not `start`, first; then `start`, which is too late.
fn before_start(name: &str, side: Side) -> Vec<Case> {
    let calls = [
        ("compute", Call::Compute),
        ("crypt", Call::Crypt(b"x".into())),
        ("plain", Call::Plain(b"x".into())),
        ("crypt-eof", Call::CryptEof),
        ("plain-eof", Call::PlainEof),
        ("suspend", Call::Suspend),
    ];
    let cases = calls.map(|(call_name, call)| {
        let mut end = End::of(ingredients(side, ForwardSecrecy::Offer, &[secret()]));
        end.calls([Call::PeerSecret, call, Call::Start]);
        let name = format!("misuse-{call_name}-before-start-{name}");
        end.case(name, format!("A session whose first call is {call_name}."))
    });
    cases.into()
}

/// Calls in a session that goes well until then.
fn order(name: &str, side: Side) -> Vec<Case> {
    let started = || End::start(side, ForwardSecrecy::Offer);
    let established = || established(side).0;
    let more = || b"more".to_vec();
    let sessions = [
        ("start-twice", started(), vec![Call::Start], "Started twice."),
        ("start-again", established(), vec![Call::Start], "Started again once established."),
        (
            "resume-start",
            End::resume(&established().suspend()),
            vec![Call::Start],
            "A resumed session is not started.",
        ),
        ("compute-early", started(), vec![Call::Compute], "Nothing is due in the handshake."),
        ("compute-late", established(), vec![Call::Compute], "Nothing is due once established."),
        ("plain-early", started(), vec![Call::Plain(more())], "Plaintext before established."),
        (
            "plain-eof-early",
            started(),
            vec![Call::PlainEof],
            "The plain side ends before established.",
        ),
        ("suspend-early", started(), vec![Call::Suspend], "Suspended in the handshake."),
        (
            "plain-after-eof",
            established(),
            vec![Call::PlainEof, Call::Plain(more())],
            "Plaintext after the plain side's end.",
        ),
        (
            "plain-eof-twice",
            established(),
            vec![Call::PlainEof, Call::PlainEof],
            "The plain side ends twice.",
        ),
        (
            "crypt-after-eof",
            established(),
            vec![Call::CryptEof, Call::Crypt(more())],
            "Bytes after the crypt side's end.",
        ),
        (
            "crypt-eof-twice",
            established(),
            vec![Call::CryptEof, Call::CryptEof],
            "The crypt side ends twice.",
        ),
        (
            "suspended",
            established(),
            vec![Call::Suspend, Call::Crypt(more()), Call::Start],
            "Used after it was suspended.",
        ),
        ("suspend-twice", established(), vec![Call::Suspend, Call::Suspend], "Suspended twice."),
    ];
    let cases = sessions.into_iter().map(|(what, mut end, calls, about)| {
        end.calls(calls);
        // Its last word.
        end.call(Call::CryptEof);
        end.case(format!("misuse-{what}-{name}"), about)
    });
    cases.collect()
}
