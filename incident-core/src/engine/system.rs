//! The clock and the dice of the system: the one place in core that has either.

#![expect(
    clippy::disallowed_methods,
    reason = "the one implementation of the ports Clock and IdGen"
)]

use uuid::{ContextV7, Uuid};

use crate::port::{Clock, IdGen};
use crate::{Salt, Timestamp};

/// The system's clock.
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
