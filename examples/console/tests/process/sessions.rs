//! Sessions of the server: across a restart, at two servers of one database, behind a proxy, and
//! over HTTPS.

use std::io::BufReader;

use incident_test_postgres::{Cluster, Database};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, redirect};

use crate::{Running, command, stop, until};

const TOKEN: &str = "token-0123456789-token";
const TOKENS: &str = "anna:responder:token-0123456789-token,root:admin:another-0123456789";

struct Served {
    process: Running,
    address: String,
    client: Client,
}

/// Creates a database, and returns its address.
async fn database() -> (Database, String) {
    let database = Database::create(Cluster::shared(), None).await.unwrap();
    let url = Cluster::shared().url(database.name());
    (database, url)
}

/// Returns the settings of a server on a database of the tests.
fn on(url: &str) -> [(&str, &str); 2] {
    [
        ("DATABASE_URL", url),
        ("INCIDENT_ALLOW_UNSAFE_DATABASE", "1"),
    ]
}

/// Starts a server with settings.
fn serve(settings: &[(&str, &str)]) -> Served {
    let mut console = command();
    console.env("INCIDENT_TOKENS", TOKENS);
    console.envs(settings.iter().copied());
    let mut process = Running::of(&mut console);
    let mut lines = BufReader::new(process.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen.last().unwrap().trim_start_matches("listening on ");
    // The rest is read away, so that the pipe never fills.
    let address = address.to_owned();
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    let client = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none());
    Served {
        process,
        address,
        client: client.build().unwrap(),
    }
}

impl Served {
    async fn sign_in(&self, token: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.post(format!("{}/signin", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let form = format!("token={token}&next=%2Fsys%2Fincidents");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(form).send().await.unwrap()
    }

    async fn reads(&self, cookie: &str) -> u16 {
        let request = self.client.get(format!("{}/sys/incidents", self.address));
        let answer = request.header(COOKIE, cookie).send().await.unwrap();
        answer.status().as_u16()
    }
}

fn cookie(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()[LOCATION], "/sys/incidents");
    let set = answer.headers()[SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_in_a_database_outlive_a_server_and_are_shared() {
    let (_database, url) = database().await;
    let settings = on(&url);
    let first = serve(&settings);
    let cookie = cookie(&first.sign_in(TOKEN, &[]).await);
    assert_eq!(first.reads(&cookie).await, 200);
    let second = serve(&settings);
    assert_eq!(second.reads(&cookie).await, 200);
    stop(first.process);
    assert_eq!(second.reads(&cookie).await, 200);
    let mut revoke = command();
    revoke.arg("sign-out").arg("anna").env("DATABASE_URL", &url);
    let done = revoke.output().unwrap();
    let printed = String::from_utf8(done.stdout).unwrap();
    assert_eq!(printed, "sessions of anna ended: 1\n");
    assert_eq!(second.reads(&cookie).await, 401);
    stop(second.process);
}

/// A token that is left out ends its sessions, also those of the same person.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_token_ends_its_sessions() {
    let (_database, url) = database().await;
    let settings = on(&url);
    let first = serve(&settings);
    let cookie = cookie(&first.sign_in(TOKEN, &[]).await);
    stop(first.process);
    let tokens = ("INCIDENT_TOKENS", "anna:admin:a-newer-token-0123");
    let second = serve(&[settings[0], settings[1], tokens]);
    assert_eq!(second.reads(&cookie).await, 401);
    stop(second.process);
}

/// A role that owns nothing and was not given the table: people sign in, for this process.
#[tokio::test(flavor = "multi_thread")]
async fn without_rights_sessions_are_in_memory() {
    let (database, url) = database().await;
    let mut migrate = command();
    let migrated = migrate.arg("migrate").env("DATABASE_URL", &url).output();
    assert!(migrated.unwrap().status.success());
    let role = format!("app_of_{}", database.name());
    let pool = database.pool(1).await.unwrap();
    for sql in [
        format!("create role {role} login"),
        format!("select incident.grant_to('{role}')"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap();
    }
    let app = url.replace("postgres@", &format!("{role}@"));
    let settings = on(&app);
    let count = || async {
        let sql = "select count(*) from incident_axum.sessions";
        sqlx::query_scalar::<_, i64>(sql)
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    let served = serve(&settings);
    let signed_in = cookie(&served.sign_in(TOKEN, &[]).await);
    assert_eq!((served.reads(&signed_in).await, count().await), (200, 0));
    stop(served.process);
    let sql = format!("select incident_axum.grant_to('{role}')");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&pool)
        .await
        .unwrap();
    let served = serve(&settings);
    let signed_in = cookie(&served.sign_in(TOKEN, &[]).await);
    assert_eq!((served.reads(&signed_in).await, count().await), (200, 1));
    stop(served.process);
    let sql = format!("drop owned by {role}; drop role {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&pool)
        .await
        .unwrap();
}

/// field.md H1, H5, H7: HTTPS makes cookies secure, and only named proxies name clients.
#[tokio::test(flavor = "multi_thread")]
async fn base_url_and_trusted_proxies_are_obeyed() {
    let served = serve(&[
        ("INCIDENT_BASE_URL", "https://console.example/"),
        ("INCIDENT_TRUSTED_PROXIES", "127.0.0.1"),
    ]);
    let hostile = ("host", "evil.example");
    let secure = cookie(&served.sign_in(TOKEN, &[hostile]).await);
    assert!(secure.starts_with("__Host-incident_session="), "{secure}");
    assert_eq!(served.reads(&secure).await, 200);
    // Wrong tokens are counted by the client, not by the proxy.
    for attempt in 0..25 {
        let answer = served
            .sign_in("wrong", &[("x-forwarded-for", "127.0.0.9, 198.51.100.1")])
            .await;
        let expected = if attempt < 20 { 401 } else { 429 };
        assert_eq!(answer.status(), expected, "{attempt}");
    }
    let other = served
        .sign_in("wrong", &[("x-forwarded-for", "198.51.100.2")])
        .await;
    assert_eq!(other.status(), 401);
    stop(served.process);
    let served = serve(&[]);
    for attempt in 0..25 {
        let client = format!("198.51.100.{attempt}");
        let answer = served
            .sign_in("wrong", &[("x-forwarded-for", client.as_str())])
            .await;
        let expected = if attempt < 20 { 401 } else { 429 };
        assert_eq!(answer.status(), expected, "{attempt}");
    }
    stop(served.process);
}
