//! The rules of the architecture that a program can check.

mod alarms;
mod circles;
mod frozen;
mod habits;
mod links;
mod messages;
mod names;
mod packages;
mod prose;
mod snippets;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The packages that are published, in the order of the arrows between them, and their folders.
const PUBLISHED: [(&str, &str); 5] = [
    ("incident-core", "incident-core"),
    ("incident-store-memory", "incident-store-memory"),
    ("incident-pagers", "incident-pagers"),
    ("incident-store-postgres", "incident-store-postgres"),
    ("incident-axum", "examples/axum"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads a file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Runs Cargo without the network and returns what it prints.
fn cargo(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args([command, "--offline", "--locked"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn cargo_tree(arguments: &[&str]) -> String {
    cargo("tree", &[&["--prefix", "none"], arguments].concat())
}

/// Returns the files with an extension below a folder, outside of `target` and hidden folders.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    found
}

/// Returns the sources below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    files(folder, "rs")
}

#[test]
fn core_depends_on_no_runtime_database_or_network() {
    let tree = cargo_tree(&["-p", "incident-core", "-e", "normal", "--all-features"]);
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap();
        assert!(
            !["tokio", "sqlx", "reqwest", "hyper", "axum", "rustls"].contains(&name),
            "incident-core depends on {name}"
        );
    }
    assert!(tree.lines().count() > 5);
}

#[test]
fn arrows_point_one_way() {
    for (package, forbidden) in [
        (
            "incident-core",
            &[
                "incident-pagers",
                "incident-store-memory",
                "incident-store-postgres",
                "incident-console",
            ][..],
        ),
        (
            "incident-pagers",
            &[
                "incident-store-memory",
                "incident-store-postgres",
                "incident-console",
            ],
        ),
        (
            "incident-store-memory",
            &[
                "incident-pagers",
                "incident-store-postgres",
                "incident-console",
            ],
        ),
        (
            "incident-store-postgres",
            &[
                "incident-pagers",
                "incident-store-memory",
                "incident-console",
            ],
        ),
    ] {
        let tree = cargo_tree(&["-p", package, "-e", "normal"]);
        for name in forbidden {
            assert!(
                !tree
                    .lines()
                    .any(|line| line.starts_with(&format!("{name} "))),
                "{package} depends on {name}"
            );
        }
    }
}

#[test]
fn what_cargo_run_builds_has_none_of_the_test_features() {
    let tree = cargo_tree(&["--workspace", "-e", "normal,features"]);
    for feature in ["conformance", "testing", "failpoints"] {
        assert!(
            !tree.contains(&format!("incident-core feature \"{feature}\"")),
            "the feature {feature} is on"
        );
    }
    assert!(!tree.contains("incident-pagers feature \"testing\""));
    assert!(tree.contains("incident-core feature \"system\""));
    assert!(tree.contains("incident-pagers feature \"vendors\""));
}

#[test]
fn only_the_engine_the_ports_and_the_tests_await() {
    let core = root().join("incident-core/src");
    let files = sources(&core);
    assert!(files.len() > 40);
    for file in files {
        let module = file
            .strip_prefix(&core)
            .unwrap()
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        if ["engine", "port", "conformance", "testing"].contains(&module.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            !text.contains(".await") && !text.contains("async fn"),
            "{} awaits",
            file.display()
        );
    }
}

/// Lower modules of core do not use upper ones.
#[test]
fn modules_of_core_use_only_those_below() {
    let core = root().join("incident-core/src");
    let order: [&[&str]; 5] = [
        &[
            "failpoint",
            "id",
            "validation",
            "money",
            "month",
            "name",
            "percent",
            "plain",
            "csv",
            "period",
            "time",
            "window",
            "zone",
            "actor",
            "chain",
            "channel",
            "link",
        ],
        &[
            "anchor",
            "audit",
            "billing",
            "impact",
            "incident",
            "notice",
            "outbox",
            "paging",
            "policy",
            "redaction",
            "response",
            "sla",
            "status_page",
            "suggestion",
            "timeline",
        ],
        &["effect", "commit", "idempotency"],
        &["port"],
        &["engine", "conformance", "testing", "schema"],
    ];
    let files = sources(&core);
    // Tests of a module may use samples from the modules above it.
    let is_test = |file: &PathBuf| file.components().any(|part| part.as_os_str() == "tests");
    let inside = |file: &PathBuf| !is_test(&file.strip_prefix(&core).unwrap().to_owned());
    for file in files.into_iter().filter(inside) {
        let first = file
            .strip_prefix(&core)
            .unwrap()
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .replace(".rs", "");
        let Some(level) = order
            .iter()
            .position(|modules| modules.contains(&first.as_str()))
        else {
            assert_eq!(
                first, "lib",
                "{first} is a module that the map does not know"
            );
            continue;
        };
        for line in fs::read_to_string(&file)
            .unwrap()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for upper in order[level + 1..].iter().flat_map(|modules| modules.iter()) {
                let uses = line.contains(&format!("crate::{upper}::"))
                    || line.contains(&format!("use crate::{upper};"));
                assert!(!uses, "{} uses {upper}: {line}", file.display());
            }
        }
    }
}

/// A figure computed from a field that `SlaFacts` does not have would change the statement but not
/// the ledger (M1), so the arithmetic reads an incident only through it.
#[test]
fn figures_are_computed_from_the_facts_alone() {
    let core = root().join("incident-core/src");
    let engine = ["queries/statements", "credits/period", "queries/figures"];
    let mut files: Vec<PathBuf> = engine
        .map(|name| core.join(format!("engine/{name}.rs")))
        .to_vec();
    for folder in ["sla", "billing"] {
        files.extend(sources(&core.join(folder)));
    }
    let fields = [
        ".started_at",
        ".impact_ended_at",
        ".resolved_at",
        ".reopened_at",
        ".earlier",
        ".mode",
        ".environment",
        ".ending",
        ".facts.",
        ".affected_tenants",
        ".severity",
        ".intervals()",
    ];
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let field = fields.iter().find(|field| line.contains(**field));
            assert_eq!(field, None, "{}: {line}", file.display());
        }
    }
}

