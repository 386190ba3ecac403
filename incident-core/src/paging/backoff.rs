//! Waits between delivery attempts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Exponential backoff with jitter and a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// The maximum wait.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            cap: Duration::from_secs(60),
        }
    }
}

/// Maximum wait that a vendor may request. `Retry-After` may be any date (RFC 9110, 10.2.3), and a
/// misconfigured proxy of a vendor must not silence a page.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(15 * 60);

/// Limits the wait that a vendor requests (`Retry-After`, RFC 9110, 10.2.3) to 15 minutes.
#[must_use]
pub fn clamp_retry_after(retry_after: Duration) -> Duration {
    retry_after.min(RETRY_AFTER_CAP)
}

impl Backoff {
    /// Returns the wait after `attempts` attempts: between half and all of
    /// `first * 2^(attempts - 1)`, or of `cap` if that is less.
    ///
    /// `seed` spreads messages apart: the same seed and attempt always give the same wait, two
    /// seeds do not.
    #[must_use]
    pub fn wait(&self, attempts: u32, seed: u64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(20);
        let full = self.first.saturating_mul(1 << doublings).min(self.cap);
        let half = full / 2;
        let span = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_micros(scramble(seed ^ u64::from(attempts)) % span)
    }
}

/// Returns `seed` scrambled by one round of `SplitMix64` (Sebastiano Vigna).
const fn scramble(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_under_the_cap_and_differ_between_messages() {
        let backoff = Backoff::default();
        for seed in 0..1_000 {
            for attempts in 1..40 {
                let wait = backoff.wait(attempts, seed);
                let full = Duration::from_secs(1 << (attempts - 1).min(6)).min(backoff.cap);
                assert!(
                    full / 2 <= wait && wait <= full,
                    "{attempts}: {wait:?} of {full:?}"
                );
            }
        }
        assert_ne!(backoff.wait(3, 1), backoff.wait(3, 2));
        assert_eq!(backoff.wait(3, 1), backoff.wait(3, 1));
    }

    #[test]
    fn every_message_and_every_attempt_waits_its_own_time() {
        let backoff = Backoff::default();
        // Seeds that agree in the bits of the attempt, and seeds that differ only in them.
        for (one, other) in [(4, 12), (4, 5), (1 << 40, 1 << 41)] {
            assert_ne!(backoff.wait(3, one), backoff.wait(3, other));
        }
        // At the cap, attempts differ only by their jitter.
        assert_ne!(backoff.wait(8, 1), backoff.wait(9, 1));
    }

    /// The first outputs of the reference implementation for the seeds 0 and 1234567.
    #[test]
    fn noise_is_that_of_splitmix64() {
        assert_eq!(scramble(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(scramble(1_234_567), 6_457_827_717_110_365_317);
    }
}
