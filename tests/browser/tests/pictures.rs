//! Pictures show the whole page, and are bounded.

use incident_test_browser::PICTURE_HEIGHT;

use crate::site::Site;

/// Reads width and height of a PNG (RFC 2083, 4.1.1).
fn size(picture: &[u8]) -> (u32, u32) {
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_has_the_whole_page_up_to_a_bound() {
    let style = "body { margin: 0 } h1 { display: none } #p { margin: 0 }";
    let (_site, browser) = Site::page(style, "<p id='p' style='height: 3000px'>high</p>").await;
    assert_eq!(size(&browser.picture().await.unwrap()), (390, 3_000));
    // Only the viewport was 390 px wide and 800 px high.
    let seen = browser.run("arguments[0](innerHeight)", &[]).await.unwrap();
    assert_eq!(seen, 800);
    let higher = "document.getElementById('p').style.height = '50000px'; arguments[0](1)";
    browser.run(higher, &[]).await.unwrap();
    assert_eq!(
        size(&browser.picture().await.unwrap()),
        (390, PICTURE_HEIGHT)
    );
    let lower = "document.getElementById('p').style.height = '10px'; arguments[0](1)";
    browser.run(lower, &[]).await.unwrap();
    assert_eq!(size(&browser.picture().await.unwrap()), (390, 800));
    browser.stop().await.unwrap();
}
