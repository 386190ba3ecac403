//! The host's name and style on the status page.

/// The parts of the status page that are the same for all readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// The name of the host.
    pub(crate) name: String,
    /// The name of the style sheet below `/status/assets/`.
    pub(crate) style: String,
}
