//! The image layout: pushed to a registry, and pulled again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use spiped_host_tests::packed;
use spiped_tests::procfs::is_listening;
use spiped_tests::{Endpoint, Lab, Newcomer, Process, wait};

/// With the commands of the documentation.
#[test]
fn what_is_pushed_to_a_registry_is_what_is_pulled() {
    let lab = Lab::new();
    let registry = Registry::start(&lab);
    let mut newcomer = Newcomer::reading("docs/plugin.md")
        .replacing("skopeo copy", "skopeo copy --src-tls-verify=false --dest-tls-verify=false")
        .replacing("skopeo inspect", "skopeo inspect --tls-verify=false")
        .replacing("registry.example.com", &format!("127.0.0.1:{}", registry.address.port()))
        .replacing("target/packages", packed("oci").parent().unwrap().to_str().unwrap());
    let said = newcomer.does("From a registry");
    // Between lines about its progress.
    let about = said.split_once("{\"").expect("a manifest").0.len();
    let about = serde_json::Deserializer::from_str(&said[about..]).into_iter::<Value>().next();
    let about = about.unwrap().unwrap();
    let annotations = &about["annotations"];
    assert_eq!(annotations["org.opencontainers.image.title"], "spiped-portable");
    assert_eq!(annotations["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(annotations["org.opencontainers.image.licenses"], env!("CARGO_PKG_LICENSE"));
    assert_eq!(about["layers"][0]["mediaType"], "application/wasm");

    let pulled = newcomer.lab().path("pulled");
    let layer = about["layers"][0]["digest"].as_str().unwrap();
    let component = fs::read(blob(&pulled, layer)).unwrap();
    assert!(component == fs::read(packed("spiped-portable.wasm")).unwrap());
}

/// Everything in it, byte by byte.
#[test]
fn all_artifacts_go_through_a_registry_unchanged() {
    let lab = Lab::new();
    let registry = Registry::start(&lab);
    let layout = packed("oci");
    let index = json(&layout.join("index.json"));
    for manifest in index["manifests"].as_array().unwrap() {
        let name = manifest["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap();
        let remote = format!("docker://127.0.0.1:{}/{name}", registry.address.port());
        let pulled = lab.path("pulled");
        copy(&format!("oci:{}:{name}", layout.display()), &remote);
        copy(&remote, &format!("oci:{}:{name}", pulled.display()));
        let digest = manifest["digest"].as_str().unwrap();
        let content = json(&blob(&layout, digest));
        let blobs = [&manifest["digest"], &content["config"]["digest"]];
        let layers = content["layers"].as_array().unwrap().iter().map(|layer| &layer["digest"]);
        for digest in blobs.into_iter().chain(layers) {
            let digest = digest.as_str().unwrap();
            let [sent, came] = [&layout, &pulled].map(|at| fs::read(blob(at, digest)).unwrap());
            assert!(sent == came, "{name}: {digest}");
        }
    }
}

#[test]
fn layout_has_the_components_and_their_interface() {
    let index = json(&packed("oci").join("index.json"));
    let manifests = index["manifests"].as_array().unwrap().iter();
    let names: Vec<_> = manifests
        .map(|it| it["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap())
        .collect();
    let expected = ["spiped/pipe", "spiped/spiped-portable", "spiped/spiped"];
    assert_eq!(names, expected.map(|name| format!("{name}:{}", env!("CARGO_PKG_VERSION"))));
    for (number, export, imports) in [
        (0, "spiped:pipe/types@0.1.0", ""),
        (1, "spiped:pipe/session@0.1.0", ""),
        (2, "wasi:cli/run@0.2.", "wasi:"),
    ] {
        let digest = index["manifests"][number]["digest"].as_str().unwrap();
        let manifest = json(&blob(&packed("oci"), digest));
        let config = json(&blob(&packed("oci"), manifest["config"]["digest"].as_str().unwrap()));
        let [exported, imported] = ["exports", "imports"].map(|side| {
            let names = config["component"][side].as_array().unwrap().iter();
            names.map(|name| name.as_str().unwrap()).collect::<Vec<_>>()
        });
        assert!(exported.iter().any(|name| name.starts_with(export)), "{exported:?}");
        assert_eq!(imported.is_empty(), imports.is_empty());
        assert!(imported.iter().all(|name| name.starts_with(imports)), "{imported:?}");
    }
}

#[track_caller]
fn copy(from: &str, to: &str) {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["copy", "--src-tls-verify=false", "--dest-tls-verify=false", from, to]);
    Process::spawn(skopeo).wait().expect_success();
}

fn blob(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// Debian's registry, on the loopback address.
struct Registry {
    _process: Process,
    address: Endpoint,
}

impl Registry {
    #[track_caller]
    fn start(lab: &Lab) -> Self {
        let address = lab.tcp();
        let config = format!(
            "version: 0.1\nlog: {{ level: warn }}\n\
             storage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
             http: {{ addr: 127.0.0.1:{} }}\n",
            lab.path("registry").display(),
            address.port(),
        );
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(lab.write("registry.yml", config));
        command.current_dir(lab.directory()).stdin(Stdio::null());
        let mut process = Process::spawn(command);
        wait::until("the registry listened", || {
            assert!(process.is_running(), "it ended instead");
            is_listening(&address)
        });
        Self { _process: process, address }
    }
}
