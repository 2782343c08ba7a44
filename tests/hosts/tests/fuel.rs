//! What a packet and a handshake cost the portable component, counted in
//! instructions: the same on every machine for the same component.

use std::fmt::Write as _;

use crate::guest::{
    Call, Established, ForwardSecrecy, Guest, KeyExchange, SERVER_NONCE, ServerConfig, Verdict,
    handshake,
};

/// The figures of the day they were last looked at.
const COMMITTED: &str = include_str!("../fuel.toml");

/// In percent. What a compiler's next version changes is less.
const TOLERANCE: u64 = 5;

#[test]
fn work_is_what_it_was() {
    let mut report = String::new();
    let mut as_it_was = true;
    for (name, now) in measure() {
        let before = committed(name);
        let verdict = match before {
            Some(before) if now * 100 > before * (100 + TOLERANCE) => "more than",
            Some(before) if now * 100 < before * (100 - TOLERANCE) => "less than",
            Some(_) => "close to",
            None => "without",
        };
        as_it_was &= verdict == "close to";
        writeln!(report, "{name} = {now} # {verdict} {}", before.unwrap_or_default()).unwrap();
    }
    assert!(
        as_it_was,
        "the component's work has changed by more than {TOLERANCE} %; \
         if that is meant, put this into tests/hosts/fuel.toml:\n{report}"
    );
}

fn committed(name: &str) -> Option<u64> {
    let mut lines = COMMITTED.lines().filter_map(|line| line.split_once('='));
    let (_, figure) = lines.find(|(key, _)| key.trim() == name)?;
    Some(figure.trim().parse().unwrap())
}

fn measure() -> Vec<(&'static str, u64)> {
    let modp2048 = handshake(KeyExchange::Modp2048);
    let x25519 = handshake(KeyExchange::X25519);
    let mut figures = search();
    figures.extend([
        ("public-value", modp2048.public_value),
        ("shared-value", modp2048.shared_value),
        ("x25519-public-value", x25519.public_value),
        ("x25519-shared-value", x25519.shared_value),
    ]);

    let Established { mut client, mut server, .. } = modp2048;
    let mut send = |packets: usize| {
        let (sealed, seal) = client.call(Call::Plain(&vec![b'x'; packets * 1024]));
        assert_eq!(sealed.len(), packets * 1060);
        let (_, open) = server.call(Call::Crypt(&sealed));
        (seal, open)
    };
    // Once, both memories grow.
    send(64);
    for (seal, open, packets) in
        [("seal-1", "open-1", 1), ("seal-16", "open-16", 16), ("seal-64", "open-64", 64)]
    {
        let (sealing, opening) = send(packets);
        figures.extend([(seal, sealing), (open, opening)]);
    }
    figures
}

/// What an acceptor takes to refuse a stranger, by the number of its keys.
fn search() -> Vec<(&'static str, u64)> {
    let search = |keys: u8| {
        let Guest { mut store, instance } = Guest::new();
        let psks: Vec<_> = (0..keys).map(|key| vec![key; 32]).collect();
        let api = instance.spiped_pipe_acceptor().acceptor();
        let config = ServerConfig::Any(ForwardSecrecy::Offer);
        let acceptor = api.call_constructor(&mut store, config, &psks).unwrap().unwrap();
        let before = store.get_fuel().unwrap();
        let verdict = api.call_identify(&mut store, acceptor, &SERVER_NONCE, &[9; 320]);
        assert!(matches!(verdict, Ok(Ok(Verdict::Refused(_)))), "{verdict:?}");
        before - store.get_fuel().unwrap()
    };
    vec![("search-1", search(1)), ("search-100", search(100))]
}
