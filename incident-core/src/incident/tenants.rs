//! Which tenants an incident hits, and for how much of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::window::{Window, Windows};
use crate::{Invalid, TenantId, Timestamp};

/// Most tenants in one list; beyond that it is [`Affected::All`].
pub const MOST_TENANTS: usize = 10_000;

/// A tenant that is affected, for all of the incident's outage or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AffectedTenant {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Affected from here on; from the start if absent.
    pub from: Option<Timestamp>,
    /// Affected until here, exclusive; to the end if absent.
    pub until: Option<Timestamp>,
}

impl AffectedTenant {
    /// A tenant affected by the whole outage.
    #[must_use]
    pub const fn whole(tenant_id: TenantId) -> Self {
        Self {
            tenant_id,
            from: None,
            until: None,
        }
    }

    fn bounds(&self) -> (Timestamp, Timestamp) {
        (
            self.from.unwrap_or(Timestamp::MIN),
            self.until.unwrap_or(Timestamp::MAX),
        )
    }

    fn covers(&self, other: &Self) -> bool {
        let ((from, until), (other_from, other_until)) = (self.bounds(), other.bounds());
        self.tenant_id == other.tenant_id && from <= other_from && other_until <= until
    }
}

/// The tenants an incident hits. Written as `"all"` or as the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub enum Affected {
    /// Everybody; resolved through a `TenantDirectory` when a report is made.
    All,
    /// These, sorted by name, none twice for the same time.
    These(Vec<AffectedTenant>),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    All(AllWord),
    These(Vec<AffectedTenant>),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AllWord {
    All,
}

impl From<Wire> for Affected {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::All(AllWord::All) => Self::All,
            Wire::These(list) => Self::These(list),
        }
    }
}

impl From<Affected> for Wire {
    fn from(affected: Affected) -> Self {
        match affected {
            Affected::All => Self::All(AllWord::All),
            Affected::These(list) => Self::These(list),
        }
    }
}

impl Affected {
    /// A checked list: sorted, and an entry that another one covers is dropped.
    ///
    /// # Errors
    /// More than 10 000 tenants, or `until` not after `from`.
    pub fn these(tenants: Vec<AffectedTenant>) -> Result<Self, Invalid> {
        for (at, tenant) in tenants.iter().enumerate() {
            if let (Some(from), Some(until)) = (tenant.from, tenant.until)
                && until <= from
            {
                return Err(Invalid::new(
                    format!("affected_tenants/{at}/until"),
                    "a time after `from`",
                ));
            }
        }
        let mut sorted = tenants;
        // The widest first among those of one tenant, so that one pass folds them.
        sorted.sort_by(|a, b| {
            let ((a_from, a_until), (b_from, b_until)) = (a.bounds(), b.bounds());
            a.tenant_id
                .cmp(&b.tenant_id)
                .then(a_from.cmp(&b_from))
                .then(b_until.cmp(&a_until))
        });
        let mut kept: Vec<AffectedTenant> = Vec::with_capacity(sorted.len());
        for tenant in sorted {
            if !kept.last().is_some_and(|last| last.covers(&tenant)) {
                kept.push(tenant);
            }
        }
        if kept.len() > MOST_TENANTS {
            return Err(Invalid::new(
                "affected_tenants",
                "at most 10000 tenants, or \"all\"",
            ));
        }
        Ok(Self::These(kept))
    }

    /// Whether a tenant is among them.
    #[must_use]
    pub fn includes(&self, tenant: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(list) => list.iter().any(|entry| entry.tenant_id.as_str() == tenant),
        }
    }

    /// The list, or nothing for [`Affected::All`].
    #[must_use]
    pub fn list(&self) -> Option<&[AffectedTenant]> {
        match self {
            Self::All => None,
            Self::These(list) => Some(list),
        }
    }

    /// Both together, for a merge.
    ///
    /// # Errors
    /// More than 10 000 tenants.
    pub fn joined(&self, other: &Self) -> Result<Self, Invalid> {
        match (self, other) {
            (Self::These(ours), Self::These(theirs)) => {
                Self::these(ours.iter().chain(theirs).cloned().collect())
            }
            (Self::All, _) | (_, Self::All) => Ok(Self::All),
        }
    }
}

/// The part of `outage` that hit each tenant, in order of name: one set per
/// tenant, several entries of one tenant joined.
#[must_use]
pub fn outage_by_tenant(
    outage: &Windows,
    tenants: &[AffectedTenant],
) -> BTreeMap<TenantId, Windows> {
    let mut by_tenant: BTreeMap<TenantId, Vec<Window>> = BTreeMap::new();
    for tenant in tenants {
        let (from, until) = tenant.bounds();
        let windows = by_tenant.entry(tenant.tenant_id.clone()).or_default();
        if let Some(bounds) = Window::non_empty(from, until) {
            windows.extend(outage.clip_iter(bounds));
        }
    }
    by_tenant
        .into_iter()
        .map(|(tenant, windows)| (tenant, windows.into_iter().collect()))
        .collect()
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
        assert_eq!(outage.values().next().unwrap().micros(), 4 * 3_600_000_000);
    }

    #[test]
    fn all_is_a_word_and_the_others_are_a_list() {
        for (affected, wire) in [
            (Affected::All, r#""all""#),
            (
                Affected::These(vec![tenant("a", None, None)]),
                r#"[{"tenant_id":"a","from":null,"until":null}]"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&affected).unwrap(), wire);
            assert_eq!(serde_json::from_str::<Affected>(wire).unwrap(), affected);
        }
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
