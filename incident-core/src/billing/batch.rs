//! Frozen batches of credits for billing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::LedgerRow;
use crate::{
    CreditId, IncidentId, MessageId, Money, Name, Percent, Period, PersonName, TenantId, Timestamp,
    ValidationError,
};

/// Maximum number of credits in one batch.
pub const MAX_CREDITS: usize = 500;

/// The event type of a batch in the payload (Standard Webhooks).
const KIND: &str = "incident.credits.issued";

/// A share of a fee in percent, below zero for a reversal.
///
/// Written as a decimal: `"10"`, `"-2.5"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignedPercent {
    /// `true` if the share is taken back.
    pub negative: bool,
    /// The absolute value.
    pub percent: Percent,
}

impl fmt::Display for SignedPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative && self.percent != Percent::ZERO {
            "-"
        } else {
            ""
        };
        write!(f, "{sign}{}", self.percent)
    }
}

impl From<SignedPercent> for String {
    fn from(percent: SignedPercent) -> Self {
        percent.to_string()
    }
}

impl FromStr for SignedPercent {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let percent = digits.parse()?;
        Ok(Self { negative, percent })
    }
}

impl TryFrom<String> for SignedPercent {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        text.parse()
    }
}

impl From<Percent> for SignedPercent {
    fn from(percent: Percent) -> Self {
        Self {
            negative: false,
            percent,
        }
    }
}

/// One credit as it is sent to billing.
///
/// The amount and percentage of a reversal are below zero, so that sums are right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BilledCredit {
    /// The key, which never changes: the id of the ledger row.
    pub key: CreditId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The incident; `None` for a period as a whole.
    pub incident_id: Option<IncidentId>,
    /// The month, quarter or year of the fee.
    pub period: Period,
    /// The revision.
    pub revision: u32,
    /// The approved credit, in percent of the period's fee.
    pub credit_percent: SignedPercent,
    /// The approved amount, if the fee is known; otherwise billing computes it.
    pub amount: Option<Money>,
    /// The key of the credit that it takes back.
    pub reverses: Option<CreditId>,
    /// The outage, in whole milliseconds.
    pub outage_ms: u64,
    /// The version of the terms.
    pub terms_version: Name,
    /// The person or policy that approved it.
    pub approved_by: PersonName,
    /// The time of the approval.
    pub approved_at: Timestamp,
}

impl BilledCredit {
    /// Creates the billed credit of a row; `None` before the row is approved.
    #[must_use]
    pub fn of(row: &LedgerRow) -> Option<Self> {
        let granted = row.granted.as_ref()?;
        let negative = row.reverses.is_some();
        let signed = |amount: Money| if negative { amount.negative() } else { amount };
        Some(Self {
            key: row.id,
            tenant_id: row.tenant_id.clone(),
            incident_id: row.incident_id,
            period: row.period,
            revision: row.revision,
            credit_percent: SignedPercent {
                negative,
                percent: granted.percent,
            },
            amount: granted.amount.map(signed),
            reverses: row.reverses,
            outage_ms: row.outage_us / 1_000,
            terms_version: row.terms_version.clone(),
            approved_by: granted.by.clone(),
            approved_at: granted.at,
        })
    }
}

#[derive(Serialize)]
struct BatchPayload<'a> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: BatchData<'a>,
}

#[derive(Serialize)]
struct BatchData<'a> {
    batch: MessageId,
    credits: &'a [BilledCredit],
}

#[derive(Deserialize)]
struct Frozen {
    data: FrozenData,
}

#[derive(Deserialize)]
struct FrozenData {
    credits: Vec<BilledCredit>,
}

/// Credits that go to billing together, as one body.
///
/// The body is frozen with the decision to issue the credits, and sent again byte for byte, even if
/// the credits or the code have changed. Its id is the idempotency key, and the id of the outbox
/// message that carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    id: MessageId,
    body: Arc<str>,
}

impl Batch {
    /// Freezes approved credits, in this order.
    ///
    /// # Errors
    /// Fails if there are no credits or more than [`MAX_CREDITS`], or if they cannot be written.
    pub fn freeze(
        id: MessageId,
        at: Timestamp,
        credits: &[BilledCredit],
    ) -> Result<Self, ValidationError> {
        if !(1..=MAX_CREDITS).contains(&credits.len()) {
            return Err(ValidationError::new("credits", "1 to 500 credits"));
        }
        let payload = BatchPayload {
            r#type: KIND,
            timestamp: at,
            data: BatchData { batch: id, credits },
        };
        let body = serde_json::to_string(&payload)
            .map_err(|_| ValidationError::new("credits", "values that JSON can represent"))?;
        Ok(Self {
            id,
            body: body.into(),
        })
    }

    /// Returns the id: the idempotency key.
    #[must_use]
    pub const fn id(&self) -> MessageId {
        self.id
    }

    /// Returns the body, exactly as it is sent.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Reads the credits from the body.
    ///
    /// # Errors
    /// Fails if the body was not written by this library.
    pub fn credits(&self) -> Result<Vec<BilledCredit>, ValidationError> {
        let frozen: Frozen = serde_json::from_str(&self.body)
            .map_err(|_| ValidationError::new("body", "a batch of credits"))?;
        Ok(frozen.data.credits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_read_and_written() {
        for text in ["10", "-10", "2.5", "-0.0001", "0"] {
            let read = SignedPercent::try_from(text.to_owned()).unwrap();
            assert_eq!(read.to_string(), text);
        }
        assert_eq!(
            SignedPercent::try_from("-0".to_owned())
                .unwrap()
                .to_string(),
            "0"
        );
        for wrong in ["", "-", "--1", "+1", "101", "-101", "1 %"] {
            assert!(
                SignedPercent::try_from(wrong.to_owned()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_batch_holds_one_credit_at_least_and_500_at_most() {
        let id: MessageId = "01a1fe7e-8565-7544-9512-dcd142c5f862".parse().unwrap();
        let at: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let credit = BilledCredit {
            key: "01a1fe7e-8565-7544-9512-dcd142c5f863".parse().unwrap(),
            tenant_id: TenantId::new("tenant-\u{1F525}\"").unwrap(),
            incident_id: None,
            period: "2026".parse().unwrap(),
            revision: u32::MAX,
            credit_percent: SignedPercent {
                negative: true,
                percent: Percent::HUNDRED,
            },
            amount: None,
            reverses: None,
            outage_ms: u64::MAX,
            terms_version: Name::new("v").unwrap(),
            approved_by: PersonName::new("bill").unwrap(),
            approved_at: at,
        };
        for (count, fits) in [(0, false), (1, true), (500, true), (501, false)] {
            let credits = vec![credit.clone(); count];
            let frozen = Batch::freeze(id, at, &credits);
            assert_eq!(frozen.is_ok(), fits, "{count}");
            if let Ok(batch) = frozen {
                assert_eq!(batch.credits().unwrap(), credits);
                let kept = serde_json::to_string(&batch).unwrap();
                let again: Batch = serde_json::from_str(&kept).unwrap();
                assert_eq!(again.body(), batch.body());
            }
        }
    }
}
