//! Conflicts between processes.

/// How often a command is decided anew when another process was faster. In one
/// process commands on an incident queue, so a conflict needs a second writer
/// or a page's outcome.
pub(super) const MAX_CONFLICT_RETRIES: u32 = 16;
