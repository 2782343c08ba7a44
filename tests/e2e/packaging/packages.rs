use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use spiped_tests::packaged::{debian, packaged, version};
use spiped_tests::{Lab, Newcomer, Process};

use super::{project, run};

#[test]
#[ignore = "soak"]
fn lintian_has_nothing_to_say_about_the_debian_package() {
    install("lintian", &["lintian"]);
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--fail-on", "error,warning"]).arg(packaged(&debian()));
    assert_eq!(run(&mut lintian), "");
}

/// So that `ExecStart=/usr/bin/spiped` goes on to work where Debian's package was.
#[test]
fn debian_package_is_in_place_of_the_original() {
    let mut fields = Command::new("dpkg-deb");
    fields.arg("--field").arg(packaged(&debian())).args(["Conflicts", "Replaces", "Provides"]);
    assert_eq!(
        run(&mut fields),
        "Conflicts: spiped\nReplaces: spiped\nProvides: spiped (= 1.6.4)\n"
    );
    let mut control = Command::new("dpkg-deb");
    control.arg("--info").arg(packaged(&debian()));
    // What it installs in /etc would be the administrator's from then on.
    assert!(!run(&mut control).contains("conffiles"));
}

#[test]
fn all_packages_have_the_same_programs_with_their_bill_of_materials() {
    let lab = Lab::empty();
    let [from_debian, from_archive] = unpacked(&lab);

    let bill = packaged(&format!("spiped-wasm-{}.cdx.json", version()));
    let bill: Value = serde_json::from_slice(&fs::read(bill).unwrap()).unwrap();
    let files = bill["metadata"]["component"]["components"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    for (file, name) in files.iter().zip(["spipe", "spiped"]) {
        assert_eq!(file["name"], name);
        let [debian, archive] = [from_debian.join("usr/bin"), from_archive.join("bin")]
            .map(|directory| sha256(&directory.join(name)));
        assert_eq!(file["hashes"][0]["content"], debian.as_str());
        assert_eq!(archive, debian);
        let mut program = Command::new(from_archive.join("bin").join(name));
        assert!(run(program.arg("--version")).contains(version()));
    }
    // Everything that is linked in has an entry, and what is only built with has none.
    let parts: Vec<_> = bill["components"].as_array().unwrap().iter().collect();
    let has = |name| parts.iter().any(|part| part["name"] == name);
    assert!(has("tokio") && has("spiped-core") && has("rust") && !has("syn"));
    // And its notices, wherever one looks.
    for notices in
        [from_debian.join("usr/share/doc/spiped-wasm/copyright"), from_archive.join("COPYRIGHT")]
    {
        let notices = fs::read_to_string(notices).unwrap();
        for part in parts.iter().filter(|part| part["hashes"].is_array()) {
            let files = format!("vendor/{}-{}/*", text(&part["name"]), text(&part["version"]));
            assert!(notices.contains(&format!("\nFiles: {files}\n")), "{files}");
        }
    }
}

#[test]
fn all_packages_have_every_page_unit_and_completion() {
    let lab = Lab::empty();
    let [from_debian, from_archive] = unpacked(&lab);
    run(Command::new("gunzip").arg("--recursive").arg(from_debian.join("usr/share/man")));
    let packed = [from_debian, from_archive].map(|directory| sums(&directory));
    for folder in ["host/man", "host/completions", "host/packaging/systemd", "docs"] {
        for (sum, name) in sums(&project().join(folder)) {
            assert!(packed.iter().all(|files| files.contains_key(&sum)), "{name} is missing");
        }
    }
}

/// With the commands of the documentation, and a key that is made for the test.
#[test]
#[ignore = "soak"]
fn checksums_are_signed_and_verified() {
    install("gpg", &["gpg", "gpg-agent"]);
    let mut newcomer = Newcomer::reading("docs/releasing.md")
        .given(&packaged("SHA256SUMS"))
        .given(&packaged(&debian()))
        .replacing("gpg --", "gpg --batch --homedir gnupg --");
    let home = newcomer.lab().path("gnupg");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, Permissions::from_mode(0o700)).unwrap();
    let mut gpg = Command::new("gpg");
    gpg.arg("--homedir").arg(home).args(["--batch", "--quiet", "--passphrase", ""]);
    run(gpg.args(["--quick-generate-key", "releases@example.net", "ed25519", "sign"]));
    newcomer.does("Signing");
    newcomer.does("Verifying");
}

