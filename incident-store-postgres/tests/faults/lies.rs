//! The end of a session reveals nothing about its commit.

use std::time::Duration;

use incident_core::engine::Error;
use incident_core::port::StoreError;
use incident_test_postgres::{Proxy, ProxyMode, ServerError};

use crate::{Setup, engine, recorder, sound, titled};

/// Errors after which a commit may have been stored: of a session that ended, or of a pooler
/// that lost its server.
const ENDS: [(&str, &str); 9] = [
    ("FATAL", "57P01"),
    ("FATAL", "57P02"),
    ("FATAL", "XX000"),
    ("PANIC", "XX000"),
    ("PANIC", "58030"),
    ("FATAL", "08P01"),
    ("ERROR", "08006"),
    ("ERROR", "08007"),
    ("ERROR", "40003"),
];

/// Errors of the statement itself: the server has rolled it back.
const UNDONE: [(&str, &str); 3] = [("ERROR", "53100"), ("ERROR", "57014"), ("ERROR", "55P03")];

/// A18: a FATAL of a proxy, or a PANIC, at the commit was reported as "certainly not written".
/// Here all of the commits are written, and each is found again under its key.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_at_the_commit_leaves_it_unknown() {
    let it = Setup::new().await;
    let proxy = Proxy::before(it.cluster.folder().unwrap()).unwrap();
    let incidents = engine(it.pool(proxy.folder(), 2), recorder());
    for (n, (severity, code)) in ENDS.into_iter().enumerate() {
        let (key, title) = (format!("key-{n}"), format!("needle-{n}-needle"));
        proxy.set(ProxyMode::Lie {
            // Only the commit itself holds the title.
            to: title.clone(),
            with: ServerError { severity, code },
        });
        let told = titled(&incidents, &key, &title).await;
        assert!(
            matches!(told, Err(Error::Store(StoreError::Unknown(_)))),
            "{severity} {code}: {told:?}"
        );
        proxy.set(ProxyMode::Pass);
        let kept = titled(&incidents, &key, &title).await.unwrap();
        assert_eq!(titled(&incidents, &key, &title).await.unwrap(), kept);
    }
    sound(&it, ENDS.len()).await;
    for (n, (severity, code)) in UNDONE.into_iter().enumerate() {
        let title = format!("undone-{n}-undone");
        proxy.set(ProxyMode::Lie {
            to: title.clone(),
            with: ServerError { severity, code },
        });
        let told = titled(&incidents, &title, &title).await;
        assert!(
            matches!(told, Err(Error::Store(StoreError::Unavailable(_)))),
            "{severity} {code}: {told:?}"
        );
        proxy.set(ProxyMode::Pass);
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
}
