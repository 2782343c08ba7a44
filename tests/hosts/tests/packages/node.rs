//! The npm package `spiped-pipe`, in Node, Bun, Deno and browsers. What it needs is
//! set up by `tests/hosts/node/setup.sh`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use spiped_host_tests::{packed, target};
use spiped_tests::{Lab, Newcomer, Origin, Redis, Spiped};

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
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::{newcomer, node, run, tool};

    #[test]
    fn bundles_of_vite_and_esbuild_run() {
        let mut newcomer = newcomer();
        newcomer.does("Install");
        newcomer.does("Browsers");
        let folder = newcomer.lab().directory();
        in_one_file(folder);
        let bundles = ["with-vite", "with-esbuild", "in-one-file"];
        run(node("bundles.mjs").args(bundles.map(|bundle| folder.join(bundle))));
    }

    /// As the last paragraph says.
    fn in_one_file(folder: &Path) {
        let main = fs::read_to_string(folder.join("main.js")).unwrap();
        let main = main.replace("await load()", "await compile(code)").replace(
            "import { instantiate, load } from 'spiped-pipe';",
            "import { compile, instantiate } from 'spiped-pipe';\n\
             import code from 'spiped-pipe/spiped-portable.core.wasm';",
        );
        let bundle = folder.join("in-one-file");
        fs::create_dir(&bundle).unwrap();
        fs::write(folder.join("one.js"), main).unwrap();
        fs::copy(folder.join("index.html"), bundle.join("index.html")).unwrap();
        let mut esbuild = Command::new(tool("esbuild"));
        esbuild.current_dir(folder).args(["one.js", "--bundle", "--format=esm"]);
        run(esbuild.args(["--loader:.wasm=binary", "--outfile=in-one-file/main.js"]));
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
        run(tsc.args(["--exactOptionalPropertyTypes"]).args(args.split(' ')));
    };
    tsc("--lib es2022,esnext.disposable --module nodenext --types node node.ts");
    tsc("--lib es2022,dom --module esnext --moduleResolution bundler \
         --customConditions browser browser.ts");
}

#[test]
fn package_is_small_and_needs_nothing() {
    let lab = Lab::empty();
    let mut tar = Command::new("tar");
    run(tar.arg("xzf").arg(packed("spiped-pipe-VERSION.tgz")).arg("-C").arg(lab.directory()));
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
    run(Command::new("node").arg(root.join("host/node/generate.mjs")).arg("--check"));
}

#[test]
fn bindings_take_nothing_but_what_the_interface_says() {
    run(&mut node("tests/bindings.test.mjs"));
}

#[test]
fn pipes_stand_in_for_sockets() {
    run(&mut node("tests/pipe.test.mjs"));
}

#[test]
fn pipes_stand_in_for_sockets_in_bun() {
    let mut test = Command::new(bun());
    run(test.args(["test", "--timeout", "60000"]).arg(tests("tests/pipe.test.mjs")));
}

#[test]
fn pipes_stand_in_for_sockets_in_deno() {
    let mut test = Command::new(deno());
    run(test.args(["test", "-A", "--quiet"]).arg(tests("tests/pipe.test.mjs")));
}

#[test]
fn servers_spend_nothing_on_strangers() {
    run(&mut node("tests/server.test.mjs"));
}

#[test]
fn what_is_relayed_is_all_there_was_or_fails() {
    run(&mut node("tests/relay.test.mjs"));
}

#[test]
fn idle_pipes_sleep() {
    run(&mut node("tests/sleeping.test.mjs"));
}

#[test]
#[ignore = "soak"]
fn five_thousand_idle_pipes_sleep() {
    run(node("tests/sleeping.test.mjs").env("CONNECTIONS", "5000"));
}

#[test]
fn clients_of_redis_postgresql_and_http_take_a_pipe() {
    let lab = Lab::new();
    let redis = Redis::start(&lab, &[]);
    let server = Spiped::decrypt(&lab, redis.endpoint()).of(Origin::Debian).start();
    let mut test = node("tests/clients.test.mjs");
    run(test.env("KEYFILE", lab.key()).env("PORT", server.source().port().to_string()));
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
    let here = lab.path("node_modules");
    fs::create_dir(&here).unwrap();
    let packages = ["spiped-pipe", "@types", "undici-types"].map(|name| modules().join(name));
    run(Command::new("cp").arg("-R").args(packages).arg(here));
}

/// Runs what has its own limits on time.
#[track_caller]
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    // What a failed test leaves open does not keep the others' result.
    command.arg("--test-force-exit").arg(tests(script));
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
