//! The first hour of a new user, from the package to a pipe that works: every command of
//! the pages that explain it, in order.

use spiped_tests::walkthrough::{Exception, Instead, Walkthrough};
use spiped_tests::{Host, Machine, System, book};

#[test]
fn pages_do_what_they_say() {
    let [db1, app1, db2] = Machine::boot_all(Host::ALL, System::This);
    let machines = [&db1, &app1, &db2];
    let _network = Machine::connect(&machines);
    let mut newcomer = Walkthrough::on(&machines, EXCEPTIONS);
    for page in ["README.md", "docs/redis.md"] {
        for step in book::steps(page) {
            newcomer.follow(&step);
        }
    }
    newcomer.finish();
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        line: " application ── plain ──", instead: Instead::Nothing, reason: "a picture"
    },
    build("make demo"),
    build("make test"),
    build("make deps"),
    build("make deb"),
];

const fn build(line: &'static str) -> Exception {
    Exception { line, instead: Instead::KnownToMake, reason: "takes minutes, and is done by now" }
}
