//! Texts in all languages: tables whose keys are fields, so that a text that is missing in a
//! language does not compile.

use super::language::Language;

/// Declares a table of texts: a struct with a field per key, and its values in English, French and
/// German, in this order. A value may have placeholders such as `{name}` for [`fill`].
macro_rules! texts {
    ($(#[$meta:meta])* $name:ident { $($key:ident: $english:literal, $french:literal, $german:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(crate) struct $name { $(pub(crate) $key: &'static str,)+ }

        impl $name {
            /// Returns the texts of a language.
            #[must_use]
            pub(crate) const fn of(language: $crate::web::language::Language) -> &'static Self {
                use $crate::web::language::Language;
                match language {
                    Language::English => &Self { $($key: $english,)+ },
                    Language::French => &Self { $($key: $french,)+ },
                    Language::German => &Self { $($key: $german,)+ },
                }
            }
        }

        #[cfg(test)]
        mod placeholders {
            #[test]
            fn every_language_has_a_text_with_the_same_placeholders() {
                $($crate::web::texts::assert_alike(stringify!($key), [$english, $french, $german]);)+
            }
        }
    };
}
pub(crate) use texts;

/// Fills the placeholders of a text.
#[must_use]
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        let value = values.iter().find(|(key, _)| *key == name);
        filled.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    filled + rest
}

/// Returns the form of a text for a number, with `{n}` filled: `one | other`. In French zero takes
/// the singular (CLDR, plural rules).
#[must_use]
pub(crate) fn count(language: Language, text: &'static str, number: u64) -> String {
    let text = plural(language, text, number);
    fill(text, &[("n", &grouped(language, number))])
}

/// Returns the form of a text for a number, for texts with other placeholders beside `{n}`.
#[must_use]
pub(crate) fn plural(language: Language, text: &'static str, number: u64) -> &'static str {
    let (one, other) = text.split_once(" | ").unwrap_or((text, text));
    let is_one = number == 1 || (number == 0 && language == Language::French);
    if is_one { one } else { other }
}

/// Returns a number of items as texts take it.
#[must_use]
pub(crate) fn number_of(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

/// Writes a number with the separator of thousands of a language.
#[must_use]
pub(crate) fn grouped(language: Language, number: u64) -> String {
    let separator = match language {
        Language::English => ',',
        // A narrow space that does not break.
        Language::French => '\u{202f}',
        Language::German => '.',
    };
    let digits = number.to_string();
    let mut grouped = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

/// Asserts that the texts of a key exist and have the same placeholders and the same number of
/// forms.
#[cfg(test)]
pub(crate) fn assert_alike(key: &str, texts: [&str; 3]) {
    let placeholders = |text: &str| {
        let form = text.split(" | ").last().unwrap();
        let mut names: Vec<String> = form
            .split('{')
            .skip(1)
            .map(|rest| rest.split('}').next().unwrap().to_owned())
            .collect();
        names.sort();
        (names, text.split(" | ").count())
    };
    let expected = placeholders(texts[0]);
    for text in texts {
        assert!(!text.trim().is_empty(), "{key}");
        assert_eq!(placeholders(text), expected, "{key}: {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_form_of_their_language() {
        let text = "{n} person | {n} people";
        assert_eq!(count(Language::English, text, 0), "0 people");
        assert_eq!(count(Language::English, text, 1), "1 person");
        assert_eq!(count(Language::French, text, 0), "0 person");
        assert_eq!(count(Language::German, text, 1_234_567), "1.234.567 people");
        assert_eq!(
            fill("{a} of {b}{", &[("a", "{b}"), ("b", "2")]),
            "{b} of 2{"
        );
    }
}
