//! What our own host can do wrong.

use spiped_core::{ClientConfig, ForwardSecrecy, PACKET_LEN, RUN_MAX, ServerConfig, Side};
use spiped_tests::wire::one;

use super::Case;
use super::party::{Party, accept, acceptor, entropy, established, peer_of, secret};
use crate::transcript::SIDES;
use crate::{Call, Ingredients};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = unmakeable_clients();
    cases.extend(unmakeable_servers());
    cases.extend(nonces());
    for (name, side) in SIDES {
        cases.extend(before_start(name, side));
        cases.extend(order(name, side));
        cases.extend(compute_first(name, side));
    }
    cases
}

const CLIENT: ClientConfig = ClientConfig::Modp2048(ForwardSecrecy::Offer);
const SERVER: ServerConfig = ServerConfig::Any(ForwardSecrecy::Offer);

/// Keys of other lengths than 32 bytes.
const PSKS: [(&str, &[u8], &str); 3] = [
    ("psk-short", &[1; 31], "A key of 31 bytes."),
    ("psk-long", &[1; 33], "A key of 33 bytes."),
    ("psk-empty", &[], "A key of no bytes."),
];

/// Sessions that cannot be made, with nothing else wrong.
fn unmakeable_clients() -> Vec<Case> {
    let with_psk = |psk: &[u8]| Ingredients::Connect {
        config: CLIENT,
        psk: psk.to_vec(),
        entropy: entropy(Side::Client),
    };
    let with_entropy =
        |entropy: Vec<u8>| Ingredients::Connect { config: CLIENT, psk: secret().to_vec(), entropy };
    let psks = PSKS.map(|(what, psk, about)| (what, with_psk(psk), about));
    let entropies = [
        ("entropy-short", vec![1; 63], "63 random bytes."),
        ("entropy-long", vec![1; 65], "65 random bytes."),
        ("entropy-none", vec![], "No random bytes."),
        ("random-uniform", vec![7; 64], "All random bytes are equal."),
        ("random-zero", vec![0; 64], "All random bytes are zero."),
        ("random-repeated", entropy(Side::Client)[..32].repeat(2), "The nonce is the exponent."),
    ];
    let entropies = entropies.map(|(what, bytes, about)| (what, with_entropy(bytes), about));
    let cases = psks.into_iter().chain(entropies).map(|(what, ingredients, about)| {
        Party::of(ingredients).case(format!("misuse-{what}-client"), about)
    });
    cases.collect()
}

/// The same of acceptors and of the sessions made after them.
fn unmakeable_servers() -> Vec<Case> {
    let acceptors = PSKS.map(|(what, psk, about)| {
        (what, acceptor(SERVER, &[secret().to_vec(), psk.to_vec()]), about)
    });
    let again = [secret().to_vec(), vec![1; 32], secret().to_vec()];
    let duplicate = ("duplicate-psk", acceptor(SERVER, &again), "A key is given twice.");
    let hello = || peer_of(Side::Server).handshake(&one());
    let sessions =
        PSKS.map(|(what, psk, about)| (what, accept(SERVER, hello(), psk.to_vec()), about));
    let sessions = sessions.map(|(what, ingredients, about)| {
        let what = what.replace("psk", "accept-psk");
        Party::of(ingredients).case(format!("misuse-{what}-server"), about)
    });
    let nonce = entropy(Side::Server)[..32].to_vec();
    let random = [
        ("nonce-short", nonce[..31].to_vec(), vec![2; 32], "A nonce of 31 bytes."),
        ("nonce-long", vec![1; 33], vec![2; 32], "A nonce of 33 bytes."),
        ("entropy-short", nonce.clone(), vec![2; 31], "31 random bytes."),
        ("entropy-long", nonce.clone(), vec![2; 64], "64 random bytes."),
        ("entropy-none", nonce.clone(), vec![], "No random bytes."),
        ("random-uniform", vec![7; 32], vec![7; 32], "All random bytes are equal."),
        ("random-repeated", nonce.clone(), nonce, "The nonce is the exponent."),
    ];
    let random = random.map(|(what, our_nonce, entropy, about)| {
        let (hello, psk) = (hello(), secret().to_vec());
        let ingredients = Ingredients::Accept { config: SERVER, our_nonce, hello, psk, entropy };
        Party::of(ingredients).case(format!("misuse-accept-{what}-server"), about)
    });
    let acceptors = acceptors.into_iter().chain([duplicate]).map(|(what, ingredients, about)| {
        Party::of(ingredients).case(format!("misuse-{what}-server"), about)
    });
    acceptors.chain(sessions).chain(random).collect()
}

