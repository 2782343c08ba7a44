//! stunnel: a thread per connection, TLS 1.3 with a pre-shared key, which is
//! the trust model of spiped. The two ends choose AES-128-GCM, and resume
//! sessions, as is their default.

use std::process::Command;

use anyhow::{Context, Result};
use spiped_tests::{Endpoint, Lab, Process};

use super::version_text;
use crate::tunnel::{Tunnel, tcp_address};

pub(super) fn version() -> Result<Option<String>> {
    let text = version_text(PROGRAM, "-version")?;
    let mut lines = text.lines().filter(|line| line.starts_with("stunnel"));
    Ok(Some(lines.next().context("no version")?.to_owned()))
}

pub(super) fn start(target: &Endpoint) -> Result<Tunnel> {
    let mut tunnel = Tunnel::to(target);
    for client in ["no", "yes"] {
        tunnel.put_in_front(|lab, source, target| spawn(lab, client, source, target))?;
    }
    Ok(tunnel)
}

fn spawn(lab: &Lab, client: &str, source: &Endpoint, target: &Endpoint) -> Result<Process> {
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
PSKsecrets = {}
",
        tcp_address(source)?,
        tcp_address(target)?,
        key.display()
    );
    let file = lab.write(&format!("stunnel-{}.conf", source.port()), configuration);
    let mut command = Command::new(PROGRAM);
    command.arg(file).current_dir(lab.directory());
    Ok(Process::spawn(command))
}

const PROGRAM: &str = "/usr/bin/stunnel4";
