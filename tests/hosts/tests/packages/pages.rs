//! The pages about all this.

use std::fs;
use std::path::{Path, PathBuf};

use spiped_host_tests::target;

#[test]
fn links_lead_to_files_that_are_there() {
    let project = target("..");
    let mut pages = vec![project.join("README.md"), project.join("core-wasm/README.md")];
    pages.extend(markdown(&project.join("docs")));
    for room in fs::read_dir(project.join("host")).unwrap() {
        pages.extend(markdown(&room.unwrap().path()));
    }
    let mut found = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") {
                let there = page.parent().unwrap().join(file);
                assert!(there.exists(), "{}: {link}", page.display());
                found += 1;
            }
        }
    }
    assert!(found > 0);
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "md")).collect()
}
