//! Consoles in their states.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use incident_axum::Tokens;
use incident_console::console::{Console, ConsoleBuilder};
use incident_console::demo::Demo;
use incident_console::policy_file::PolicyFile;
use incident_console::storage::Storage;
use incident_core::actor::{Caller, Role};
use incident_core::paging::{DeliveryResult, NotSentReason, PageEvent, TargetId};
use incident_core::port::{Clock, Pager};
use incident_core::{Month, Timestamp};
use reqwest::{Client, Method, header};
use serde_json::{Value, json};

use super::busy;
use super::table::State;
use super::troubled::{AWAY, Troubled};

/// Maximum time for something to happen in the background.
const WAIT: Duration = Duration::from_secs(30);

/// A console in a state.
pub(crate) struct SeededConsole {
    /// The state.
    pub(crate) state: State,
    console: Console,
    /// The beginning of all addresses, such as `http://127.0.0.1:8080`.
    pub(crate) origin: String,
    /// The values that stand for names in the addresses of pages.
    pub(crate) values: Vec<(&'static str, String)>,
}

/// A pager that takes no page.
#[derive(Debug)]
struct AwayPager(TargetId, NotSentReason);

#[async_trait]
impl Pager for AwayPager {
    fn target_id(&self) -> TargetId {
        self.0.clone()
    }

    fn follows_severity(&self) -> bool {
        true
    }

    async fn send(&self, _page: &PageEvent, _timeout: Duration) -> DeliveryResult {
        DeliveryResult::NotSent(self.1.into())
    }
}

/// The clock of the system, behind by some seconds.
#[derive(Debug)]
struct BehindClock(AtomicU64);

impl Clock for BehindClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MIN);
        now.saturating_sub(Duration::from_secs(self.0.load(Ordering::SeqCst)))
    }
}

/// Requests to the routes, as the person who visits the console.
pub(crate) struct Visitor {
    http: Client,
    origin: String,
}

