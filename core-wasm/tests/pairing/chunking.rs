//! How the peer's bytes are split changes nothing.

use proptest::prelude::*;

use crate::parties::{MODES, Party, converse};

/// What an end answers to the peer's bytes, split like this.
fn answer(mut end: Party, bytes: &[u8], mut cuts: Vec<usize>) -> (Vec<u8>, Option<[u8; 32]>) {
    let mut answer = end.take();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    for range in cuts.windows(2) {
        answer.extend(end.receive(&bytes[range[0]..range[1]]).unwrap());
        if end.string().is_some() {
            answer.extend(end.confirm().unwrap());
        }
    }
    (answer, end.key())
}

fn check(code: Option<&str>, cuts: &[usize]) {
    let conversation = converse(&mut Party::client(code), &mut Party::server(code)).unwrap();
    let from_client = conversation.from_client.concat();
    let from_server = conversation.from_server.concat();
    let fit = |bytes: &[u8]| cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();

    let (sent, key) = answer(Party::client(code), &from_server, fit(&from_server));
    assert_eq!(sent, from_client);
    assert!(key.is_some());
    let (sent, same_key) = answer(Party::server(code), &from_client, fit(&from_client));
    assert_eq!(sent, from_server);
    assert_eq!(same_key, key);
}

#[test]
fn one_byte_at_a_time() {
    for code in MODES {
        check(code, &(0..200).collect::<Vec<_>>());
    }
}

#[test]
fn any_cut_in_two() {
    for code in MODES {
        for cut in 0..113 {
            check(code, &[cut]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_cuts(cuts in prop::collection::vec(any::<usize>(), 0..8), with_code in any::<bool>()) {
        check(MODES[usize::from(with_code)], &cuts);
    }
}

/// What may happen to an end, in any order.
#[derive(Clone, Debug)]
enum Event {
    /// So many bytes arrive, of what a genuine peer sends.
    Genuine(usize),
    /// Anything arrives.
    Anything(Vec<u8>),
    Confirm,
    Eof,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1..120_usize).prop_map(Event::Genuine),
        1 => prop::collection::vec(any::<u8>(), 0..120).prop_map(Event::Anything),
        2 => Just(Event::Confirm),
        1 => Just(Event::Eof),
    ]
}

/// Whether these events can lead to a key: all the genuine bytes, nothing
/// else, and a yes where one is asked for.
fn may_agree(code: Option<&str>, genuine: &[u8], events: &[Event]) -> bool {
    let mut left = genuine.len();
    let mut confirmed = code.is_some();
    for event in events {
        match event {
            Event::Genuine(length) => left = left.saturating_sub(*length),
            Event::Anything(bytes) if bytes.is_empty() => {}
            Event::Anything(_) | Event::Eof if left > 0 || !confirmed => return false,
            Event::Anything(_) | Event::Eof => {}
            Event::Confirm => confirmed = true,
        }
    }
    left == 0 && confirmed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_events_make_a_key_but_the_right_ones(
        events in prop::collection::vec(event(), 1..12),
        with_code in any::<bool>(),
        is_client in any::<bool>(),
    ) {
        let code = MODES[usize::from(with_code)];
        let conversation = converse(&mut Party::client(code), &mut Party::server(code)).unwrap();
        let (mut end, genuine) = if is_client {
            (Party::client(code), conversation.from_server.concat())
        } else {
            (Party::server(code), conversation.from_client.concat())
        };
        let mut rest = &genuine[..];
        for event in &events {
            // Errors are final, and repeat.
            let _ = match event {
                Event::Genuine(length) => {
                    let (bytes, later) = rest.split_at(rest.len().min(*length));
                    rest = later;
                    end.receive(bytes)
                }
                Event::Anything(bytes) => end.receive(bytes),
                Event::Confirm => end.confirm(),
                Event::Eof => end.exchange.eof().map(|()| Vec::new()),
            };
        }
        prop_assert!(end.key().is_none() || may_agree(code, &genuine, &events));
    }
}
