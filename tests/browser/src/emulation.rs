//! The reader's device and preferences. They hold for the tab that is open, over all pages that it
//! opens, until they are set again; a new tab begins without them.

use std::io;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::browser::Browser;

/// Gives whether the browser knows a time zone.
const KNOWS_ZONE: &str = "try { new Intl.DateTimeFormat('en', {timeZone: arguments[0]}); return true; } \
    catch { return false; }";

/// A reader's preferences about media. The default is a light screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaPreferences {
    /// Prefers dark colours (`prefers-color-scheme`).
    pub dark: bool,
    /// Prefers that nothing moves (`prefers-reduced-motion`).
    pub reduced_motion: bool,
    /// Replaces the colours of pages by their own (`forced-colors`).
    pub forced_colours: bool,
    /// Reads on paper: the styles of `@media print`.
    pub print: bool,
}

impl MediaPreferences {
    fn features(self) -> Value {
        let feature = |name: &str, value: &str| json!({"name": name, "value": value});
        let either = |is_set: bool, yes, no| if is_set { yes } else { no };
        json!([
            feature("prefers-color-scheme", either(self.dark, "dark", "light")),
            feature(
                "prefers-reduced-motion",
                either(self.reduced_motion, "reduce", "no-preference")
            ),
            feature(
                "forced-colors",
                either(self.forced_colours, "active", "none")
            ),
        ])
    }
}

impl Browser {
    /// Sets the viewport to exactly `width` by `height` CSS pixels, one per pixel of the device. A
    /// scroll bar takes no room.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn set_viewport(&self, width: u32, height: u32) -> io::Result<()> {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size)
            .await?;
        let bars = json!({"hidden": true});
        self.devtools("Emulation.setScrollbarsHidden", &bars)
            .await
            .map(|_| ())
    }

    /// Sets the preferences about media.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn set_media(&self, media: MediaPreferences) -> io::Result<()> {
        let name = if media.print { "print" } else { "screen" };
        let wanted = json!({"media": name, "features": media.features()});
        self.devtools("Emulation.setEmulatedMedia", &wanted)
            .await
            .map(|_| ())
    }

    /// Sets the reader's time zone, by its IANA name.
    ///
    /// # Errors
    /// Fails if the browser does not know the zone.
    pub async fn set_zone(&self, name: &str) -> io::Result<()> {
        // An unknown one would be taken, as UTC.
        let known = self.evaluate(KNOWS_ZONE, &[json!(name)]).await?;
        if known != Value::Bool(true) {
            let error = format!("the browser knows no time zone {name:?}");
            return Err(io::Error::other(error));
        }
        let wanted = json!({"timezoneId": name});
        self.devtools("Emulation.setTimezoneOverride", &wanted)
            .await
            .map(|_| ())
    }

    /// Sets the locale in which scripts format numbers and times, such as `de_DE`. The accepted
    /// languages are those of the start.
    ///
    /// # Errors
    /// Fails if the browser does not know the locale.
    pub async fn set_locale(&self, name: &str) -> io::Result<()> {
        let wanted = json!({"locale": name});
        self.devtools("Emulation.setLocaleOverride", &wanted)
            .await
            .map(|_| ())
    }

    /// Switches the scripts of pages on or off, for pages that are opened afterwards. While they are
    /// off, `noscript` is shown, and everything of this crate works, [`run`](Self::run) with the
    /// limit that it names.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn set_scripts(&self, on: bool) -> io::Result<()> {
        self.switch_scripts(on).await?;
        self.scripts_off.store(!on, Ordering::SeqCst);
        Ok(())
    }

    pub(crate) async fn switch_scripts(&self, on: bool) -> io::Result<()> {
        let wanted = json!({"value": !on});
        self.devtools("Emulation.setScriptExecutionDisabled", &wanted)
            .await
            .map(|_| ())
    }

    /// Calls a command of the browser's own protocol (`DevTools`).
    pub(crate) async fn devtools(&self, command: &str, parameters: &Value) -> io::Result<Value> {
        let call = json!({"cmd": command, "params": parameters});
        self.remote.post("/goog/cdp/execute", &call).await
    }
}
