//! Money as integer minor units with a currency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Percent, ValidationError};

/// An ISO 4217 alphabetic code: three upper-case letters, such as `EUR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The CFA franc of Central Africa.
    pub(crate) const XAF: Self = Self(*b"XAF");

    /// Creates a currency from its code.
    ///
    /// # Errors
    /// Fails if the code is not three upper-case ASCII letters.
    pub fn new(code: &str) -> Result<Self, ValidationError> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(ValidationError::new(
                "currency",
                "an ISO 4217 currency code, such as EUR",
            )),
        }
    }

    /// Returns the number of decimals of amounts: two for EUR, none for JPY.
    ///
    /// Follows ISO 4217 (list one, column "minor unit"); 2 for codes that it does not list.
    #[must_use]
    pub const fn decimals(self) -> u8 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }

    /// Returns the three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = ValidationError;

    fn from_str(code: &str) -> Result<Self, ValidationError> {
        Self::new(code)
    }
}

impl TryFrom<String> for Currency {
    type Error = ValidationError;

    fn try_from(code: String) -> Result<Self, ValidationError> {
        Self::new(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

/// An amount in minor units (cents, centimes) of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// The amount in minor units: 1250 is 12.50 EUR, and 1250 XAF.
    pub minor: i64,
    /// The currency of the amount.
    pub currency: Currency,
}

impl fmt::Display for Money {
    /// Writes the amount in the form of its currency: `1,234.55 EUR`, `1,235 JPY`, `-0.05 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.currency.decimals());
        let digits = format!(
            "{:0width$}",
            self.minor.unsigned_abs(),
            width = decimals + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        if self.minor < 0 {
            f.write_str("-")?;
        }
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        if decimals > 0 {
            write!(f, ".{fraction}")?;
        }
        write!(f, " {}", self.currency.code())
    }
}

impl FromStr for Money {
    type Err = ValidationError;

    /// Reads the output of [`Display`](fmt::Display), with or without the commas: `1,234.55 EUR`.
    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let wrong = || ValidationError::new("money", "an amount and a currency, such as 12.50 EUR");
        let (amount, code) = text.split_once(' ').ok_or_else(wrong)?;
        let currency: Currency = code.parse()?;
        let decimals = usize::from(currency.decimals());
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
        let digits = whole.strip_prefix('-').unwrap_or(whole).replace(',', "");
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if digits.is_empty() || !are_digits(&digits) || !are_digits(fraction) {
            return Err(wrong());
        }
        if fraction.len() != decimals || (amount.contains('.') && decimals == 0) {
            return Err(wrong());
        }
        let sign = if whole.starts_with('-') { "-" } else { "" };
        let minor = format!("{sign}{digits}{fraction}").parse();
        let minor = minor.map_err(|_| wrong())?;
        Ok(Self { minor, currency })
    }
}

impl Money {
    /// Creates an amount of minor units: 1250 is 12.50 EUR.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Returns the amount with the opposite sign, as in a reversal.
    #[must_use]
    pub const fn negative(self) -> Self {
        Self {
            minor: self.minor.saturating_neg(),
            currency: self.currency,
        }
    }

    /// Computes a share of this amount, rounded once to whole minor units.
    ///
    /// Rounds half to even, as IEEE 754 calls it ("banker's rounding"). This is the only rounding
    /// of a credit.
    ///
    /// ```
    /// use incident_core::{Currency, Money, Percent};
    /// let fee = |minor| Money { minor, currency: Currency::new("EUR").unwrap() };
    /// let ten = Percent::of_whole(10)?;
    /// assert_eq!((fee(12_345).share(ten).minor, fee(12_355).share(ten).minor), (1_234, 1_236));
    /// # Ok::<(), incident_core::ValidationError>(())
    /// ```
    #[must_use]
    pub fn share(self, percent: Percent) -> Self {
        let product = i128::from(self.minor) * i128::from(percent.ppm());
        let whole = i128::from(Percent::HUNDRED.ppm());
        let (quotient, rest) = (product.div_euclid(whole), product.rem_euclid(whole));
        let up = rest * 2 > whole || (rest * 2 == whole && quotient % 2 != 0);
        let minor = if up { quotient + 1 } else { quotient };
        Self {
            // At most the amount itself.
            minor: i64::try_from(minor).unwrap_or(self.minor),
            currency: self.currency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// M12: amounts are written as their currency is.
    #[test]
    fn what_is_written_is_read() {
        for text in [
            "12.50 EUR",
            "1,234.55 EUR",
            "-0.05 EUR",
            "1,235 JPY",
            "0.001 BHD",
            "-7 XAF",
        ] {
            let money: Money = text.parse().unwrap();
            assert_eq!(money.to_string(), text);
        }
        let plain: Money = "1234.55 EUR".parse().unwrap();
        assert_eq!(plain, Money::new(123_455, "EUR".parse().unwrap()));
        for text in [
            "",
            "12.50",
            "EUR",
            "12.5 EUR",
            "12 EUR",
            "12.500 EUR",
            "1.0 JPY",
            "1. JPY",
            "a EUR",
            "+1.00 EUR",
            "--1.00 EUR",
            "1.00 eur",
            "99999999999999999999.00 EUR",
            "1.-5 EUR",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_written_as_their_currency_is() {
        for (minor, code, shown) in [
            (123_455, "EUR", "1,234.55 EUR"),
            (5, "EUR", "0.05 EUR"),
            (-5, "EUR", "-0.05 EUR"),
            (0, "JPY", "0 JPY"),
            (1_234_567, "JPY", "1,234,567 JPY"),
            (100_000, "XAF", "100,000 XAF"),
            (1_000_500, "KWD", "1,000.500 KWD"),
            (1_234_567, "CLF", "123.4567 CLF"),
            (i64::MIN, "USD", "-92,233,720,368,547,758.08 USD"),
        ] {
            let currency = Currency::new(code).unwrap();
            assert_eq!(Money { minor, currency }.to_string(), shown);
        }
    }
}
