//! Tests of the credits that a computation leaves as they are, and of the rows that replace others.

use uuid::Uuid;

use super::*;
use crate::billing::{Approval, Issued};
use crate::{MessageId, Timestamp, Windows};

use CreditState::{Approved, Estimated, Superseded, Waived};

fn id(n: u64) -> CreditId {
    CreditId::from_uuid(Uuid::from_u64_pair(1, n))
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn subject() -> CreditSubject {
    CreditSubject::Incident(IncidentId::from_uuid(Uuid::from_u64_pair(2, 1)))
}

fn fresh(of: &str, percent: u32) -> ComputedCredit {
    ComputedCredit {
        tenant_id: tenant(of),
        period: "2026-11".parse().unwrap(),
        outage_us: 1,
        credit_percent: Percent::of_whole(percent).unwrap(),
        terms_version: Name::new("v").unwrap(),
        inputs: Arc::from([]),
    }
}

/// Creates row `n` of a revision: a tenant's credit as it was computed, in a state.
fn row(n: u64, revision: u32, of: &ComputedCredit, state: CreditState) -> LedgerRow {
    LedgerRow {
        id: id(n),
        incident_id: incident(&subject()),
        tenant_id: of.tenant_id.clone(),
        revision,
        period: of.period,
        outage_us: of.outage_us,
        credit_percent: of.credit_percent,
        terms_version: of.terms_version.clone(),
        state,
        author: PersonName::policy(),
        granted: None,
        issued: None,
        reverses: None,
        inputs: Arc::clone(&of.inputs),
    }
}

fn issued(n: u64, revision: u32, of: &ComputedCredit, granted: u32) -> LedgerRow {
    let now: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    LedgerRow {
        granted: Some(Approval {
            percent: Percent::of_whole(granted).unwrap(),
            amount: None,
            fee: None,
            by: PersonName::policy(),
            at: now,
        }),
        issued: Some(Issued {
            batch: MessageId::from_uuid(Uuid::from_u64_pair(3, n)),
            at: now,
            accepted_at: Some(now),
        }),
        ..row(n, revision, of, CreditState::Issued)
    }
}

fn revised(rows: &[LedgerRow], fresh: Vec<ComputedCredit>) -> LedgerWrite {
    let mut next = 100;
    let id = || {
        next += 1;
        id(next)
    };
    revise(subject(), 9, rows, fresh, &[], &PersonName::policy(), id)
}

/// Lists every fact of a credit, each once with another value.
fn changed() -> Vec<(&'static str, ComputedCredit)> {
    let one = fresh("fr", 10);
    let mut all = vec![("tenant", fresh("de", 10)), ("credit", fresh("fr", 25))];
    let mut other = |fact, change: &dyn Fn(&mut ComputedCredit)| {
        let mut fresh = one.clone();
        change(&mut fresh);
        all.push((fact, fresh));
    };
    other("period", &|of| of.period = "2026-12".parse().unwrap());
    other("outage", &|of| of.outage_us = 2);
    other("terms", &|of| of.terms_version = Name::new("w").unwrap());
    other("inputs", &|of| {
        of.inputs = Arc::from([CreditInput {
            incident_id: IncidentId::from_uuid(Uuid::from_u64_pair(2, 1)),
            windows: Windows::default(),
            weight: Percent::HUNDRED,
        }]);
    });
    all
}

#[test]
fn a_credit_stands_only_if_every_fact_of_it_does() {
    let one = fresh("fr", 10);
    let rows = [row(1, 1, &one, Estimated)];
    assert!(is_up_to_date(&rows, std::slice::from_ref(&one)));
    assert_eq!(revised(&rows, vec![one.clone()]).keeps, [id(1)]);
    for (fact, other) in changed() {
        assert!(!other.is(&rows[0]), "{fact}");
        assert!(
            !is_up_to_date(&rows, std::slice::from_ref(&other)),
            "{fact}"
        );
        let write = revised(&rows, vec![other.clone()]);
        assert!(write.keeps.is_empty(), "{fact}");
        assert_eq!(write.rows.len(), 1, "{fact}");
        assert!(other.is(&write.rows[0]), "{fact}");
    }
    assert!(!is_up_to_date(&rows, &[]));
    assert!(!is_up_to_date(&[], std::slice::from_ref(&one)));
    assert!(!is_up_to_date(&rows, &[one, fresh("de", 10)]));
}

#[test]
fn the_newest_row_that_was_not_replaced_speaks_for_a_tenant() {
    let (one, other) = (fresh("fr", 10), fresh("de", 10));
    let mut reversal = row(4, 4, &one, Estimated);
    reversal.reverses = Some(id(1));
    let rows = [
        row(2, 2, &one, Approved),
        row(1, 1, &one, Estimated),
        row(3, 3, &one, Superseded),
        row(5, 1, &other, Estimated),
        reversal,
    ];
    let found: Vec<_> = newest(&rows)
        .into_iter()
        .map(|row| (row.tenant_id.as_str(), row.id))
        .collect();
    assert_eq!(found, [("de", id(5)), ("fr", id(2))]);
    let newest = newest(&rows);
    for (tenant, row) in [(&one.tenant_id, Some(id(2))), (&tenant("it"), None)] {
        assert_eq!(newest_of(&newest, tenant).map(|row| row.id), row);
    }
}

#[test]
fn what_came_after_a_row_of_its_tenant_is_the_last_word() {
    let (one, other) = (fresh("fr", 10), fresh("de", 10));
    let first = row(1, 1, &one, Waived);
    for (later, is_last) in [
        (row(2, 2, &one, Estimated), false),
        (row(2, 2, &one, Superseded), true),
        (row(2, 2, &other, Estimated), true),
        (row(2, 1, &one, Estimated), true),
    ] {
        let rows = [first.clone(), later];
        assert_eq!(is_last_word(&rows, &first), is_last, "{:?}", rows[1]);
    }
}

#[test]
fn a_reversal_is_on_its_way_until_it_is_replaced() {
    let one = fresh("fr", 10);
    let reversal = |state| LedgerRow {
        reverses: Some(id(1)),
        ..row(2, 1, &one, state)
    };
    let given = issued(1, 1, &one, 10);
    // The tenant is owed nothing any more, and the reversal waits already.
    assert!(is_up_to_date(&[given.clone(), reversal(Estimated)], &[]));
    assert!(!is_up_to_date(&[given.clone(), reversal(Superseded)], &[]));
    assert!(is_up_to_date(&[given, reversal(Superseded)], &[one]));
}

/// A reversal takes back the granted credit, and is itself neither granted nor issued.
#[test]
fn a_reversal_is_to_be_decided_and_takes_back_what_was_granted() {
    let one = fresh("fr", 25);
    let write = revised(&[issued(1, 1, &one, 10)], vec![fresh("fr", 50)]);
    assert!(write.keeps.is_empty());
    let [reversal, instead] = write.rows.as_slice() else {
        panic!("{write:?}");
    };
    assert_eq!((reversal.reverses, reversal.revision), (Some(id(1)), 9));
    assert_eq!(reversal.credit_percent, Percent::of_whole(10).unwrap());
    assert_eq!(reversal.state, Estimated);
    assert_eq!((&reversal.granted, &reversal.issued), (&None, &None));
    assert_eq!(
        (instead.reverses, instead.credit_percent),
        (None, Percent::of_whole(50).unwrap())
    );
}

#[test]
fn tenants_whose_credit_gave_way_have_changed() {
    let (one, other) = (fresh("fr", 10), fresh("de", 10));
    let rows = [row(1, 1, &one, Estimated), row(2, 1, &other, Estimated)];
    let write = revised(&rows, vec![fresh("fr", 25), other]);
    assert_eq!(write.changed(&rows), BTreeSet::from([&tenant("fr")]));
    let write = revised(&rows, Vec::new());
    assert_eq!(write.changed(&rows).len(), 2);
}

#[test]
fn billing_is_told_what_was_granted_and_whole_milliseconds() {
    let mut row = issued(1, 1, &fresh("fr", 25), 10);
    row.outage_us = 2_700_000_999;
    let billed = crate::billing::BilledCredit::of(&row).unwrap();
    assert_eq!(billed.outage_ms, 2_700_000);
    assert_eq!(billed.credit_percent.to_string(), "10");
    row.reverses = Some(id(7));
    let billed = crate::billing::BilledCredit::of(&row).unwrap();
    assert_eq!(billed.credit_percent.to_string(), "-10");
}
