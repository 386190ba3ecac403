//! The public page as ready bytes: built once per change or 60 s, by one
//! request while the others wait.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::HeaderValue;
use bytes::Bytes;
use incident_core::Timestamp;
use incident_core::status_page::PublicPage;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a page is served without looking again.
pub const TTL: Duration = Duration::from_secs(60);

/// A page that is ready to be sent.
#[derive(Debug)]
pub struct Ready {
    generation: u64,
    built_at: Instant,
    page: PublicPage,
    generated_at: Timestamp,
    /// The bytes.
    pub bytes: Bytes,
    /// Their entity tag.
    pub etag: HeaderValue,
}

#[derive(Serialize)]
struct Body<'a> {
    generated_at: Timestamp,
    #[serde(flatten)]
    page: &'a PublicPage,
}

/// Keeps the page.
#[derive(Debug, Default)]
pub struct PublicCache {
    /// Raised by every change that the public may see.
    generation: AtomicU64,
    ready: RwLock<Option<Arc<Ready>>>,
    flight: Mutex<()>,
}

impl PublicCache {
    /// The public side of something changed: the next request sees it.
    pub fn invalidate(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// The page, built by `build` if the one kept is old or out of date.
    ///
    /// # Errors
    /// The page could not be built, and the one kept may show what was
    /// withdrawn since. One that is merely old is served instead.
    pub async fn get<E, F>(
        &self,
        now: impl Fn() -> Timestamp,
        build: impl FnOnce() -> F,
    ) -> Result<Arc<Ready>, E>
    where
        F: Future<Output = Result<PublicPage, E>>,
    {
        if let Some(ready) = self.fresh() {
            return Ok(ready);
        }
        let _turn = self.flight.lock().await;
        if let Some(ready) = self.fresh() {
            return Ok(ready);
        }
        // Read before the store is: a change after this is seen next time.
        let generation = self.generation.load(Ordering::SeqCst);
        let kept = self.kept();
        match build().await {
            Ok(page) => {
                let ready = Arc::new(make(generation, page, kept.as_deref(), now()));
                *self.ready.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Arc::clone(&ready));
                Ok(ready)
            }
            Err(error) => kept
                .filter(|kept| kept.generation == generation)
                .ok_or(error),
        }
    }

    fn kept(&self) -> Option<Arc<Ready>> {
        self.ready
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn fresh(&self) -> Option<Arc<Ready>> {
        let generation = self.generation.load(Ordering::SeqCst);
        self.kept()
            .filter(|kept| kept.generation == generation && kept.built_at.elapsed() < TTL)
    }
}

/// The same content keeps its time and its tag.
fn make(generation: u64, page: PublicPage, kept: Option<&Ready>, now: Timestamp) -> Ready {
    let same = kept.filter(|kept| kept.page == page);
    let generated_at = same.map_or(now, |kept| kept.generated_at);
    let bytes = match same {
        Some(kept) => kept.bytes.clone(),
        None => Bytes::from(
            serde_json::to_vec(&Body {
                generated_at,
                page: &page,
            })
            .unwrap_or_default(),
        ),
    };
    let digest = incident_core::chain::Hash(Sha256::digest(&bytes).into()).to_string();
    let tag = format!("\"{}\"", digest.get(..24).unwrap_or_default());
    let etag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
    Ready {
        generation,
        built_at: Instant::now(),
        page,
        generated_at,
        bytes,
        etag,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use incident_core::status_page;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::MIN
    }

    async fn page() -> Result<PublicPage, &'static str> {
        Ok(status_page::page(Vec::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn built_once_for_many_and_again_after_a_change_or_a_minute() {
        let cache = Arc::new(PublicCache::default());
        let builds = Arc::new(AtomicUsize::new(0));
        let mut waiting = Vec::new();
        for _ in 0..100 {
            let (cache, builds) = (Arc::clone(&cache), Arc::clone(&builds));
            waiting.push(tokio::spawn(async move {
                let build = || async {
                    builds.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    page().await
                };
                cache.get(now, build).await.unwrap();
            }));
        }
        for one in waiting {
            one.await.unwrap();
        }
        assert_eq!(builds.load(Ordering::SeqCst), 1);
        let count = || async {
            builds.fetch_add(1, Ordering::SeqCst);
            page().await
        };
        cache.invalidate();
        cache.get(now, count).await.unwrap();
        assert_eq!(builds.load(Ordering::SeqCst), 2);
        tokio::time::advance(TTL).await;
        cache.get(now, count).await.unwrap();
        assert_eq!(builds.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_page_is_served_while_the_store_is_away_but_not_a_withdrawn_one() {
        let cache = PublicCache::default();
        let away = || async { Err::<PublicPage, _>("away") };
        assert!(cache.get(now, away).await.is_err());
        cache.get(now, page).await.unwrap();
        tokio::time::advance(TTL).await;
        assert!(cache.get(now, away).await.is_ok());
        cache.invalidate();
        assert!(cache.get(now, away).await.is_err());
    }
}
