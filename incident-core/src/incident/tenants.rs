//! The tenants that an incident hits, each for a part of its outage.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::times::CLOCK_TOLERANCE;
use crate::impact::TenantWindows;
use crate::window::{Window, Windows};
use crate::{TenantId, Timestamp, ValidationError};

/// Maximum distance of a tenant's times from the outage. A tenant may be hit before monitoring
/// fires and after it clears, but not in another month: such times are a typing mistake.
const FAR: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// Maximum number of tenants in one list; beyond that it is [`Affected::All`].
pub const MAX_TENANTS: usize = 10_000;

/// Maximum length of the names in one list together, in bytes: 10 000 of about 100 bytes.
pub const TENANTS_BYTES: usize = 1024 * 1024;

/// A tenant that is affected, for all of the incident's outage or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct AffectedTenant {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Start of its part; the start of the outage if absent.
    pub from: Option<Timestamp>,
    /// End of its part, exclusive; the end of the outage if absent.
    pub until: Option<Timestamp>,
}

impl AffectedTenant {
    /// Creates a tenant affected by the whole outage.
    #[must_use]
    pub const fn whole(tenant_id: TenantId) -> Self {
        Self {
            tenant_id,
            from: None,
            until: None,
        }
    }

    /// Returns `true` if it was affected by the whole outage.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }

    /// Returns the time in which it may be affected; `None` if that is empty.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        let (from, until) = self.bounds();
        Window::non_empty(from, until)
    }

    fn bounds(&self) -> (Timestamp, Timestamp) {
        (
            self.from.unwrap_or(Timestamp::MIN),
            self.until.unwrap_or(Timestamp::MAX),
        )
    }

    /// Compares two rows of a list: by name and start, and the widest first.
    fn order(&self, other: &Self) -> Ordering {
        let ((from, until), (other_from, other_until)) = (self.bounds(), other.bounds());
        self.tenant_id
            .cmp(&other.tenant_id)
            .then(from.cmp(&other_from))
            .then(other_until.cmp(&until))
    }

    fn covers(&self, other: &Self) -> bool {
        let ((from, until), (other_from, other_until)) = (self.bounds(), other.bounds());
        self.tenant_id == other.tenant_id && from <= other_from && other_until <= until
    }
}

/// The tenants an incident hits. Written as `"all"` or as the list. Clones share the list.
///
/// Serde reads stored lists, and checks none; a list that comes from outside is checked by
/// [`these`](Self::these), and again when a command with it is decided.
///
/// ```
/// use incident_core::incident::{Affected, AffectedTenant};
///
/// let asked = r#"[{"tenant_id": "club-fr"}, {"tenant_id": "club-de", "until": "2026-11-20T22:00:00Z"}]"#;
/// let asked: Vec<AffectedTenant> = serde_json::from_str(asked)?;
/// assert_eq!(Affected::these(asked)?.rows(), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub enum Affected {
    /// All tenants; resolved through a `TenantDirectory` when a report is made.
    All,
    /// These tenants, sorted by name, none twice for the same time.
    These(Arc<[AffectedTenant]>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Wire {
    All(AllWord),
    These(Vec<AffectedTenant>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AllWord {
    All,
}

impl From<Wire> for Affected {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::All(AllWord::All) => Self::All,
            Wire::These(list) => Self::These(list.into()),
        }
    }
}

/// Serializes the list in place: one of ten thousand rows is not copied first.
impl Serialize for Affected {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => AllWord::All.serialize(serializer),
            Self::These(list) => list.as_ref().serialize(serializer),
        }
    }
}

fn check_order_of_times(list: &[AffectedTenant]) -> Result<(), ValidationError> {
    let is_wrong = |one: &AffectedTenant| {
        let times = one.from.zip(one.until);
        times.is_some_and(|(from, until)| until <= from)
    };
    match list.iter().position(is_wrong) {
        None => Ok(()),
        Some(at) => Err(ValidationError::new(
            format!("affected_tenants/{at}/until"),
            "a time after `from`",
        )),
    }
}

fn check_size(list: &[AffectedTenant]) -> Result<(), ValidationError> {
    let bytes: usize = list.iter().map(|one| one.tenant_id.as_str().len()).sum();
    let expected = if list.len() > MAX_TENANTS {
        "at most 10000 tenants, or \"all\""
    } else if bytes > TENANTS_BYTES {
        "tenants whose names total at most 1 MiB, or \"all\""
    } else {
        return Ok(());
    };
    Err(ValidationError::new("affected_tenants", expected))
}

impl Default for Affected {
    /// Returns an empty list.
    fn default() -> Self {
        Self::These(Arc::default())
    }
}

