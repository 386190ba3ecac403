//! A walk by Tab over a page: each stop has to be seen.

use std::io;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::keyboard::{FocusedElement, KeyboardKey};

const START: &str = include_str!("scripts/walk_start.js");
const STOP: &str = include_str!("scripts/walk_stop.js");
const END: &str = include_str!("scripts/walk_end.js");

/// Maximum number of stops of a walk.
const MAX_STOPS: usize = 400;

/// The outcome of a walk by Tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TabWalk {
    /// The elements that had the focus, in their order.
    pub stops: Vec<FocusedElement>,
    /// A sentence per fault: an element that is not seen, shows no focus or is covered while it has
    /// the focus, that takes no focus, or that the focus does not leave.
    pub findings: Vec<String>,
    /// Set if the walk reached its end; else it has as many stops as a walk may have, 400.
    pub is_complete: bool,
}

impl Browser {
    /// Walks by Tab from the start of the page to its end. The focus is seen by a difference of the
    /// outline, shadow, border, background or underline of the element, of its pseudo-elements, of
    /// its label or of the two elements around it; colours are not compared with their background.
    /// A field for a date or a time, in which Tab goes from part to part, is one stop. An element is
    /// covered if others are in front of all of its parts (WCAG 2.2, 2.4.11).
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn walk_by_tab(&self) -> io::Result<TabWalk> {
        self.walk(false).await
    }

    /// Walks by Shift+Tab from the end of the page to its start, with the checks of
    /// [`walk_by_tab`](Self::walk_by_tab): the page then scrolls the other way.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn walk_back_by_tab(&self) -> io::Result<TabWalk> {
        self.walk(true).await
    }

    async fn walk(&self, back: bool) -> io::Result<TabWalk> {
        self.evaluate_on_elements(START, &[json!(back)]).await?;
        let keys: &[KeyboardKey] = if back {
            &[KeyboardKey::Shift, KeyboardKey::Tab]
        } else {
            &[KeyboardKey::Tab]
        };
        let mut walk = TabWalk {
            stops: Vec::new(),
            findings: Vec::new(),
            is_complete: false,
        };
        while walk.stops.len() < MAX_STOPS {
            self.press(keys).await?;
            let stop = self.evaluate_on_elements(STOP, &[]).await?;
            walk.findings.extend(sentences(stop.get("findings")));
            if stop.get("is_end") == Some(&Value::Bool(true)) {
                walk.is_complete = true;
                break;
            }
            if stop.get("is_part") != Some(&Value::Bool(true)) {
                walk.stops.push(FocusedElement::read(&stop));
            }
        }
        let missed = self.evaluate_on_elements(END, &[]).await?;
        if walk.is_complete {
            walk.findings.extend(sentences(Some(&missed)));
        }
        Ok(walk)
    }
}

fn sentences(list: Option<&Value>) -> impl Iterator<Item = String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned)
}
