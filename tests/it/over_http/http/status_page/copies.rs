//! The status page while the store is away: the last copy with its age, under a paused clock and
//! without a connection.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use incident_axum::{IncidentApi, PublicCache, Tokens};
use incident_core::PublicId;
use incident_core::engine::Incidents;
use incident_core::incident::{Command, Declare, Publish, Severity, Status, Update};
use incident_core::testing::{ManualClock, update_to};
use incident_store_memory::MemoryStore;
use tower::ServiceExt;

use crate::over_http::harness::{at, context};
use crate::over_http::troubled::{AWAY, NONE, Troubled, UNKNOWN};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);

struct Host {
    app: Router,
    incidents: Incidents,
    store: Arc<Troubled>,
    clock: Arc<ManualClock>,
}

struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Returns the sentence about the age; none on a page that is up to date.
    fn note(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("<p class=\"note\" role=\"status\">")?;
        rest.split_once("</p>").map(|(note, _)| note)
    }
}

impl Host {
    fn start() -> Self {
        let store = Troubled::over(Arc::new(MemoryStore::default()));
        let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
        let cache = PublicCache::shared();
        let incidents = Incidents::builder(store.clone())
            .clock(clock.clone())
            .on_event(cache.listener())
            .build()
            .unwrap();
        let tokens = Tokens::parse("anna:admin:0123456789abcdef").unwrap();
        let api = IncidentApi::builder(incidents.clone(), Arc::new(tokens), cache).build();
        Self {
            app: Router::new().nest("/ops/incidents", api.public()),
            incidents,
            store,
            clock,
        }
    }

    async fn get(&self, path: &str, language: &str) -> Page {
        let request = Request::get(format!("/ops/incidents{path}"))
            .header("accept", "text/html")
            .header("accept-language", language)
            .header("accept-encoding", "gzip;q=0")
            .body(Body::empty())
            .unwrap();
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        Page {
            status,
            headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Lets time pass, for both clocks.
    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        tokio::time::advance(time).await;
    }

    /// Declares a public incident, and returns its public id.
    async fn declare(&self, title: &str) -> PublicId {
        let asked = Declare::new("internal".parse().unwrap(), Severity::Sev2);
        let declared = self.incidents.declare(&context(), &asked).await.unwrap();
        self.publish(&declared.incident.id, Some(title))
            .await
            .unwrap();
        declared.incident.status_page.id
    }

    async fn publish(
        &self,
        id: &incident_core::IncidentId,
        title: Option<&str>,
    ) -> Result<(), incident_core::engine::Error> {
        let publish = Publish {
            public: title.is_some(),
            title: title.map(|title| title.parse().unwrap()),
            message: None,
        };
        let done = self.incidents.act(&context(), *id, &publish.into()).await;
        done.map(|_| ())
    }

    /// Returns the internal id of the only incident.
    async fn only(&self) -> incident_core::IncidentId {
        let filter = incident_core::port::IncidentFilter {
            limit: 9,
            ..Default::default()
        };
        self.incidents.list(&filter).await.unwrap()[0].id
    }
}

/// H31: the last good copy with its age, however long the store is away, and in each language.
#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_the_last_copy_says_how_old_it_is() {
    let host = Host::start();
    let id = host.declare("API errors").await;
    let incident = format!("/status/incidents/{id}");
    for page in ["/status", incident.as_str()] {
        let page = host.get(page, "en").await;
        assert_eq!((page.status, page.note()), (200, None));
        assert!(page.text.contains("API errors"));
    }
    host.store.is_in(AWAY);
    // Up to the age of a minute it is as good as any.
    host.pass(MINUTE - Duration::from_secs(1)).await;
    assert_eq!(host.get("/status", "en").await.note(), None);
    host.pass(Duration::from_secs(1)).await;
    for (wait, language, age) in [
        (Duration::ZERO, "en", "1\u{a0}min old"),
        (3 * 60 * MINUTE, "de", "3\u{a0}h 1\u{a0}min alt"),
        (2 * DAY, "fr", "vieille de 2\u{a0}j 3\u{a0}h"),
    ] {
        host.pass(wait).await;
        for path in ["/status", incident.as_str()] {
            let page = host.get(path, language).await;
            let note = page
                .note()
                .unwrap_or_else(|| panic!("{path}: {}", page.text));
            assert!(
                note.contains(age) && note.contains("23:00:00</time> UTC"),
                "{note}"
            );
            assert_eq!(page.status, 200);
            assert!(page.text.contains("API errors"));
            assert_eq!(page.header("cache-control"), Some("public, max-age=10"));
            assert_eq!(page.header("etag"), None);
            assert!(page.header("content-security-policy").is_some());
        }
        // Programs get no old data.
        assert_eq!(host.get("/public/status/active", "en").await.status, 503);
    }
    // The page recovers by itself.
    host.store.is_in(NONE);
    host.pass(MINUTE).await;
    let mut page = host.get("/status", "en").await;
    for _ in 0..20 {
        host.pass(Duration::from_secs(1)).await;
        page = host.get("/status", "en").await;
        if page.note().is_none() {
            break;
        }
    }
    assert_eq!((page.status, page.note()), (200, None));
}

