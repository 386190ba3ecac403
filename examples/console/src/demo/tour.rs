//! The tour: its schedule, played through the routes.

use std::collections::BTreeMap;

use incident_core::Timestamp;
use serde_json::{Value, json};

use super::client::{DemoClient, DemoError, field, text};
use super::clock::DemoClock;
use super::people::Person;
use super::schedule::{Schedule, TourDecision, TourIncident, TourStep, after, last_month};
use super::usage::MINUTE;

/// The incidents of the tour that have been declared: their ids by key.
type Declared<'a> = BTreeMap<&'a str, String>;

/// Plays the tour. `now` is the present, at which it ends; the clock then is the system's.
pub(super) async fn play(
    client: DemoClient<'_>,
    clock: &DemoClock,
    now: Timestamp,
) -> Result<(), DemoError> {
    let schedule = Schedule::read()?;
    let first = last_month(now).window().start();
    tenants(client, &schedule, first).await?;
    let mut declared = Declared::new();
    for (at, incident, step) in schedule.steps(now) {
        clock.go_to(at);
        send(
            client,
            &mut declared,
            incident,
            step,
            incident.start.at(now),
        )
        .await?;
    }
    for suggestion in &schedule.suggestions {
        let seen = now.saturating_sub(MINUTE * suggestion.minutes_ago);
        clock.go_to(seen);
        let mut body = suggestion.body.clone();
        set(&mut body, "observed_at", json!(seen));
        client
            .post("/sys/incidents/suggestions", &body, 201)
            .await?;
    }
    clock.catch_up();
    for incident in &schedule.incidents {
        for users in &incident.usage {
            let service = service(incident);
            let events = users.events(service, incident.start.at(now));
            client.record(&events).await?;
        }
    }
    for decision in &schedule.decisions {
        decide(client, &declared, decision, now).await?;
    }
    Ok(())
}

/// Makes all tenants known, as those whose calls are reported.
async fn tenants(
    client: DemoClient<'_>,
    schedule: &Schedule,
    at: Timestamp,
) -> Result<(), DemoError> {
    let call = |tenant: &String| {
        json!({"tenant_id": tenant, "user_id": "first", "service": "api",
        "occurred_at": at, "failed": false})
    };
    let calls: Vec<Value> = schedule.tenants.iter().map(call).collect();
    client.record(&calls).await
}

/// Sends a step, and waits for the page of a declaration.
async fn send<'a>(
    client: DemoClient<'_>,
    declared: &mut Declared<'a>,
    incident: &'a TourIncident,
    step: &TourStep,
    start: Timestamp,
) -> Result<(), DemoError> {
    let (client, mut body) = (client.by(step.by), step.body.clone());
    if step.route == "declare" {
        set(&mut body, "started_at", json!(start));
        if let Some(minutes) = incident.resolved_after {
            set(&mut body, "resolved_at", json!(after(start, minutes)));
        }
        let created = client.post("/sys/incidents", &body, 201).await?;
        let id = text(&created, "id");
        declared.insert(&incident.key, id.to_owned());
        if text(field(&created, "paging"), "state") == "pending" {
            let state = if incident.is_failing {
                "failing"
            } else {
                "accepted"
            };
            client.paged(id, state).await?;
        }
        return Ok(());
    }
    if let Some(minutes) = step.eta_after {
        set(&mut body, "eta", json!(after(start, minutes)));
    }
    if let Some(key) = &step.merged_into {
        set(&mut body, "merged_into", json!(id_of(declared, key)?));
    }
    let id = id_of(declared, &incident.key)?;
    let makes_one = matches!(step.route.as_str(), "updates" | "approvals");
    let expected = if makes_one { 201 } else { 200 };
    let path = format!("/sys/incidents/{id}/{}", step.route);
    client.post(&path, &body, expected).await.map(|_| ())
}

/// Decides on a credit once it is in the ledger.
async fn decide(
    client: DemoClient<'_>,
    declared: &Declared<'_>,
    decision: &TourDecision,
    now: Timestamp,
) -> Result<(), DemoError> {
    let client = client.by(Person::Carla);
    let tenant = &decision.tenant;
    let incident = match &decision.incident {
        Some(key) => Some(id_of(declared, key)?),
        None => None,
    };
    let month = json!(last_month(now));
    let is_meant = |row: &&Value| match incident {
        Some(id) => text(row, "incident_id") == id,
        None => field(row, "incident_id").is_null() && field(row, "period") == &month,
    };
    let path = format!("/sys/sla/credits?state=estimated&tenant={tenant}");
    for _ in 0..1_000 {
        let rows = client.get(&path).await?;
        let rows = field(&rows, "items").as_array();
        if let Some(row) = rows.into_iter().flatten().find(is_meant) {
            let id = text(row, "id");
            let (action, body) = match &decision.waive {
                Some(reason) => ("waive", json!({"reason": reason})),
                None => ("approve", json!({})),
            };
            let path = format!("/sys/sla/credits/{id}/{action}");
            return client.post(&path, &body, 200).await.map(|_| ());
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Err(DemoError(format!("no credit of {tenant} within 5 s")))
}

fn id_of<'d>(declared: &'d Declared<'_>, key: &str) -> Result<&'d str, DemoError> {
    let id = declared.get(key).map(String::as_str);
    id.ok_or_else(|| DemoError(format!("tour.toml: expected {key} to be declared before")))
}

/// Returns the first service of an incident, as its declaration names it.
fn service(incident: &TourIncident) -> &str {
    let declaration = incident.steps.first().map(|step| &step.body);
    let service = declaration.and_then(|body| body.pointer("/affected_services/0"));
    service.and_then(Value::as_str).unwrap_or("api")
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = body {
        members.insert(name.to_owned(), value);
    }
}
