//! In a service whose standard error is the journal, lines have fields. Needs
//! root, or a kernel that lets users have namespaces.

use std::ffi::OsString;
use std::fs;
use std::os::unix::net::UnixDatagram;

use nix::unistd::geteuid;
use spiped_tests::wait::LIMIT;
use spiped_tests::{Backend, Lab, Spiped};

use super::send_garbage;

#[test]
fn journal_gets_fields() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let directory = lab.path("journal");
    fs::create_dir(&directory).unwrap();
    let journal = UnixDatagram::bind(directory.join("socket")).unwrap();
    journal.set_read_timeout(Some(LIMIT)).unwrap();
    let prepare = format!(
        "mount -t tmpfs run /run && mkdir -p /run/systemd && ln -s '{}' /run/systemd/journal && \
         export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)",
        directory.display()
    );
    let server = Spiped::decrypt(&lab, backend.endpoint()).under(in_a_system_with(&prepare));
    let server = server.start();
    send_garbage(&server);
    let mut buffer = [0; 4096];
    let len = journal.recv(&mut buffer).unwrap();
    let fields = String::from_utf8_lossy(&buffer[..len]);
    let pipe = format!("{} -> {}", server.source(), backend.endpoint());
    assert!(fields.starts_with(&format!("MESSAGE={pipe}: [127.0.0.1]:")), "{fields}");
    for field in [
        "PRIORITY=4\n",
        "SYSLOG_IDENTIFIER=spiped\n",
        "SPIPED_EVENT=refused-wrong-key\n",
        "SPIPED_CLASS=stranger\n",
        &format!("SPIPED_PIPE={pipe}\n"),
        "SPIPED_PEER=[127.0.0.1]:",
    ] {
        assert!(fields.contains(field), "no {field:?} in\n{fields}");
    }
    assert_eq!(server.process.stderr(), "");

    // Without the socket, a line with a priority is as good.
    drop(journal);
    send_garbage(&server);
    server.process.wait_for_stderr(&format!("<4>{pipe}: "));
}

/// What to start a program with so that it sees a system in which these words
/// of a shell have changed something.
pub(super) fn in_a_system_with(change: &str) -> Vec<OsString> {
    let as_root: &[&str] = if geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] };
    let run = format!(r#"{change} && exec "$@""#);
    let words = [&["unshare"], as_root, &["--mount", "sh", "-c", &run, "sh"]].concat();
    words.into_iter().map(OsString::from).collect()
}
