use spiped_tests::walkthrough::Walkthrough;
use spiped_tests::{Host, Machine, Shell, System, book};

use super::{Monitor, wait_for_redis};

/// While pipes come, change and get new keys, a connection goes on, until its host
/// is locked out.
#[test]
#[ignore = "soak"]
fn operations_are_as_the_documentation_says() {
    let [db1, app1] = Machine::boot_all([Host::Db1, Host::App1], System::This);
    let _network = Machine::connect(&[&db1, &app1]);
    let mut admin = Walkthrough::on(&[&db1, &app1], &[]);
    let mut monitor = None;
    for (number, step) in book::steps("docs/operating.md").iter().enumerate() {
        if step.heading == "See what runs" && monitor.is_none() {
            wait_for_redis(&app1, 8000);
            monitor = Some(Monitor::start(&app1, 8000, &db1));
        }
        admin.follow(step);
        if let Some(mut goes_on) = monitor.take() {
            if step.heading == "Lock a host out" {
                goes_on.expect_end();
            } else {
                goes_on.expect_alive(&format!("after-step-{number}"));
                monitor = Some(goes_on);
            }
        }
    }
    assert_eq!(db1.answer("systemctl is-active spiped spiped@cache"), "active\nactive");
}
