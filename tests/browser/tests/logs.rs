//! Messages of the console and requests of pages are seen, each once.

use std::time::Duration;

use incident_test_browser::{Browser, requests_elsewhere};

use crate::site::{Site, page};

#[tokio::test(flavor = "multi_thread")]
async fn messages_and_requests_to_other_hosts_are_seen_once() {
    let body = "<img alt='' src='http://localhost:9/x.png'><img alt='' src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>\
        <script src='/page.js'></script>";
    let script =
        "console.info('planted'); new Image().src = '/missing.png'; throw new Error('thrown');";
    let site = Site::serve(&[
        ("/", &page("", body)),
        ("/page.js", script),
        ("/good", &page("", "")),
    ])
    .await;
    let browser = Browser::start(800, 600).await.unwrap();
    browser
        .open(&format!("{}/good", site.origin))
        .await
        .unwrap();
    assert_eq!(browser.console_messages().await.unwrap(), []);
    let requests = browser.requests().await.unwrap();
    assert_eq!(requests, [format!("{}/good", site.origin)]);
    assert!(requests_elsewhere(&requests, &site.origin).is_empty());

    browser.open(&site.origin).await.unwrap();
    let (mut messages, mut requests) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        messages.extend(browser.console_messages().await.unwrap());
        requests.extend(browser.requests().await.unwrap());
        if messages.len() >= 4 && requests.len() >= 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (level, source, text) in [
        ("INFO", "console-api", "planted"),
        ("SEVERE", "javascript", "thrown"),
        ("SEVERE", "network", "missing.png"),
        ("SEVERE", "security", "localhost:9/x.png"),
    ] {
        let is_it = messages.iter().any(|one| {
            (one.level.as_str(), one.source.as_str()) == (level, source) && one.text.contains(text)
        });
        assert!(is_it, "{level} {source} {text} in {messages:#?}");
    }
    assert_eq!(messages.len(), 4, "{messages:#?}");
    let elsewhere = requests_elsewhere(&requests, &site.origin);
    assert_eq!(elsewhere.len(), 1, "{requests:?}");
    assert!(
        elsewhere[0].contains("http://localhost:9/x.png"),
        "{elsewhere:?}"
    );
    assert_eq!(requests.len(), 4, "{requests:?}");
    assert_eq!(browser.console_messages().await.unwrap(), []);
    browser.stop().await.unwrap();
}

#[test]
fn another_port_or_a_longer_name_is_another_host() {
    let here = "http://127.0.0.1:8080";
    for (address, is_here) in [
        ("http://127.0.0.1:8080", true),
        ("http://127.0.0.1:8080/a", true),
        ("http://127.0.0.1:8080?a", true),
        ("http://127.0.0.1:80801/a", false),
        ("http://127.0.0.1:8080.example/a", false),
        ("https://127.0.0.1:8080/a", false),
        ("ws://127.0.0.1:8080/a", false),
    ] {
        let found = requests_elsewhere(&[address.to_owned()], here);
        assert_eq!(found.is_empty(), is_here, "{address}");
    }
}
