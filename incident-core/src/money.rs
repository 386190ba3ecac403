//! Money as integer minor units with a currency.

use serde::{Deserialize, Serialize};

use crate::{Invalid, Percent};

/// An ISO 4217 alphabetic code: three upper-case letters, such as `EUR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency of a code.
    ///
    /// # Errors
    /// Not three upper-case ASCII letters.
    pub fn new(code: &str) -> Result<Self, Invalid> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(Invalid::new(
                "currency",
                "three upper-case letters of ISO 4217, such as EUR",
            )),
        }
    }

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl TryFrom<String> for Currency {
    type Error = Invalid;

    fn try_from(code: String) -> Result<Self, Invalid> {
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
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units: 1250 is 12.50 EUR, and 1250 XAF.
    pub minor: i64,
    /// The currency they are counted in.
    pub currency: Currency,
}

impl Money {
    /// A share of this amount, rounded once to whole minor units: half to even, as
    /// IEEE 754 calls it ("banker's rounding"). The one rounding of every credit.
    ///
    /// ```
    /// use incident_core::{Currency, Money, Percent};
    /// let fee = |minor| Money { minor, currency: Currency::new("EUR").unwrap() };
    /// let ten = Percent::of_whole(10)?;
    /// assert_eq!((fee(12_345).share(ten).minor, fee(12_355).share(ten).minor), (1_234, 1_236));
    /// # Ok::<(), incident_core::Invalid>(())
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
