//! Functions are replaced after the migrations unless they are those of this version or a newer
//! one.

use incident_store_postgres::migrate;
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Executor, Row};

use crate::server::{self, APP, MIGRATION};

const ZERO_HASH: &str = "select encode(incident.zero_hash(), 'hex') as hash";

/// A function text that no version of this crate contains.
const OTHER: &str = "create or replace function incident.zero_hash() returns bytea language sql immutable \
     parallel safe as $$ select '\\x07'::bytea $$";

async fn zero_hash(owner: &mut PgConnection) -> String {
    owner.fetch_one(ZERO_HASH).await.unwrap().get("hash")
}

#[tokio::test]
async fn functions_of_another_text_are_replaced_and_those_of_a_newer_version_are_left() {
    let database = server::database().await;
    let mut owner = database.options().connect().await.unwrap();
    let noted = "select count(*) as n, min(applied_at)::text as at from incident._functions";
    let before = owner.fetch_one(noted).await.unwrap();
    assert_eq!(before.get::<i64, _>("n"), 1);
    owner.execute(OTHER).await.unwrap();

    // The recorded version and hash are current, so the functions are not checked.
    migrate(&database.options(), MIGRATION).await.unwrap();
    assert_eq!(zero_hash(&mut owner).await, "07");
    let after = owner.fetch_one(noted).await.unwrap();
    assert_eq!(before.get::<&str, _>("at"), after.get::<&str, _>("at"));

    // A newer version has been here.
    let newer = "insert into incident._functions (version, hash) select version + 1, hash from incident._functions";
    owner.execute(newer).await.unwrap();
    migrate(&database.options(), MIGRATION).await.unwrap();
    assert_eq!(zero_hash(&mut owner).await, "07");

    // An older version, or another text of the same version.
    for older in [
        "delete from incident._functions where version > (select min(version) from incident._functions); \
         update incident._functions set hash = sha256('other')",
        "update incident._functions set version = version - 1",
        "delete from incident._functions",
    ] {
        owner.execute(older).await.unwrap();
        owner.execute(OTHER).await.unwrap();
        migrate(&database.options(), MIGRATION).await.unwrap();
        assert_eq!(zero_hash(&mut owner).await, "00".repeat(32), "{older}");
    }
}

#[tokio::test]
async fn a_role_that_owns_nothing_migrates_what_is_current_and_nothing_else() {
    let database = server::database().await;
    let app = database.options().username(APP);
    migrate(&app, MIGRATION).await.unwrap();
    let mut owner = database.options().connect().await.unwrap();
    let older = "update incident._functions set hash = sha256('other')";
    owner.execute(older).await.unwrap();
    migrate(&app, MIGRATION).await.unwrap_err();
    // The failed migration was rolled back, and concurrent migrations wait for each other.
    let options = database.options();
    let (one, other) = tokio::join!(migrate(&options, MIGRATION), migrate(&options, MIGRATION));
    one.and(other).unwrap();
    migrate(&app, MIGRATION).await.unwrap();
}
