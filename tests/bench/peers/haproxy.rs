//! `HAProxy` in TCP mode: an event loop on each core, TLS 1.3 with an ECDSA
//! certificate that the client end verifies. Each connection has a handshake of
//! its own, without a former session. Buffers of 64 KiB in place of 16 carry a
//! quarter more bulk, and cost nothing elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use spiped_tests::{Endpoint, Lab, Process};

use super::{Daemon, version_text};
use crate::limits;
use crate::machine::cores;
use crate::tunnel::{Tunnel, tcp_address};

pub(super) const DAEMON: Daemon = Daemon {
    path: || PathBuf::from("/usr/sbin/haproxy"),
    version,
    setup: "TLS 1.3 with a P-256 certificate and X25519, AES-128-GCM, \
            no resumption, a thread per core, tune.bufsize 65536",
    start,
};

fn version(program: &Path) -> Result<String> {
    let text = version_text(program, "-v")?;
    let line = text.lines().next().context("no version")?;
    Ok(line.split(" - ").next().unwrap_or(line).to_owned())
}

fn start(program: &Path, target: &Endpoint) -> Result<Tunnel> {
    let mut tunnel = Tunnel::to(target);
    make_certificate(tunnel.lab())?;
    tunnel.put_in_front(|lab, source, target| {
        spawn(program, lab, source, target, &format!("ssl crt {PAIR} curves X25519 {TLS}"), "")
    })?;
    let verify = format!("ssl verify required ca-file {CERTIFICATE} verifyhost {HOST}");
    tunnel.put_in_front(|lab, source, target| {
        spawn(program, lab, source, target, "", &format!("{verify} no-ssl-reuse {TLS}"))
    })?;
    Ok(tunnel)
}

fn spawn(
    program: &Path,
    lab: &Lab,
    source: &Endpoint,
    target: &Endpoint,
    accept: &str,
    connect: &str,
) -> Result<Process> {
    let configuration = format!(
        "global
    nbthread {}
    maxconn {most}
    tune.bufsize 65536
    tune.ssl.cachesize 0
defaults
    mode tcp
    maxconn {most}
    timeout connect 30s
    timeout client 1h
    timeout server 1h
listen pipe
    bind {} {accept}
    server next {} {connect}
",
        cores()?,
        tcp_address(source)?,
        tcp_address(target)?,
        // One is used to see that the others are there.
        most = limits::most_connections()? + 1
    );
    let file = lab.write(&format!("haproxy-{}.cfg", source.port()), configuration);
    let mut command = Command::new(program);
    // In the foreground, in one process.
    command.args(["-db", "-q", "-f"]).arg(file).current_dir(lab.directory());
    Ok(Process::spawn(command))
}

/// Makes a key and its certificate, alone and in one file with the key.
fn make_certificate(lab: &Lab) -> Result<()> {
    let mut command = Command::new("openssl");
    command.current_dir(lab.directory()).args(["req", "-x509", "-newkey", "ec"]);
    command.args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    command.args(["-keyout", KEY, "-out", CERTIFICATE, "-subj", "/"]);
    command.args(["-addext", &format!("subjectAltName=DNS:{HOST}")]);
    let output = command.output().context("running openssl: is it installed?")?;
    if !output.status.success() {
        bail!("openssl req: {}", String::from_utf8_lossy(&output.stderr));
    }
    let read = |name| fs::read(lab.path(name)).with_context(|| format!("reading {name}"));
    lab.write_key(PAIR, [read(CERTIFICATE)?, read(KEY)?].concat());
    Ok(())
}

const HOST: &str = "pipe.test";
const KEY: &str = "haproxy.key";
const CERTIFICATE: &str = "haproxy.crt";
const PAIR: &str = "haproxy.pem";

/// For both ends.
const TLS: &str = "ssl-min-ver TLSv1.3 ciphersuites TLS_AES_128_GCM_SHA256 no-tls-tickets";
