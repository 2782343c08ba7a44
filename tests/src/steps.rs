//! Steps of upgrades, as the test program `spiped-edition` reports them.

use std::fs;
use std::path::PathBuf;

use crate::{Lab, wait};

/// What processes of one lab report, and where they stay.
pub struct Steps {
    folder: PathBuf,
}

impl Steps {
    /// Where a lab's processes report.
    pub fn of(lab: &Lab) -> Self {
        let steps = Self { folder: lab.directory().to_owned() };
        for file in [REPORTS, HOLD] {
            if !steps.folder.join(file).exists() {
                lab.write(file, "");
            }
        }
        steps
    }

    /// What the program's environment has to say.
    pub fn variable(&self) -> String {
        format!("SPIPED_EDITION_STEPS={}", self.folder.display())
    }

    /// Whoever comes to this step now stays there. Forgets what was reported before.
    pub fn hold(&self, step: &str) {
        // In place: the processes have these files open.
        fs::write(self.folder.join(REPORTS), "").unwrap();
        fs::write(self.folder.join(HOLD), step).unwrap();
    }

    /// Whoever stayed goes on.
    pub fn release(&self) {
        fs::write(self.folder.join(HOLD), "").unwrap();
    }

    /// The steps since the last hold, with the processes that took them.
    pub fn taken(&self) -> Vec<(String, i32)> {
        let reports = fs::read_to_string(self.folder.join(REPORTS)).unwrap();
        let line = |line: &str| {
            let (step, pid) = line.split_once(' ')?;
            Some((step.to_owned(), pid.parse().ok()?))
        };
        reports.lines().map(|text| line(text).expect("a step and a process")).collect()
    }

    /// Waits until a process comes to this step. Says which one.
    #[track_caller]
    pub fn wait_for(&self, step: &str) -> i32 {
        wait::until_some(&format!("a process came to the step {step}"), || {
            self.taken().into_iter().find(|(taken, _)| taken == step).map(|(_, pid)| pid)
        })
    }

    /// Waits until a process has begun that is to take over. Says which one.
    #[track_caller]
    pub fn successor(&self) -> i32 {
        self.wait_for("Begun")
    }
}

const REPORTS: &str = "steps";
const HOLD: &str = "hold";
