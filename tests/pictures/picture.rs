//! The pictures to take.

use crate::consoles::{PageRow, State, pages};

/// The pictures of the README: the name of each, and that of its copy.
pub(crate) const KEPT: [(&str, &str); 6] = [
    ("tour/list-1280-light", "list"),
    ("tour/incident-1280-light", "incident"),
    ("tour/sla-1280-dark", "credits"),
    ("tour/status-1280-light", "status"),
    ("tour/list-390-dark", "list-on-a-phone"),
    ("tour/declare-390-light", "declare-on-a-phone"),
];

/// A width with the height of a device that has it, in CSS pixels: a phone and a desktop.
const SIZES: [(u32, u32); 2] = [(390, 844), (1_280, 800)];

/// A picture to take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    state: State,
    pub(crate) page: &'static PageRow,
    pub(crate) size: (u32, u32),
    pub(crate) dark: bool,
}

impl Picture {
    /// Returns the name of the file without its ending.
    pub(crate) fn name(&self) -> String {
        let theme = if self.dark { "dark" } else { "light" };
        let Self {
            state, page, size, ..
        } = self;
        format!("{}/{}-{}-{theme}", state.name(), page.name, size.0)
    }
}

/// Returns all pictures of a state.
pub(crate) fn pictures(state: State) -> impl Iterator<Item = Picture> {
    pages(state).flat_map(move |page| {
        SIZES.into_iter().flat_map(move |size| {
            [false, true].map(|dark| Picture {
                state,
                page,
                size,
                dark,
            })
        })
    })
}
