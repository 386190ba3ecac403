//! The ways a session ends: expiry, sign-out, revocation, a withdrawn login.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, header};
use incident_axum::{
    Accounts, AuthError, Login, MemorySessions, Session, SessionError, SessionId, SessionStore,
};
use incident_core::actor::Role;
use incident_core::testing::caller;
use incident_core::{PersonName, Timestamp};

use super::{HOUR, TOKEN, app, app_with, tokens};

/// Sessions of yesterday: twelve hours without a request, and seven days in all.
#[tokio::test]
async fn sessions_expire() {
    let app = app();
    let (idle, busy) = (app.signed_in().await, app.signed_in().await);
    for hour in 1..=7 * 24 {
        app.clock.advance(HOUR);
        let alive = u16::from(hour < 7 * 24) * 200;
        let expected = if alive == 200 { 200 } else { 401 };
        assert_eq!(app.reads(&busy).await, expected, "{hour}");
        if hour == 12 {
            assert_eq!(app.reads(&idle).await, 401);
        }
    }
    let shown = Request::get("/signin").header(header::COOKIE, &busy);
    let page = app.send(shown.body(Body::empty()).unwrap()).await;
    assert!(page.body.contains("name=\"token\""), "{}", page.body);
}

#[tokio::test]
async fn two_browsers_have_a_session_each() {
    let app = app();
    let (one, other) = (app.signed_in().await, app.signed_in().await);
    assert_ne!(one, other);
    let ours = |cookie: &str| {
        [
            ("sec-fetch-site", "same-origin".to_owned()),
            ("cookie", cookie.to_owned()),
        ]
    };
    let headers = ours(&one);
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let out = app.form("/signout", "", &headers).await;
    assert_eq!((out.status.as_u16(), out.location()), (303, "/signin"));
    assert!(
        out.headers[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!((app.reads(&one).await, app.reads(&other).await), (401, 200));
    // A browser that signs in again ends what it had.
    let again = [
        ("sec-fetch-site", "same-origin"),
        ("cookie", other.as_str()),
    ];
    let new = app
        .form("/signin", &format!("token={TOKEN}"), &again)
        .await
        .cookie();
    assert_eq!((app.reads(&other).await, app.reads(&new).await), (401, 200));
    // Everywhere: all browsers of the person.
    let third = app.signed_in().await;
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("cookie", third.as_str()),
    ];
    app.form("/signout", "everywhere=yes", &headers).await;
    assert_eq!((app.reads(&new).await, app.reads(&third).await), (401, 401));
}

#[tokio::test]
async fn a_sign_out_of_another_site_is_refused() {
    let app = app();
    let cookie = app.signed_in().await;
    let headers = [
        ("sec-fetch-site", "cross-site"),
        ("cookie", cookie.as_str()),
    ];
    assert_eq!(app.form("/signout", "", &headers).await.status, 403);
    assert_eq!(app.reads(&cookie).await, 200);
}

#[tokio::test]
async fn a_host_revokes_the_sessions_of_a_person() {
    let app = app();
    let anna = app.signed_in().await;
    let bob = app
        .form("/signin", "token=fedcba9876543210", &[])
        .await
        .cookie();
    let person: PersonName = "anna".parse().unwrap();
    let sessions = app.api.sessions().unwrap();
    assert_eq!(sessions.revoke(&person).await.unwrap(), 1);
    assert_eq!((app.reads(&anna).await, app.reads(&bob).await), (401, 200));
}

/// Accounts that change while sessions last.
#[derive(Default)]
struct Changing(Mutex<Vec<Login>>);

impl Changing {
    fn become_of(&self, role: Role, fingerprint: u8) {
        let caller = caller("anna", role).unwrap();
        let fingerprint = [fingerprint; 32];
        *self.0.lock().unwrap() = vec![Login {
            caller,
            fingerprint,
        }];
    }
}

#[async_trait]
impl Accounts for Changing {
    async fn login(&self, _: &str) -> Result<Login, AuthError> {
        let logins = self.0.lock().unwrap();
        logins.first().cloned().ok_or(AuthError::Invalid)
    }

    async fn logins_of(&self, _: &PersonName) -> Result<Vec<Login>, AuthError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

/// A new role holds at once; a withdrawn token ends its sessions, and a new one does not revive
/// them.
#[tokio::test]
async fn a_session_is_worth_what_its_login_is_worth() {
    let accounts = Arc::new(Changing::default());
    accounts.become_of(Role::Responder, 1);
    let app = app_with(
        Arc::new(MemorySessions::default()),
        Arc::clone(&accounts) as _,
        None,
    );
    let cookie = app.signed_in().await;
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("cookie", cookie.as_str()),
    ];
    assert_eq!(app.declares(&headers).await.status, 201);
    accounts.become_of(Role::Viewer, 1);
    assert_eq!(app.declares(&headers).await.status, 403);
    accounts.become_of(Role::Admin, 2);
    assert_eq!(app.declares(&headers).await.status, 401);
}

/// A store of sessions that fails.
struct Away;

fn away<T>() -> Result<T, SessionError> {
    Err(SessionError("c4n4ry".into()))
}

#[async_trait]
impl SessionStore for Away {
    async fn insert(&self, _: &Session) -> Result<(), SessionError> {
        away()
    }
    async fn find(&self, _: SessionId) -> Result<Option<Session>, SessionError> {
        away()
    }
    async fn touch(&self, _: SessionId, _: Timestamp) -> Result<(), SessionError> {
        away()
    }
    async fn remove(&self, _: SessionId) -> Result<(), SessionError> {
        away()
    }
    async fn remove_all_of(&self, _: &PersonName) -> Result<u64, SessionError> {
        away()
    }
    async fn remove_expired(&self, _: Timestamp, _: Timestamp) -> Result<(), SessionError> {
        away()
    }
}

/// Without the store of sessions nobody signs in, and tokens work as ever.
#[tokio::test]
async fn tokens_work_without_the_store_of_sessions() {
    let cookie = app().signed_in().await;
    let app = app_with(Arc::new(Away), Arc::new(tokens()), None);
    let answer = app.form("/signin", &format!("token={TOKEN}"), &[]).await;
    assert_eq!(answer.status, 503);
    assert!(!answer.body.contains("c4n4ry") && answer.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(app.reads(&cookie).await, 503);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(
        app.declares(&[("authorization", &bearer)]).await.status,
        201
    );
}
