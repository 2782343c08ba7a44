//! The npm package `spiped-pipe`, in Node, Bun, Deno and browsers. What it needs is
//! set up by `tests/hosts/node/setup.sh`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use spiped_host_tests::{packed, target};
use spiped_tests::{Lab, Newcomer, Origin, Process, Redis, Spiped};

#[test]
fn does_what_its_readme_says() {
    let mut newcomer = newcomer().replacing_port(8026).replacing_port(7001).replacing_port(8027);
    for heading in ["Install", "A client", "A wrong key", "A server", "Redis"] {
        newcomer.does(heading);
    }
    newcomer.has_done_all_but(&["PostgreSQL and HTTP", "Browsers"]);
}

#[test]
fn bun_does_what_the_readme_says() {
    client_and_server_run_in(&format!("{} ", bun().display()));
}

#[test]
fn deno_does_what_the_readme_says() {
    client_and_server_run_in(&format!("{} run -A ", deno().display()));
}

/// With `tests/hosts/browser/setup.sh`.
mod in_a_browser {
    use super::{newcomer, node};
    use spiped_tests::Process;

    #[test]
    fn bundles_of_vite_and_esbuild_run() {
        let mut newcomer = newcomer();
        newcomer.does("Install");
        newcomer.does("Browsers");
        let folder = newcomer.lab().directory();
        let mut run = node("bundles.mjs");
        run.arg(folder.join("with-vite")).arg(folder.join("with-esbuild"));
        Process::spawn(run).wait().expect_success();
    }
}

#[test]
fn strict_typescript_accepts_what_is_right_and_nothing_else() {
    let lab = Lab::empty();
    install(&lab);
    for name in ["node.ts", "browser.ts"] {
        fs::copy(tests("types").join(name), lab.path(name)).unwrap();
    }
    lab.write("package.json", r#"{ "type": "module" }"#);
    let tsc = |args: &str| {
        let mut tsc = Command::new(tool("tsc"));
        tsc.current_dir(lab.directory()).args(["--noEmit", "--strict", "--target", "es2022"]);
        tsc.args(["--exactOptionalPropertyTypes"]).args(args.split(' '));
        Process::spawn(tsc).wait().expect_success();
    };
    tsc("--lib es2022,esnext.disposable --module nodenext --types node node.ts");
    tsc("--lib es2022,dom --module esnext --moduleResolution bundler --customConditions browser \
         --types * browser.ts");
}

#[test]
fn package_is_small_and_needs_nothing() {
    let lab = Lab::empty();
    let mut tar = Command::new("tar");
    tar.arg("xzf").arg(packed("spiped-pipe-VERSION.tgz")).arg("-C").arg(lab.directory());
    Process::spawn(tar).wait().expect_success();
    let package = lab.path("package");
    let about = fs::read_to_string(package.join("package.json")).unwrap();
    assert!(about.contains(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"))));
    assert!(!about.to_lowercase().contains("dependencies"), "{about}");
    let files = |folder: &Path| {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len())
    };
    let size: u64 = files(&package).chain(files(&package.join("lib"))).sum();
    assert!(size < 1_000_000, "{size} bytes");
    let module = fs::read(package.join("lib/spiped-portable.core.wasm")).unwrap();
    assert!(module == fs::read(target("components/spiped-portable.core.wasm")).unwrap());
    assert!(package.join("LICENSE").is_file() && package.join("README.md").is_file());
}

#[test]
fn bindings_are_those_of_the_interface() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut generate = Command::new("node");
    generate.arg(root.join("host/node/generate.mjs")).arg("--check");
    Process::spawn(generate).wait().expect_success();
}

#[test]
fn bindings_take_nothing_but_what_the_interface_says() {
    Process::spawn(node("tests/bindings.test.mjs")).wait().expect_success();
}

#[test]
fn pipes_stand_in_for_sockets() {
    Process::spawn(node("tests/pipe.test.mjs")).wait().expect_success();
}

#[test]
fn pipes_stand_in_for_sockets_in_bun() {
    let mut test = Command::new(bun());
    test.args(["test", "--timeout", "60000"]).arg(tests("tests/pipe.test.mjs"));
    Process::spawn(test).wait().expect_success();
}

#[test]
fn pipes_stand_in_for_sockets_in_deno() {
    let mut test = Command::new(deno());
    test.args(["test", "-A", "--quiet"]).arg(tests("tests/pipe.test.mjs"));
    Process::spawn(test).wait().expect_success();
}

#[test]
fn servers_spend_nothing_on_strangers() {
    Process::spawn(node("tests/server.test.mjs")).wait().expect_success();
}

#[test]
fn idle_pipes_sleep() {
    Process::spawn(node("tests/sleeping.test.mjs")).wait().expect_success();
}

#[test]
#[ignore = "soak"]
fn five_thousand_idle_pipes_sleep() {
    let mut test = node("tests/sleeping.test.mjs");
    test.env("CONNECTIONS", "5000");
    Process::spawn(test).wait().expect_success();
}

#[test]
fn clients_of_redis_postgresql_and_http_take_a_pipe() {
    let lab = Lab::new();
    let redis = Redis::start(&lab, &[]);
    let server = Spiped::decrypt(&lab, redis.endpoint()).of(Origin::Debian).start();
    let mut test = node("tests/clients.test.mjs");
    test.env("KEYFILE", lab.key()).env("PORT", server.source().port().to_string());
    Process::spawn(test).wait().expect_success();
}

#[track_caller]
fn client_and_server_run_in(runtime: &str) {
    let mut newcomer = newcomer()
        .replacing_port(8026)
        .replacing("node client.js", &format!("{runtime}client.js"))
        .replacing("node server.js", &format!("{runtime}server.js"));
    for heading in ["Install", "A client", "A wrong key", "A server"] {
        newcomer.does(heading);
    }
}

/// Someone with the package, and a registry that has what is set up here.
fn newcomer() -> Newcomer {
    let link = format!(
        "for it in {modules}/* {modules}/.bin; do \
         [ -e node_modules/$(basename $it) ] || ln -s $it node_modules; done",
        modules = modules().display()
    );
    Newcomer::reading("host/node/README.md")
        .given(&packed("spiped-pipe-VERSION.tgz"))
        .replacing("npm install ioredis redis", &link)
        .replacing("npm install --save-dev vite esbuild", &link)
        .replacing_port(7000)
        .replacing_port(8025)
}

/// Puts the package in a folder, with the types of Node.
fn install(lab: &Lab) {
    let mut copy = Command::new("cp");
    copy.args(["-R"]).arg(modules().join("spiped-pipe")).arg(modules().join("@types"));
    let here = lab.path("node_modules");
    fs::create_dir(&here).unwrap();
    Process::spawn({
        copy.arg(&here);
        copy
    })
    .wait()
    .expect_success();
}

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(tests(script)).stdin(Stdio::null());
    command
}

fn bun() -> PathBuf {
    program("@oven", "bin/bun")
}

fn deno() -> PathBuf {
    program("@deno", "deno")
}

/// Of the package for this platform.
fn program(scope: &str, path: &str) -> PathBuf {
    let packages = fs::read_dir(modules().join(scope)).unwrap();
    let mut programs = packages.map(|package| package.unwrap().path().join(path));
    programs.find(|program| program.is_file()).unwrap_or_else(|| panic!("{scope} has no {path}"))
}

fn tool(name: &str) -> PathBuf {
    modules().join(".bin").join(name)
}

fn modules() -> PathBuf {
    fs::canonicalize(target("hosts/node/node_modules")).unwrap()
}

fn tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node").join(path)
}