/// A12: no age makes up for what may have been withdrawn here.
#[tokio::test(start_paused = true)]
async fn a_copy_that_may_show_what_was_withdrawn_is_not_shown_at_any_age() {
    let host = Host::start();
    let id = host.declare("API errors").await;
    let incident = format!("/status/incidents/{id}");
    let internal = host.only().await;
    assert_eq!(host.get("/status", "en").await.status, 200);
    host.store.is_in(UNKNOWN);
    assert!(host.publish(&internal, None).await.is_err());
    host.store.is_in(AWAY);
    for _ in 0..3 {
        for path in ["/status", incident.as_str()] {
            let page = host.get(path, "en").await;
            assert_eq!(page.status, 503, "{path}");
            assert!(page.text.contains("cannot be shown") && !page.text.contains("API errors"));
            assert_eq!(page.header("retry-after"), Some("2"));
        }
        host.pass(MINUTE).await;
    }
}

/// Without any copy there is a plain sentence.
#[tokio::test(start_paused = true)]
async fn a_process_that_never_read_the_store_says_so() {
    let host = Host::start();
    host.store.is_in(AWAY);
    let unknown = "/status/incidents/0190a000-0000-4000-8000-000000000000";
    for path in ["/status", unknown] {
        let page = host.get(path, "de").await;
        assert_eq!(page.status, 503);
        assert!(page.text.contains("kann gerade nicht angezeigt werden"));
    }
}

/// An incident that the history no longer has is kept for a minute, and shown with its age while
/// the store is away.
#[tokio::test(start_paused = true)]
async fn an_old_incident_is_kept_and_says_how_old_the_copy_is() {
    let host = Host::start();
    let id = host.declare("API errors").await;
    let internal = host.only().await;
    let over = update_to(Status::Resolved, "over").unwrap();
    host.incidents
        .act(&context(), internal, &over)
        .await
        .unwrap();
    host.pass(30 * DAY).await;
    let path = format!("/status/incidents/{id}");
    assert!(!host.get("/status", "en").await.text.contains("API errors"));
    let page = host.get(&path, "en").await;
    assert!(page.note().is_none() && page.text.contains("API errors"));
    host.store.is_in(AWAY);
    // Nobody waits for the store again.
    host.pass(Duration::from_secs(59)).await;
    let page = host.get(&path, "en").await;
    assert_eq!((page.status, page.note()), (200, None));
    host.pass(9 * MINUTE).await;
    let page = host.get(&path, "en").await;
    assert!(
        page.note().unwrap().contains("9\u{a0}min old"),
        "{:?}",
        page.note()
    );
    // It is gone with a change that may have hidden it.
    host.store.is_in(UNKNOWN);
    let mut update = Update::new("internal".parse().unwrap());
    update.public_message = Some("later".parse().unwrap());
    let command = Command::Update(Box::new(update));
    let hide = Command::from(Publish {
        public: false,
        title: None,
        message: None,
    });
    for command in [hide, command] {
        let _ = host.incidents.act(&context(), internal, &command).await;
    }
    host.store.is_in(AWAY);
    assert_eq!(host.get(&path, "en").await.status, 503);
}

/// Links are relative, so that they fit the prefix of any host.
#[tokio::test(start_paused = true)]
async fn links_of_a_mounted_page_lead_below_its_prefix() {
    let host = Host::start();
    let id = host.declare("API errors").await;
    for path in ["/status".to_owned(), format!("/status/incidents/{id}")] {
        let page = host.get(&path, "en").await;
        let hrefs = page.text.split("href=\"").skip(1);
        let hrefs = hrefs.map(|rest| rest.split('"').next().unwrap());
        let base = reqwest::Url::parse(&format!("http://host/ops/incidents{path}")).unwrap();
        let mut followed = 0;
        for href in hrefs.filter(|href| !href.starts_with(['#', 'd'])) {
            let url = base.join(href).unwrap();
            let inner = url.path().strip_prefix("/ops/incidents");
            let inner = inner.unwrap_or_else(|| panic!("{href} leads to {url}"));
            assert_eq!(host.get(inner, "en").await.status, 200, "{href}");
            followed += 1;
        }
        assert!(followed > 4, "{followed}");
    }
}
