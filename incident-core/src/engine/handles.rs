//! Handles of the engine, one per subject.

use super::Incidents;

/// Signals from monitoring and from vendors: suggestions, usage events, webhooks.
#[derive(Clone, Copy, Debug)]
pub struct SignalsHandle<'a>(pub(super) &'a Incidents);

/// Credits: the ledger, decisions, and submission to billing.
#[derive(Clone, Copy, Debug)]
pub struct CreditsHandle<'a>(pub(super) &'a Incidents);

/// Pages: test pages, dead letters and their retry.
#[derive(Clone, Copy, Debug)]
pub struct PagingHandle<'a>(pub(super) &'a Incidents);

/// Reports: affected users, SLA, statements, the status page.
#[derive(Clone, Copy, Debug)]
pub struct ReportsHandle<'a>(pub(super) &'a Incidents);

/// The audit trail and the timelines: read and verified.
#[derive(Clone, Copy, Debug)]
pub struct AuditHandle<'a>(pub(super) &'a Incidents);

/// The passes that a host runs in the background; `incident_pagers::Worker` runs them.
#[derive(Clone, Copy, Debug)]
pub struct WorkerHandle<'a>(pub(super) &'a Incidents);

impl Incidents {
    /// Returns the handle of signals.
    #[must_use]
    pub const fn signals(&self) -> SignalsHandle<'_> {
        SignalsHandle(self)
    }

    /// Returns the handle of credits.
    #[must_use]
    pub const fn credits(&self) -> CreditsHandle<'_> {
        CreditsHandle(self)
    }

    /// Returns the handle of pages.
    #[must_use]
    pub const fn paging(&self) -> PagingHandle<'_> {
        PagingHandle(self)
    }

    /// Returns the handle of reports.
    #[must_use]
    pub const fn reports(&self) -> ReportsHandle<'_> {
        ReportsHandle(self)
    }

    /// Returns the handle of the audit trail and the timelines.
    #[must_use]
    pub const fn audit(&self) -> AuditHandle<'_> {
        AuditHandle(self)
    }

    /// Returns the handle of the background passes.
    #[must_use]
    pub const fn worker(&self) -> WorkerHandle<'_> {
        WorkerHandle(self)
    }
}
