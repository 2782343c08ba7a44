//! The component in a browser: the page in `tests/hosts/browser/`.

use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};
use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Conn, KEY, Lab, Process};

#[test]
fn page_connects_two_instances() {
    let page = Page::load("");
    assert!(page.dom.contains(r#"data-result="ok""#), "{}", page.dom);
    let steps = page.steps();
    let lengths: Vec<_> = steps.iter().map(|step| (step.from, step.bytes.len())).collect();
    assert_eq!(
        lengths,
        [
            ("client", 32),
            ("server", 32),
            ("client", 288),
            ("server", 288),
            ("both", 0),
            ("client", 1060),
            ("server", 1060),
            ("client", 2120),
            ("server", 0),
            ("client", 1060),
        ]
    );
    assert_ne!(steps[0].bytes, steps[1].bytes);
}

/// An implementation of its own stands in for the page's client: it has the
/// same numbers, so it must send what the page shows, and it reads what the
/// page's server sent.
#[test]
fn bytes_shown_decrypt_to_the_text_shown() {
    let psk = hex(&Sha256::digest(KEY));
    let entropy = hex(&[[0xa5; 32], [0x11; 32]].concat());
    let page = Page::load(&format!("?psk={psk}&client={entropy}"));
    assert!(page.dom.contains(r#"data-result="ok""#), "{}", page.dom);
    let steps = page.steps();
    let sent_by = |side| steps.iter().filter(move |step| step.from == side);

    let lab = Lab::new();
    let network = Backend::manual(&lab);
    let client = Conn::to(network.endpoint());
    let mut server = network.accept();
    for step in sent_by("server") {
        server.send(&step.bytes);
    }
    server.half_close();
    let mut session = Handshake::begin(client, Side::Client, KEY).complete();
    for step in sent_by("server").filter(|step| step.sent.is_some()) {
        assert_eq!(session.receive(), step.sent.unwrap().as_bytes());
        assert_eq!(step.sent, step.received);
    }
    assert_eq!(session.conn.receive_all(), b"");

    let mut expected = server.receive(32 + 288);
    for step in sent_by("client").filter(|step| step.sent.is_some()) {
        for part in step.sent.unwrap().as_bytes().chunks(1024) {
            expected.extend(session.packet(part));
        }
    }
    // The last packet was changed on the way, and so not received.
    let last = expected.len() - 1060;
    expected[last + 10] ^= 1;
    assert_eq!(sent_by("client").flat_map(|step| step.bytes.clone()).collect::<Vec<_>>(), expected);
    let (forged, good) = steps.split_last().unwrap();
    assert_eq!(forged.received, None);
    assert!(good.iter().all(|step| step.sent == step.received));
}

/// The page as a browser leaves it.
struct Page {
    dom: String,
}

/// A step as it is shown.
struct Step<'a> {
    from: &'a str,
    bytes: Vec<u8>,
    /// The text beside the sender.
    sent: Option<&'a str>,
    /// The text beside the receiver.
    received: Option<&'a str>,
}

impl Page {
    #[track_caller]
    fn load(query: &str) -> Self {
        let lab = Lab::new();
        let mut serve = Command::new("node");
        serve.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/serve.mjs"));
        serve.current_dir(lab.directory());
        let serve = Process::spawn(serve);
        serve.wait_for_stderr("/\n");
        let mut browser = Command::new("chromium");
        browser
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--disable-quic", "--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync"])
            .arg(format!("--user-data-dir={}", lab.path("profile").display()))
            // Virtual time stands still while something loads.
            .args(["--virtual-time-budget=10000", "--dump-dom"])
            .arg(format!("{}{query}", serve.stderr().trim_end()))
            .current_dir(lab.directory());
        let exit = Process::spawn(browser).wait();
        exit.expect_success();
        Self { dom: String::from_utf8(exit.stdout).unwrap() }
    }

    fn steps(&self) -> Vec<Step<'_>> {
        let list = between(&self.dom, "<ol", "</ol>").expect("the list of steps");
        list.split("<li ").skip(1).map(Step::parse).collect()
    }
}

impl<'a> Step<'a> {
    fn parse(item: &'a str) -> Self {
        let from = between(item, r#"data-from=""#, "\"").expect("who sends");
        let text = |side| {
            let start = format!(r#" data-text="{side}">"#);
            between(item, &start, "</blockquote>")
        };
        let (sent, received) = match from {
            "client" => (text("client"), text("server")),
            _ => (text("server"), text("client")),
        };
        let code = between(item, r#"data-bytes=""#, "</code>").unwrap_or_default();
        Self { from, bytes: bytes(code), sent, received }
    }
}

/// What stands between `start` and the `end` that follows.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// The bytes in hexadecimal, between tags.
fn bytes(html: &str) -> Vec<u8> {
    let text: String = html.split('<').filter_map(|part| Some(part.split_once('>')?.1)).collect();
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
