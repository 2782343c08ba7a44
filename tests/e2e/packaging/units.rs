use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use spiped_tests::{Lab, machine};

const UNITS: [&str; 4] =
    ["spiped.service", "spiped@one.service", "spiped.socket", "spiped@one.socket"];

#[test]
fn units_are_sound_to_the_manager() {
    let lab = Lab::new();
    machine::install(lab.directory());
    for socket in ["spiped.socket", "spiped@one.socket"] {
        let drop_in = format!("etc/{socket}.d/address.conf");
        fs::create_dir_all(lab.path(&drop_in).parent().unwrap()).unwrap();
        lab.write(&drop_in, "[Socket]\nListenStream=127.0.0.1:6390\n");
    }
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no", "--recursive-errors=no"]).args(UNITS);
    let units = lab.path(DIRECTORY);
    // Then what the system has.
    verify.env("SYSTEMD_UNIT_PATH", format!("{}:{}:", lab.path("etc").display(), units.display()));
    let output = verify.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let of_ours: Vec<_> = said.lines().filter(|line| line.contains("spiped")).collect();
    assert!(output.status.success() && of_ours.is_empty(), "{said}");
}

#[test]
fn services_expose_little() {
    for unit in ["spiped.service", "spiped@.service"] {
        let mut security = Command::new("systemd-analyze");
        // In tenths. An ordinary service has 96.
        security.args(["security", "--offline=true", "--no-pager", "--threshold=20"]);
        let output = security.arg(packaged(unit)).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn both_services_are_shut_in_alike() {
    let walls = |unit: &str| {
        let unit = fs::read_to_string(packaged(unit)).unwrap();
        let (_, walls) = unit.split_once("\nAmbientCapabilities=").unwrap();
        let lines = walls.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).filter(|line| !line.starts_with("RuntimeDirectory=")).collect()
    };
    let (many, one): (Vec<_>, Vec<_>) = (walls("spiped.service"), walls("spiped@.service"));
    assert!(many.len() > 30);
    assert_eq!(many, one);
}

#[test]
fn installing_again_leaves_the_directory_of_keys_as_it_is() {
    let lab = Lab::new();
    machine::install(lab.directory());
    let mode = |path: &str| fs::metadata(lab.path(path)).unwrap().permissions().mode() & 0o777;
    let directories = ["etc/spiped", "etc/spiped/pipes.d", "etc/spiped/keys"];
    assert_eq!(directories.map(mode), [0o750, 0o750, 0o700]);
    fs::set_permissions(lab.path("etc/spiped"), Permissions::from_mode(0o711)).unwrap();
    lab.write("etc/spiped/keys/redis.key", "stays");
    machine::install(lab.directory());
    assert_eq!(mode("etc/spiped"), 0o711);
    assert_eq!(fs::read(lab.path("etc/spiped/keys/redis.key")).unwrap(), b"stays");
}

fn packaged(unit: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/packaging/systemd").join(unit)
}

const DIRECTORY: &str = "usr/local/lib/systemd/system";
