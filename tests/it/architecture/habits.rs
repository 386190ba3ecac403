//! Workflows, tasks and features are as the documents promise.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::{PUBLISHED, read, root};

fn workflows() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join(".github/workflows")).unwrap();
    folder.map(|file| file.unwrap().path()).collect()
}

/// An action is named by its commit, as a tag can be moved to other code.
#[test]
fn actions_are_pinned_by_their_commit() {
    let mut pinned = 0;
    for file in workflows() {
        let text = fs::read_to_string(&file).unwrap();
        let uses = text.lines().filter_map(|line| line.split_once("uses: "));
        for (_, action) in uses {
            let (name, version) = action.split_once(" # v").unwrap_or((action, ""));
            let commit = name.split_once('@').map_or("", |(_, commit)| commit);
            let is_commit = commit.len() == 40 && commit.bytes().all(|one| one.is_ascii_hexdigit());
            assert!(
                is_commit && !version.is_empty(),
                "{}: {action}",
                file.display()
            );
            pinned += 1;
        }
        assert!(
            text.contains("permissions:\n  contents: read\n"),
            "{}",
            file.display()
        );
    }
    assert!(pinned > 5, "{pinned}");
}

/// Returns the texts of workflows, tasks and the steps of a release.
fn instructions() -> Vec<String> {
    let workflows = workflows();
    let mut texts: Vec<String> = workflows
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let others = ["justfile", ".ci/run", "scripts/semver", "RELEASE.md"];
    texts.extend(others.map(read));
    texts
}

/// Tools are installed in one version everywhere.
#[test]
fn tools_have_one_version() {
    let texts = instructions();
    let installed = texts
        .iter()
        .flat_map(|text| text.split("cargo install --locked ").skip(1));
    let mut versions = BTreeMap::new();
    for tool in installed.filter_map(|rest| rest.split_whitespace().next()) {
        let (name, version) = tool
            .split_once('@')
            .unwrap_or_else(|| panic!("{tool} has no version"));
        let first = *versions.entry(name).or_insert(version);
        assert_eq!(first, version, "{name}");
    }
    assert!(versions.len() >= 4, "{versions:?}");
}

/// The scripts about published packages, and the steps of a release, name each of them.
#[test]
fn every_published_package_is_checked_and_released() {
    for (package, folder) in PUBLISHED {
        for (file, name) in [
            ("scripts/features", package),
            ("scripts/packages", package),
            ("scripts/semver", package),
            ("scripts/msrv", folder),
            ("RELEASE.md", package),
        ] {
            assert!(read(file).contains(name), "{file}: {name}");
        }
    }
}

#[test]
fn workflows_and_tasks_call_what_exists() {
    let texts = instructions();
    let mut scripts = 0;
    for text in &texts {
        for word in text.split(|one: char| one.is_whitespace() || "`\"(),:;".contains(one)) {
            if word.starts_with("scripts/") {
                assert!(root().join(word).exists(), "{word}");
                scripts += 1;
            }
        }
    }
    assert!(scripts > 10, "{scripts}");
}

/// `just --list` shows a sentence for each task.
#[test]
fn every_task_is_documented() {
    let text = read("justfile");
    let lines: Vec<&str> = text.lines().collect();
    let is_recipe = |line: &str| line.ends_with(':') && !line.starts_with([' ', '_', '#']);
    let recipes = lines.windows(2).filter(|pair| is_recipe(pair[1]));
    let mut tasks = 0;
    for pair in recipes {
        assert!(pair[0].starts_with("# "), "{}", pair[1]);
        tasks += 1;
    }
    assert!(tasks > 8, "{tasks}");
}

/// `scripts/features` checks each feature of the published crates.
#[test]
fn every_feature_is_checked() {
    let script = read("scripts/features");
    for (package, folder) in PUBLISHED {
        let manifest: toml::Table = read(&format!("{folder}/Cargo.toml")).parse().unwrap();
        let line = format!("\"{package} - ");
        let combinations = script.lines().find(|one| one.contains(&line)).map_or_else(
            || {
                let bare = format!("\"{package} -\"");
                assert!(
                    script.contains(&bare),
                    "{package} is not in scripts/features"
                );
                String::new()
            },
            str::to_owned,
        );
        let words: Vec<&str> = combinations.split([' ', ',', '"']).collect();
        let features = manifest.get("features").and_then(toml::Value::as_table);
        // `http` is on with the features that need it, and is none to choose.
        let chosen = features.into_iter().flat_map(toml::Table::keys);
        for feature in chosen.filter(|one| !["default", "http"].contains(&one.as_str())) {
            assert!(words.contains(&feature.as_str()), "{package}: {feature}");
        }
    }
}
