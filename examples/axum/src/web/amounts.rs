//! Amounts of money as people type them.

use incident_core::{Currency, Money};

use super::language::Language;
use super::numbers::mark;

/// Writes an amount as [`read_amount`] reads it: `1234.50 EUR`.
#[must_use]
pub(crate) fn typed_amount(amount: Money) -> String {
    format!("{} {}", plain_amount(amount), amount.currency)
}

/// Writes an amount as a reader would type it, for an example: `1234,50 EUR`.
#[must_use]
pub(crate) fn example_amount(language: Language, amount: Money) -> String {
    typed_amount(amount).replace('.', mark(language).encode_utf8(&mut [0; 4]))
}

/// Returns an amount as a decimal of the wire: `-1234.50`.
#[must_use]
fn plain_amount(amount: Money) -> String {
    let decimals = usize::from(amount.currency.decimals());
    let width = decimals + 1;
    let digits = format!("{:0width$}", amount.minor.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let sign = if amount.minor < 0 { "-" } else { "" };
    match fraction {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

/// Reads an amount with its currency, such as `1250.50 EUR` or `1250,5 eur`; none if it is no
/// amount, or has more decimals than the currency.
#[must_use]
pub(crate) fn read_amount(text: &str) -> Option<Money> {
    let (number, code) = text.trim().rsplit_once([' ', '\u{a0}', '\u{202f}'])?;
    let currency: Currency = code.to_ascii_uppercase().parse().ok()?;
    let number = number.trim().replace(',', ".");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let decimals = usize::from(currency.decimals());
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > decimals || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let minor = format!("{whole}{fraction:0<decimals$}").parse().ok()?;
    Some(Money { minor, currency })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        let amount = |minor, code: &str| Money {
            minor,
            currency: code.parse().unwrap(),
        };
        for (text, expected) in [
            ("1250.50 EUR", Some(amount(125_050, "EUR"))),
            (" 1250,5 eur ", Some(amount(125_050, "EUR"))),
            ("7 JPY", Some(amount(7, "JPY"))),
            ("7.5 JPY", None),
            ("EUR 7", None),
            ("7", None),
            ("-7 EUR", None),
            ("1,250.50 EUR", None),
            ("99999999999999999999 EUR", None),
        ] {
            assert_eq!(read_amount(text), expected, "{text}");
        }
        for one in [amount(125_050, "EUR"), amount(7, "JPY"), amount(5, "TND")] {
            assert_eq!(read_amount(&typed_amount(one)), Some(one));
            let example = example_amount(Language::German, one);
            assert!(!example.contains('.'), "{example}");
            assert_eq!(read_amount(&example), Some(one));
        }
        assert_eq!(plain_amount(amount(-5, "EUR")), "-0.05");
    }
}
