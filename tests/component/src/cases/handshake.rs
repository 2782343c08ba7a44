//! Handshakes that go well, or fail for what the ends want: vectors, options,
//! several keys, splits.

use spiped_core::{ClientConfig, ForwardSecrecy, KEY_SHARE_LEN, NONCE_LEN, ServerConfig, Side};
use spiped_tests::wire::psk;

use super::Case;
use super::party::{Party, both, converse, unhurried};
use crate::Call;
use crate::transcript::{FORWARD_SECRECY, SIDES};

pub(super) fn cases() -> Vec<Case> {
    [vectors(), options(), psks(), splits()].into_iter().flatten().collect()
}

fn vectors() -> Vec<Case> {
    let strengths = [("strong", ForwardSecrecy::Offer), ("weak", ForwardSecrecy::Omit)];
    let cases = strengths.into_iter().flat_map(|(strength, forward_secrecy)| {
        let [mut client, mut server] =
            [Side::Client, Side::Server].map(|side| Party::start(side, forward_secrecy));
        converse(&mut client, &mut server);
        for message in [b"hello".to_vec(), [b'A'; 1024].to_vec()] {
            client.say(message);
            converse(&mut client, &mut server);
        }
        server.say("answer");
        converse(&mut client, &mut server);
        both(client, server).map(|(side, end)| {
            let name = format!("vector-{strength}-{side}");
            end.case(name, format!("The specification's {strength} handshake and its packets."))
        })
    });
    cases.collect()
}

/// Whatever both ends do about forward secrecy.
fn options() -> Vec<Case> {
    let pairs = FORWARD_SECRECY.iter().flat_map(|a| FORWARD_SECRECY.iter().map(move |b| (a, b)));
    let cases = pairs.flat_map(|((client_name, client), (server_name, server))| {
        let mut client = Party::start(Side::Client, *client);
        let mut server = Party::start(Side::Server, *server);
        converse(&mut client, &mut server);
        if client.is_established() && server.is_established() {
            client.say("question");
            server.say("answer");
            converse(&mut client, &mut server);
        }
        both(client, server).map(|(side, end)| {
            let name = format!("options-{client_name}-{server_name}-{side}");
            end.case(name, format!("The client: {client_name}; the server: {server_name}."))
        })
    });
    cases.collect()
}

/// A server that accepts several keys, and clients with each of them or none.
fn psks() -> Vec<Case> {
    let accepted = ["first", "second", "third"].map(|key_file| psk(key_file.as_bytes()));
    let cases = ["first", "second", "third", "none"].map(|name| {
        let held = psk(name.as_bytes());
        let fs = ForwardSecrecy::Offer;
        let mut client = Party::start_client(ClientConfig::Modp2048(fs), held);
        let mut server = Party::server(ServerConfig::Any(fs), &accepted);
        server.receive(client.take_sent());
        client.receive(server.take_sent());
        server.receive(client.take_sent());
        if server.is_established() {
            server.call(Call::PskId);
        }
        let about = format!("Three keys are accepted; the client has: {name}.");
        server.case(format!("psks-{name}-server"), about)
    });
    cases.into()
}

/// All that the peer ever says, split in different ways.
fn splits() -> Vec<Case> {
    let cases = SIDES.iter().flat_map(|(name, side)| {
        let heard = heard(*side);
        let bytewise = heard.chunks(1).take(HANDSHAKE_LEN);
        let bytewise: Vec<_> = bytewise.chain([&heard[HANDSHAKE_LEN..]]).collect();
        let across = [&heard[..20], &heard[20..100], &heard[100..700], &heard[700..]];
        [
            (bytewise, "bytewise", "The handshake comes one byte at a time."),
            (vec![&heard[..]], "at-once", "Handshake and packets come in one read."),
            (across.to_vec(), "across", "Reads that respect no message's beginning or end."),
            (
                vec![&heard[..NONCE_LEN], &heard[NONCE_LEN..]],
                "share-with-packets",
                "Key share and first packets come in one read.",
            ),
        ]
        .map(|(reads, split, about)| {
            let mut end = Party::start(*side, ForwardSecrecy::Offer);
            for read in reads {
                end.receive(read);
            }
            end.case(format!("split-{split}-{name}"), about)
        })
    });
    cases.chain(SIDES.iter().map(|(name, side)| before_compute(name, *side))).collect()
}

/// Bytes that come while an exponentiation is due are kept.
fn before_compute(name: &str, side: Side) -> Case {
    let mut end = unhurried(side);
    let heard = heard(side);
    for read in [&heard[..NONCE_LEN], &heard[NONCE_LEN..400], &heard[400..]] {
        end.take_in(read);
    }
    end.call(Call::CryptEof);
    end.compute();
    let about = "Everything has come, and ended, before anything is computed.";
    end.case(format!("split-before-compute-{name}"), about)
}

/// What an end of this side hears in a conversation: handshake, two packets.
fn heard(side: Side) -> Vec<u8> {
    let [mut client, mut server] =
        [Side::Client, Side::Server].map(|side| Party::start(side, ForwardSecrecy::Offer));
    let nonces = [client.take_sent(), server.take_sent()];
    client.receive(&nonces[1]);
    let share = client.take_sent();
    server.receive([&nonces[0][..], &share].concat());
    let answer = server.take_sent();
    client.receive(&answer);
    for end in [&mut client, &mut server] {
        end.say("hello");
        end.say([b'A'; 1024]);
    }
    let [nonce_c, nonce_s] = nonces;
    match side {
        Side::Client => [nonce_s, answer, server.take_sent()].concat(),
        Side::Server => [nonce_c, share, client.take_sent()].concat(),
    }
}

const HANDSHAKE_LEN: usize = NONCE_LEN + KEY_SHARE_LEN;
