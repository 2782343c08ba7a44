use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use spiped_tests::{Backend, Conn, Endpoint, KEY, Lab, Process, Program, procfs, wait};

/// Since the first that has all of it, and the newest that is known.
#[test]
fn manifests_are_valid() {
    for version in ["1.30", "1.37"] {
        let mut validate = Command::new(path("target/hosts/python/bin/kubernetes-validate"));
        validate.args(["--strict", "--no-warn", "--kubernetes-version", version]);
        validate.args(["server.yaml", "sidecar.yaml"].map(example));
        Process::spawn(validate).wait().expect_success();
    }
}

/// In a pod, all of this is at fixed places.
#[test]
fn settings_in_manifests_serve_and_pass_their_probes() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    // What a Secret looks like, with the version that is mounted.
    for (secret, key) in [("spiped-keys", "app1"), ("spiped-key", "redis.key")] {
        fs::create_dir_all(lab.path(&format!("{secret}/..v1"))).unwrap();
        lab.write_key(&format!("{secret}/..v1/{key}"), KEY);
        let link = |to: &str, name: &str| {
            symlink(to, lab.path(&format!("{secret}/{name}"))).unwrap();
        };
        link("..v1", "..data");
        link(&format!("..data/{key}"), key);
    }
    let (server, client) = (lab.tcp(), lab.tcp());
    let _server = in_pod(
        &lab,
        "server",
        &server,
        &[("[0.0.0.0]:6390", &server.to_string()), ("redis:6379", &backend.endpoint().to_string())],
    );
    let _client = in_pod(
        &lab,
        "sidecar",
        &client,
        &[("[127.0.0.1]:6379", &client.to_string()), ("db1.example.net:6390", &server.to_string())],
    );
    Conn::connect(&client).unwrap().expect_echo(b"from a pod");
}

/// Runs what is in a manifest, with other places, and its probe.
#[track_caller]
fn in_pod(lab: &Lab, name: &str, source: &Endpoint, places: &[(&str, &str)]) -> Process {
    let manifest = fs::read_to_string(example(&format!("{name}.yaml"))).unwrap();
    let (_, settings) = manifest.split_once("spiped.toml: |\n").unwrap();
    let settings = settings.lines().map_while(|line| match line {
        "" => Some(line),
        _ => line.strip_prefix("    "),
    });
    let mut settings: String = settings.flat_map(|line| [line, "\n"]).collect();
    let control = lab.path(&format!("{name}-control"));
    let control = control.to_str().unwrap();
    let keys = format!("{}/spiped-key", lab.directory().display());
    for (from, to) in
        places.iter().chain(&[("/run/spiped/control", control), ("/etc/spiped-key", &keys)])
    {
        assert!(settings.contains(from), "no {from} in {name}");
        settings = settings.replace(from, to);
    }
    let file = lab.write(&format!("{name}.toml"), &settings);
    let command = ["-F", "--config", file.to_str().unwrap()];
    assert!(manifest.contains("command: [spiped, -F, --config, /etc/spiped/spiped.toml]"));
    let process = Process::spawn(Program::Spiped.ours(lab, &command));
    wait::until("it listened", || procfs::is_listening(source));
    assert!(manifest.contains("exec: {command: [spiped, status]}"));
    let probe = Program::Spiped.ours(lab, &["status", "--control", control]);
    Process::spawn(probe).wait().expect_success();
    process
}

fn example(file: &str) -> PathBuf {
    path("host/packaging/examples/kubernetes").join(file)
}

fn path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
