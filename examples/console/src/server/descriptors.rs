//! How many connections the descriptors of the process allow.

use std::io;

/// Assumed where the system does not tell: the soft limit that macOS gives, the lowest of
/// the usual ones.
const ASSUMED: u64 = 256;
/// Descriptors of the process itself: standard streams, listener, runtime, signals, files.
const OWN: usize = 16;
/// At least so many are kept for requests to vendors, each of which is a socket.
const PAGERS: usize = 16;
/// At most so many are: the loop runs 16 passes of 32 pages each.
const ALL_PAGERS: usize = 16 * 32;
/// Fewer connections would be no server.
const FEWEST: usize = 8;
/// More are never open, whatever the limit of descriptors: each costs memory.
const MAX_CONNECTIONS: usize = 4_096;

/// Returns the descriptors that the process may open.
pub(super) fn limit() -> u64 {
    soft_limit().unwrap_or(ASSUMED)
}

#[cfg(unix)]
fn soft_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    // None is without a limit.
    Some(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}

#[cfg(not(unix))]
fn soft_limit() -> Option<u64> {
    None
}

/// Returns the most connections under a limit of descriptors: without those of the process
/// itself, those of the store's pools, and a quarter for pagers.
pub(super) fn connections(limit: u64, store: usize) -> usize {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let pagers = (limit / 4).clamp(PAGERS, ALL_PAGERS);
    limit
        .saturating_sub(OWN + store + pagers)
        .clamp(FEWEST, MAX_CONNECTIONS)
}

/// Tells an error of too few descriptors from others.
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
