use std::ffi::OsString;

use nix::libc;
use spiped_tests::{Lab, Upgradable};

use super::{awake, ours};

/// What the unit forbids a daemon it forbids the next one, too, which needs no more.
#[test]
fn service_is_replaced_within_what_its_unit_allows() {
    for unit in ["spiped.service", "spiped@.service"] {
        let lab = Lab::new();
        let file = format!("{}/../host/packaging/systemd/{unit}", env!("CARGO_MANIFEST_DIR"));
        // MemoryDenyWriteExecute=, and no new privileges.
        let walls = format!(
            "syscall({call}, 65, 1, 0, 0, 0) == 0 or die; \
             syscall({call}, 38, 1, 0, 0, 0) == 0 or die; exec @ARGV",
            call = libc::SYS_prctl
        );
        let confine = [env!("CARGO_BIN_EXE_confine"), "unit", &file];
        let wrapper = ["perl", "-e", &walls].into_iter().chain(confine).map(OsString::from);
        let daemon = Upgradable::new(&lab).under(wrapper).start(&ours(), &[]);
        let traffic = awake(&daemon, 9);
        for _ in 0..3 {
            daemon.upgrade();
            traffic.expect_progress();
        }
        daemon.configured().reload();
        traffic.finish().expect_all_delivered();
    }
}
