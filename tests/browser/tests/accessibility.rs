//! axe-core finds what is planted, under a strict policy.

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn violations_of_each_level_are_found() {
    let body = "<p id='pale' style='color: #bbb; background: #fff'>pale</p><img src='/x.png'>\
        <p lang='nowhere'>text</p><input id='nameless'>\
        <button class='small' aria-label='a'></button><button class='small' aria-label='b'></button>";
    let style = ".small { width: 10px; height: 10px; padding: 0; border: 0; margin: 0 }";
    let (_site, browser) = Site::page(style, body).await;
    let report = browser.accessibility().await.unwrap();
    let mut rules: Vec<&str> = report
        .violations
        .iter()
        .map(|one| one.rule.as_str())
        .collect();
    rules.sort_unstable();
    // 2.0 A, 2.0 AA and 2.2 AA.
    assert_eq!(
        rules,
        [
            "color-contrast",
            "image-alt",
            "label",
            "target-size",
            "valid-lang"
        ]
    );
    let contrast = &report
        .violations
        .iter()
        .find(|one| one.rule == "color-contrast")
        .unwrap();
    assert_eq!(contrast.impact, "serious");
    let [node] = contrast.nodes.as_slice() else {
        panic!("{contrast}")
    };
    assert_eq!(node.selector, "#pale");
    assert!(
        node.html.starts_with("<p id=\"pale\"") && node.summary.contains("contrast"),
        "{contrast}"
    );
    let printed = contrast.to_string();
    assert!(
        printed.starts_with("color-contrast (serious): ") && printed.contains("#pale"),
        "{printed}"
    );
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_page_has_no_violations_and_html_is_cut() {
    let text = "long ".repeat(36);
    let body = format!(
        "<p id='over' title='{text}' style='color: #777; background: linear-gradient(#fff, #ddd)'>over a picture</p>"
    );
    let (_site, browser) = Site::page("", &body).await;
    for _ in 0..2 {
        let report = browser.accessibility().await.unwrap();
        assert_eq!(report.violations, []);
        let [undecided] = report.incomplete.as_slice() else {
            panic!("{:#?}", report.incomplete)
        };
        assert_eq!(undecided.rule, "color-contrast");
        assert_eq!(undecided.nodes[0].html.chars().count(), 200);
        assert!(!undecided.nodes[0].summary.is_empty());
    }
    browser.stop().await.unwrap();
}
