//! The number of connections that the process's file descriptors allow.

use std::io;

/// Assumed limit if the system does not report it: the soft limit of macOS, the lowest of the
/// common ones.
const ASSUMED: u64 = 256;
/// Descriptors of the process itself: standard streams, listener, runtime, signals, files.
const OWN: usize = 16;
/// Minimum number of descriptors reserved for requests to vendors, one socket each.
const PAGERS: usize = 16;
/// Maximum number reserved for them: the loop runs 16 passes of 32 pages each.
const ALL_PAGERS: usize = 16 * 32;
/// Minimum number of connections of a useful server.
const FEWEST: usize = 8;
/// Maximum number of connections, whatever the limit of descriptors: each costs memory.
const MAX_CONNECTIONS: usize = 4_096;

/// Returns the number of descriptors that the process may open.
pub(super) fn limit() -> u64 {
    soft_limit().unwrap_or(ASSUMED)
}

#[cfg(unix)]
fn soft_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    // `None` means unlimited.
    Some(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}

#[cfg(not(unix))]
fn soft_limit() -> Option<u64> {
    None
}

/// Returns the maximum number of connections under a limit of descriptors, after subtracting those
/// of the process, those of the store's pools, and a quarter for pagers.
pub(super) fn connections(limit: u64, store: usize) -> usize {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let pagers = (limit / 4).clamp(PAGERS, ALL_PAGERS);
    limit
        .saturating_sub(OWN + store + pagers)
        .clamp(FEWEST, MAX_CONNECTIONS)
}

/// Returns whether an error is caused by a lack of descriptors.
pub(super) fn are_used_up(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        [Errno::MFILE, Errno::NFILE]
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_left_for_store_and_pagers() {
        for (limit, store, expected) in [
            (64, 0, 32),
            (64, 24, 8),
            (128, 0, 80),
            (128, 24, 56),
            (1_024, 24, 728),
            (65_536, 24, MAX_CONNECTIONS),
            (u64::MAX, 24, MAX_CONNECTIONS),
            (0, 0, FEWEST),
        ] {
            let most = connections(limit, store);
            assert_eq!(most, expected, "{limit} descriptors, {store} for the store");
        }
    }
}
