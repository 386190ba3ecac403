//! Keys, and the element that has the focus.

use std::io;

use serde_json::{Value, json};

use crate::browser::Browser;

/// Reads the focused element.
const FOCUSED: &str = include_str!("scripts/focused.js");

/// A key of the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyboardKey {
    /// A key that types a character.
    Character(char),
    /// Tab.
    Tab,
    /// Enter.
    Enter,
    /// The space bar.
    Space,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
    /// Left Shift.
    Shift,
    /// Left Control.
    Control,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
}

impl KeyboardKey {
    /// Returns the value of the key in actions (W3C `WebDriver`, 17.4.2).
    const fn value(self) -> char {
        match self {
            Self::Character(one) => one,
            Self::Tab => '\u{e004}',
            Self::Enter => '\u{e007}',
            Self::Space => ' ',
            Self::Escape => '\u{e00c}',
            Self::Backspace => '\u{e003}',
            Self::Shift => '\u{e008}',
            Self::Control => '\u{e009}',
            Self::Up => '\u{e013}',
            Self::Down => '\u{e015}',
            Self::Left => '\u{e012}',
            Self::Right => '\u{e014}',
        }
    }
}

/// The element that has the focus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FocusedElement {
    /// The name of the element in lower case, such as `button`; `body` if nothing has the focus.
    pub tag: String,
    /// The `id`, or an empty text.
    pub id: String,
    /// The label: of `aria-label`, `label`, the element's text or its `title`, in this order.
    pub label: String,
    /// Left, top, right and bottom edge in the viewport, in whole CSS pixels.
    pub rectangle: [i64; 4],
}

impl FocusedElement {
    pub(crate) fn read(value: &Value) -> Self {
        let text = |name| {
            let text = value.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let edge = |place: usize| {
            let edge = value.pointer(&format!("/rectangle/{place}"));
            edge.and_then(Value::as_i64).unwrap_or_default()
        };
        Self {
            tag: text("tag"),
            id: text("id"),
            label: text("label"),
            rectangle: [edge(0), edge(1), edge(2), edge(3)],
        }
    }
}

impl Browser {
    /// Presses keys one after the other, and releases them in the opposite order: `[Control, Enter]`
    /// is Ctrl+Enter. They go to the focused element.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn press(&self, keys: &[KeyboardKey]) -> io::Result<()> {
        let down = keys.iter().map(|key| event("keyDown", key.value()));
        let up = keys.iter().rev().map(|key| event("keyUp", key.value()));
        self.actions(down.chain(up).collect()).await
    }

    /// Types a text, key by key, into the focused element.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn type_text(&self, text: &str) -> io::Result<()> {
        let keys = text.chars();
        let events = keys.flat_map(|one| [event("keyDown", one), event("keyUp", one)]);
        self.actions(events.collect()).await
    }

    /// Returns the element that has the focus.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn focused(&self) -> io::Result<FocusedElement> {
        let found = self.evaluate_on_elements(FOCUSED, &[]).await?;
        Ok(FocusedElement::read(&found))
    }

    async fn actions(&self, events: Vec<Value>) -> io::Result<()> {
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": events});
        let actions = json!({"actions": [keyboard]});
        self.remote.post("/actions", &actions).await.map(|_| ())
    }
}

fn event(kind: &str, key: char) -> Value {
    json!({"type": kind, "value": key.to_string()})
}
