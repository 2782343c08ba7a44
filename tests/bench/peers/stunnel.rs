//! stunnel: a thread per connection, TLS 1.3 with a pre-shared key, which is
//! the trust model of spiped and a quarter faster than certificates. Each
//! connection has a handshake of its own, without a former session.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use spiped_tests::{Endpoint, Lab, Process};

use super::{Daemon, version_text};
use crate::tunnel::{Tunnel, tcp_address};

pub(super) const DAEMON: Daemon = Daemon {
    path: || PathBuf::from("/usr/bin/stunnel4"),
    version,
    setup: "TLS 1.3 with a pre-shared key and X25519, AES-128-GCM, \
            no resumption, a thread per connection",
    start,
};

fn version(program: &Path) -> Result<String> {
    let text = version_text(program, "-version")?;
    let mut lines = text.lines().filter(|line| line.starts_with("stunnel"));
    Ok(lines.next().context("no version")?.to_owned())
}

fn start(program: &Path, target: &Endpoint) -> Result<Tunnel> {
    let mut tunnel = Tunnel::to(target);
    for client in ["no", "yes"] {
        tunnel.put_in_front(|lab, source, target| spawn(program, lab, client, source, target))?;
    }
    Ok(tunnel)
}

fn spawn(
    program: &Path,
    lab: &Lab,
    client: &str,
    source: &Endpoint,
    target: &Endpoint,
) -> Result<Process> {
    let key = lab.write_key("stunnel.psk", format!("pipe:{}\n", "5a".repeat(32)));
    let configuration = format!(
        "foreground = yes
pid =
syslog = no
debug = err
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[pipe]
client = {client}
accept = {}
connect = {}
sslVersion = TLSv1.3
ciphersuites = TLS_AES_128_GCM_SHA256
curves = X25519
sessionResume = no
options = NO_TICKET
PSKsecrets = {}
",
        tcp_address(source)?,
        tcp_address(target)?,
        key.display()
    );
    let file = lab.write(&format!("stunnel-{}.conf", source.port()), configuration);
    let mut command = Command::new(program);
    command.arg(file).current_dir(lab.directory());
    Ok(Process::spawn(command))
}
