//! The system clock and random ids: the adapters of the ports `Clock` and `IdGen`.

#![expect(
    clippy::disallowed_methods,
    reason = "the one implementation of the ports Clock and IdGen"
)]

use uuid::{ContextV7, Uuid};

use crate::port::{Clock, IdGen};
use crate::{Salt, Timestamp};

/// The system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_chrono(chrono::Utc::now()).unwrap_or(Timestamp::MIN)
    }
}

/// Random ids and salts from the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl IdGen for SystemIds {
    fn sortable(&self, now: Timestamp) -> Uuid {
        let micros = now.micros().unsigned_abs();
        let nanos = u32::try_from(micros % 1_000_000).unwrap_or(0) * 1_000;
        Uuid::new_v7(uuid::Timestamp::from_unix(
            ContextV7::new(),
            micros / 1_000_000,
            nanos,
        ))
    }

    fn random(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn salt(&self) -> Salt {
        Salt(Uuid::new_v4().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9562, section 5.7: the milliseconds since 1970 come first.
    #[test]
    fn sortable_ids_hold_their_time() {
        for time in [
            "1970-01-01T00:00:00Z",
            "2026-11-20T22:15:00.007Z",
            "2026-11-20T22:15:00.999999Z",
        ] {
            let now: Timestamp = time.parse().unwrap();
            let id = SystemIds.sortable(now);
            let millis = id.as_u128() >> 80;
            assert_eq!(
                millis,
                u128::from(now.micros().unsigned_abs() / 1_000),
                "{time}"
            );
            assert_eq!(id.get_version_num(), 7);
        }
    }

    #[test]
    fn ids_and_salts_are_never_the_same() {
        let now = SystemClock.now();
        assert!(now.micros() > 1_700_000_000_000_000);
        assert_ne!(SystemIds.sortable(now), SystemIds.sortable(now));
        assert_ne!(SystemIds.random(), SystemIds.random());
        assert_ne!(SystemIds.salt(), SystemIds.salt());
    }
}
