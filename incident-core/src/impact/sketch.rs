//! Estimates of distinct users.

use std::fmt;

use datasketches::common::NumStdDev;
use datasketches::hll::{HllSketch, HllType, HllUnion};

use super::{ImpactCounts, TenantCount, compact};
use crate::{TenantId, ValidationError};

/// The base-2 logarithm of the number of registers in a sketch.
const REGISTERS: u8 = 14;

/// The relative error of two standard deviations, in parts per million: 2 × 1.04 / √2^14.
///
/// An estimate of distinct users is within it 95 times of 100.
pub const RELATIVE_ERROR_PPM: u32 = 16_250;

/// An estimate with its bounds: the true number lies between them 95 times of 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The most likely number.
    pub users: u64,
    /// The lower bound: two standard deviations below.
    pub lower: u64,
    /// The upper bound: two standard deviations above.
    pub upper: u64,
}

/// A HyperLogLog sketch of distinct users, in the format of Apache DataSketches.
///
/// It takes at most some kilobytes and knows its error. Sketches of one tenant from several places
/// are merged without loss: each user counts once, wherever and however often it occurs. Small ones
/// are exact.
///
/// ```
/// use incident_core::impact::Sketch;
/// let (mut here, mut there) = (Sketch::new()?, Sketch::new()?);
/// for user in 0..3 { here.add(&format!("user-{user}")); }
/// for user in 1..5 { there.add(&format!("user-{user}")); }
/// here.merge(&Sketch::from_bytes(&there.to_bytes())?)?;
/// assert_eq!(here.estimate().users, 5);
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone)]
pub struct Sketch(HllSketch);

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sketch").field(&self.estimate()).finish()
    }
}

/// The result of an [`ImpactQuery`](super::ImpactQuery), as sketches.
///
/// Those of several shards are merged before they are converted to [`ImpactCounts`].
#[derive(Clone, Debug)]
pub struct ImpactSketches {
    /// Every tenant of the query, in its order, including empty ones.
    pub by_tenant: Vec<(TenantId, Sketch)>,
    /// All tenants together: a user of two tenants counts once.
    pub total: Sketch,
}

impl From<ImpactSketches> for ImpactCounts {
    fn from(sketches: ImpactSketches) -> Self {
        let row = |(tenant, sketch): (TenantId, Sketch)| {
            let found = sketch.estimate();
            TenantCount {
                tenant,
                unique_users: found.users,
                bounds: Some((found.lower, found.upper)),
            }
        };
        let total = sketches.total.estimate();
        Self {
            by_tenant: sketches.by_tenant.into_iter().map(row).collect(),
            total_unique_users: total.users,
            total_bounds: Some((total.lower, total.upper)),
            relative_error_ppm: Some(RELATIVE_ERROR_PPM),
        }
    }
}

fn unfit(_: datasketches::error::Error) -> ValidationError {
    ValidationError::new(
        "sketch",
        "an Apache DataSketches HyperLogLog sketch with 2^14 registers",
    )
}

impl Sketch {
    /// Creates an empty sketch.
    ///
    /// # Errors
    /// Never fails: its size is a valid constant.
    pub fn new() -> Result<Self, ValidationError> {
        HllSketch::new(REGISTERS, HllType::Hll8)
            .map(Self)
            .map_err(unfit)
    }

    /// Adds a user.
    pub fn add(&mut self, user: &str) {
        match compact(user) {
            Some(bits) => self.add_compact(bits),
            None => self.0.update(user),
        }
    }

    /// Adds a user by its [compact](compact) form.
    pub fn add_compact(&mut self, bits: u128) {
        self.0.update(bits);
    }

    /// Adds all users of another sketch.
    ///
    /// # Errors
    /// Never fails: both have the same size.
    pub fn merge(&mut self, other: &Self) -> Result<(), ValidationError> {
        let mut union = HllUnion::new(REGISTERS).map_err(unfit)?;
        union.update(&self.0);
        union.update(&other.0);
        self.0 = union.to_sketch(HllType::Hll8);
        Ok(())
    }

    /// Estimates the number of users.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate {
            users: whole(self.0.estimate()),
            lower: whole(self.0.lower_bound(NumStdDev::Two)),
            upper: whole(self.0.upper_bound(NumStdDev::Two)),
        }
    }

    /// Writes the sketch in the format of Apache DataSketches.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.serialize()
    }

    /// Reads a sketch in the format of Apache DataSketches.
    ///
    /// # Errors
    /// Fails if the bytes are not a sketch of this size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ValidationError> {
        let read = HllSketch::deserialize(bytes).map_err(unfit)?;
        if read.lg_config_k() == REGISTERS {
            Ok(Self(read))
        } else {
            Err(ValidationError::new(
                "sketch",
                "a HyperLogLog sketch with 2^14 registers",
            ))
        }
    }
}

/// Rounds to the nearest whole number; never negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate of people is not negative, and far from 2^53"
)]
fn whole(estimate: f64) -> u64 {
    estimate.round().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 500 tenants of very different size, 95 of 100 are within two deviations, all within four.
    #[test]
    #[expect(clippy::cast_precision_loss, reason = "a test of an estimate")]
    fn estimates_keep_their_promise() {
        let (mut within, mut bounded) = (0, 0);
        for tenant in 0..500_u64 {
            let users = 100 + tenant * tenant / 3;
            let mut halves = [Sketch::new().unwrap(), Sketch::new().unwrap()];
            for user in 0..users {
                // Every third one is in both.
                let name = format!("{tenant}/{user}");
                if user % 3 != 1 {
                    halves[0].add(&name);
                }
                if user % 3 != 2 {
                    halves[1].add(&name);
                }
            }
            let [mut all, other] = halves;
            all.merge(&other).unwrap();
            let found = all.estimate();
            let error = (found.users as f64 - users as f64).abs() / users as f64;
            let two = f64::from(RELATIVE_ERROR_PPM) / 1e6;
            within += u32::from(error <= two);
            bounded += u32::from((found.lower..=found.upper).contains(&users));
            assert!(error <= 2.0 * two, "{users}: {found:?}");
        }
        assert!(within >= 475 && bounded >= 475, "{within} {bounded}");
    }

    #[test]
    fn only_whole_sketches_are_read() {
        let mut sketch = Sketch::new().unwrap();
        for user in 0..50_000 {
            sketch.add(&format!("u{user}"));
        }
        let bytes = sketch.to_bytes();
        let again = Sketch::from_bytes(&bytes).unwrap();
        assert_eq!(again.estimate(), sketch.estimate());
        for length in [0, 1, 7, 40, bytes.len() - 1] {
            assert!(Sketch::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        let small = HllSketch::new(10, HllType::Hll8).unwrap().serialize();
        assert!(Sketch::from_bytes(&small).is_err());
    }
}