impl Affected {
    /// Creates a checked list: sorted, and without entries that another one covers.
    ///
    /// # Errors
    /// Fails for more than 10 000 tenants or 1 MiB of names, or if an `until` is not after its
    /// `from`.
    pub fn these(tenants: Vec<AffectedTenant>) -> Result<Self, ValidationError> {
        check_order_of_times(&tenants)?;
        let mut sorted = tenants;
        // The widest first among those of one tenant, so that one pass folds them.
        sorted.sort_by(AffectedTenant::order);
        let mut kept: Vec<AffectedTenant> = Vec::with_capacity(sorted.len());
        for tenant in sorted {
            if !kept.last().is_some_and(|last| last.covers(&tenant)) {
                kept.push(tenant);
            }
        }
        check_size(&kept)?;
        Ok(Self::These(kept.into()))
    }

    /// Returns the list as [`these`](Self::these) makes it: serde and the variants make any list. A
    /// list that is so already is not copied.
    ///
    /// # Errors
    /// Fails as [`these`](Self::these) does.
    pub(super) fn normalized(&self) -> Result<Self, ValidationError> {
        let Self::These(list) = self else {
            return Ok(Self::All);
        };
        let is_in_order = |pair: &[AffectedTenant]| match pair {
            [one, next] => one.order(next).is_lt() && !one.covers(next),
            _ => true,
        };
        if !list.windows(2).all(is_in_order) {
            return Self::these(list.to_vec());
        }
        check_order_of_times(list)?;
        check_size(list)?;
        Ok(self.clone())
    }

    /// Returns the first `most` rows; for display, not for decisions.
    #[must_use]
    pub fn first(&self, most: usize) -> Self {
        match self {
            Self::These(list) if list.len() > most => {
                Self::These(list.iter().take(most).cloned().collect())
            }
            Self::All | Self::These(_) => self.clone(),
        }
    }

    /// Checks the times of rows that `before` does not have: none begins in the future, and none
    /// lies further than [`FAR`] from the outage. That runs from `start` until `end`, or until
    /// `now` if the end is unknown. Tenants may be known before the times of the outage are.
    ///
    /// # Errors
    /// Fails for the first row out of these bounds, and names its tenant.
    pub(super) fn check_times(
        &self,
        before: &Self,
        (start, end): (Timestamp, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<(), ValidationError> {
        let known = before.list().unwrap_or_default();
        let latest = now.saturating_add(CLOCK_TOLERANCE);
        let end = end.unwrap_or(now).saturating_add(FAR).min(latest);
        let start = start.saturating_sub(FAR);
        let is_far = |one: &&AffectedTenant| {
            let (from, until) = one.bounds();
            (one.from.is_some() && from > end || until < start) && !known.contains(one)
        };
        let new = self.list().unwrap_or_default().iter();
        match new.into_iter().find(is_far) {
            None => Ok(()),
            Some(one) => {
                let tenant = &one.tenant_id;
                let expected = format!(
                    "`from` and `until` of {tenant} within 31 days of the outage, and not in the future"
                );
                Err(ValidationError::new("affected_tenants", expected))
            }
        }
    }

    /// Returns `true` if a tenant is among them.
    #[must_use]
    pub fn includes(&self, tenant: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(list) => list.iter().any(|entry| entry.tenant_id.as_str() == tenant),
        }
    }

    /// Returns the list, or `None` for [`Affected::All`].
    #[must_use]
    pub fn list(&self) -> Option<&[AffectedTenant]> {
        match self {
            Self::All => None,
            Self::These(list) => Some(list),
        }
    }

    /// Returns the rows of the list after `after`, or all of them without it; none for
    /// [`Affected::All`].
    #[must_use]
    pub fn rows_after(&self, after: Option<&AffectedTenant>) -> &[AffectedTenant] {
        let list = self.list().unwrap_or_default();
        let start = after.map_or(0, |after| {
            list.partition_point(|row| row.order(after) != Ordering::Greater)
        });
        list.get(start..).unwrap_or_default()
    }

    /// Returns the number of rows in the list; `None` for [`Affected::All`].
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.list()
            .map(|list| u64::try_from(list.len()).unwrap_or(u64::MAX))
    }
}

/// Returns the part of an outage that hit the one tenant with these parts.
pub(crate) fn outage_of_tenant<'a>(
    outage: &Windows,
    parts: impl IntoIterator<Item = &'a AffectedTenant>,
) -> Windows {
    let bounds = parts.into_iter().filter_map(AffectedTenant::window);
    bounds.flat_map(|bounds| outage.clip_iter(bounds)).collect()
}

