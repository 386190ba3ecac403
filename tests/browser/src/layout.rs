//! Checks of the layout: nothing is wider than the viewport, and no text is cut off.

use std::io;

use crate::browser::Browser;
use crate::remote::text;

const SIDEWAYS: &str = include_str!("scripts/sideways.js");
const OUTSIDE: &str = include_str!("scripts/outside.js");
const CLIPPED: &str = include_str!("scripts/clipped.js");

impl Browser {
    /// Returns a sentence if the page scrolls sideways; it names the element that reaches farthest.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn sideways_scroll(&self) -> io::Result<Vec<String>> {
        self.sentences(SIDEWAYS).await
    }

    /// Returns a sentence for each element that sticks out of the viewport at its sides, at most
    /// 20. Elements inside of one are not named, nor are those that are hidden from sight, such as
    /// links to skip to the content, and those inside of a part that scrolls or clips by itself.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn elements_outside(&self) -> io::Result<Vec<String>> {
        self.sentences(OUTSIDE).await
    }

    /// Returns a sentence for each element that cuts off its text, at its side or by half a line
    /// or more at its bottom, at most 20; also those that end in an ellipsis. Elements that are
    /// hidden from sight, fields, in which a person moves, and links that end after some lines
    /// (`line-clamp`), which lead to the whole, are not named.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn clipped_texts(&self) -> io::Result<Vec<String>> {
        self.sentences(CLIPPED).await
    }

    /// Runs a script that gives a list of sentences.
    async fn sentences(&self, script: &str) -> io::Result<Vec<String>> {
        let found = self.evaluate_on_elements(script, &[]).await?;
        let found = found.as_array().into_iter().flatten();
        found.map(text).collect()
    }
}
