//! Test pages that are open: each ends by itself, at the latest when the
//! console stops, so that no test alert is left behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use incident_core::engine::Incidents;
use incident_core::paging::PagerTest;

/// How long a test page rings before it is resolved.
pub const LASTS: Duration = Duration::from_secs(60);

/// The test pages that are open, by their key.
#[derive(Clone, Debug, Default)]
pub struct PageTests(Arc<Mutex<BTreeMap<String, PagerTest>>>);

impl PageTests {
    /// Ends a test when it has lasted long enough.
    pub fn end_later(&self, incidents: Incidents, test: PagerTest) {
        let (open, key) = (self.clone(), test.page.dedup_key.clone());
        self.lock().insert(key.clone(), test);
        tokio::spawn(async move {
            tokio::time::sleep(LASTS).await;
            let test = open.lock().remove(&key);
            if let Some(test) = test {
                incidents.end_page_test(&test).await;
            }
        });
    }

    /// Ends every test now.
    pub async fn end_all(&self, incidents: &Incidents) {
        let open = std::mem::take(&mut *self.lock());
        for test in open.values() {
            incidents.end_page_test(test).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, PagerTest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
