//! The components as they are published: what they say of themselves, and what is said
//! of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spiped_host_tests::{built, packed, target};
use spiped_tests::{Lab, Process};
use wasm_metadata::{Metadata, Payload};

const COMPONENTS: [&str; 2] = ["spiped", "spiped-portable"];

#[test]
fn components_say_what_they_are_and_where_they_are_from() {
    let revision = fs::read_to_string(target("revision")).unwrap();
    let revision = revision.lines().next().unwrap();
    for name in COMPONENTS {
        let about = metadata(&packed(&format!("{name}.wasm")));
        assert_eq!(about.name.as_deref(), Some(name));
        assert_eq!(about.version.unwrap().to_string(), env!("CARGO_PKG_VERSION"));
        assert_eq!(about.licenses.unwrap().to_string(), env!("CARGO_PKG_LICENSE"));
        assert!(about.description.unwrap().to_string().contains("spiped"));
        assert_eq!(about.revision.map(|it| it.to_string()).unwrap_or_default(), revision);
        let tools = about.producers.unwrap();
        assert!(tools.get("processed-by").unwrap().get("rustc").is_some());
    }
}

/// The revision is only in what is published: else every commit would make another
/// component, and with it another program.
#[test]
fn published_components_are_the_tested_ones_and_then_the_revision() {
    for name in COMPONENTS {
        let (tested, published) = (built(&format!("{name}.wasm")), packed(&format!("{name}.wasm")));
        assert!(metadata(&tested).revision.is_none());
        let [tested, published] = [tested, published].map(|component| fs::read(component).unwrap());
        let added = published.strip_prefix(&tested[..]).expect("the component as it was tested");
        assert!(added.is_empty() || String::from_utf8_lossy(added).contains("revision"));
    }
}

#[test]
fn published_module_is_the_one_inside_the_component() {
    let lab = Lab::empty();
    let module = lab.path("module.wasm");
    run(tool().arg("core").arg(packed("spiped-portable.wasm")).arg(&module));
    let module = fs::read(module).unwrap();
    assert!(module == fs::read(packed("spiped-portable.core.wasm")).unwrap());
    assert!(module == fs::read(built("spiped-portable.core.wasm")).unwrap());
}

#[test]
fn bill_of_materials_is_about_its_component() {
    for name in COMPONENTS {
        let bill = bill(name);
        let subject = &bill["metadata"]["component"];
        let mut sum = Command::new("sha256sum");
        sum.arg(packed(&format!("{name}.wasm")));
        let sum = Process::spawn(sum).wait().answer();
        assert_eq!(subject["hashes"][0]["content"], sum.split(' ').next().unwrap());
        assert_eq!(subject["name"], name);
        assert_eq!(subject["version"], env!("CARGO_PKG_VERSION"));
    }
}

/// Neither more nor less than the crates the compiler was given, as cargo's own plan
/// has them.
#[test]
fn bill_of_materials_has_every_crate_inside() {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock"));
    let lock = lock.unwrap();
    let bill = bill("spiped-portable");
    let parts = bill["components"].as_array().unwrap();
    let names: BTreeSet<_> = parts.iter().map(|part| part["name"].as_str().unwrap()).collect();
    for name in ["aes", "crypto-bigint", "curve25519-dalek", "sha2", "spiped-core", "rust"] {
        assert!(names.contains(name), "{name} is inside");
    }
    // What runs at build time, in tests, or elsewhere.
    for name in ["syn", "zeroize_derive", "proptest", "getrandom", "wasmtime", "libc"] {
        assert!(!names.contains(name), "{name} is not inside");
    }
    for part in parts {
        let [name, version, license] =
            [&part["name"], &part["version"], &part["licenses"][0]["expression"]]
                .map(|field| field.as_str().unwrap());
        assert!(!license.is_empty() && !license.contains('/'), "{name}: {license}");
        if let Some(hash) = part["hashes"][0]["content"].as_str() {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            let entry = lock.split("\n\n").find(|package| package.contains(&entry)).unwrap();
            assert!(entry.contains(&format!("checksum = \"{hash}\"")), "{name}");
        } else {
            assert!(["spiped-core", "rust"].contains(&name), "{name} has no checksum");
        }
    }
}

