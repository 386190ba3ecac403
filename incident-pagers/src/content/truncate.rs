//! Truncation of texts to the limits of a vendor.
//!
//! Vendors count characters; PagerDuty rejects a text that is too long, OpsGenie answers 422.
//! Lengths here are Unicode code points, as in Alertmanager. A text is cut between grapheme
//! clusters (UAX #29), so that combining marks and emoji sequences stay whole, and ends with `…`.

use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation;

/// The sign at the end of a text that was cut.
const MARK: char = '…';

/// Cuts a text to `most` code points, the mark included.
pub(crate) fn truncate(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let Some(room) = most.checked_sub(1) else {
        return String::new();
    };
    let mut kept = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let length = cluster.chars().count();
        if used + length > room {
            break;
        }
        used += length;
        kept.push_str(cluster);
    }
    if kept.is_empty() {
        // The first cluster alone is too long: half of it is better than nothing.
        kept.extend(text.chars().take(room));
    }
    kept.push(MARK);
    kept
}

/// Joins a text into one line of at most `most` code points: control characters and runs of blanks
/// become one blank.
pub(crate) fn single_line(text: &str, most: usize) -> String {
    let blank = |c: char| c.is_whitespace() || c.is_control();
    let words: Vec<&str> = text.split(blank).filter(|word| !word.is_empty()).collect();
    truncate(&words.join(" "), most)
}

/// Removes control characters other than line feeds and tabs, and cuts the text to `most` code
/// points.
pub(crate) fn multi_line(text: &str, most: usize) -> String {
    let clean: String = text
        .replace("\r\n", "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    truncate(clean.trim(), most)
}

/// Returns `true` if nothing of a text is visible.
pub(crate) fn is_blank(text: &str) -> bool {
    incident_core::shows_nothing(text)
}

/// Shortens a key to `most` code points: its beginning and the SHA-256 of the whole.
///
/// Different long keys stay different, and the same key always gives the same result.
pub(crate) fn key(key: &str, most: usize) -> String {
    if key.chars().count() <= most {
        return key.to_owned();
    }
    let digest: String = Sha256::digest(key.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let room = most.saturating_sub(digest.len() + 1);
    let start: String = key.chars().take(room).collect();
    format!("{start}~{digest}")
}

/// Takes items in order while they fit into `room`. Returns them and the number that did not fit.
pub(crate) fn take_within<T>(
    mut room: usize,
    items: impl IntoIterator<Item = T>,
    cost: impl Fn(&T) -> usize,
) -> (Vec<T>, usize) {
    let (mut kept, mut left_out) = (Vec::new(), 0);
    for item in items {
        match room.checked_sub(cost(&item)) {
            Some(rest) => {
                room = rest;
                kept.push(item);
            }
            None => left_out += 1,
        }
    }
    (kept, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_left_alone_and_what_does_not_ends_with_the_mark() {
        for (text, most, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("éé", 2, "éé"),
            ("ééé", 2, "é…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("", 5, ""),
        ] {
            assert_eq!(truncate(text, most), expected);
        }
    }

    #[test]
    fn no_cluster_is_torn() {
        let family = "👩‍👩‍👧"; // five code points
        let accent = "e\u{301}"; // two
        let flag = "🇫🇷"; // two
        let skin = "👍🏽"; // two
        let hebrew = "שָׁ"; // a letter with two points
        for cluster in [family, accent, flag, skin, hebrew] {
            let length = cluster.chars().count();
            let text = cluster.repeat(50);
            for most in 2 * length..8 * length {
                let cut = truncate(&text, most);
                assert!(cut.chars().count() <= most, "{cut}");
                let kept = cut.strip_suffix('…').unwrap();
                assert_eq!(kept.replace(cluster, ""), "", "{most}: {cut}");
                assert!(!kept.is_empty());
            }
        }
    }

    #[test]
    fn a_cluster_longer_than_the_room_is_cut_between_characters() {
        let zalgo = format!("e{}", "\u{301}".repeat(500));
        let cut = truncate(&zalgo, 130);
        assert_eq!(cut.chars().count(), 130);
    }

    #[test]
    fn right_to_left_texts_keep_their_beginning() {
        let text = "השירות אינו זמין ".repeat(30);
        let cut = truncate(&text, 130);
        let kept = cut.strip_suffix('…').unwrap();
        assert!(text.starts_with(kept) && cut.chars().count() <= 130);
        assert!(kept.chars().count() >= 127, "{}", kept.chars().count());
    }

    #[test]
    fn lines_have_no_control_characters_and_blanks_are_seen() {
        assert_eq!(single_line("a\r\n\tb\u{7}c  d ", 100), "a b c d");
        assert_eq!(multi_line(" a\r\n\tb\u{7}c\u{1b}[31m ", 100), "a\n\tbc[31m");
        for blank in ["", " \n", "\u{7}\u{1b}", "\u{200b}\u{feff}", "\u{202e}"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        assert!(!is_blank("\u{200b}x") && !is_blank("👍"));
    }

    #[test]
    fn what_does_not_fit_is_counted_and_smaller_items_still_fit() {
        let (kept, left_out) = take_within(10, [4, 7, 5, 2, 1], |cost| *cost);
        assert_eq!((kept, left_out), (vec![4, 5, 1], 2));
    }

    #[test]
    fn long_keys_stay_apart_and_stay_the_same() {
        let long = |end: char| format!("sys-incident:{}{end}", "x".repeat(400));
        for most in [255, 512] {
            assert_eq!(key("sys-incident:1", most), "sys-incident:1");
            assert!(key(&long('a'), most).chars().count() <= most);
        }
        assert_eq!(key(&long('a'), 255), key(&long('a'), 255));
        assert_ne!(key(&long('a'), 255), key(&long('b'), 255));
    }

    proptest::proptest! {
        #[test]
        fn any_text_fits_and_keeps_its_beginning(text in "\\PC{0,80}|[ -~\u{300}\u{301}\u{200d}\u{1f469}\u{1f467}\u{5d0}]{0,80}|.{0,80}", most in 0_usize..60) {
            let short = truncate(&text, most);
            assert!(short.chars().count() <= most);
            assert_eq!(truncate(&short, most), short);
            if short != text {
                let kept = short.strip_suffix(MARK).unwrap_or(&short);
                assert!(text.starts_with(kept), "{short:?} of {text:?}");
            }
            for text in [single_line(&text, most), multi_line(&text, most)] {
                assert!(text.chars().count() <= most);
                assert!(text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')));
            }
        }
    }
}
