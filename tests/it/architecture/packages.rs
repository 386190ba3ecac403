//! The packages that are published.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::{PUBLISHED, cargo, cargo_tree, root};

/// Returns the folder of a published package.
fn folder_of(name: &str) -> Option<&'static str> {
    let found = PUBLISHED.iter().find(|(package, _)| *package == name);
    found.map(|(_, folder)| *folder)
}

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
        if folder_of(name).is_none() {
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
        let Some(folder) = folder_of(name) else {
            continue;
        };
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let text = fs::read_to_string(root().join(folder).join(licence)).unwrap();
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

/// Returns `true` if a licence expression (SPDX) can be met with the allowed licences. Without
/// parentheses `AND` binds before `OR`; older packages write `/` for `OR`.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let flat = expression.replace('/', " OR ").replace(['(', ')'], "");
    let mut choices = flat.split(" OR ");
    choices.any(|choice| {
        let mut parts = choice.split(" AND ");
        parts.all(|part| allowed.contains(part.trim()))
    })
}

/// The rules of `deny.toml` that need no network, for machines without cargo-deny.
#[test]
fn licences_and_sources_are_those_that_deny_allows() {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let rules: toml::Table = text.parse().unwrap();
    let allowed = rules["licenses"]["allow"].as_array().unwrap();
    let allowed = allowed.iter().map(|one| one.as_str().unwrap()).collect();
    let banned = rules["bans"]["deny"].as_array().unwrap();
    let banned: Vec<&str> = banned
        .iter()
        .map(|one| one["crate"].as_str().unwrap())
        .collect();
    // What is built on any system; the metadata also have what no feature turns on.
    let everything = ["--workspace", "--all-features", "--target", "all"];
    let tree = cargo_tree(&everything);
    let built: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let metadata = metadata();
    let mut compared = 0;
    for package in packages(&metadata).into_values() {
        let name = package["name"].as_str().unwrap();
        if !built.contains(name) {
            continue;
        }
        assert!(!banned.contains(&name), "{name} is banned");
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_met(licence, &allowed), "{name}: {licence}");
        let source = package["source"].as_str();
        let known = source.is_none_or(|one| one.ends_with("rust-lang/crates.io-index"));
        assert!(known, "{name}: {source:?}");
        compared += 1;
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"].into();
    for met in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "MIT AND Zlib",
        "(MIT OR X) AND Zlib",
    ] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for not in ["GPL-3.0", "MIT AND GPL-3.0", ""] {
        assert!(!is_met(not, &allowed), "{not}");
    }
}
