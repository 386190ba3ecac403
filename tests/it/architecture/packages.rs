//! The four packages that are published.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::{cargo, root};

const PUBLISHED: [&str; 4] = [
    "incident-core",
    "incident-pagers",
    "incident-store-memory",
    "incident-store-postgres",
];

/// Returns what Cargo knows of all packages, without the network.
fn metadata() -> Value {
    let text = cargo("metadata", &["--format-version", "1", "--all-features"]);
    serde_json::from_str(&text).unwrap()
}

fn packages(metadata: &Value) -> BTreeMap<&str, &Value> {
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|one| (one["id"].as_str().unwrap(), one))
        .collect()
}

/// Parses a version of Rust: `1.89` is `1.89.0`.
fn version(text: &str) -> (u32, u32, u32) {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

/// Returns the ids of a package's normal dependencies, and of theirs.
fn normal_dependencies<'m>(metadata: &'m Value, id: &'m str) -> BTreeSet<&'m str> {
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let mut found = BTreeSet::new();
    let mut next = vec![id];
    while let Some(id) = next.pop() {
        let node = nodes.iter().find(|node| node["id"] == id).unwrap();
        for dependency in node["deps"].as_array().unwrap() {
            let mut kinds = dependency["dep_kinds"].as_array().unwrap().iter();
            let package = dependency["pkg"].as_str().unwrap();
            let is_normal = kinds.any(|kind| kind["kind"].is_null() && kind["target"].is_null());
            if is_normal && found.insert(package) {
                next.push(package);
            }
        }
    }
    found
}

#[test]
fn rust_version_is_at_least_that_of_every_dependency() {
    let metadata = metadata();
    let packages = packages(&metadata);
    let mut compared = 0;
    for (id, package) in &packages {
        let name = package["name"].as_str().unwrap();
        if !PUBLISHED.contains(&name) {
            continue;
        }
        let ours = version(package["rust_version"].as_str().unwrap());
        for dependency in normal_dependencies(&metadata, id) {
            let dependency = packages[dependency];
            let Some(theirs) = dependency["rust_version"].as_str() else {
                continue;
            };
            compared += 1;
            let their_name = dependency["name"].as_str().unwrap();
            assert!(
                version(theirs) <= ours,
                "{name}: {their_name} needs {theirs}"
            );
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn packages_carry_licences_and_metadata() {
    let metadata = metadata();
    for package in packages(&metadata).into_values() {
        let name = package["name"].as_str().unwrap();
        if !PUBLISHED.contains(&name) {
            continue;
        }
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let text = fs::read_to_string(root().join(name).join(licence)).unwrap();
            let whole = fs::read_to_string(root().join(licence)).unwrap();
            assert_eq!(text, whole, "{name}/{licence}");
        }
        for list in ["keywords", "categories"] {
            let length = package[list].as_array().unwrap().len();
            assert!((1..=5).contains(&length), "{name}: {list}");
        }
        assert!(package["readme"].is_string() && package["description"].is_string());
        assert_eq!(
            package["metadata"]["docs"]["rs"]["all-features"], true,
            "{name}"
        );
    }
}
