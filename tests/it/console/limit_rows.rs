//! The table of limits and its tests: every row has a test, and every test a row.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::architecture::files;
use crate::over_http::limits::table::{Row, rows};
use crate::over_http::limits::{HERE, trials};

/// Returns the names of all test functions: those after an attribute that ends in `test`, and those
/// in conformance modules.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), "rs") {
        let (text, mut is_test) = (fs::read_to_string(&file).unwrap(), false);
        let contracts = file
            .components()
            .any(|part| part.as_os_str() == "conformance");
        for line in text.lines().map(str::trim) {
            let attribute = line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            is_test |= attribute || contracts;
            let name = line
                .trim_start_matches("pub ")
                .trim_start_matches("async ")
                .strip_prefix("fn ");
            if let Some(name) = name {
                if is_test {
                    names.insert(name.split(['(', '<']).next().unwrap().to_owned());
                }
                is_test = false;
            }
        }
    }
    names
}

fn tried_here(row: &Row) -> bool {
    row.tried_by == HERE
}

/// S10: a row without a trial fails, and so does a trial without a row.
#[test]
fn every_limit_has_its_trial_and_every_trial_its_limit() {
    let (rows, tests) = (rows(), tests());
    assert!(tests.contains(HERE) && tests.len() > 300, "{}", tests.len());
    let mut names = BTreeSet::new();
    for row in &rows {
        assert!(names.insert(&row.name), "two rows are named {:?}", row.name);
        for test in row.tried_by.split(", ") {
            assert!(
                tests.contains(test),
                "{:?} of {:?} is tried by nothing: there is no test {test:?}",
                row.name,
                row.subject
            );
        }
    }
    let here: BTreeSet<&str> = rows
        .iter()
        .filter(|row| tried_here(row))
        .map(|row| &*row.name)
        .collect();
    let tried: BTreeSet<&str> = trials().map(|(name, _)| *name).collect();
    assert_eq!(here, tried);
    // The value must be readable by the trial.
    for row in rows.iter().filter(|row| tried_here(row)) {
        assert!(row.number() > 0, "{row:?}");
    }
}
