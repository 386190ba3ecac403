//! Checks of the page that a browser shows, with their findings.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use incident_test_browser::{AccessibilityFinding, Browser, MediaPreferences};

/// A width with the height of a device that has it, in CSS pixels.
pub(crate) type Size = (u32, u32);

/// The smallest phone; a desktop at a zoom of 400 % has the same width (WCAG 2.2, 1.4.10).
pub(crate) const SMALL_PHONE: Size = (320, 640);
pub(crate) const PHONE: Size = (390, 844);
pub(crate) const DESKTOP: Size = (1_280, 800);

/// The findings that axe-core could not decide, of all tests of this run.
static INCOMPLETE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Checks of pages in a browser, with their findings so far.
pub(crate) struct Inspection<'b> {
    browser: &'b Browser,
    page: String,
    size: Size,
    findings: Vec<String>,
}

impl<'b> Inspection<'b> {
    pub(crate) fn of(browser: &'b Browser) -> Self {
        Self {
            browser,
            page: String::new(),
            size: DESKTOP,
            findings: Vec::new(),
        }
    }

    /// Begins with a page, which findings name.
    pub(crate) fn begin(&mut self, page: String) {
        self.page = page;
    }

    /// Adds findings about the page.
    pub(crate) fn add(&mut self, findings: Vec<String>) {
        let place = format!("{} at {} px", self.page, self.size.0);
        let named = findings.into_iter().map(|one| format!("{place}: {one}"));
        self.findings.extend(named);
    }

    /// Shows the page, and all that are opened later, in a size.
    pub(crate) async fn size(&mut self, size: Size) {
        self.size = size;
        self.browser.set_viewport(size.0, size.1).await.unwrap();
    }

    /// Shows the page in a size, and looks at its layout: nothing scrolls sideways, sticks out or cuts
    /// off its text.
    pub(crate) async fn layout(&mut self, size: Size) {
        self.size(size).await;
        self.add(self.browser.sideways_scroll().await.unwrap());
        self.add(self.browser.elements_outside().await.unwrap());
        self.add(self.browser.clipped_texts().await.unwrap());
    }

    /// Checks the page by the rules of axe-core in both themes; it is light afterwards.
    pub(crate) async fn rules_in_both_themes(&mut self) {
        for dark in [true, false] {
            let media = MediaPreferences {
                dark,
                ..MediaPreferences::default()
            };
            self.browser.set_media(media).await.unwrap();
            self.rules().await;
        }
    }

    /// Checks the page by the rules of axe-core.
    pub(crate) async fn rules(&mut self) {
        let report = self.browser.accessibility().await.unwrap();
        self.add(report.violations.iter().map(ToString::to_string).collect());
        let place = format!("{} at {} px", self.page, self.size.0);
        let lines = report.incomplete.iter().flat_map(|one| lines(&place, one));
        INCOMPLETE.lock().unwrap().extend(lines);
    }

    /// Walks over the page by Tab.
    pub(crate) async fn keys(&mut self) {
        let walk = self.browser.walk_by_tab().await.unwrap();
        assert!(walk.is_complete, "{}: {:?}", self.page, walk.stops.last());
        assert!(walk.stops.len() > 2, "{}: {:?}", self.page, walk.stops);
        self.add(walk.findings);
    }

    /// Returns all findings, and writes down what a person has to look at.
    pub(crate) fn end(self) -> Vec<String> {
        let lines = INCOMPLETE.lock().unwrap();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
        fs::write(target.join("axe-incomplete.txt"), text).unwrap();
        self.findings
    }
}

/// Returns a line for each part of the page that a rule is about.
fn lines(place: &str, finding: &AccessibilityFinding) -> Vec<String> {
    let nodes = finding.nodes.iter();
    let line = |selector: &str, summary: &str| {
        let summary = summary.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{place}: {}: {selector}: {summary}", finding.rule)
    };
    nodes
        .map(|node| line(&node.selector, &node.summary))
        .collect()
}
