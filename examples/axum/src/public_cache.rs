//! The public page as serialized bytes: built once for many requests, and served without the store
//! while that is slow or unavailable.

use std::fmt::Display;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use incident_core::Timestamp;
use incident_core::engine::EngineEvent;
use incident_core::status_page::{PublicHistory, PublicPage};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::http::content_hash::{TAG_DIGITS, content_hash};
use crate::responses::public::PublicPageResponse;
use crate::web::status::OldIncidents;
use crate::web::status::copy::{StatusCopy, last_change};
use crate::web::status::site::Site;

/// Maximum age of a page that is served.
pub(crate) const TTL: Duration = Duration::from_secs(60);
/// Age from which a page is rebuilt in the background while it is still served.
pub(crate) const REFRESH: Duration = Duration::from_secs(30);
/// Maximum duration of a build.
pub(crate) const BUILD: Duration = Duration::from_secs(5);
/// Maximum time that a request waits for a page.
pub(crate) const MAX_WAIT: Duration = Duration::from_millis(5_500);
/// Minimum time between a failed build and the next attempt.
pub(crate) const BACK_OFF: Duration = Duration::from_secs(1);
/// Time after a failed build during which requests do not wait for another one.
pub(crate) const DOUBT: Duration = Duration::from_secs(10);

/// The error of having no page that may be served and being unable to build one now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unavailable;

/// The public data as the store has it, and what the host adds to its page.
#[derive(Debug)]
pub(crate) struct PublicContent {
    pub(crate) page: PublicPage,
    pub(crate) history: PublicHistory,
    pub(crate) site: Arc<Site>,
}

/// A serialized page.
#[derive(Debug)]
pub(crate) struct CachedPage {
    generation: u64,
    /// Time at which reading it from the store began.
    as_of: Instant,
    /// Time at which it had been read.
    pub(crate) read_at: Timestamp,
    generated_at: Timestamp,
    /// The bytes.
    pub(crate) bytes: Bytes,
    /// The tag of the content; weak, because it ignores `generated_at`.
    pub(crate) etag: HeaderValue,
    /// The headers of a response with it, created with the first response.
    pub(crate) headers: OnceLock<HeaderMap>,
    /// The pages for people.
    pub(crate) status: Arc<StatusCopy>,
}

impl CachedPage {
    /// Returns the time since reading it from the store began.
    pub(crate) fn age(&self) -> Duration {
        self.as_of.elapsed()
    }
}

/// The cache of the public page.
///
/// A page may be served to a request if both conditions hold:
///
/// - It was read from the store after everything that this process had changed, or may have
///   changed, when the request arrived: data withdrawn here is never shown again, whatever the
///   store does.
/// - It was read less than 60 s ago: data withdrawn at another replica is shown for at most 60
///   s, even while the store is unavailable. After that there is an error instead of a page.
///
/// From the age of 30 s a page is rebuilt in the background. A request waits only if there
/// is no page that it may have, and then at most 5.5 s. After a failed build no request
/// waits: those that may have the cached page get it, the others get 503. Builds are
/// then attempted in the background, one at a time and at most once per second.
///
/// The pages for people are less strict in one way: while none can be built, the last one is shown
/// at any age, with a sentence that says how old it is. Data withdrawn here is never shown again
/// there either.
#[derive(Debug, Default)]
pub struct PublicCache {
    /// Incremented by every change that may affect the public page.
    generation: AtomicU64,
    ready: RwLock<Option<Arc<CachedPage>>>,
    builds: Mutex<Builds>,
    /// Incremented when a build ends, successful or not.
    ended: watch::Sender<u64>,
    /// Incidents that the history no longer has.
    pub(crate) old: OldIncidents,
}

#[derive(Debug, Default)]
struct Builds {
    running: bool,
    /// Time of the last failure, if the last build failed.
    failed_at: Option<Instant>,
}

impl Builds {
    fn failed_within(&self, time: Duration) -> bool {
        self.failed_at.is_some_and(|at| at.elapsed() < time)
    }
}

/// The permit to build the page: one at a time. Dropping it returns it and wakes the waiting
/// requests.
struct BuildPermit {
    cache: Arc<PublicCache>,
    /// Read before the store is: a later change belongs to the next build.
    generation: u64,
    as_of: Instant,
    failed: bool,
}

/// The next step of a request without a page.
enum Next {
    Build(BuildPermit),
    Wait,
    GiveUp,
}

