//! Readers with a device, a language, and scripts or none.

use incident_core::{Timestamp, Zone};
use incident_test_browser::{Browser, BrowserOptions};
use serde_json::{Value, json};

use crate::inspection::{Inspection, Size};
use crate::people::{choose, click, fill, is_true, value};

/// A reader. Languages, sizes and scripts are spread over the readers of a scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrowserReader {
    pub(crate) language: &'static str,
    pub(crate) size: Size,
    pub(crate) has_scripts: bool,
    pub(crate) zone: &'static str,
}

/// English words of the pages, which mean nothing in French and German.
const ENGLISH: [&str; 20] = [
    "Severity",
    "Started",
    "Elapsed",
    "Timeline",
    "Customers",
    "Expected",
    "Acknowledge",
    "Tenants",
    "Sign in",
    "Declare",
    "Approve",
    "Waive",
    "Month",
    "Outage",
    "Display",
    "Update",
    "Publish",
    "Language",
    "Apply",
    "Times in",
];

/// Gives the texts of the page that are neither written by people nor marked as the server's English.
const TEXTS: &str = r"(() => {
    const of = (node) => node.nodeType === Node.TEXT_NODE ? node.data
        : node.nodeType !== Node.ELEMENT_NODE || node.matches('script, bdi, code, .mono, [dir=auto], :not(html)[lang], datalist') ? ''
        : [node.getAttribute('aria-label') || '', ...[...node.childNodes].map(of)].join(' ');
    return of(document.documentElement);
})()";

impl BrowserReader {
    /// Starts the browser of the reader.
    pub(crate) async fn browser(&self) -> Browser {
        let (width, height) = self.size;
        let options = BrowserOptions::new(width, height).languages(&[self.language]);
        let browser = Browser::start_with(&options).await.unwrap();
        browser.set_viewport(width, height).await.unwrap();
        browser.set_zone(self.zone).await.unwrap();
        browser.set_scripts(self.has_scripts).await.unwrap();
        browser
    }

    /// Sets the zone in which times are shown and read. A script has found it already.
    pub(crate) async fn set_zone(&self, browser: &Browser) {
        if !self.has_scripts {
            click(browser, "#display summary").await;
            fill(browser, "#zone", self.zone).await;
            choose(browser, "#theme", "dark").await;
            click(browser, "#display button").await;
            is_true(browser, "document.documentElement.dataset.theme === 'dark'").await;
        }
        let zone = Value::from(self.zone);
        is_true(
            browser,
            &format!("document.querySelector('footer').innerText.includes({zone})"),
        )
        .await;
    }

    /// Sets the value of a field for a time, as a person does with keys that depend on the system.
    pub(crate) async fn set_time(&self, browser: &Browser, id: &str, time: Timestamp) {
        let zone: Zone = self.zone.parse().unwrap();
        let offset = i64::from(zone.offset_at(time));
        let shift = std::time::Duration::from_secs(offset.unsigned_abs());
        let local = if offset < 0 {
            time.saturating_sub(shift)
        } else {
            time.saturating_add(shift)
        };
        let local = &local.to_string()[..16];
        let set = format!(
            "((document.getElementById({}).value = {}), true)",
            json!(id),
            json!(local)
        );
        value(browser, &set).await;
        let set = browser
            .find(&format!("#{id}"))
            .await
            .unwrap()
            .property("value")
            .await;
        assert_eq!(set.unwrap(), local);
    }

    /// Asserts that the page is in the reader's language, and in no other one, and that it has no
    /// faults on the reader's device.
    pub(crate) async fn reads(&self, browser: &Browser) {
        let mut inspection = Inspection::of(browser);
        inspection.begin(format!(
            "{} in {}",
            browser.address().await.unwrap(),
            self.language
        ));
        inspection.layout(self.size).await;
        inspection.rules().await;
        let findings = inspection.end();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
        let tag = value(browser, "document.documentElement.lang").await;
        assert_eq!(tag, self.language);
        if self.language == "en" {
            return;
        }
        let texts = value(browser, TEXTS).await;
        let texts = texts.as_str().unwrap();
        assert!(texts.len() > 100, "{texts}");
        for word in ENGLISH {
            assert!(!texts.contains(word), "{word} in {texts}");
        }
    }
}
