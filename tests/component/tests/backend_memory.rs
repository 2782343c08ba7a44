//! What each implementation of the packet cryptography leaves in memory.
//!
//! Which one the daemon uses is the CPU's choice, so a process of its own runs
//! each that this CPU has, and is then searched for keys and plaintext.

use std::env;
use std::hint::black_box;
use std::io::{BufReader, Read, Write, stdin, stdout};
use std::process::Command;
use std::thread;

use spiped::packet_crypto::{Backend, Direction, PACKET_LEN};
use spiped::process::wipe::wipe_stack;
use spiped_tests::Process;
use spiped_tests::memory::{Expected, Traces, expect};
use zeroize::Zeroize;

#[test]
#[allow(clippy::print_stdout, reason = "a reader has to know which were searched")]
fn no_backend_of_this_cpu_leaves_a_key_or_plaintext() {
    for (index, backend) in Backend::available().enumerate() {
        println!("{backend}");
        let (process, _input, output) = Process::spawn_with_streams(player(index));
        // The test runner has something to say before.
        let mut said = BufReader::new(output).bytes().map_while(Result::ok);
        assert!(said.any(|byte| byte == DONE), "the player ended early");
        let [cipher, mac, marker] = [CIPHER_KEY, MAC_KEY, MARKER].map(key);
        let of = |what| format!("{what} with {backend}");
        expect(
            process.pid(),
            &[
                Expected::gone(Traces::of_cipher_key(&of("cipher key"), &cipher)),
                Expected::gone(Traces::of_mac_key(&of("MAC key"), &mac)),
                Expected::gone(Traces::of_bytes(&of("plaintext"), &marker[..16])),
            ],
        );
    }
}

/// This test program again, to play the part below.
fn player(index: usize) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args(["--exact", "backend_memory::player_of_one_backend", "--nocapture"]);
    command.env(PART, index.to_string());
    command
}

/// Not a test by itself: the process that is searched.
#[test]
fn player_of_one_backend() {
    let Ok(index) = env::var(PART) else {
        return;
    };
    let index = index.parse().expect("a number");
    let backend = Backend::available().nth(index).expect("as many as were counted");
    let (ready, done) = std::sync::mpsc::channel();
    // A thread that lives on, as the daemon's do.
    thread::spawn(move || {
        use_and_drop(backend);
        // As the daemon does when a connection sleeps or ends.
        wipe_stack();
        ready.send(()).expect("somebody waits");
        thread::park();
    });
    done.recv().expect("the cryptography works");
    stdout().write_all(&[DONE]).expect("somebody reads");
    stdout().flush().expect("somebody reads");
    // To the end of the test.
    let _ = stdin().read(&mut [0]);
}

/// As a connection does, never inlined for the same reason: keys set up, packets of all run lengths each way.
#[inline(never)]
fn use_and_drop(backend: Backend) {
    let mut keys = Box::new([0; 64]);
    unmask(CIPHER_KEY, &mut keys[..32]);
    unmask(MAC_KEY, &mut keys[32..]);
    let direction = Direction::with_backend(backend, &keys[..32], &keys[32..]).map(Box::new);
    keys.zeroize();
    let direction = direction.expect("keys of the right length");
    for packets in [1, 2, 3, 8, 16, 64, 5] {
        let mut run = vec![0; packets * PACKET_LEN];
        for piece in run.chunks_exact_mut(32) {
            unmask(MARKER, piece);
        }
        direction.seal(0, &mut run);
        assert_eq!(direction.open(0, &mut run), run.len());
        run.zeroize();
    }
}

/// The secret behind a constant. Only masked is it in the program's image.
fn key(masked: u8) -> [u8; 32] {
    let mut key = [0; 32];
    unmask(masked, &mut key);
    key
}

fn unmask(masked: u8, place: &mut [u8]) {
    for (byte, position) in place.iter_mut().zip(1_u8..) {
        *byte = black_box(masked).wrapping_mul(position)
            ^ black_box(0x5a_u8).rotate_left(position.into());
    }
}

/// Which backend the player is to use.
const PART: &str = "SPIPED_TEST_BACKEND";
/// What the player prints when all is done; the test runner has no use for it.
const DONE: u8 = 0;

/// Odd, so that no byte of a secret is like the one before.
const CIPHER_KEY: u8 = 0x9d;
const MAC_KEY: u8 = 0x35;
const MARKER: u8 = 0xe7;
