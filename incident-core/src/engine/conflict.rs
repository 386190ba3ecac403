//! The retry limit for conflicts between processes.

/// Maximum attempts of a command when another process is faster. Within one process commands on an
/// incident queue, so a conflict needs a second writer or the outcome of a page.
pub(super) const MAX_CONFLICT_RETRIES: u32 = 16;
