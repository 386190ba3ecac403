//! The commands of `docs/operations.md`, in their order.

use incident_test_postgres::{Cluster, Database, Safety};

use crate::shell::{self, blocks};

const PAGE: &str = include_str!("../../../../docs/operations.md");

/// Additional data for the dump: usage in partitions, and credits.
const MORE: &str = r#"
sys() { curl --silent --fail --header "Authorization: Bearer $TOKEN" --json "$2" "http://$INCIDENT_BIND/sys/$1"; }
sys usage-events '[{"tenant_id": "t", "user_id": "u", "service": "api", "occurred_at": "2020-01-01T00:00:00Z"}]'
made=$(sys incidents '{"title": "x", "severity": "SEV3", "affected_tenants": ["t"], "affected_services": ["api"]}')
id=$(echo "$made" | sed 's/.*"id":"\([0-9a-f-]*\)","number".*/\1/')
sys "incidents/$id/updates" '{"message": "over", "status": "resolved", "public_message": "It is over."}'
"#;

/// Returns the page's blocks of shell commands as one script.
fn script() -> String {
    let blocks = blocks(PAGE, "sh");
    assert!(blocks.len() >= 9, "{} blocks", blocks.len());
    // More data for the dump than one drill creates, before the first stop.
    let more = format!("{MORE}\nkill -TERM");
    blocks.join("\n").replacen("kill -TERM", &more, 1)
}

/// E7: every command of the page works as written, including a dump that is restored and verified
/// against the anchors, and a token rotation.
#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_of_operations_works() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let (kept, restored) = (
        Database::create(&cluster, None).await.unwrap(),
        Database::create(&cluster, None).await.unwrap(),
    );
    let url = cluster.url(kept.name());
    let folder = tempfile::tempdir().unwrap();
    let programs = ["psql", "pg_dump", "pg_restore", "curl"];
    let Some(mut shell) = shell::script(&cluster, &programs, folder.path(), &script()) else {
        return;
    };
    shell
        .env("APP_URL", url.replace("postgres@", "app@"))
        .env("DATABASE_URL", url)
        .env("RESTORED_URL", cluster.url(restored.name()))
        .env("INCIDENT_BIND", shell::free_address())
        .env("INCIDENT_ANCHORS", folder.path().join("anchors"))
        .env("INCIDENT_TOKENS", "root:admin:the-first-token-0123")
        .env("TOKEN", "the-first-token-0123")
        .env("NEW_TOKEN", "the-second-token-0123");
    let printed = shell::output(shell).await;
    for part in [
        "incident-console ",
        "usage: incident-console migrate",
        "up to date",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    // Verified after the restore, against the anchors; and as after a promotion, on the copy and
    // without them.
    let valid = "timelines: 2 valid, 0 broken; ";
    let counts: Vec<&str> = printed
        .split(valid)
        .skip(1)
        .map(|rest| rest.split(' ').next().unwrap())
        .collect();
    assert_eq!(counts.len(), 2, "{printed}");
    // Two declarations and an update; a page that its resolution overtook has no entry.
    assert!(counts[0].parse::<u64>().unwrap() >= 3, "{printed}");
}
