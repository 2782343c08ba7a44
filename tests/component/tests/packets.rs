//! Packets of every length and runs of every length, sealed and opened by all
//! builds: equal to the byte. Two of them have kernels that treat some lengths
//! in a way of their own.

use spiped_component_tests::{Answer, Builds, Call, ESTABLISHED, Ingredients, Trio};
use spiped_core::{ClientConfig, PLAIN_MAX, RUN_MAX, ServerConfig};

#[test]
fn messages_of_every_length_are_sealed_alike_and_arrive() {
    let builds = Builds::load(3);
    let mut ends = Ends::established(&builds);
    for length in 1..=PLAIN_MAX {
        ends.transfer(length);
    }
}

#[test]
fn runs_of_every_length_are_sealed_alike_and_arrive() {
    let builds = Builds::load(3);
    let mut ends = Ends::established(&builds);
    for packets in 1..=RUN_MAX {
        ends.transfer(packets * PLAIN_MAX - packets);
    }
}

#[test]
fn a_forged_packet_anywhere_in_a_run_ends_it_alike() {
    let builds = Builds::load(3);
    for forged in 0..10 {
        let mut ends = Ends::established(&builds);
        let plain = vec![b'x'; 10 * PLAIN_MAX];
        let mut sealed = ends.client.call(&Call::Plain(plain.clone())).to_crypt;
        sealed[forged * 1060 + 7 * forged] ^= 0x10;
        let answer = ends.server.call(&Call::Crypt(sealed));
        assert_eq!(answer.to_plain, plain[..forged * PLAIN_MAX]);
        assert!(answer.is_final(), "{answer}");
    }
}

/// Both ends of a connection, each in all builds.
struct Ends {
    client: Trio,
    server: Trio,
    /// What makes plaintext.
    random: u64,
}

impl Ends {
    fn established(builds: &Builds) -> Self {
        let psk = vec![7; 32];
        let our_nonce = vec![2; 32];
        let entropy = [[1; 32], [4; 32]].concat();
        let connect = Ingredients::Connect { config: ClientConfig::X25519, psk, entropy };
        let mut client = Trio::make(builds, &connect).unwrap();
        let mut hello = good(client.call(&Call::Start)).to_crypt;
        hello.extend(good(client.call(&Call::Compute)).to_crypt);
        hello.extend(good(client.call(&Call::Crypt(our_nonce.clone()))).to_crypt);
        let accept = Ingredients::Accept {
            config: ServerConfig::X25519,
            our_nonce,
            hello,
            psk: vec![7; 32],
            entropy: vec![5; 32],
        };
        let mut server = Trio::make(builds, &accept).unwrap();
        good(server.call(&Call::Start));
        let share = good(server.call(&Call::Compute)).to_crypt;
        good(client.call(&Call::Crypt(share)));
        for end in [&mut client, &mut server] {
            assert_eq!(end.call(&Call::Compute).words, ESTABLISHED);
        }
        Self { client, server, random: 1 }
    }

    fn transfer(&mut self, length: usize) {
        let plain: Vec<u8> = (0..length).map(|_| self.byte()).collect();
        let sealed = good(self.client.call(&Call::Plain(plain.clone()))).to_crypt;
        let opened = good(self.server.call(&Call::Crypt(sealed))).to_plain;
        assert!(opened == plain, "{length} bytes");
    }

    /// Knuth's generator: different bytes, the same every time.
    fn byte(&mut self) -> u8 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random.to_be_bytes()[0]
    }
}

/// An answer that is no failure.
fn good(answer: Answer) -> Answer {
    assert!(!answer.is_final(), "{answer}");
    answer
}
