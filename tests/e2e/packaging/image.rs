use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use spiped_tests::packaged::{architecture, packaged, version};
use spiped_tests::{KEY, Lab, Process, Redis, Spiped, procfs, wait};

use super::run;

#[test]
fn image_says_what_is_in_it() {
    let about = run(Command::new("skopeo").args(["inspect", &archive()]));
    let about: Value = serde_json::from_str(&about).unwrap();
    assert_eq!(about["Architecture"], architecture());
    assert_eq!(about["Labels"]["org.opencontainers.image.version"], version());
    assert_eq!(about["Layers"].as_array().unwrap().len(), 1);
}

/// As a container engine would run it, without one: as its user in its root directory.
#[test]
fn image_serves_redis_as_its_user_and_passes_its_health_check() {
    let lab = Lab::new();
    let image = Image::unpack(&lab);
    assert_eq!(image.config["User"], "65532:65532");
    let (redis, source) = (Redis::start(&lab, &[]), lab.tcp());
    // What an engine would put there. The name shows that names can be looked up.
    image.write("etc/hosts", "127.0.0.1 redis\n");
    image.write("etc/spiped/redis.key", KEY);
    image.write(
        "etc/spiped/spiped.toml",
        format!(
            "control = \"/run/spiped/control\"\n[pipe.redis]\nmode = \"decrypt\"\n\
             source = \"{source}\"\ntarget = \"redis:{}\"\nkey = \"redis.key\"\n",
            redis.endpoint().port()
        ),
    );
    let words = |field: &str| image.config[field].as_array().unwrap().clone();
    let _server = Process::spawn(image.command(&[words("Entrypoint"), words("Cmd")].concat()));
    wait::until("the image's program listened", || procfs::is_listening(&source));
    let client = Spiped::encrypt(&lab, &source).start();
    assert_eq!(Redis::cli(client.source(), &["PING"]).answer(), "PONG");

    let check = image.config["Healthcheck"]["Test"].as_array().unwrap();
    assert_eq!(check[0], "CMD");
    Process::spawn(image.command(&check[1..])).wait().expect_success();
}

/// The root file system, and what it is to be run with.
struct Image {
    root: PathBuf,
    config: Value,
}

impl Image {
    fn unpack(lab: &Lab) -> Self {
        let (layout, root) = (lab.path("layout"), lab.path("root"));
        fs::create_dir(&root).unwrap();
        run(Command::new("skopeo")
            .args(["copy", "--quiet", &archive()])
            .arg(format!("dir:{}", layout.display())));
        let manifest = json(&fs::read(layout.join("manifest.json")).unwrap());
        let blob = |of: &Value| {
            let digest = of["digest"].as_str().unwrap();
            layout.join(digest.strip_prefix("sha256:").unwrap())
        };
        let mut tar = Command::new("tar");
        tar.arg("--directory").arg(&root).args(["--extract", "--preserve-permissions", "--gzip"]);
        run(tar.arg("--file").arg(blob(&manifest["layers"][0])));
        let config = json(&fs::read(blob(&manifest["config"])).unwrap());
        Self { root, config: config["config"].clone() }
    }

    /// Writes a file that only its user can read.
    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::write(&path, content).unwrap();
        let user = Some(65532);
        chown(&path, user, user).unwrap();
        run(Command::new("chmod").arg("600").arg(path));
    }

    fn command(&self, words: &[Value]) -> Command {
        let mut command = Command::new("/usr/sbin/chroot");
        command.arg(format!("--userspec={}", self.config["User"].as_str().unwrap()));
        command.arg("--groups=").arg(&self.root);
        command.args(words.iter().map(|word| word.as_str().unwrap())).env_clear();
        let variables = self.config["Env"].as_array().unwrap().iter();
        command.envs(variables.map(|it| it.as_str().unwrap().split_once('=').unwrap()));
        command
    }
}

fn archive() -> String {
    let name = format!("spiped-wasm_{}_{}.oci.tar", version(), architecture());
    format!("oci-archive:{}", packaged(&name).display())
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}
