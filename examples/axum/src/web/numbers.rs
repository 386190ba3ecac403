//! Amounts, percentages and minutes in the form of a reader.

use std::collections::BTreeMap;

use incident_core::sla::decimal_minutes;
use incident_core::{Currency, Money, Percent};

use super::language::Language;
use super::texts::grouped;

/// A space that does not break.
const SPACE: char = '\u{a0}';

/// Writes an amount: `€1,234.56`, `1 234,56 €`, `1.234,56 €`. It is exact: the minor units are
/// placed, not computed with.
#[must_use]
pub(crate) fn money(language: Language, amount: Money) -> String {
    let decimals = usize::from(amount.currency.decimals());
    let unit = 10_u64.pow(u32::from(amount.currency.decimals()));
    let minor = amount.minor.unsigned_abs();
    let whole = grouped(language, minor / unit);
    let number = match decimals {
        0 => whole,
        _ => format!("{whole}{}{:0decimals$}", mark(language), minor % unit),
    };
    let sign = if amount.minor < 0 { "−" } else { "" };
    match (language, symbol(language, amount.currency)) {
        (Language::English, Some(symbol)) => format!("{sign}{symbol}{number}"),
        (Language::English, None) => format!("{sign}{}{SPACE}{number}", amount.currency),
        (Language::French | Language::German, Some(symbol)) => {
            format!("{sign}{number}{SPACE}{symbol}")
        }
        (Language::French | Language::German, None) => {
            format!("{sign}{number}{SPACE}{}", amount.currency)
        }
    }
}

/// Returns the symbol of a currency, if it has one that readers of the language know (CLDR).
fn symbol(language: Language, currency: Currency) -> Option<&'static str> {
    match (currency.code(), language) {
        ("EUR", _) => Some("€"),
        ("USD", Language::French) => Some("$US"),
        ("USD", _) => Some("$"),
        ("GBP", Language::French) => Some("£GB"),
        ("GBP", _) => Some("£"),
        ("JPY", Language::English) => Some("¥"),
        _ => None,
    }
}

/// Returns the sign between a whole number and its decimals.
pub(super) const fn mark(language: Language) -> char {
    match language {
        Language::English => '.',
        Language::French | Language::German => ',',
    }
}

/// Writes a decimal of the wire, such as `99.95`, with the separators of a language.
#[must_use]
pub(crate) fn decimal(language: Language, number: &str) -> String {
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) => ("−", rest),
        None => ("", number),
    };
    let (whole, decimals) = match number.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (number, None),
    };
    let whole = match whole.parse() {
        Ok(whole) => grouped(language, whole),
        Err(_) => whole.to_owned(),
    };
    match decimals {
        Some(decimals) => format!("{sign}{whole}{}{decimals}", mark(language)),
        None => format!("{sign}{whole}"),
    }
}

/// Writes microseconds as minutes, as statements do ([`decimal_minutes`]).
#[must_use]
pub(crate) fn minutes(language: Language, us: u64) -> String {
    let text = decimal_minutes(us);
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) => (whole, format!("{}{decimals}", mark(language))),
        None => (text.as_str(), String::new()),
    };
    let whole = whole.parse().unwrap_or_default();
    format!("{}{decimals}{SPACE}min", grouped(language, whole))
}

/// Adds amounts up by currency, in the order of the codes.
#[must_use]
pub(crate) fn sums(amounts: impl Iterator<Item = Money>) -> Vec<Money> {
    let mut by_currency: BTreeMap<Currency, i64> = BTreeMap::new();
    for amount in amounts {
        let sum = by_currency.entry(amount.currency).or_default();
        *sum = sum.saturating_add(amount.minor);
    }
    by_currency
        .into_iter()
        .map(|(currency, minor)| Money { minor, currency })
        .collect()
}

/// Writes a percentage whose decimals are given with a point.
#[must_use]
pub(crate) fn percent_text(language: Language, text: &str) -> String {
    match language {
        Language::English => format!("{}%", decimal(language, text)),
        Language::French | Language::German => format!("{}{SPACE}%", decimal(language, text)),
    }
}

/// Writes a percentage.
#[must_use]
pub(crate) fn percent(language: Language, percent: Percent) -> String {
    percent_text(language, &percent.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_in_the_form_of_the_reader() {
        let amount = |minor, code| Money {
            minor,
            currency: Currency::new(code).unwrap(),
        };
        for (money_, english, french, german) in [
            (
                amount(123_456, "EUR"),
                "€1,234.56",
                "1\u{202f}234,56\u{a0}€",
                "1.234,56\u{a0}€",
            ),
            (
                amount(-5, "USD"),
                "−$0.05",
                "−0,05\u{a0}$US",
                "−0,05\u{a0}$",
            ),
            (
                amount(1_234_567, "JPY"),
                "¥1,234,567",
                "1\u{202f}234\u{202f}567\u{a0}JPY",
                "1.234.567\u{a0}JPY",
            ),
            (
                amount(1_000_500, "KWD"),
                "KWD\u{a0}1,000.500",
                "1\u{202f}000,500\u{a0}KWD",
                "1.000,500\u{a0}KWD",
            ),
            (amount(0, "EUR"), "€0.00", "0,00\u{a0}€", "0,00\u{a0}€"),
            (
                amount(i64::MIN, "EUR"),
                "−€92,233,720,368,547,758.08",
                "−92\u{202f}233\u{202f}720\u{202f}368\u{202f}547\u{202f}758,08\u{a0}€",
                "−92.233.720.368.547.758,08\u{a0}€",
            ),
        ] {
            assert_eq!(money(Language::English, money_), english);
            assert_eq!(money(Language::French, money_), french);
            assert_eq!(money(Language::German, money_), german);
        }
    }

    #[test]
    fn minutes_are_those_of_the_statements() {
        assert_eq!(minutes(Language::English, 90_000_000), "1.5\u{a0}min");
        assert_eq!(minutes(Language::French, 90_000_000), "1,5\u{a0}min");
        let month = 43_200 * 60_000_000;
        assert_eq!(minutes(Language::German, month), "43.200\u{a0}min");
    }

    #[test]
    fn amounts_are_added_up_by_currency() {
        let amount = |minor, code| Money {
            minor,
            currency: Currency::new(code).unwrap(),
        };
        let some = [amount(5, "USD"), amount(1, "EUR"), amount(-7, "USD")];
        assert_eq!(
            sums(some.into_iter()),
            [amount(1, "EUR"), amount(-2, "USD")]
        );
    }

    #[test]
    fn decimals_are_written_as_in_their_language() {
        assert_eq!(decimal(Language::English, "1234.5"), "1,234.5");
        assert_eq!(decimal(Language::French, "-1234.5"), "−1\u{202f}234,5");
    }

    #[test]
    fn percentages_have_the_mark_of_their_language() {
        let share: Percent = "99.95".parse().unwrap();
        assert_eq!(percent(Language::English, share), "99.95%");
        assert_eq!(percent(Language::French, share), "99,95\u{a0}%");
        assert_eq!(percent_text(Language::German, "99.9000"), "99,9000\u{a0}%");
    }
}
