//! Every block of code in the documents is compiled, run or compared somewhere. A block of a file or
//! language that is not in the table fails, so that none is added without its test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::{files, read, root};

/// The coverage of a block.
enum Covered {
    /// By a documentation test.
    Compiled,
    /// By the test of this name.
    By(&'static str),
    /// Not at all: a drawing of folders and layers, or a list of routes.
    Drawing,
}

use Covered::{By, Compiled, Drawing};

/// The blocks of code by file and language, with their number.
const BLOCKS: [(&str, &str, usize, Covered); 31] = [
    ("ARCHITECTURE.md", "", 3, Drawing),
    (
        "CONTRIBUTING.md",
        "sh",
        7,
        By("every_command_of_contributing_exists"),
    ),
    ("README.md", "rust", 1, Compiled),
    (
        "README.md",
        "sh",
        1,
        By("the_demo_prints_what_the_readme_shows"),
    ),
    (
        "README.md",
        "text",
        1,
        By("the_demo_prints_what_the_readme_shows"),
    ),
    (
        "docs/billing.md",
        "http",
        1,
        By("the_documented_batch_has_the_members_of_a_real_one"),
    ),
    (
        "docs/configuration.md",
        "toml",
        4,
        By("the_examples_of_the_guide_are_policies"),
    ),
    ("docs/embedding.md", "rust", 5, Compiled),
    (
        "docs/http-api.md",
        "text",
        1,
        By("a_stream_is_as_the_guide_shows_it"),
    ),
    ("docs/impact.md", "", 1, Drawing),
    ("docs/internals.md", "", 1, Drawing),
    (
        "docs/metrics.md",
        "yaml",
        1,
        By("the_documented_alert_names_metrics_that_exist"),
    ),
    (
        "docs/notices.md",
        "http",
        1,
        By("the_documented_notice_is_a_real_one"),
    ),
    (
        "docs/notices.md",
        "python",
        1,
        By("the_documented_receiver_verifies_a_notice"),
    ),
    (
        "docs/operations.md",
        "ini",
        1,
        By("the_unit_starts_the_binary_and_gives_it_time_to_stop"),
    ),
    (
        "docs/operations.md",
        "dockerfile",
        1,
        By("the_container_builds_the_binary_and_runs_it_without_rights"),
    ),
    (
        "docs/operations.md",
        "sh",
        9,
        By("every_command_of_the_page_of_operations_works"),
    ),
    (
        "docs/policy.md",
        "text",
        1,
        By("the_examples_of_the_policy_guide_are_policies"),
    ),
    (
        "docs/policy.md",
        "toml",
        4,
        By("the_examples_of_the_policy_guide_are_policies"),
    ),
    (
        "docs/postgres.md",
        "",
        1,
        By("the_documented_address_is_valid"),
    ),
    (
        "docs/running.md",
        "sh",
        4,
        By("every_command_of_the_page_of_running_works"),
    ),
    ("docs/sla.md", "", 1, Drawing),
    (
        "docs/sla.md",
        "text",
        1,
        By("the_guide_walks_through_each_basis"),
    ),
    (
        "examples/usage-clickhouse/README.md",
        "rust,no_run",
        1,
        Compiled,
    ),
    (
        "examples/usage-clickhouse/README.md",
        "sh",
        2,
        By("every_command_of_contributing_exists"),
    ),
    (
        "examples/usage-clickhouse/README.md",
        "sql",
        1,
        By("states_by_the_hour_are_merged"),
    ),
    ("examples/axum/README.md", "rust", 1, Compiled),
    ("incident-core/README.md", "rust", 2, Compiled),
    ("incident-pagers/README.md", "rust", 1, Compiled),
    ("incident-store-memory/README.md", "rust", 1, Compiled),
    (
        "incident-store-postgres/README.md",
        "rust,no_run",
        1,
        Compiled,
    ),
];

/// Returns the blocks of a text with their languages.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(fence) = lines.by_ref().find(|line| line.starts_with("```")) {
        let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        found.push((fence.trim_start_matches('`'), code.join("\n")));
    }
    found
}

fn block(path: &str, language: &str) -> String {
    let text = read(path);
    let of_language = |(found, code)| (found == language).then_some(code);
    blocks(&text).into_iter().find_map(of_language).unwrap()
}