impl PublicCache {
    /// Creates a cache to be shared by an engine and an API.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        Arc::default()
    }

    /// Returns the listener for [`on_event`](incident_core::engine::IncidentsBuilder::on_event): a
    /// change of public data is visible to the next request of this process.
    pub fn listener(self: &Arc<Self>) -> impl Fn(&EngineEvent) + Send + Sync + use<> {
        let cache = Arc::clone(self);
        move |event| {
            if event.public {
                cache.invalidate();
            }
        }
    }

    /// Notes that public data changed, or may have changed: the next request gets a new page.
    pub fn invalidate(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the number of changes so far. What was read from the store after this call has all of
    /// them.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Returns the last page, at any age, unless something may have changed since by this process.
    pub(crate) fn last(&self) -> Option<Arc<CachedPage>> {
        let wanted = self.generation();
        self.kept().filter(|kept| kept.generation >= wanted)
    }

    /// Returns the page if it may be served and is not due for a rebuild.
    pub(crate) fn fresh(&self) -> Option<Arc<CachedPage>> {
        let wanted = self.generation();
        self.kept()
            .filter(|kept| kept.generation >= wanted && kept.as_of.elapsed() < REFRESH)
    }

    /// Returns the page. If this request has to build it, `build` reads it from the store, in a
    /// task of its own.
    ///
    /// # Errors
    /// Returns [`Unavailable`] if the page cannot be built and there is none that may be served.
    pub(crate) async fn get<B, F, E>(
        self: &Arc<Self>,
        now: impl Fn() -> Timestamp + Send + 'static,
        build: B,
    ) -> Result<Arc<CachedPage>, Unavailable>
    where
        B: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<PublicContent, E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let wanted = self.generation();
        if let Some(ready) = self.servable(wanted) {
            if ready.as_of.elapsed() >= REFRESH
                && let Some(permit) = self.claim()
            {
                permit.spawn(now, build);
            }
            return Ok(ready);
        }
        if self.builds().failed_within(DOUBT) {
            if let Some(permit) = self.claim() {
                permit.spawn(now, build);
            }
            return Err(Unavailable);
        }
        match timeout(MAX_WAIT, self.built(wanted, now, build)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Unavailable),
        }
    }

    /// Waits for a page of at least the wanted generation.
    async fn built<B, F, E>(
        self: &Arc<Self>,
        wanted: u64,
        now: impl Fn() -> Timestamp + Send + 'static,
        build: B,
    ) -> Result<Arc<CachedPage>, Unavailable>
    where
        B: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<PublicContent, E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let mut ended = self.ended.subscribe();
        let mut mine = Some((now, build));
        loop {
            if let Some(ready) = self.servable(wanted) {
                return Ok(ready);
            }
            match self.next() {
                Next::GiveUp => return Err(Unavailable),
                Next::Wait => {}
                // A build that begins after the request arrived is new enough, so one is
                // sufficient.
                Next::Build(permit) => match mine.take() {
                    Some((now, build)) => permit.spawn(now, build),
                    None => return Err(Unavailable),
                },
            }
            if ended.changed().await.is_err() {
                return Err(Unavailable);
            }
        }
    }

    fn next(self: &Arc<Self>) -> Next {
        let mut builds = self.builds();
        if builds.failed_within(DOUBT) {
            return Next::GiveUp;
        }
        if builds.running {
            return Next::Wait;
        }
        builds.running = true;
        Next::Build(self.permit())
    }

    /// Takes the permit to build in the background, unless a build is running or failed just now.
    fn claim(self: &Arc<Self>) -> Option<BuildPermit> {
        let mut builds = self.builds();
        if builds.running || builds.failed_within(BACK_OFF) {
            return None;
        }
        builds.running = true;
        Some(self.permit())
    }

    fn permit(self: &Arc<Self>) -> BuildPermit {
        BuildPermit {
            cache: Arc::clone(self),
            generation: self.generation(),
            as_of: Instant::now(),
            failed: true,
        }
    }

    fn builds(&self) -> MutexGuard<'_, Builds> {
        self.builds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> Option<Arc<CachedPage>> {
        self.ready
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn servable(&self, wanted: u64) -> Option<Arc<CachedPage>> {
        self.kept()
            .filter(|kept| kept.generation >= wanted && kept.as_of.elapsed() < TTL)
    }
}

impl BuildPermit {
    /// Builds the page in a task of its own, which a disconnecting client does not cancel.
    fn spawn<B, F, E>(mut self, now: impl Fn() -> Timestamp + Send + 'static, build: B)
    where
        B: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<PublicContent, E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        tokio::spawn(async move {
            match timeout(BUILD, build()).await {
                Ok(Ok(content)) => self.keep(content, now()),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the public status page could not be built")
                }
                Err(_) => tracing::warn!("building the public status page timed out"),
            }
        });
    }

    fn keep(&mut self, content: PublicContent, now: Timestamp) {
        let ready = make(self, content, self.cache.kept().as_deref(), now);
        *self
            .cache
            .ready
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(ready));
        self.failed = false;
    }
}

impl Drop for BuildPermit {
    fn drop(&mut self) {
        {
            let mut builds = self.cache.builds();
            builds.running = false;
            builds.failed_at = self.failed.then(Instant::now);
        }
        self.cache.ended.send_modify(|ended| *ended += 1);
    }
}

/// Creates the page to cache. Unchanged content keeps its time and bytes, and has the same tag at
/// every replica.
fn make(
    permit: &BuildPermit,
    content: PublicContent,
    kept: Option<&CachedPage>,
    now: Timestamp,
) -> CachedPage {
    let page = &content.page;
    let etag = tag(page);
    let (generated_at, bytes) = match kept.filter(|kept| kept.etag == etag) {
        Some(same) => (same.generated_at, same.bytes.clone()),
        None => {
            let newest = page.incidents.iter().map(|one| one.updated_at).max();
            let generated_at = last_change(newest, kept.map(|kept| kept.generated_at), now);
            let body = PublicPageResponse { generated_at, page };
            let json = serde_json::to_vec(&body).unwrap_or_default();
            (generated_at, Bytes::from(json))
        }
    };
    let kept = kept.map(|kept| &kept.status);
    CachedPage {
        generation: permit.generation,
        as_of: permit.as_of,
        read_at: now,
        generated_at,
        bytes,
        etag,
        headers: OnceLock::new(),
        status: StatusCopy::of(content.site, content.history, kept, now),
    }
}

fn tag(page: &PublicPage) -> HeaderValue {
    let content = serde_json::to_vec(page).unwrap_or_default();
    let tag = format!("W/\"{}\"", content_hash(&content, TAG_DIGITS));
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("W/\"\""))
}

#[cfg(test)]
mod tests;
