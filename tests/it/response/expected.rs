//! Everything that fires in the eight days, by hand: time (UTC), incident, rule, level.
//!
//! Paris is two hours ahead of UTC until 2026-10-25 01:00, and one hour from then on.

pub(super) const FIRED: &str = "\
2026-10-22T14:00:00Z A executive-update 0
2026-10-22T14:00:00Z A sev1-declared 0
2026-10-22T14:05:00Z A unacknowledged 0
2026-10-22T14:15:00Z A internal-update 0
2026-10-22T14:30:00Z A sev1-unmitigated 0
2026-10-22T14:55:00Z A internal-update 0
2026-10-22T15:00:00Z B sev2-declared 0
2026-10-22T15:10:00Z A internal-update 1
2026-10-22T15:15:00Z B internal-update 0
2026-10-22T15:30:00Z A unresolved 0
2026-10-22T15:30:00Z B internal-update 1
2026-10-22T15:45:00Z A executive-update 0
2026-10-22T16:45:00Z A watch 0
2026-10-22T17:00:00Z B sev2-unresolved 0
2026-10-22T17:30:00Z B executive-update 0
2026-10-22T17:30:00Z B sev1-declared 0
2026-10-22T17:30:00Z B sev1-unmitigated 0
2026-10-22T17:30:00Z B unresolved 1
2026-10-22T17:45:00Z B internal-update 0
2026-10-22T18:00:00Z B internal-update 1
2026-10-22T18:20:00Z B executive-update 0
2026-10-22T19:20:00Z B watch 0
2026-10-23T14:00:00Z C internal-update 0
2026-10-23T14:00:00Z C unacknowledged 0
2026-10-23T14:10:00Z C unacknowledged 1
2026-10-23T14:15:00Z C internal-update 1
2026-10-24T23:30:00Z A executive-update 0
2026-10-24T23:30:00Z A sev1-declared 0
2026-10-24T23:35:00Z A unacknowledged 0
2026-10-24T23:45:00Z A internal-update 0
2026-10-24T23:45:00Z A unacknowledged 1
2026-10-25T00:00:00Z A internal-update 1
2026-10-25T00:00:00Z A sev1-unmitigated 0
2026-10-25T00:20:00Z A executive-update 0
2026-10-25T01:20:00Z A watch 0
2026-10-28T06:00:00Z B post-mortem 0 late
2026-10-28T16:00:00Z C unresolved 0
2026-10-29T14:00:00Z C unresolved 1
2026-10-29T19:20:00Z B post-mortem 1
2026-10-30T07:05:00Z A post-mortem 0
";

/// The groups that each rule and level notifies.
pub(super) fn groups(rule: &str, level: &str) -> &'static [&'static str] {
    match (rule, level) {
        ("sev1-declared", _) => &["team", "cto"],
        ("sev2-declared", _) => &["lead", "on-call"],
        ("sev1-unmitigated" | "sev2-unresolved", _) => &["management"],
        ("unacknowledged", "0") => &["backup"],
        ("unresolved" | "internal-update" | "post-mortem", "0") | ("watch", _) => &["commander"],
        ("unacknowledged" | "unresolved" | "internal-update" | "post-mortem", _) => &["lead"],
        ("executive-update" | "public-update", _) => &["communicator"],
        _ => &[],
    }
}