/// Another directory, umask, time zone and language, and the same programs.
#[test]
fn what_is_packed_elsewhere_is_the_same() {
    let lab = Lab::empty();
    for entry in fs::read_dir(project()).unwrap().map(Result::unwrap) {
        if !["target", ".git"].iter().any(|name| entry.file_name() == *name) {
            symlink(entry.path(), lab.path(entry.file_name().to_str().unwrap())).unwrap();
        }
    }
    fs::create_dir(lab.path("target")).unwrap();
    for built in ["components", "release", "tool", "revision"] {
        symlink(project().join("target").join(built), lab.path("target").join(built)).unwrap();
    }
    let script = format!(
        "umask 077; V={}; host/packaging/stage.sh $V target/release/spiped target/release/spipe; \
         host/packaging/deb.sh $V >deb.log; host/packaging/image.sh $V",
        version()
    );
    let mut shell = Command::new("sh");
    shell.args(["-ec", &script]).current_dir(lab.directory());
    shell.env("DPKG_DEB_COMPRESSOR_TYPE", "none").env("MAINTAINER", maintainer());
    shell.env("TZ", "Asia/Tokyo").env("LC_ALL", "C.UTF-8");
    run(&mut shell);
    let packed = lab.path("target/packages");
    // What takes longest is left to the long form.
    for part in ["--fsys-tarfile", "--ctrl-tarfile"] {
        let [here, elsewhere] = [packaged(&debian()), packed.join(debian())].map(|package| {
            let sum = format!("dpkg-deb {part} '{}' | sha256sum", package.display());
            run(Command::new("sh").args(["-c", &sum]))
        });
        assert_eq!(here, elsewhere, "{part}");
    }
    fs::remove_file(packed.join(debian())).unwrap();
    for name in names(&packed) {
        let [here, elsewhere] = [packaged(&name), packed.join(&name)].map(|path| sha256(&path));
        assert_eq!(here, elsewhere, "{name}");
    }
    assert_eq!(names(&packed).len(), 2);
}

/// The whole way, from the sources. What is not committed goes along, as it did here.
#[test]
#[ignore = "soak"]
fn what_is_built_elsewhere_is_the_same() {
    // On the disk: it is too much for a /tmp in memory.
    let elsewhere = tempfile::TempDir::with_prefix_in("elsewhere-", project().join("target"));
    let elsewhere = elsewhere.unwrap();
    let revision = fs::read_to_string(project().join("target/revision")).unwrap();
    let [revision, seconds, source] = revision.lines().collect::<Vec<_>>()[..] else {
        panic!("{revision}");
    };
    let script = "tar -c --exclude=./target . | tar -x -C \"$1\"; cd \"$1\"; make deb dist image";
    let mut shell = Command::new("sh");
    shell.args(["-ec", script, "sh"]).arg(elsewhere.path()).current_dir(project());
    shell.env("REVISION", revision).env("SOURCE_DATE_EPOCH", seconds).env("SOURCE", source);
    shell.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    run(&mut shell);
    let packed = elsewhere.path().join("target/packages");
    let mut sums = BTreeMap::new();
    for name in names(&packed).into_iter().filter(|name| name != "SHA256SUMS") {
        sums.insert(name.clone(), [packaged(&name), packed.join(&name)].map(|path| sha256(&path)));
    }
    assert_eq!(sums.len(), 5);
    let differ: Vec<_> = sums.iter().filter(|(_, [here, there])| here != there).collect();
    assert!(differ.is_empty(), "{differ:?}");
}

/// Otherwise that user could replace the programs, and whatever else is in /usr/local.
/// A program that runs is replaced, because nothing can write into it.
#[test]
fn archive_that_a_user_has_unpacked_is_installed_as_roots() {
    let lab = Lab::empty();
    let (unpacked, local) = (lab.path("unpacked"), lab.path("local"));
    for directory in ["bin", "lib", "share"] {
        fs::create_dir_all(unpacked.join(directory)).unwrap();
        fs::create_dir_all(local.join(directory)).unwrap();
        fs::write(unpacked.join(directory).join("file"), "").unwrap();
    }
    run(Command::new("chown").args(["-R", "1000:1000"]).arg(&unpacked));
    fs::write(local.join("bin/file"), "running").unwrap();
    fs::hard_link(local.join("bin/file"), lab.path("running")).unwrap();
    let page = fs::read_to_string(project().join("host/packaging/INSTALL")).unwrap();
    let command = page.lines().find(|line| line.contains("cp ")).unwrap();
    let command = command.replace("/usr/local", local.to_str().unwrap());
    run(Command::new("sh").args(["-ec", &command]).current_dir(&unpacked));
    let owners = run(Command::new("find").arg(&local).args(["-mindepth", "1", "-printf", "%u\n"]));
    assert_eq!(owners, "root\n".repeat(6));
    assert_eq!(fs::read(local.join("bin/file")).unwrap(), b"");
    assert_eq!(fs::read(lab.path("running")).unwrap(), b"running");
}

