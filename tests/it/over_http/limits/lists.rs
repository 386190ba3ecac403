//! Limits of lists and responses.

use reqwest::Method;
use serde_json::json;

use super::listed;
use super::table::Row;
use crate::over_http::harness::{ADMIN, COMMANDER, Server, VIEWER};

listed! {
    "items of a page" => items,
    "a query string" => query,
    "a cursor" => cursor,
    "tenants of an item of a list" => listed_tenants,
    "tenants shown with an incident" => shown_tenants,
    "tenants shown with an entry" => told_tenants,
}

/// Returns the paths of all lists, with existing ids.
async fn lists(server: &Server) -> Vec<String> {
    let path = server.declare(&json!({"severity": "SEV4"})).await;
    let mut lists: Vec<String> = [
        "/sys/incidents",
        "/sys/incidents/suggestions",
        "/sys/sla/statements",
        "/sys/sla/credits",
        "/sys/audit",
    ]
    .map(str::to_owned)
    .into();
    lists.extend(["updates", "tenants"].map(|of| format!("{path}/{of}")));
    lists
}

async fn items(server: &Server, row: &Row) {
    let most = row.number();
    for list in lists(server).await {
        server
            .get(ADMIN, &format!("{list}?limit={most}"))
            .await
            .is(200);
        let refused = server
            .get(ADMIN, &format!("{list}?limit={}", most + 1))
            .await;
        row.refuses(refused, &list);
    }
}

async fn query(server: &Server, row: &Row) {
    // In characters it is shorter than the limit of a search text.
    let of = |bytes: usize| {
        let (wide, narrow) = ((bytes - 2) / 12, (bytes - 2) % 12);
        format!("q={}{}", "%F0%9F%98%80".repeat(wide), "x".repeat(narrow))
    };
    let context = async |bytes| {
        server
            .get(VIEWER, &format!("/sys/incidents?{}", of(bytes)))
            .await
    };
    context(row.number()).await.is(200);
    row.refuses(context(row.number() + 1).await, "a list");
    for list in lists(server).await {
        let long = format!("{list}?{}", of(row.number() + 1));
        row.refuses(server.get(ADMIN, &long).await, &list);
    }
}

async fn cursor(server: &Server, row: &Row) {
    // The longest cursor that is created: with the longest tenant name, and both times.
    let long = |n: usize| {
        json!({"tenant_id": format!("{n}{}", "\u{1f600}".repeat(49)),
        "from": "2026-11-20T22:00:00Z", "until": "2026-11-20T22:30:00Z"})
    };
    let tenants = json!({"affected_tenants": [long(1), long(2)]});
    let path = format!("{}/tenants?limit=1", server.declare(&tenants).await);
    let first = server.get(VIEWER, &path).await.is(200);
    let ours = first["next_cursor"].as_str().unwrap();
    assert!(ours.len() <= row.number());
    let next = server
        .get(VIEWER, &format!("{path}&cursor={ours}"))
        .await
        .is(200);
    assert_eq!(next["items"][0]["tenant_id"], long(2)["tenant_id"]);
    let foreign = "A".repeat(row.number() + 1);
    for list in lists(server).await {
        let refused = server.get(ADMIN, &format!("{list}?cursor={foreign}")).await;
        row.refuses(refused, &list);
    }
}

/// Declares an incident that affects this many tenants.
async fn hitting(server: &Server, tenants: usize) -> String {
    let names: Vec<String> = (0..tenants).map(|n| format!("tenant-{n:05}")).collect();
    server
        .declare(&json!({"severity": "SEV4", "affected_tenants": names}))
        .await
}

async fn listed_tenants(server: &Server, row: &Row) {
    let most = row.number();
    for tenants in [most, most + 1] {
        server.clock.advance(std::time::Duration::from_secs(1));
        hitting(server, tenants).await;
        let list = server.get(VIEWER, "/sys/incidents?limit=1").await.is(200);
        let item = &list["items"][0];
        assert_eq!(item["affected_tenants"].as_array().unwrap().len(), most);
        assert_eq!(item["affected_tenants_total"], tenants);
    }
}

async fn shown_tenants(server: &Server, row: &Row) {
    let most = row.number();
    for tenants in [most, most + 1] {
        let path = hitting(server, tenants).await;
        let incident = server.get(VIEWER, &path).await.is(200);
        assert_eq!(incident["affected_tenants"].as_array().unwrap().len(), most);
        assert_eq!(incident["affected_tenants_total"], tenants);
        // The response to a command has the same limit.
        let body = json!({"title": "y"}).to_string().into_bytes();
        let changed = server
            .send(Method::PATCH, COMMANDER, &path, &[], Some(body))
            .await
            .is(200);
        assert_eq!(changed["affected_tenants"].as_array().unwrap().len(), most);
    }
}

async fn told_tenants(server: &Server, row: &Row) {
    let most = row.number();
    for tenants in [most, most + 1] {
        let path = hitting(server, tenants).await;
        let others: Vec<String> = (0..tenants).map(|n| format!("other-{n:05}")).collect();
        server
            .patch(COMMANDER, &path, &json!({"affected_tenants": others}))
            .await
            .is(200);
        let entries = server.get(VIEWER, &format!("{path}/updates")).await.is(200);
        let of_kind = |kind: &str| {
            let mut entries = entries["items"].as_array().unwrap().iter();
            &entries.find(|entry| entry["kind"] == kind).unwrap()["changes"]
        };
        let (declared, changed) = (&of_kind("declaration")[2], &of_kind("change")[0]);
        for (change, list) in [(declared, "to"), (changed, "added"), (changed, "removed")] {
            assert_eq!(change[list].as_array().unwrap().len(), most, "{change}");
            let total = &change[format!("{list}_total")];
            assert!(if tenants == most {
                total.is_null()
            } else {
                *total == tenants
            });
        }
    }
}
