//! Pages: their delivery to the vendors, and the vendors' reports.

mod alert_storms;
mod deliveries;
mod delivery_confirmation;
mod escalations;
mod grouping;
mod late_reports;
mod pages;
mod rate_limits;
mod relay;
mod retired_keys;
mod test_pages;
mod vendor_failures;
mod vendor_pages;
mod webhook_reconciliation;
mod webhooks;