/// Neither of a repository around them, nor none.
#[test]
fn archive_of_the_sources_knows_its_revision() {
    let lab = Lab::empty();
    let script = "git init --quiet repository && cd repository && mkdir core-wasm
        cp \"$0\"/.git_archival.txt \"$0\"/.gitattributes .
        cp \"$0\"/core-wasm/revision.sh core-wasm
        git add . && git -c user.name=a -c user.email=a@b commit --quiet --message=all
        mkdir unpacked && git archive HEAD | tar -x -C unpacked
        git log --format='%H%n%ct%n'; unpacked/core-wasm/revision.sh; cat unpacked/target/revision
        rm unpacked/.git_archival.txt; unpacked/core-wasm/revision.sh; cat unpacked/target/revision";
    let mut shell = Command::new("sh");
    shell.args(["-ec", script]).arg(project()).current_dir(lab.directory());
    for variable in ["REVISION", "SOURCE_DATE_EPOCH", "SOURCE"] {
        shell.env_remove(variable);
    }
    let said = run(&mut shell);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 9, "{said}");
    assert_eq!(lines[..2], lines[3..5]);
    assert_eq!(lines[6..], ["", "", ""]);
}

#[test]
fn build_without_a_compiler_names_the_remedy() {
    let lab = Lab::empty();
    for tool in ["sh", "sed", "awk", "find", "ls", "dirname"] {
        let path = run(Command::new("sh").args(["-c", &format!("command -v {tool}")]));
        symlink(path.trim(), lab.path(tool)).unwrap();
    }
    let make = run(Command::new("sh").args(["-c", "command -v make"]));
    let mut make = Command::new(make.trim());
    make.arg("equipped").current_dir(project()).env("PATH", lab.directory());
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    let exit = Process::spawn(make).wait();
    assert_eq!(exit.code(), Some(2));
    let (_, said) = exit.stderr.split_once("*** ").unwrap();
    let expected =
        "missing: rustc and cargo, 1.95 or newer, a C compiler; run: make deps.  Stop.\n";
    assert_eq!(said, expected);
}

/// What is in the Debian package and in the archive of programs.
fn unpacked(lab: &Lab) -> [PathBuf; 2] {
    let (from_debian, from_archive) = (lab.path("debian"), lab.path("archive"));
    let mut unpack = Command::new("dpkg-deb");
    run(unpack.arg("--extract").arg(packaged(&debian())).arg(&from_debian));
    fs::create_dir(&from_archive).unwrap();
    let name = format!("spiped-wasm-{}-{}-linux", version(), std::env::consts::ARCH);
    let mut unpack = Command::new("tar");
    unpack.arg("--directory").arg(&from_archive).arg("--extract").arg("--file");
    run(unpack.arg(packaged(&format!("{name}.tar.gz"))));
    [from_debian, from_archive.join(name)]
}

/// The checksums of all files in a directory, with their names.
fn sums(directory: &Path) -> BTreeMap<String, String> {
    let mut find = Command::new("find");
    find.arg(directory).args(["-type", "f", "-exec", "sha256sum", "{}", "+"]);
    let sums = run(&mut find);
    let lines = sums.lines().map(|line| line.split_once("  ").unwrap());
    lines.map(|(sum, name)| (sum.to_owned(), name.to_owned())).collect()
}

/// Many packages for a command that is needed here alone.
fn install(command: &str, packages: &[&str]) {
    if !Path::new("/usr/bin").join(command).exists() {
        run(Command::new("host/packaging/install-debian.sh").args(packages).current_dir(project()));
    }
}

/// Who answers for the package that is there.
fn maintainer() -> String {
    let mut field = Command::new("dpkg-deb");
    field.arg("--field").arg(packaged(&debian())).arg("Maintainer");
    run(&mut field).trim().into()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn sha256(path: &PathBuf) -> String {
    let sum = run(Command::new("sha256sum").arg(path));
    sum.split(' ').next().unwrap().into()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
