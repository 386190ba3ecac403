//! Tests of the cache under a paused clock.

use std::sync::atomic::AtomicUsize;

use incident_core::status_page::{Chosen, PublicNames};
use tokio::time::{advance, sleep};

use super::*;

fn now() -> Timestamp {
    Timestamp::MIN
}

async fn page() -> Result<PublicContent, &'static str> {
    let names = PublicNames::default();
    Ok(PublicContent {
        page: Chosen::for_page(now()).page(&[], &names),
        history: Chosen::for_history(now()).history(&[], &names),
        site: Arc::new(Site {
            name: "Petanque Life".to_owned(),
            style: "status.css".to_owned(),
        }),
    })
}

async fn away() -> Result<PublicContent, &'static str> {
    Err("away")
}

async fn hangs() -> Result<PublicContent, &'static str> {
    sleep(Duration::from_secs(3_600)).await;
    page().await
}

/// Lets other tasks run until they wait, without moving the clock.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn build<F: 'static>(&self, build: fn() -> F) -> impl FnOnce() -> F + Send + 'static {
        let count = Arc::clone(&self.0);
        move || {
            count.fetch_add(1, Ordering::SeqCst);
            build()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn built_once_for_many_and_again_after_a_change_or_a_minute() {
    let (cache, builds) = (Arc::new(PublicCache::default()), Counted::default());
    let slow = || async {
        sleep(Duration::from_millis(5)).await;
        page().await
    };
    let mut waiting = Vec::new();
    for _ in 0..100 {
        let (cache, build) = (Arc::clone(&cache), builds.build(slow));
        waiting.push(tokio::spawn(async move {
            cache.get(now, build).await.unwrap();
        }));
    }
    for one in waiting {
        one.await.unwrap();
    }
    assert_eq!(builds.count(), 1);
    cache.invalidate();
    cache.get(now, builds.build(page)).await.unwrap();
    assert_eq!(builds.count(), 2);
    advance(TTL).await;
    cache.get(now, builds.build(page)).await.unwrap();
    assert_eq!(builds.count(), 3);
}

/// A11: a stale page is served at once, and rebuilt in the background.
#[tokio::test(start_paused = true)]
async fn an_old_page_is_built_again_behind_the_requests() {
    let (cache, builds) = (Arc::new(PublicCache::default()), Counted::default());
    cache.get(now, page).await.unwrap();
    advance(REFRESH).await;
    for _ in 0..50 {
        let began = Instant::now();
        cache.get(now, builds.build(hangs)).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
    settle().await;
    assert_eq!(builds.count(), 1);
}

/// A page that is due for a rebuild, because of its age or a change, is not fresh.
#[tokio::test(start_paused = true)]
async fn a_page_is_fresh_until_it_is_to_be_built_again() {
    let cache = Arc::new(PublicCache::default());
    assert!(cache.fresh().is_none());
    cache.get(now, page).await.unwrap();
    assert!(cache.fresh().is_some());
    cache.invalidate();
    assert!(cache.fresh().is_none());
    cache.get(now, page).await.unwrap();
    advance(REFRESH - Duration::from_millis(1)).await;
    assert!(cache.fresh().is_some());
    advance(Duration::from_millis(1)).await;
    assert!(cache.fresh().is_none());
}

/// A11: while the store hangs, requests wait for the same build, and no more than 6 s; they do not
/// wait one after the other.
#[tokio::test(start_paused = true)]
async fn requests_wait_together_for_a_store_that_hangs_and_not_for_long() {
    let (cache, builds) = (Arc::new(PublicCache::default()), Counted::default());
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let (cache, build) = (Arc::clone(&cache), builds.build(hangs));
        waiting.push(tokio::spawn(async move {
            let began = Instant::now();
            let answer = cache.get(now, build).await;
            (answer.is_err(), began.elapsed())
        }));
        sleep(Duration::from_millis(100)).await;
    }
    for one in waiting {
        let (failed, took) = one.await.unwrap();
        assert!(failed && took <= Duration::from_secs(6), "{took:?}");
    }
    assert_eq!(builds.count(), 1);
    // From then on no request waits, and a build is attempted at most once a second.
    let began = Instant::now();
    for _ in 0..100 {
        let asked = Instant::now();
        assert!(cache.get(now, builds.build(away)).await.is_err());
        assert_eq!(asked.elapsed(), Duration::ZERO);
        sleep(Duration::from_millis(100)).await;
    }
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(
        (seconds - 2..=seconds + 2).contains(&builds.count()),
        "{}",
        builds.count()
    );
    // The page is back as soon as the store is.
    assert!(cache.get(now, builds.build(page)).await.is_err());
    settle().await;
    sleep(BACK_OFF).await;
    let _ = cache.get(now, builds.build(page)).await;
    settle().await;
    assert!(cache.get(now, builds.build(hangs)).await.is_ok());
}

/// S13: a replica without its store serves the last page for 60 s and no longer, without delaying
/// requests.
#[tokio::test(start_paused = true)]
async fn a_kept_page_is_served_for_a_minute_while_the_store_is_away() {
    let cache = Arc::new(PublicCache::default());
    cache.get(now, page).await.unwrap();
    let built = Instant::now();
    while built.elapsed() < Duration::from_secs(60) {
        let asked = Instant::now();
        assert!(cache.get(now, hangs).await.is_ok(), "{:?}", built.elapsed());
        assert_eq!(asked.elapsed(), Duration::ZERO);
        sleep(Duration::from_millis(500)).await;
    }
    let asked = Instant::now();
    assert_eq!(cache.get(now, hangs).await.unwrap_err(), Unavailable);
    assert!(asked.elapsed() <= Duration::from_secs(6));
}

/// The age counts from the start of reading: data may have been withdrawn since then.
#[tokio::test(start_paused = true)]
async fn a_slow_build_makes_no_page_younger() {
    let cache = Arc::new(PublicCache::default());
    let slow = || async {
        sleep(Duration::from_secs(4)).await;
        page().await
    };
    cache.get(now, slow).await.unwrap();
    advance(Duration::from_millis(55_900)).await;
    assert!(cache.get(now, away).await.is_ok());
    settle().await;
    advance(Duration::from_millis(200)).await;
    assert!(cache.get(now, away).await.is_err());
}

/// A12: the process that withdrew data never serves a page that may show it.
#[tokio::test(start_paused = true)]
async fn a_page_that_may_show_what_was_withdrawn_is_not_served() {
    let cache = Arc::new(PublicCache::default());
    cache.get(now, page).await.unwrap();
    cache.invalidate();
    assert!(cache.get(now, away).await.is_err());
    advance(BACK_OFF).await;
    assert!(cache.get(now, hangs).await.is_err());
    settle().await;
    assert!(cache.get(now, page).await.is_err());
    // A build that began before the change is not new enough for requests after it.
    let cache = Arc::new(PublicCache::default());
    let slow = || async {
        sleep(Duration::from_secs(1)).await;
        page().await
    };
    let early = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { cache.get(now, slow).await.unwrap().generation }
    });
    settle().await;
    cache.invalidate();
    let late = cache.get(now, slow).await.unwrap().generation;
    assert_eq!((early.await.unwrap(), late), (0, 1));
}

