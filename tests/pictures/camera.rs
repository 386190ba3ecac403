//! A browser that takes the pictures, and looks at what else it notices.

use std::io;

use incident_test_browser::{Browser, MediaPreferences};

use crate::consoles::{PageVisit, SeededConsole};
use crate::picture::Picture;

/// A browser before a seeded console.
pub(crate) struct Camera<'s> {
    browser: Browser,
    seeded: &'s SeededConsole,
}

impl<'s> Camera<'s> {
    pub(crate) async fn start(seeded: &'s SeededConsole) -> io::Result<Self> {
        Ok(Self {
            browser: Browser::start(1_280, 800).await?,
            seeded,
        })
    }

    /// Takes a picture, and returns it with its findings.
    pub(crate) async fn take(&self, picture: &Picture) -> io::Result<(Vec<u8>, Vec<String>)> {
        let (width, height) = picture.size;
        self.browser.set_viewport(width, height).await?;
        let media = MediaPreferences {
            dark: picture.dark,
            ..MediaPreferences::default()
        };
        self.browser.set_media(media).await?;
        let visit = PageVisit::open(&self.browser, self.seeded, picture.page).await?;
        let image = self.browser.picture().await?;
        let mut findings = self.browser.sideways_scroll().await?;
        findings.extend(visit.findings(&self.browser).await?);
        Ok((image, findings))
    }

    pub(crate) async fn stop(self) -> io::Result<()> {
        self.browser.stop().await
    }
}