#[test]
fn files_stay_small_and_words_are_those_of_the_field() {
    let files = sources(&root());
    for file in &files {
        let lines = fs::read_to_string(file).unwrap();
        let code = lines
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"))
            .count();
        assert!(code <= 500, "{} has {code} lines of code", file.display());
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            ![
                "utils", "common", "helpers", "manager", "service", "misc", "types"
            ]
            .contains(&name.as_str()),
            "{}",
            file.display()
        );
    }
    for lib in files.iter().filter(|file| file.ends_with("src/lib.rs")) {
        let code = fs::read_to_string(lib)
            .unwrap()
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count();
        assert!(code <= 80, "{} is no table of contents", lib.display());
    }
    let ignored = format!("#[{}", "ignore");
    assert!(
        !files
            .iter()
            .any(|file| fs::read_to_string(file).unwrap().contains(&ignored))
    );
}

/// Every test that the table of edge cases names exists.
#[test]
fn the_documented_cases_have_their_tests() {
    let files = sources(&root());
    let code: String = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let text = fs::read_to_string(root().join("docs/paging.md")).unwrap();
    let rows = text.lines().filter(|line| {
        let first = line.split('|').nth(1).unwrap_or_default().trim();
        first.parse::<u32>().is_ok()
    });
    let mut cases = 0;
    for row in rows {
        cases += 1;
        let tests = row.split('|').nth(3).unwrap();
        for name in tests.split('`').skip(1).step_by(2) {
            // Tests at crash points are generated by a macro.
            let made = code.contains(&format!("fn {name}(")) || code.contains(&format!("{name},"));
            let listed = code.contains(&format!("fn {name}<"));
            assert!(made || listed, "{name} of case {cases} is no test");
        }
    }
    assert_eq!(cases, 25);
}
