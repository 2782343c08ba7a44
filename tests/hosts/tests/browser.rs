//! The component in a browser: the page in `host/page/`.

use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};
use spiped_tests::wire::{Handshake, PACKET_LEN, PLAIN_MAX, Side};
use spiped_tests::{Backend, Conn, KEY, Lab, Process};

/// All that its reader can do: both key exchanges, the attacker's choices,
/// pairing; with a mouse, a keyboard, a phone and a screen reader; and what the
/// page must not do, ask anyone else. Each of these tests has its own time limit.
#[test]
fn page_does_what_its_controls_say() {
    let lab = Lab::new();
    let output = script(&lab, "page.test.mjs").output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}

/// An implementation of its own stands in for the page's client: it has the
/// same numbers, so it must send what the page shows, and it reads what the
/// page's server sent.
#[test]
fn bytes_shown_decrypt_to_the_text_shown() {
    let psk = hex(&Sha256::digest(KEY));
    let entropy = hex(&[[0xa5; 32], [0x11; 32]].concat());
    let lab = Lab::new();
    let mut command = script(&lab, "transcript.mjs");
    command.arg(format!("?psk={psk}&client={entropy}"));
    let exit = Process::spawn(command).wait();
    exit.expect_success();
    let lines = String::from_utf8(exit.stdout).unwrap();
    for exchange in ["modp2048", "x25519"] {
        let steps: Vec<_> =
            lines.lines().filter_map(|line| Step::parse(line.strip_prefix(exchange)?)).collect();
        assert_eq!(steps.len(), 12, "{lines}");
        speak_in_place_of_the_client(exchange, &steps);
    }
}

fn speak_in_place_of_the_client(exchange: &str, steps: &[Step]) {
    let sent_by = |side| steps.iter().filter(move |step| step.from == side);
    let lab = Lab::new();
    let network = Backend::manual(&lab);
    let client = Conn::to(network.endpoint());
    let mut server = network.accept();
    for step in sent_by("server") {
        server.send(&step.bytes);
    }
    server.half_close();

    let handshake = Handshake::begin(client, Side::Client, KEY);
    let marked = exchange == "x25519";
    let mut session = if marked { handshake.complete_x25519() } else { handshake.complete() };
    for step in sent_by("server").skip(2) {
        let mut text = Vec::new();
        for _ in step.bytes.chunks(PACKET_LEN) {
            text.extend(session.receive());
        }
        assert_eq!(text, step.server.as_bytes());
        assert_eq!(step.client, step.server);
    }
    assert_eq!(session.conn.receive_all(), b"");

    let share = if marked { 64 } else { 288 };
    let mut expected = server.receive(32 + share);
    for step in sent_by("client").skip(2) {
        for part in step.client.as_bytes().chunks(PLAIN_MAX) {
            expected.extend(session.packet(part));
        }
        assert_eq!(step.client, step.server);
    }
    if marked {
        expected.extend(session.end_mark());
    }
    assert_eq!(sent_by("client").flat_map(|step| step.bytes.clone()).collect::<Vec<_>>(), expected);
}

/// A step as it is shown.
struct Step<'a> {
    from: &'a str,
    bytes: Vec<u8>,
    /// The text beside the client.
    client: &'a str,
    /// The text beside the server.
    server: &'a str,
}

impl<'a> Step<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let [from, hex, client, server] =
            line.strip_prefix('\t')?.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes = (0..hex.len()).step_by(2).map(byte).collect();
        Some(Self { from, bytes, client, server })
    }
}

fn script(lab: &Lab, name: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(name));
    command.current_dir(lab.directory());
    command
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
