//! Protection of logins that a browser sends by itself, such as cookies, from requests of other
//! sites.

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};

use super::headers::single;
use super::problem::Problem;

/// Rejects a request that changes something and was sent by a browser on behalf of another site.
///
/// A request with a bearer token passes: no browser adds that by itself, as it does the credentials
/// of HTTP's Basic and Negotiate schemes. Otherwise `Sec-Fetch-Site` decides, which every browser of
/// today sends over HTTPS and to this machine, and no page can forge; without it, `Origin` has to be
/// one of `origins` or of the host that is asked. Programs that are no browsers send neither, and
/// pass without cookies.
///
/// # Errors
/// Returns 403 for a request of another site.
pub(crate) fn check(parts: &Parts, origins: &[String]) -> Result<(), Problem> {
    let is_safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || has_bearer_token(&parts.headers) || is_ours(&parts.headers, origins) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "expected `Sec-Fetch-Site: same-origin`, an `Origin` of this host, or a bearer token; requests of other sites change nothing",
    ))
}

fn has_bearer_token(headers: &HeaderMap) -> bool {
    let value = single(headers, header::AUTHORIZATION.as_str());
    let scheme = value
        .ok()
        .flatten()
        .and_then(|value| value.split(' ').next());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
}

fn is_ours(headers: &HeaderMap, origins: &[String]) -> bool {
    let Ok(site) = single(headers, "sec-fetch-site") else {
        return false;
    };
    let Ok(origin) = single(headers, header::ORIGIN.as_str()) else {
        return false;
    };
    match (site, origin) {
        // A person typed the address, or opened a bookmark.
        (Some("same-origin" | "none"), _) => true,
        (_, Some(origin)) if origins.iter().any(|one| one == origin) => true,
        (Some(_), _) => false,
        // A browser of today sends one of them with every form and every script's request.
        (None, None) => !headers.contains_key(header::COOKIE),
        (None, Some(origin)) => {
            let host = single(headers, header::HOST.as_str()).ok().flatten();
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some() && authority == host
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn only_requests_of_ones_own_site_change_something() {
        const OURS: &str = "https://console.example";
        let origins = ["https://admin.example".to_owned()];
        for (method, headers, passes) in [
            // Without cookies a program passes; see below.
            ("POST", &[][..], false),
            ("POST", &[("sec-fetch-site", "same-origin")], true),
            ("POST", &[("sec-fetch-site", "none")], true),
            ("POST", &[("sec-fetch-site", "same-site")], false),
            ("POST", &[("sec-fetch-site", "cross-site")], false),
            (
                "PATCH",
                &[("sec-fetch-site", "cross-site"), ("origin", OURS)],
                false,
            ),
            (
                "POST",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("authorization", "Bearer x"),
                ],
                true,
            ),
            (
                "POST",
                &[
                    ("sec-fetch-site", "same-site"),
                    ("origin", "https://admin.example"),
                ],
                true,
            ),
            (
                "POST",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("authorization", "Basic YW5uYTp4"),
                ],
                false,
            ),
            ("GET", &[("sec-fetch-site", "cross-site")], true),
            ("POST", &[("origin", OURS)], true),
            ("POST", &[("origin", "https://evil.example")], false),
            ("POST", &[("origin", "https://console.example.evil")], false),
            ("POST", &[("origin", "null")], false),
            ("POST", &[("origin", "https://admin.example")], true),
            (
                "DELETE",
                &[("origin", OURS), ("origin", "https://evil.example")],
                false,
            ),
            (
                "POST",
                &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
                false,
            ),
        ] {
            let mut request = Request::builder()
                .method(method)
                .header("host", "console.example")
                .header("cookie", "session=anna");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(
                check(&parts, &origins).is_ok(),
                passes,
                "{method} {headers:?}"
            );
        }
        let program = Request::post("/").header("host", "console.example");
        let (parts, ()) = program.body(()).unwrap().into_parts();
        assert!(check(&parts, &origins).is_ok());
    }
}