impl Visitor {
    pub(crate) async fn get(&self, path: &str) -> io::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.origin));
        let response = request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        let response = response.map_err(io::Error::other)?;
        response.json().await.map_err(io::Error::other)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> io::Result<Value> {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> io::Result<()> {
        self.send(Method::PATCH, path, body).await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> io::Result<Value> {
        let request = self.http.request(method, format!("{}{path}", self.origin));
        let request = request.json(body);
        let response = request.send().await.map_err(io::Error::other)?;
        let status = response.status();
        let text = response.text().await.map_err(io::Error::other)?;
        if !status.is_success() {
            return Err(io::Error::other(format!("{path}: {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(io::Error::other)
    }
}

impl SeededConsole {
    async fn start(state: State, builder: ConsoleBuilder) -> io::Result<Self> {
        let anna = Caller::person("anna".parse().map_err(io::Error::other)?, Role::Admin);
        let builder = ConsoleBuilder {
            visitor: builder.visitor.or(Some(anna)),
            ..builder
        };
        let console = Console::start(builder, ([127, 0, 0, 1], 0).into()).await?;
        Ok(Self {
            state,
            origin: format!("http://{}", console.address),
            console,
            values: Vec::new(),
        })
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor {
            http: Client::builder().no_proxy().build().unwrap(),
            origin: self.origin.clone(),
        }
    }

    /// Finds what stands for names in addresses, once everything is there.
    async fn find_values(&mut self) -> io::Result<()> {
        let visitor = self.visitor();
        let list = visitor.get("/sys/incidents?limit=100").await?;
        let live = list["items"].as_array().cloned().unwrap_or_default();
        // The list has the worst first.
        let published = live
            .iter()
            .find(|one| one["public"] == true)
            .or(live.first());
        if let Some(one) = published {
            let id = one["id"].as_str().unwrap_or_default().to_owned();
            self.values.push(("incident", id));
        }
        let status = visitor.get("/public/status/active").await?;
        let public = status["incidents"][0]["id"].as_str().unwrap_or_default();
        self.values.push(("public", public.to_owned()));
        let now: Timestamp = status["generated_at"]
            .as_str()
            .unwrap_or_default()
            .parse()
            .map_err(io::Error::other)?;
        let month = Month::of(now);
        self.values.push(("month", month.to_string()));
        let last = month.before().unwrap_or(month);
        self.values.push(("last_month", last.to_string()));
        Ok(())
    }

    /// Gives the incident of the pages another title.
    pub(crate) async fn change_title(&self) -> io::Result<()> {
        let mut values = self.values.iter();
        let incident = values.find(|(name, _)| *name == "incident");
        let (_, id) = incident.ok_or_else(|| io::Error::other("no incident"))?;
        let path = format!("/sys/incidents/{id}");
        let visitor = self.visitor();
        let version = visitor.get(&path).await?["version"].clone();
        let title = format!("Payments fail (version {version})");
        visitor.patch(&path, &json!({"title": title})).await
    }

    pub(crate) async fn stop(self) -> io::Result<()> {
        self.console.stop().await
    }
}

/// Starts a console and brings it into a state.
pub(crate) async fn start(state: State) -> io::Result<SeededConsole> {
    let mut seeded = match state {
        State::Empty => SeededConsole::start(state, ConsoleBuilder::default()).await?,
        State::Busy => {
            let policy = PolicyFile::parse(&busy::policy()).map_err(io::Error::other)?;
            let seeded = SeededConsole::start(
                state,
                ConsoleBuilder {
                    policy,
                    ..ConsoleBuilder::default()
                },
            );
            let seeded = seeded.await?;
            busy::seed(&seeded.visitor()).await?;
            seeded
        }
        State::Failing => failing().await?,
        State::Away => return away().await,
        State::Tour => tour().await?,
        State::Response => response().await?,
    };
    seeded.find_values().await?;
    Ok(seeded)
}

/// Declares two incidents, one of them public.
async fn declare(visitor: &Visitor) -> io::Result<()> {
    for (title, severity, services) in [
        (
            "Payments fail for all federations",
            "SEV1",
            json!(["checkout"]),
        ),
        ("Exports are slow", "SEV3", json!(["exports"])),
    ] {
        let body = json!({"title": title, "severity": severity, "affected_services": services, "affected_tenants": ["tenant-fr"]});
        let declared = visitor.post("/sys/incidents", &body).await?;
        let path = format!(
            "/sys/incidents/{}/public",
            declared["id"].as_str().unwrap_or_default()
        );
        let public = json!({"public": true, "title": title, "message": "We are investigating."});
        visitor.post(&path, &public).await?;
    }
    Ok(())
}

/// Returns a console whose pagers take no page, once they have been tried.
async fn failing() -> io::Result<SeededConsole> {
    let pager = |name, reason| -> io::Result<Arc<dyn Pager>> {
        let target = TargetId::new(name).map_err(io::Error::other)?;
        Ok(Arc::new(AwayPager(target, reason)))
    };
    let pagers = vec![
        pager("pagerduty", NotSentReason::Unavailable)?,
        pager("opsgenie", NotSentReason::Unauthorized)?,
    ];
    let seeded = SeededConsole::start(
        State::Failing,
        ConsoleBuilder {
            pagers,
            ..ConsoleBuilder::default()
        },
    );
    let seeded = seeded.await?;
    let visitor = seeded.visitor();
    declare(&visitor).await?;
    let tried = async {
        loop {
            let list = visitor.get("/sys/incidents").await?;
            let mut items = list["items"].as_array().into_iter().flatten();
            if items.all(|one| one["paging"]["attempts"].as_u64() > Some(1)) {
                return Ok::<(), io::Error>(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(WAIT, tried).await??;
    Ok(seeded)
}

/// Returns a console whose store has stopped to respond, after its public page was read.
async fn away() -> io::Result<SeededConsole> {
    let mut storage = Storage::default();
    let troubled = Troubled::over(storage.store);
    storage.store = troubled.clone();
    let mut seeded = SeededConsole::start(
        State::Away,
        ConsoleBuilder {
            storage,
            ..ConsoleBuilder::default()
        },
    )
    .await?;
    declare(&seeded.visitor()).await?;
    seeded.find_values().await?;
    let page = format!("{}/status", seeded.origin);
    let request = seeded
        .visitor()
        .http
        .get(page)
        .header(header::ACCEPT, "text/html");
    request.send().await.map_err(io::Error::other)?;
    troubled.is_in(AWAY);
    Ok(seeded)
}

/// Returns a console on which data was lost and leaked, and rules fired late: no worker looked for
/// three hours.
async fn response() -> io::Result<SeededConsole> {
    let clock = Arc::new(BehindClock(AtomicU64::new(3 * 3_600)));
    let target = TargetId::new("pagerduty").map_err(io::Error::other)?;
    let pager: Arc<dyn Pager> = Arc::new(AwayPager(target, NotSentReason::Unavailable));
    let rule = "unacknowledged".parse().map_err(io::Error::other)?;
    let mut seeded = SeededConsole::start(
        State::Response,
        ConsoleBuilder {
            clock: Some(clock.clone()),
            escalations: BTreeMap::from([(rule, vec![pager])]),
            ..ConsoleBuilder::default()
        },
    )
    .await?;
    let visitor = seeded.visitor();
    for (name, body) in [
        (
            "lost",
            json!({"title": "Results of Saturday are gone", "severity": "SEV1",
                "affected_services": ["results"], "affected_tenants": ["tenant-fr"],
                "data_loss": {"state": "confirmed", "note": "The backup of 20 November is empty."}}),
        ),
        (
            "leaked",
            json!({"title": "Addresses of members stood in a public file", "severity": "SEV2",
                "affected_services": ["members"], "affected_tenants": ["tenant-fr"],
                "data_leak": {"state": "suspected", "note": "The file was listed for an hour."}}),
        ),
        (
            "late",
            json!({"title": "Payments fail for all federations", "severity": "SEV1",
                "affected_services": ["checkout"], "affected_tenants": ["tenant-fr"]}),
        ),
    ] {
        let declared = visitor.post("/sys/incidents", &body).await?;
        let id = declared["id"].as_str().unwrap_or_default().to_owned();
        seeded.values.push((name, id));
    }
    fired(&seeded, "sev1-declared").await?;
    clock.0.store(0, Ordering::SeqCst);
    fired(&seeded, "unacknowledged").await?;
    Ok(seeded)
}

/// Waits until a rule has fired for the last incident that was declared.
async fn fired(seeded: &SeededConsole, rule: &str) -> io::Result<()> {
    let id = seeded.values.last().map_or("", |(_, id)| id.as_str());
    let path = format!("/sys/incidents/{id}/due");
    let visitor = seeded.visitor();
    let fired = async {
        loop {
            let due = visitor.get(&path).await?;
            let mut rules = due["rules"].as_array().into_iter().flatten();
            if rules.any(|one| one["rule"] == rule && !one["fired_at"].is_null()) {
                return Ok::<(), io::Error>(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(WAIT, fired).await?
}

/// Returns the demo.
async fn tour() -> io::Result<SeededConsole> {
    let demo = Demo::default();
    let mut tokens = Tokens::default();
    let visitor = demo.admit(&mut tokens).map_err(io::Error::other)?;
    let seeded = SeededConsole::start(
        State::Tour,
        ConsoleBuilder {
            tokens,
            visitor: Some(visitor),
            clock: Some(demo.clock()),
            policy: Demo::policy().map_err(io::Error::other)?,
            pagers: Demo::pagers().map_err(io::Error::other)?.current,
            ..ConsoleBuilder::default()
        },
    )
    .await?;
    demo.play(&seeded.console.api)
        .await
        .map_err(io::Error::other)?;
    Ok(seeded)
}
