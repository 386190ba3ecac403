//! Estimates with their bounds.

use super::ImpactCounts;
use crate::TenantId;

/// An estimate with its bounds: the truth lies between them 95 times of 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The most likely number.
    pub users: u64,
    /// Two standard deviations below.
    pub lower: u64,
    /// Two standard deviations above.
    pub upper: u64,
}

impl Estimate {
    /// An estimate with the same relative error above and below, in parts of a million.
    ///
    /// ```
    /// use incident_core::impact::Estimate;
    /// let found = Estimate::within(200_000, 5_750);
    /// assert_eq!((found.lower, found.upper), (198_850, 201_150));
    /// ```
    #[must_use]
    pub fn within(users: u64, relative_error_ppm: u32) -> Self {
        let off = u128::from(users) * u128::from(relative_error_ppm);
        let off = u64::try_from(off.div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Self {
            users,
            lower: users.saturating_sub(off),
            upper: users.saturating_add(off),
        }
    }
}

/// The answer to an [`ImpactQuery`](super::ImpactQuery) that is estimated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImpactEstimates {
    /// Every tenant of the question, in its order, empty ones too.
    pub by_tenant: Vec<(TenantId, Estimate)>,
    /// All of them together: somebody in two counts once.
    pub total: Estimate,
    /// Two standard deviations of the source's way of estimating, in parts of a million.
    pub relative_error_ppm: u32,
}

/// What was counted exactly is an estimate without error.
impl From<ImpactCounts> for ImpactEstimates {
    fn from(counts: ImpactCounts) -> Self {
        let rows = counts.by_tenant.into_iter();
        Self {
            by_tenant: rows
                .map(|row| (row.tenant, Estimate::within(row.unique_users, 0)))
                .collect(),
            total: Estimate::within(counts.total_unique_users, 0),
            relative_error_ppm: 0,
        }
    }
}