/// Returns the part of an outage that hit each tenant, in order of name: once per tenant, several
/// entries of one tenant joined.
#[must_use]
pub fn outage_by_tenant(outage: &Windows, tenants: &[AffectedTenant]) -> Vec<TenantWindows> {
    let mut by_name: Vec<&AffectedTenant> = tenants.iter().collect();
    by_name.sort_by_key(|entry| &entry.tenant_id);
    let one = |parts: &[&AffectedTenant]| {
        Some(TenantWindows {
            tenant: parts.first()?.tenant_id.clone(),
            windows: outage_of_tenant(outage, parts.iter().copied()),
        })
    };
    let same = |a: &&AffectedTenant, b: &&AffectedTenant| a.tenant_id == b.tenant_id;
    by_name.chunk_by(same).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str, from: Option<&str>, until: Option<&str>) -> AffectedTenant {
        let at = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        AffectedTenant {
            tenant_id: TenantId::new(name).unwrap(),
            from: at(from),
            until: at(until),
        }
    }

    #[test]
    fn duplicates_fold_into_the_widest() {
        let part = tenant(
            "a",
            Some("2026-11-20T10:00:00Z"),
            Some("2026-11-20T11:00:00Z"),
        );
        let folded = Affected::these(vec![
            part.clone(),
            tenant("b", None, None),
            tenant("a", None, None),
            part,
        ])
        .unwrap();
        assert_eq!(
            folded.list().unwrap(),
            [tenant("a", None, None), tenant("b", None, None)]
        );
    }

    #[test]
    fn two_parts_of_one_tenant_stay_and_join_in_the_report() {
        let morning = tenant(
            "a",
            Some("2026-11-20T08:00:00Z"),
            Some("2026-11-20T09:00:00Z"),
        );
        let noon = tenant(
            "a",
            Some("2026-11-20T08:30:00Z"),
            Some("2026-11-20T12:00:00Z"),
        );
        let both = Affected::these(vec![noon, morning]).unwrap();
        let day = Window::new(
            "2026-11-20T00:00:00Z".parse().unwrap(),
            "2026-11-21T00:00:00Z".parse().unwrap(),
        )
        .unwrap();
        let outage = outage_by_tenant(&Windows::from(day), both.list().unwrap());
        assert_eq!(outage[0].windows.micros(), 4 * 3_600_000_000);
    }

    #[test]
    fn all_is_a_word_and_the_others_are_a_list() {
        for (affected, wire) in [
            (Affected::All, r#""all""#),
            (
                Affected::These([tenant("a", None, None)].into()),
                r#"[{"tenant_id":"a","from":null,"until":null}]"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&affected).unwrap(), wire);
            assert_eq!(serde_json::from_str::<Affected>(wire).unwrap(), affected);
        }
    }

    /// S10: a list of long names is bounded by their total length.
    #[test]
    fn names_of_tenants_have_a_mebibyte_together() {
        let list = |count: usize, bytes: usize| {
            let one = |n: usize| {
                let name = format!("{n:05}{}", "x".repeat(bytes - 5));
                AffectedTenant::whole(TenantId::new(&name).unwrap())
            };
            Affected::these((0..count).map(one).collect())
        };
        assert_eq!(list(10_000, 104).unwrap().rows(), Some(10_000));
        assert_eq!(list(8_192, 128).unwrap().rows(), Some(8_192));
        let refused = list(8_193, 128).unwrap_err();
        assert_eq!(refused.field(), "affected_tenants");
        assert!(refused.expected().contains("1 MiB"));
    }

    /// L1: a list goes on after a row, even if that row is gone.
    #[test]
    fn a_list_goes_on_after_a_row() {
        let part = |from, until| tenant("b", Some(from), Some(until));
        let rows = vec![
            tenant("a", None, None),
            part("2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z"),
            part("2026-11-20T11:00:00Z", "2026-11-20T13:00:00Z"),
            tenant("c", None, None),
        ];
        let list = Affected::these(rows.clone()).unwrap();
        assert_eq!(list.rows_after(None), rows);
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(list.rows_after(Some(row)), &rows[at + 1..]);
        }
        let gone = tenant("bb", None, None);
        assert_eq!(list.rows_after(Some(&gone)), &rows[3..]);
        assert_eq!(Affected::All.rows_after(None), []);
        assert_eq!(list.first(1).list().unwrap(), &rows[..1]);
    }

    #[test]
    fn a_reversed_window_is_named() {
        let bad = tenant(
            "a",
            Some("2026-11-20T11:00:00Z"),
            Some("2026-11-20T11:00:00Z"),
        );
        let error = Affected::these(vec![tenant("b", None, None), bad]).unwrap_err();
        assert_eq!(error.field(), "affected_tenants/1/until");
    }
}
