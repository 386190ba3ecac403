//! Migrations and dumps of earlier versions are never edited: databases were made of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::root;

/// Hashes by path, in the format of `sha256sum`.
const SUMS: &str = "incident-store-postgres/SHA256SUMS";

fn hash_of(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn migrations_and_dumps_are_as_they_were_released() {
    let store = root().join("incident-store-postgres");
    let sums = fs::read_to_string(root().join(SUMS)).unwrap();
    let sums: BTreeMap<&str, &str> = sums
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(hash, path)| (path, hash))
        .collect();
    let mut compared = 0;
    for folder in ["migrations", "tests/dumps"] {
        for file in fs::read_dir(store.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(&store).unwrap().to_str().unwrap();
            let sum = sums.get(name).unwrap_or_else(|| {
                panic!("{name} is not in {SUMS}: add the line of `sha256sum {name}`")
            });
            assert_eq!(hash_of(&path), *sum, "{name} was edited; add another file");
            compared += 1;
        }
    }
    assert_eq!(compared, sums.len(), "a file of {SUMS} is gone");
}