/// A request that is dropped does not cancel the build for the others, and a build that panics
/// returns its permit.
#[tokio::test(start_paused = true)]
async fn a_turn_is_given_back_whatever_becomes_of_it() {
    let (cache, builds) = (Arc::new(PublicCache::default()), Counted::default());
    let slow = || async {
        sleep(Duration::from_secs(1)).await;
        page().await
    };
    {
        let gone = cache.get(now, builds.build(slow));
        assert!(timeout(Duration::from_millis(10), gone).await.is_err());
    }
    cache.get(now, builds.build(slow)).await.unwrap();
    assert_eq!(builds.count(), 1);
    cache.invalidate();
    let broken = || async { Err::<PublicContent, &str>(panics()) };
    assert!(cache.get(now, broken).await.is_err());
    advance(DOUBT).await;
    assert!(cache.get(now, page).await.is_ok());
}

fn panics() -> &'static str {
    panic!("a build that panics")
}

#[tokio::test(start_paused = true)]
async fn equal_content_has_an_equal_tag_and_keeps_its_time() {
    let time = |second: u64| Timestamp::MIN.saturating_add(Duration::from_secs(second));
    let (one, other) = (
        Arc::new(PublicCache::default()),
        Arc::new(PublicCache::default()),
    );
    let first = one.get(move || time(5), page).await.unwrap();
    let second = other.get(move || time(9), page).await.unwrap();
    assert_eq!(first.etag, second.etag);
    assert!(first.etag.to_str().unwrap().starts_with("W/\""));
    assert_ne!(first.bytes, second.bytes);
    one.invalidate();
    let again = one.get(move || time(20), page).await.unwrap();
    assert_eq!((again.generated_at, &again.bytes), (time(5), &first.bytes));
}

/// The pages for people have a copy of any age to fall back on, unless something may have been
/// withdrawn here.
#[tokio::test(start_paused = true)]
async fn the_last_page_has_no_age_limit_and_nothing_that_was_withdrawn() {
    let cache = Arc::new(PublicCache::default());
    assert!(cache.last().is_none());
    cache.get(now, page).await.unwrap();
    advance(TTL * 1_000).await;
    assert!(cache.get(now, away).await.is_err());
    let last = cache.last().unwrap();
    assert_eq!(last.age(), TTL * 1_000);
    cache.invalidate();
    assert!(cache.last().is_none());
}

/// A page that was rendered is served until the content or the day changes.
#[tokio::test(start_paused = true)]
async fn pages_are_kept_while_nothing_changes() {
    let cache = Arc::new(PublicCache::default());
    let at = |seconds: u64| move || Timestamp::MIN.saturating_add(Duration::from_secs(seconds));
    let mut copies = Vec::new();
    for seconds in [0, 60, 24 * 3_600 - 1, 24 * 3_600] {
        cache.invalidate();
        let ready = cache.get(at(seconds), page).await.unwrap();
        copies.push(Arc::clone(&ready.status));
    }
    let same = |one: usize, other: usize| Arc::ptr_eq(&copies[one], &copies[other]);
    assert!(same(0, 1) && same(0, 2), "the same day");
    assert!(!same(0, 3), "the days of the history are others");
}
