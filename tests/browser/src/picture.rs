//! Pictures of pages.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::browser::Browser;

/// Maximum height of a picture, in CSS pixels; what is below is cut off.
pub const PICTURE_HEIGHT: u32 = 12_000;

/// Gives width of the viewport and height of the page, in CSS pixels.
const SIZE: &str = "const page = document.documentElement; \
    return [page.clientWidth, Math.max(page.scrollHeight, page.clientHeight)];";

impl Browser {
    /// Returns a picture of the whole page as PNG: as wide as the viewport, as high as the page, at
    /// most [`PICTURE_HEIGHT`].
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn picture(&self) -> io::Result<Vec<u8>> {
        let size = self.evaluate(SIZE, &[]).await?;
        let side = |place: usize| {
            let side = size.get(place).and_then(Value::as_u64);
            side.unwrap_or(1).clamp(1, u64::from(PICTURE_HEIGHT))
        };
        let wanted = json!({
            "format": "png",
            "captureBeyondViewport": true,
            "clip": {"x": 0, "y": 0, "width": side(0), "height": side(1), "scale": 1},
        });
        let taken = self.devtools("Page.captureScreenshot", &wanted).await?;
        let data = taken.get("data").and_then(Value::as_str);
        let data = data.ok_or_else(|| io::Error::other("the browser took no picture"))?;
        STANDARD.decode(data).map_err(io::Error::other)
    }
}
