//! Tabs, history and cookies.

use incident_test_browser::Browser;

use crate::site::{Site, page};

#[tokio::test(flavor = "multi_thread")]
async fn tabs_have_pages_of_their_own_and_the_same_cookies() {
    let (one, two) = (page("", "<p id='p'>one</p>"), page("", "<p id='p'>two</p>"));
    let site = Site::serve(&[("/1", &one), ("/2", &two)]).await;
    let browser = Browser::start(800, 600).await.unwrap();
    let open = async |path: &str| {
        browser
            .open(&format!("{}{path}", site.origin))
            .await
            .unwrap()
    };
    let shown = async || browser.find("#p").await.unwrap().text().await.unwrap();
    open("/1").await;
    browser.set_cookie("session", "abc").await.unwrap();
    let first = browser.tab().await.unwrap();
    let second = browser.open_tab().await.unwrap();
    assert_ne!(first, second);
    open("/2").await;
    assert_eq!(
        browser.cookies().await.unwrap(),
        [("session".to_owned(), "abc".to_owned())]
    );
    // Scripts do not see it, as that of a login.
    assert_eq!(
        browser
            .run("arguments[0](document.cookie)", &[])
            .await
            .unwrap(),
        ""
    );
    browser.switch_to(&first).await.unwrap();
    assert_eq!(shown().await, "one");
    browser.switch_to(&second).await.unwrap();
    assert_eq!(shown().await, "two");
    let tabs = browser.tabs().await.unwrap();
    assert!(tabs.contains(&first) && tabs.contains(&second), "{tabs:?}");

    open("/1").await;
    assert_eq!(browser.title().await.unwrap(), "Page");
    browser.back().await.unwrap();
    assert_eq!(shown().await, "two");
    browser
        .run(
            "document.getElementById('p').textContent = 'changed'; arguments[0](1)",
            &[],
        )
        .await
        .unwrap();
    browser.reload().await.unwrap();
    assert_eq!(shown().await, "two");
    browser.clear_cookies().await.unwrap();
    assert_eq!(browser.cookies().await.unwrap(), []);
    browser.stop().await.unwrap();
}
