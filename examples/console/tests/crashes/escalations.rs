//! Rules and notices after crashes: each once.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Row};

use crate::Setup;

/// The audit trail, with the parts of its entries.
const AUDIT: &str = "(select chain, parts ->> 'action' as action, parts -> 'detail' as detail \
     from (select chain, canonical::jsonb as parts from incident.audit) as entries) as audit";

/// A notice by incident, rule, level and group, with its outcome.
type NoticeOutcome = (String, String, String, String, String);

impl Setup {
    /// Checks that each level of a rule fired once, that each of its notices ended once, and that the receiver
    /// counted each that was sent.
    pub(crate) async fn check_escalations(&self, place: &str, pool: &PgPool) {
        let count = async |sql: String| -> i64 {
            let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(pool).await;
            row.unwrap().get(0)
        };
        let unfired = format!(
            "select count(*) from incident.incidents i where live and not exists (select from {AUDIT} \
             where chain = i.id and action = 'fire_rule' and detail ->> 'rule' = 'sev1-declared')"
        );
        assert_eq!(count(unfired).await, 0, "{place}: rules have not fired");
        let twice = format!(
            "select count(*) from (select from {AUDIT} where action = 'fire_rule' \
             group by chain, detail ->> 'rule', detail ->> 'epoch', detail ->> 'level' having count(*) > 1) as twice"
        );
        assert_eq!(count(twice).await, 0, "{place}: rules fired twice");
        let notices = format!(
            "select coalesce(sum((detail ->> 'notices')::bigint), 0)::bigint from {AUDIT} where action = 'fire_rule'"
        );
        let ended = format!(
            "select chain::text, detail ->> 'rule', detail ->> 'level', detail ->> 'group', detail ->> 'outcome' \
             from {AUDIT} where action = 'notify'"
        );
        let ended: Vec<NoticeOutcome> = sqlx::query_as(AssertSqlSafe(ended))
            .fetch_all(pool)
            .await
            .unwrap();
        assert!(!ended.is_empty(), "{place}: no notices");
        assert_eq!(ended.len() as i64, count(notices).await, "{place}: notices");
        // A rule fires again under the next start of its clock, such as an update at the end of an incident.
        let mut received: BTreeMap<[String; 4], usize> = BTreeMap::new();
        for one in self.receiver.counted() {
            *received.entry(place_of(&one.body)).or_default() += 1;
        }
        let mut all: BTreeMap<[String; 4], (usize, usize)> = BTreeMap::new();
        for (incident, rule, level, group, outcome) in ended {
            let is_sent = outcome == "sent";
            assert!(is_sent || outcome == "cancelled", "{place}: {outcome}");
            let (number, sent) = all.entry([incident, rule, level, group]).or_default();
            *number += 1;
            *sent += usize::from(is_sent);
        }
        for (notice, (number, sent)) in &all {
            let received = received.remove(notice).unwrap_or(0);
            // One that was sent before a crash may be cancelled after it.
            let fits = (*sent..=*number).contains(&received);
            assert!(
                fits,
                "{place}: {notice:?}: {received} of {sent} sent, {number} in all"
            );
        }
        assert!(received.is_empty(), "{place}: {received:?}");
    }
}

/// Returns the incident, rule, level and group of a notice's body.
fn place_of(body: &Value) -> [String; 4] {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let fields = [
        &body["incident"]["id"],
        &body["rule"],
        &body["level"],
        &body["group"],
    ];
    fields.map(text)
}