#[test]
fn every_block_of_code_is_covered_by_a_test() {
    let mut found = BTreeMap::new();
    for file in files(&root(), "md") {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        for (language, _) in blocks(&text) {
            *found
                .entry((name.clone(), language.to_owned()))
                .or_default() += 1;
        }
    }
    let listed: BTreeMap<(String, String), usize> = BLOCKS
        .iter()
        .map(|(file, language, count, _)| (((*file).to_owned(), (*language).to_owned()), *count))
        .collect();
    assert_eq!(found, listed);
    let sources = files(&root(), "rs");
    let code: Vec<String> = sources
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    for (file, language, _, covered) in &BLOCKS {
        match covered {
            By(test) => assert!(
                code.iter()
                    .any(|text| text.contains(&format!("fn {test}("))),
                "{file}: {language}: there is no test {test}"
            ),
            Compiled => assert!(
                language.starts_with("rust") && !language.contains("ignore"),
                "{file}: {language}"
            ),
            Drawing => assert!(language.is_empty(), "{file}: {language}"),
        }
    }
}

/// Benches, scripts and test targets that the documents name.
#[test]
fn every_command_of_contributing_exists() {
    let mut checked = 0;
    for file in ["CONTRIBUTING.md", "examples/usage-clickhouse/README.md"] {
        let text = read(file);
        let shell = blocks(&text)
            .into_iter()
            .filter(|(language, _)| *language == "sh");
        let commands: Vec<String> = shell.map(|(_, code)| code).collect();
        for line in commands.iter().flat_map(|code| code.lines()) {
            let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().collect();
            for pair in words.windows(2) {
                let exists = match *pair {
                    ["--bench", name] => root().join(format!("benches/benches/{name}.rs")).exists(),
                    ["--test", name] => files(&root(), "toml").iter().any(|manifest| {
                        let text = fs::read_to_string(manifest).unwrap();
                        text.contains(&format!("name = \"{name}\""))
                            || manifest.with_file_name(format!("tests/{name}.rs")).exists()
                    }),
                    ["run", name] if words.contains(&"fuzz") => root()
                        .join(format!("tests/fuzz/fuzz_targets/{name}.rs"))
                        .exists(),
                    _ => continue,
                };
                assert!(exists, "{file}: {line}");
                checked += 1;
            }
            let is_script = |word: &&&str| word.starts_with("scripts/") || word.starts_with(".ci/");
            if let Some(script) = words.first().filter(is_script) {
                assert!(root().join(script).exists(), "{file}: {line}");
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn the_documented_alert_names_metrics_that_exist() {
    let alert = block("docs/metrics.md", "yaml");
    let metrics = read("incident-core/src/engine/metrics.rs");
    let is_name = |word: &&str| word.starts_with("incident_");
    let words = alert.split(|one: char| !one.is_ascii_alphanumeric() && one != '_');
    let names: BTreeSet<&str> = words.filter(is_name).collect();
    assert!(names.len() >= 2, "{alert}");
    for name in names {
        assert!(metrics.contains(&format!("\"{name}\"")), "{name}");
    }
}

/// The members of a batch are those of the snapshot of one that was sent.
#[test]
fn the_documented_batch_has_the_members_of_a_real_one() {
    fn members(value: &Value) -> BTreeSet<&str> {
        value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }
    let documented = block("docs/billing.md", "http");
    let documented = documented.split_once("\n\n").unwrap().1;
    let documented: Value = serde_json::from_str(documented).unwrap();
    let sent = read("incident-pagers/tests/it/snapshots/it__billing__credits_issued.snap");
    let sent: Value = serde_json::from_str(sent.splitn(3, "---\n").nth(2).unwrap()).unwrap();
    assert_eq!(members(&documented), members(&sent));
    let (documented, sent) = (&documented["data"], &sent["data"]);
    assert_eq!(members(documented), members(sent));
    let first = |data: &Value| data["credits"][0].clone();
    let (documented, sent) = (first(documented), first(sent));
    assert_eq!(members(&documented), members(&sent));
    assert_eq!(members(&documented["amount"]), members(&sent["amount"]));
}
