//! Response bodies, by subject. Fields are in the order of the output.

pub(crate) mod audit;
pub(crate) mod billing;
pub(crate) mod classification;
pub(crate) mod coordination;
pub(crate) mod credits;
pub(crate) mod due;
pub(crate) mod incident;
pub(crate) mod operations;
pub(crate) mod pages;
pub(crate) mod public;
pub(crate) mod reports;
pub(crate) mod sign_in;
pub(crate) mod statements;
pub(crate) mod suggestions;
pub(crate) mod tenants;
pub(crate) mod timeline;
pub(crate) mod usage;
mod values;
pub(crate) mod webhooks;
