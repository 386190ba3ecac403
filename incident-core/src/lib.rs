#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod id;
mod invalid;
pub mod money;
pub mod name;
mod percent;
pub mod time;
pub mod window;

pub use id::*;
pub use invalid::Invalid;
pub use money::{Currency, Money};
pub use name::{HttpsUrl, Name, PersonName, PublicText, ServiceId, Statement, TenantId, Text, Title, UserId};
pub use percent::Percent;
pub use time::{Month, Timestamp};
pub use window::{Window, Windows};
