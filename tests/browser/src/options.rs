//! Choices that a browser needs at its start.

/// The choices that cannot be changed once a browser runs.
#[derive(Clone, Debug)]
pub struct BrowserOptions {
    /// Width of the window, in pixels.
    pub width: u32,
    /// Height of the window, in pixels.
    pub height: u32,
    /// Languages that the browser accepts, the preferred one first, as language tags such as
    /// `de-DE`. They make the header `Accept-Language` and `navigator.languages`.
    pub languages: Vec<String>,
}

impl BrowserOptions {
    /// Returns the choices for a window of `width` by `height` pixels whose reader takes American
    /// English.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            languages: vec!["en-US".to_owned(), "en".to_owned()],
        }
    }

    /// Sets the accepted languages, the preferred one first.
    #[must_use]
    pub fn languages(mut self, languages: &[&str]) -> Self {
        self.languages = languages.iter().map(|&one| one.to_owned()).collect();
        self
    }
}