/// An acceptor's calls with nonces of other lengths than 32 bytes.
fn nonces() -> Vec<Case> {
    let lengths = [0, 31, 33].map(|length| {
        let (psks, our_nonce) = (vec![secret().to_vec()], vec![1; length]);
        let mut end = Party::of(Ingredients::Acceptor { config: SERVER, psks, our_nonce });
        end.calls([Call::Identify(b"x".into()), Call::FaultAtEof]);
        end.case(format!("misuse-nonce-{length}-server"), format!("A nonce of {length} bytes."))
    });
    lengths.into()
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
        let mut end = Party::fresh(side, ForwardSecrecy::Offer);
        end.calls([Call::PskId, call, Call::Start]);
        let name = format!("misuse-{call_name}-before-start-{name}");
        end.case(name, format!("A session whose first call is {call_name}."))
    });
    cases.into()
}

/// A session that is not established: a client waits for bytes, a server is to
/// compute.
fn started(side: Side) -> Party {
    let mut end = Party::fresh(side, ForwardSecrecy::Offer);
    end.call(Call::Start);
    if side == Side::Client {
        end.compute();
    }
    end
}

/// Calls in a session that goes well until then.
fn order(name: &str, side: Side) -> Vec<Case> {
    let established = || established(side).0;
    let more = || b"more".to_vec();
    let mut sessions = vec![
        ("start-twice", started(side), vec![Call::Start], "Started twice."),
        ("start-again", established(), vec![Call::Start], "Started again once established."),
        (
            "resume-start",
            Party::resume(&established().suspend()),
            vec![Call::Start],
            "A resumed session is not started.",
        ),
        ("compute-late", established(), vec![Call::Compute], "Nothing is due once established."),
        ("plain-early", started(side), vec![Call::Plain(more())], "Plaintext before established."),
        (
            "plain-eof-early",
            started(side),
            vec![Call::PlainEof],
            "The plain side ends before established.",
        ),
        ("suspend-early", started(side), vec![Call::Suspend], "Suspended in the handshake."),
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
            vec![Call::Suspend, Call::PskId, Call::Crypt(more()), Call::Start],
            "Used after it was suspended.",
        ),
        ("suspend-twice", established(), vec![Call::Suspend, Call::Suspend], "Suspended twice."),
    ];
    if side == Side::Client {
        let about = "Nothing is due while the server's nonce has not come.";
        sessions.push(("compute-early", started(side), vec![Call::Compute], about));
    }
    let cases = sessions.into_iter().map(|(what, mut end, calls, about)| {
        end.calls(calls);
        // Its last word.
        end.call(Call::CryptEof);
        end.case(format!("misuse-{what}-{name}"), about)
    });
    cases.collect()
}

/// As much as may come before a value is computed, and more.
fn compute_first(name: &str, side: Side) -> Vec<Case> {
    const BATCH: usize = RUN_MAX * PACKET_LEN;
    let reads: [(_, &[usize], _); 4] = [
        ("a-batch", &[BATCH], "A whole batch comes before a value is computed."),
        ("in-parts", &[1000, BATCH - 1000], "The same in two parts."),
        ("too-much", &[BATCH + 1], "A byte more than a batch comes before a value is computed."),
        ("too-often", &[BATCH, 1], "The same in two parts."),
    ];
    let cases = reads.map(|(what, lengths, about)| {
        let mut end = Party::fresh(side, ForwardSecrecy::Offer);
        end.call(Call::Start);
        for length in lengths {
            end.call(Call::Crypt(vec![0; *length]));
        }
        end.compute();
        end.case(format!("compute-first-{what}-{name}"), about)
    });
    cases.into()
}