/// As others read it: every use names something that is there.
#[test]
fn bill_of_materials_is_valid() {
    for name in COMPONENTS {
        let bill = bill(name);
        let references = bill["components"].as_array().unwrap().iter();
        let mut known: BTreeSet<_> =
            references.map(|part| part["bom-ref"].as_str().unwrap()).collect();
        known.insert(name);
        for user in bill["dependencies"].as_array().unwrap() {
            assert!(known.contains(user["ref"].as_str().unwrap()));
            for used in user["dependsOn"].as_array().unwrap() {
                assert!(known.contains(used.as_str().unwrap()), "{used}");
            }
        }
        let mut validator = Command::new(target("hosts/python/bin/python"));
        run(validator.args(["-c", VALIDATE]).arg(packed(&format!("{name}.cdx.json"))));
    }
}

/// From the same component, revision and time.
#[test]
fn bill_of_materials_and_layout_are_the_same_each_time() {
    let lab = Lab::empty();
    let component = packed("spiped-portable.wasm");
    let bills = ["first", "second"].map(|bill| {
        let bill = lab.path(bill);
        run(tool().arg("sbom").arg(&component).arg(&bill).args([TIME, "spiped-core"]));
        fs::read(bill).unwrap()
    });
    assert!(bills[0] == bills[1]);
    let layouts = ["a", "b"].map(|layout| {
        let layout = lab.path(layout);
        run(tool().arg("oci").arg(&layout).args([TIME, "wit"]).arg(&component));
        layout
    });
    run(Command::new("diff").arg("-r").args(layouts));
}

#[test]
fn sources_are_named_where_they_are_known() {
    let lab = Lab::empty();
    let [stamped, bill, layout] = ["spiped-portable.wasm", "bill", "layout"].map(|it| lab.path(it));
    let source = "https://example.org/spiped";
    run(tool().arg("stamp").arg(built("spiped-portable.wasm")).arg(&stamped).args(["", source]));
    assert_eq!(metadata(&stamped).source.unwrap().to_string(), source);
    assert!(metadata(&stamped).revision.is_none());
    run(tool().arg("sbom").arg(&stamped).arg(&bill).args(["", "spiped-core"]));
    let bill: Value = serde_json::from_slice(&fs::read(bill).unwrap()).unwrap();
    let component = &bill["metadata"]["component"];
    assert_eq!(component["externalReferences"][0]["url"], source);
    assert!(component["pedigree"].is_null() && bill["metadata"]["timestamp"].is_null());
    run(tool().arg("oci").arg(&layout).args(["", "wit"]).arg(&stamped));
    run(Command::new("grep")
        .args(["-rqF", "image.source\":\"https://example.org/spiped\""])
        .arg(layout));
}

const TIME: &str = "2026-11-26T12:00:00Z";

/// The build tool, at the project's root.
fn tool() -> Command {
    let mut tool = Command::new(target("tool/componentize").canonicalize().unwrap());
    tool.current_dir(target(".."));
    tool
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

const VALIDATE: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
with open(sys.argv[1], encoding='utf-8') as bill:
    sys.exit(JsonStrictValidator(SchemaVersion.V1_5).validate_str(bill.read()))
";

fn bill(name: &str) -> Value {
    serde_json::from_slice(&fs::read(packed(&format!("{name}.cdx.json"))).unwrap()).unwrap()
}

fn metadata(component: &Path) -> Metadata {
    match Payload::from_binary(&fs::read(component).unwrap()).unwrap() {
        Payload::Component { metadata, .. } => metadata,
        Payload::Module(_) => panic!("{} is no component", component.display()),
    }
}
