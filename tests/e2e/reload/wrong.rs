//! Every kind of wrong file: nothing changes, and the fault is named.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use spiped_tests::{Backend, Configured, Lab, Spiped, pipe, procfs, wait};

#[test]
fn wrong_file_of_whatever_kind_changes_nothing() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (one, two, taken) = (lab.tcp(), lab.tcp(), Backend::echo(&lab));
    let daemon = Configured::new(&lab);
    let good = daemon.text("", &[pipe("one", "decrypt", &one, backend.endpoint(), "")]);
    daemon.replace(&good);
    let process = daemon.start(&[&one]);
    let client = Spiped::encrypt(&lab, &one).start();
    let mut established = client.connect();
    established.expect_echo(b"from before");
    let descriptors = procfs::open_descriptors(process.pid());
    fs::create_dir(lab.path("pipes.d")).unwrap();
    fs::create_dir(lab.path("no-keys")).unwrap();
    let weak = lab.write("weak", "weak");
    fs::set_permissions(&weak, Permissions::from_mode(0o644)).unwrap();

    let two_with = |more: &str| {
        let pipes = [("one", &one, "max-connections = 7"), ("two", &two, more)]
            .map(|(name, source, more)| pipe(name, "decrypt", source, backend.endpoint(), more));
        daemon.text("", &pipes)
    };
    let taken = taken.endpoint();
    for (kind, text, words) in [
        ("nothing", String::new(), "There is no pipe"),
        ("no TOML", format!("{good}[pipe"), "spiped.toml:"),
        ("half of it", good[..good.len() / 2].to_owned(), "spiped.toml:"),
        ("an unknown key", two_with("kye = 1"), "kye"),
        ("a wrong type", two_with("timeout = [1]"), "timeout"),
        ("a wrong value", two_with("timeout = \"soon\""), "soon"),
        ("too large a number", two_with("max-connections = 99999999999999999999"), "spiped.toml:"),
        ("a pipe twice", format!("{good}{}", &good[good.find('[').unwrap()..]), "duplicate"),
        (
            "a source twice",
            good.clone() + &good[good.find('[').unwrap()..].replace(".one", ".b"),
            "source",
        ),
        ("a missing key", two_with("key = \"none\""), "none"),
        ("an empty directory of keys", two_with("key = \"no-keys\""), "no-keys"),
        ("a weak key", two_with("key = \"weak\"\nstrict-keys = true"), "weak"),
        (
            "an unknown user",
            two_with("").replace("[pipe.two]", "[pipe.two]\nsocket-owner = \"nosuch\""),
            "spiped.toml:",
        ),
        (
            "a taken port",
            two_with("").replace(&two.to_string(), &taken.to_string()),
            "spiped.toml:",
        ),
        ("a foreign address", two_with("").replace(&two.to_string(), "192.0.2.1:1"), "192.0.2.1"),
        (
            "an unresolvable target",
            two_with("").replace(&backend.endpoint().to_string(), "nonexistent.invalid:1"),
            "nonexistent.invalid",
        ),
        (
            "a directory that is missing",
            two_with("").replace(&two.to_string(), "/nonexistent/socket"),
            "/nonexistent/socket",
        ),
    ] {
        daemon.replace(text);
        let exit = daemon.run(&["reload"]);
        assert_eq!(exit.code(), Some(1), "{kind}: {exit:?}");
        let said = format!("{}{}", String::from_utf8_lossy(&exit.stdout), exit.stderr);
        assert!(said.contains(words), "{kind}: no {words} in {said}");
        assert!(!procfs::is_listening(&two), "{kind}");
        established.expect_echo(kind.as_bytes());
        client.connect().expect_echo(b"and a new one");
    }
    // What is wrong beside it.
    daemon.replace(two_with(""));
    for (kind, make) in [
        ("a link to nowhere", (|path| symlink("nowhere", path).unwrap()) as fn(std::path::PathBuf)),
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("not text", |path| fs::write(path, b"\xff").unwrap()),
        ("the process's settings", |path| fs::write(path, "log-level = \"debug\"\n").unwrap()),
        ("a name that is there", |path| {
            let text =
                "[pipe.one]\nmode = \"decrypt\"\nsource = \"/x\"\ntarget = \"/y\"\nkey = \"key\"\n";
            fs::write(path, text).unwrap();
        }),
    ] {
        let path = lab.path("pipes.d/more.toml");
        make(path.clone());
        let exit = daemon.run(&["reload"]);
        exit.expect_failure("more.toml");
        assert!(!procfs::is_listening(&two), "{kind}");
        established.expect_echo(kind.as_bytes());
        let _ = fs::remove_dir(&path).or_else(|_| fs::remove_file(&path));
    }
    fs::remove_file(daemon.file()).unwrap();
    daemon.run(&["reload"]).expect_failure("spiped.toml");
    established.expect_echo(b"still");

    // Nothing of all that has stayed.
    wait::until("descriptors were back", || {
        procfs::open_descriptors(process.pid()) <= descriptors + 2
    });
    daemon.replace(two_with(""));
    daemon.reload();
    assert!(procfs::is_listening(&two));
    established.expect_echo(b"and a good one works");
}

#[test]
fn settings_that_others_can_change_are_a_warning_at_the_start_and_in_a_reload() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = lab.tcp();
    let daemon = Configured::new(&lab);
    daemon.write("", &[pipe("one", "decrypt", &source, backend.endpoint(), "")]);
    let path = daemon.file();
    fs::set_permissions(&path, Permissions::from_mode(0o620)).unwrap();
    let process = daemon.start(&[&source]);
    let warning =
        format!("Settings {0} can be changed by other users: run chmod go-w {0}\n", path.display());
    let warnings = || process.stderr().matches(&warning).count();
    assert_eq!(warnings(), 1, "{}", process.stderr());
    daemon.reload();
    wait::until("the reload had warned", || warnings() == 2);
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    daemon.reload();
    assert_eq!(warnings(), 2, "{}", process.stderr());
}
