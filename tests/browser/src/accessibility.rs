//! The rules of axe-core (WCAG 2.2 A and AA, as far as a program can check them).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::browser::Browser;

/// The version of axe-core and the digest of its file, as `sha256sum` reads them; `scripts/axe`
/// fetches and checks the file.
const CHECKSUM: &str = include_str!("../axe-core.sha256");

const RUN: &str = include_str!("scripts/axe.js");
const IS_LOADED: &str = "return typeof axe === 'object' && typeof axe.run === 'function';";

/// The findings of axe-core on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessibilityReport {
    /// Rules that the page violates.
    pub violations: Vec<AccessibilityFinding>,
    /// Rules that axe-core could not decide on, for a person to look at.
    pub incomplete: Vec<AccessibilityFinding>,
}

/// A rule with the parts of the page that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessibilityFinding {
    /// The name of the rule, such as `color-contrast`.
    pub rule: String,
    /// The impact: `minor`, `moderate`, `serious` or `critical`; empty if unknown.
    pub impact: String,
    /// The rule as a sentence.
    pub help: String,
    /// The parts of the page, at most 50.
    pub nodes: Vec<AccessibilityNode>,
}

/// A part of a page that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessibilityNode {
    /// A CSS selector of it.
    pub selector: String,
    /// Its HTML, cut to 200 characters.
    pub html: String,
    /// The finding of axe-core, in a sentence or more.
    pub summary: String,
}

impl fmt::Display for AccessibilityFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.rule, self.impact, self.help)?;
        for node in &self.nodes {
            write!(f, "\n  {}: {}", node.selector, node.html)?;
            write!(f, "\n    {}", node.summary)?;
        }
        Ok(())
    }
}

impl AccessibilityFinding {
    fn read(value: &Value) -> Self {
        let nodes = value.get("nodes").and_then(Value::as_array);
        let node = |one: &Value| AccessibilityNode {
            selector: member(one, "selector"),
            html: member(one, "html"),
            summary: member(one, "summary"),
        };
        Self {
            rule: member(value, "rule"),
            impact: member(value, "impact"),
            help: member(value, "help"),
            nodes: nodes.into_iter().flatten().map(node).collect(),
        }
    }
}

impl Browser {
    /// Checks the page by the rules of axe-core with the tags `wcag2a`, `wcag2aa`, `wcag21a`,
    /// `wcag21aa` and `wcag22aa`. Works with any content security policy, and on pages that were
    /// opened without scripts, which stay without.
    ///
    /// # Errors
    /// Fails if the file of axe-core is missing, and says how to get it.
    pub async fn accessibility(&self) -> io::Result<AccessibilityReport> {
        let off = self.scripts_off.load(Ordering::SeqCst);
        if off {
            // The rules wait for timers. Scripts that the page left out stay left out.
            self.switch_scripts(true).await?;
        }
        let report = self.report().await;
        if off {
            self.switch_scripts(false).await?;
        }
        report
    }

    async fn report(&self) -> io::Result<AccessibilityReport> {
        if self.evaluate(IS_LOADED, &[]).await? != Value::Bool(true) {
            self.evaluate(&source(&path()?)?, &[]).await?;
        }
        let report = self.run(RUN, &[]).await?;
        if let Some(error) = report.get("error").and_then(Value::as_str) {
            return Err(io::Error::other(format!("axe-core: {error}")));
        }
        let list = |name| -> io::Result<Vec<AccessibilityFinding>> {
            let list = report.get(name).and_then(Value::as_array);
            let list = list.ok_or_else(|| io::Error::other(format!("axe-core gave no {name}")))?;
            Ok(list.iter().map(AccessibilityFinding::read).collect())
        };
        let (violations, incomplete) = (list("violations")?, list("incomplete")?);
        Ok(AccessibilityReport {
            violations,
            incomplete,
        })
    }
}

/// Reads the program of axe-core.
fn source(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        let text = format!(
            "could not read axe-core at {}: {error}; run scripts/axe, which fetches it",
            path.display()
        );
        io::Error::new(error.kind(), text)
    })
}

/// Returns the place of axe-core below the repository, also where a build uses another folder.
fn path() -> io::Result<PathBuf> {
    let file = CHECKSUM.split_whitespace().nth(1);
    let file = file.ok_or_else(|| io::Error::other("expected a digest and a file"))?;
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    Ok(tools.join(file))
}

fn member(value: &Value, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_an_error_that_says_what_to_do() {
        let nowhere = Path::new("nowhere/axe.min.js");
        let error = source(nowhere).unwrap_err().to_string();
        for part in ["nowhere/axe.min.js", "scripts/axe"] {
            assert!(error.contains(part), "{error}");
        }
        let place = path().unwrap();
        assert!(place.ends_with("axe.min.js"), "{}", place.display());
    }
}
