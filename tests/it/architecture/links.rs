//! Links between the documents lead somewhere.

use std::fs;

use super::{files, root};

/// Returns the targets of the links in a text, `[words](target)`, outside of code.
fn targets(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        // Every second part lies between backticks.
        for plain in line.split('`').step_by(2) {
            let ends = plain.split("](").skip(1);
            found.extend(ends.filter_map(|rest| rest.split(')').next()));
        }
    }
    found
}

/// Returns the anchor of a heading, as the forge makes it.
fn anchor_of(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|one| one.is_alphanumeric() || " -_".contains(*one));
    let words: String = kept.collect();
    words.trim().to_lowercase().replace(' ', "-")
}

fn has_anchor(text: &str, anchor: &str) -> bool {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let mut anchors = headings.map(|line| anchor_of(line.trim_start_matches('#')));
    anchors.any(|one| one == anchor)
}

#[test]
fn links_between_documents_lead_somewhere() {
    let files = files(&root(), "md");
    let mut seen = 0;
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("crate::") || target.contains("::") {
                continue;
            }
            seen += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = file.parent().unwrap();
            let to = if path.is_empty() {
                file.clone()
            } else {
                folder.join(path)
            };
            assert!(to.exists(), "{}: {target}", file.display());
            if !anchor.is_empty() {
                let text = fs::read_to_string(&to).unwrap();
                assert!(has_anchor(&text, anchor), "{}: {target}", file.display());
            }
        }
    }
    assert!(seen > 40, "{seen} links");
}

#[test]
fn targets_are_found_outside_of_code() {
    let text = "[a](b.md) `[c](d)` and [`e`](f.md#g)\n```\n[h](i)\n```\n";
    assert_eq!(targets(text), ["b.md", "f.md#g"]);
    assert_eq!(anchor_of(" In time, `x` "), "in-time-x");
}
