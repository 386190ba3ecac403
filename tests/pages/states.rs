//! Every page in every state, on a small phone, a phone and a desktop, in both themes.

use incident_test_browser::{Browser, MediaPreferences};

use crate::consoles::{PageRow, PageVisit, SeededConsole, State, pages, start};
use crate::inspection::{DESKTOP, Inspection, PHONE, SMALL_PHONE};

/// Opens the parts that unfold, except the menus, which cover each other.
const UNFOLD: &str =
    "document.querySelectorAll('details:not(.menu)').forEach((one) => { one.open = true; });";

/// Opens one of the menus, and closes the others.
const OPEN_MENU: &str = "document.querySelectorAll(arguments[1]).forEach((one, place) => { one.open = place === arguments[0]; });";

/// Looks at every page of a state.
async fn all_pages_of(state: State) {
    let seeded = start(state).await.unwrap();
    let browser = Browser::start(1_280, 800).await.unwrap();
    let mut inspection = Inspection::of(&browser);
    for page in pages(state) {
        // The document is the same in all states.
        if page.name == "docs" && state != State::Tour {
            continue;
        }
        look_at(&mut inspection, &browser, &seeded, page).await;
    }
    let findings = inspection.end();
    browser.stop().await.unwrap();
    seeded.stop().await.unwrap();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

async fn look_at(
    inspection: &mut Inspection<'_>,
    browser: &Browser,
    seeded: &SeededConsole,
    page: &PageRow,
) {
    inspection.begin(format!("{}/{}", seeded.state.name(), page.name));
    inspection.size(SMALL_PHONE).await;
    let visit = PageVisit::open(browser, seeded, page).await.unwrap();
    for size in [SMALL_PHONE, PHONE, DESKTOP] {
        inspection.layout(size).await;
        if size != SMALL_PHONE {
            inspection.rules_in_both_themes().await;
        }
        if matches!(seeded.state, State::Tour | State::Response)
            && size != SMALL_PHONE
            && page.name != "docs"
        {
            inspection.keys().await;
        }
    }
    unfolded(inspection, browser, page).await;
    inspection.add(visit.findings(browser).await.unwrap());
}

/// Looks at the page that is open with everything unfolded, then with each of its menus open. Those
/// of the frame are the same on all pages.
async fn unfolded(inspection: &mut Inspection<'_>, browser: &Browser, page: &PageRow) {
    let menus = match page.name {
        "list" => "details.menu",
        _ => "main details.menu",
    };
    execute(browser, UNFOLD, 0, "").await;
    for size in [SMALL_PHONE, PHONE, DESKTOP] {
        inspection.layout(size).await;
    }
    inspection.rules().await;
    let number = browser.find_all(menus).await.unwrap().len();
    for menu in 0..number {
        execute(browser, OPEN_MENU, menu, menus).await;
        for size in [SMALL_PHONE, DESKTOP, PHONE] {
            inspection.layout(size).await;
        }
        inspection.rules().await;
    }
}

async fn execute(browser: &Browser, script: &str, place: usize, selector: &str) {
    let script = format!("{script} arguments[arguments.length - 1]();");
    let arguments = [place.into(), selector.into()];
    browser.run(&script, &arguments).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_empty_console() {
    all_pages_of(State::Empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_busy_console() {
    all_pages_of(State::Busy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_console_whose_pagers_fail() {
    all_pages_of(State::Failing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_console_whose_store_is_away() {
    all_pages_of(State::Away).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_demo() {
    all_pages_of(State::Tour).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_response() {
    all_pages_of(State::Response).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_demo_in_french_and_german() {
    in_longer_words(State::Tour).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_response_in_french_and_german() {
    in_longer_words(State::Response).await;
}

/// French and German words are longer: the layout holds with them, and the rules.
async fn in_longer_words(state: State) {
    let seeded = start(state).await.unwrap();
    let browser = Browser::start(1_280, 800).await.unwrap();
    let mut inspection = Inspection::of(&browser);
    for language in ["fr", "de"] {
        browser
            .open(&format!("{}/about", seeded.origin))
            .await
            .unwrap();
        browser
            .set_cookie("incident_language", language)
            .await
            .unwrap();
        for page in pages(state).filter(|page| page.name != "docs") {
            inspection.begin(format!("{}/{} in {language}", state.name(), page.name));
            inspection.size(SMALL_PHONE).await;
            let visit = PageVisit::open(&browser, &seeded, page).await.unwrap();
            for size in [SMALL_PHONE, DESKTOP, PHONE] {
                inspection.layout(size).await;
            }
            inspection.rules().await;
            execute(&browser, UNFOLD, 0, "").await;
            inspection.layout(SMALL_PHONE).await;
            inspection.add(visit.findings(&browser).await.unwrap());
        }
    }
    let findings = inspection.end();
    browser.stop().await.unwrap();
    seeded.stop().await.unwrap();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Severities and what is overdue are told apart without the colours of the page.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_keeps_its_marks_in_forced_colours() {
    for state in [State::Tour, State::Failing] {
        let seeded = start(state).await.unwrap();
        let browser = Browser::start(1_280, 800).await.unwrap();
        let findings = in_forced_colours(&browser, &seeded).await;
        browser.stop().await.unwrap();
        seeded.stop().await.unwrap();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}

/// Gives a sentence for each mark that is told apart by its background alone, and the number of marks.
const MARKS: &str = r"
    const done = arguments[arguments.length - 1];
    const marks = [...document.querySelectorAll('.loud, .tag, .primary, .sev')];
    const faults = marks.flatMap((one) => {
        const style = getComputedStyle(one), shape = one.querySelector('svg');
        if (one.matches('.sev')) {
            return one.textContent.trim() && (!shape || shape.getBoundingClientRect().width > 0) ? [] : [`${one.outerHTML} has no word or shape`];
        }
        return style.borderTopStyle !== 'none' && parseFloat(style.borderTopWidth) > 0 ? [] : [`${one.outerHTML} has no border`];
    });
    done([marks.length, faults]);
";

async fn in_forced_colours(browser: &Browser, seeded: &SeededConsole) -> Vec<String> {
    let list = pages(seeded.state)
        .find(|page| page.name == "list")
        .unwrap();
    let media = MediaPreferences {
        forced_colours: true,
        ..MediaPreferences::default()
    };
    let mut inspection = Inspection::of(browser);
    for size in [PHONE, DESKTOP] {
        inspection.begin(format!("{}/list in forced colours", seeded.state.name()));
        inspection.size(size).await;
        let visit = PageVisit::open(browser, seeded, list).await.unwrap();
        inspection.layout(size).await;
        browser.set_media(media).await.unwrap();
        inspection.rules().await;
        inspection.keys().await;
        let marks = browser.run(MARKS, &[]).await.unwrap();
        assert!(marks[0].as_u64() > Some(2), "{marks}");
        let faults = marks[1].as_array().unwrap().iter();
        inspection.add(faults.map(ToString::to_string).collect());
        inspection.add(visit.findings(browser).await.unwrap());
    }
    inspection.end()
}
