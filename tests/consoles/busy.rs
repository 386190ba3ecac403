//! The busy console: as much of everything as its limits and its people allow.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, SystemTime};

use incident_core::Timestamp;
use serde_json::{Value, json};

use super::seeded::Visitor;

const INCIDENTS: usize = 50;
const TENANTS: usize = 10_000;
/// Tenants with a fee.
const WITH_FEE: usize = 3_000;
/// Length of a title, in characters.
const TITLE: usize = 500;
/// Length of a line of the public page, in characters.
const LINE: usize = 300;

/// Texts that layouts have trouble with: long words, right to left, both directions, wide and tall
/// letters, emoji, markup.
const TEXTS: [&str; 7] = [
    "The payment provider answers every third request after thirty seconds with an empty body ",
    "pneumonoultramicroscopicsilicovolcanoconiosis_with_no_place_to_break_a_line_at_all_",
    "בקשות תשלום נכשלות עבור כל הפדרציות מאז השעה שתיים ",
    "فشل الدفع (HTTP 503) في api-gateway.eu-west منذ الساعة ١٤:٠٢ ",
    "支付服务对所有联合会均返回错误请稍候我们正在调查",
    "Z̵̛a̷̛l̶̛g̸̛ơ̵ ﷽ 👩‍👩‍👧‍👦 🏳️‍🌈 ก็็็็ ",
    "<b>bold</b> & \"quoted\" <script>alert(1)</script> {{handlebars}} %s ",
];

/// Returns a text of so many characters, made of one of the texts.
fn long(number: usize, characters: usize) -> String {
    let text = TEXTS[number % TEXTS.len()];
    let long: String = text.chars().cycle().take(characters).collect();
    long.trim_end().to_owned()
}

fn tenant(number: usize) -> String {
    format!("federation-{number:05}")
}

/// Returns the policy, as a file.
pub(crate) fn policy() -> String {
    let mut policy = String::new();
    for number in 0..WITH_FEE {
        let fee = 10_000 + number * 37;
        let tenant = tenant(number);
        let _ = writeln!(
            policy,
            "[tenants.{tenant}]\nmonthly_fee = {{ minor = {fee}, currency = \"EUR\" }}"
        );
    }
    policy
}

/// Fills a console.
pub(crate) async fn seed(visitor: &Visitor) -> io::Result<()> {
    let now = Timestamp::try_from(SystemTime::now()).map_err(io::Error::other)?;
    let ago = |minutes: u64| now.saturating_sub(Duration::from_secs(60 * minutes));
    let call = |number| {
        json!({"tenant_id": tenant(number), "user_id": "one", "service": "api",
            "occurred_at": ago(100), "failed": true, "endpoint": "/v1"})
    };
    let calls: Vec<Value> = (0..TENANTS).map(call).collect();
    visitor
        .post("/sys/usage-events", &Value::Array(calls))
        .await?;
    let outage = json!({"title": "All were away", "severity": "SEV1", "mode": "retrospective",
        "affected_services": ["api"], "affected_tenants": "all", "started_at": ago(200), "resolved_at": ago(90)});
    visitor.post("/sys/incidents", &outage).await?;
    for number in 0..INCIDENTS {
        let severity = format!("SEV{}", number % 4 + 1);
        let tenants = match number {
            0 => json!("all"),
            1 => json!((0..2_000).map(tenant).collect::<Vec<_>>()),
            _ => json!((number..number * 2).map(tenant).collect::<Vec<_>>()),
        };
        let services: Vec<String> = (0..number % 12 + 1)
            .map(|one| format!("service-{one}-of-the-platform"))
            .collect();
        let body = json!({"title": long(number, TITLE), "severity": severity, "summary": long(number + 1, 1_500),
            "affected_services": services, "affected_tenants": tenants, "started_at": ago(1_000 - number as u64 * 19),
            "responder": long(number + 2, 60).replace(['<', '>', '"', '&'], "")});
        let declared = visitor.post("/sys/incidents", &body).await?;
        let path = format!(
            "/sys/incidents/{}",
            declared["id"].as_str().unwrap_or_default()
        );
        update(visitor, &path, number).await?;
        if number == 0 {
            coordinate(visitor, &path).await?;
        }
    }
    for number in 0..5 {
        let body = json!({"service": "api", "tenant": tenant(number), "signal": "error_rate",
            "observed_at": ago(3), "evidence": long(number, 400)});
        visitor.post("/sys/incidents/suggestions", &body).await?;
    }
    Ok(())
}

/// Adds roles, ticks and approvals, with long names and texts.
async fn coordinate(visitor: &Visitor, path: &str) -> io::Result<()> {
    let name = |number| long(number, 60).replace(['<', '>', '"', '&'], "");
    let roles = format!("{path}/roles");
    for (number, role) in ["tech_lead", "scribe", "responder", "subject_matter_expert"]
        .into_iter()
        .enumerate()
    {
        let body = json!({"action": "assume", "role": role, "person": name(number)});
        visitor.post(&roles, &body).await?;
    }
    let over = json!({"action": "hand_over", "role": "incident_commander", "to": name(2), "note": long(3, 400)});
    visitor.post(&roles, &over).await?;
    for item in [
        "triage/real_incident",
        "triage/scope_known",
        "war_room/bridge_open",
    ] {
        let body = json!({"note": long(2, 200)});
        visitor
            .post(&format!("{path}/checklists/{item}"), &body)
            .await?;
    }
    for number in 0..3 {
        let body = json!({"text": long(number, 300)});
        visitor.post(&format!("{path}/approvals"), &body).await?;
    }
    let reason = json!({"reason": long(5, 200)});
    visitor
        .post(&format!("{path}/approvals/2/withdraw"), &reason)
        .await?;
    Ok(())
}

/// Adds updates: many to the first incident, and public lines to every fifth.
async fn update(visitor: &Visitor, path: &str, number: usize) -> io::Result<()> {
    let updates = if number == 0 { 60 } else { 2 };
    for one in 0..updates {
        let body = json!({"message": long(number + one, 200 + one * 30)});
        visitor.post(&format!("{path}/updates"), &body).await?;
    }
    if number.is_multiple_of(5) {
        let public = json!({"public": true, "title": long(number, 200)});
        visitor.post(&format!("{path}/public"), &public).await?;
        for one in 0..5 {
            let body = json!({"message": "published an update", "public_message": long(number + one, LINE)});
            visitor.post(&format!("{path}/updates"), &body).await?;
        }
    }
    Ok(())
}
