//! The parts of an engine, and the memory of this process: losing it loses no data.

pub(super) mod anchors;
pub(super) mod confirmations;
pub(super) mod denials;
pub(super) mod gates;
pub(super) mod open_alerts;
pub(super) mod polled_alerts;
pub(super) mod returned;
pub(super) mod settings;
pub(super) mod test_page;
pub(super) mod turns;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use super::events::EngineEvent;
use super::metrics;
use crate::paging::TargetId;
use crate::port::{
    BillingSink, Channel, Clock, IdGen, PageCheck, Pager, Store, TenantDirectory, UsageSource,
};
use crate::{IncidentId, Name, RuleName, Timestamp};
use anchors::Anchors;
use confirmations::Unconfirmed;
use denials::Denials;
use gates::Gates;
use open_alerts::OpenAlertsByService;
use polled_alerts::PolledAlerts;
use returned::ReturnedMessages;
use settings::Settings;
use test_page::Tests;
use turns::Turns;

pub(super) type Listener = Box<dyn Fn(&EngineEvent) + Send + Sync>;

/// The parts that all handles of an engine share.
pub(in crate::engine) struct Inner {
    /// The store that the relay works through.
    pub(in crate::engine) relay: Arc<dyn Store>,
    /// The current pagers, in the order in which they are tried.
    pub(in crate::engine) pagers: Vec<Arc<dyn Pager>>,
    /// Pagers that open no more alerts, and still acknowledge and resolve those that they opened.
    pub(in crate::engine) retired: Vec<Arc<dyn Pager>>,
    /// The pagers of each escalation rule, in the order in which they are tried.
    pub(in crate::engine) escalations: BTreeMap<RuleName, Vec<Arc<dyn Pager>>>,
    /// The channels, each with the group whose notices it gets; those of all groups if none.
    pub(in crate::engine) channels: Vec<(Option<Name>, Arc<dyn Channel>)>,
    /// The checks that find out whether a page opened an alert.
    pub(in crate::engine) checks: Vec<Arc<dyn PageCheck>>,
    pub(in crate::engine) unconfirmed: Unconfirmed,
    pub(in crate::engine) polled: PolledAlerts,
    pub(in crate::engine) returned: ReturnedMessages,
    /// Microseconds by which the store's clock was ahead when it was last measured.
    pub(in crate::engine) clock_ahead: Mutex<Option<i64>>,
    pub(in crate::engine) usage: Option<Arc<dyn UsageSource>>,
    pub(in crate::engine) directory: Option<Arc<dyn TenantDirectory>>,
    pub(in crate::engine) billing: Option<Arc<dyn BillingSink>>,
    pub(in crate::engine) clock: Arc<dyn Clock>,
    pub(in crate::engine) ids: Arc<dyn IdGen>,
    pub(in crate::engine) anchors: Anchors,
    pub(in crate::engine) gates: Gates,
    pub(in crate::engine) denials: Denials,
    pub(in crate::engine) open_alerts: OpenAlertsByService,
    pub(in crate::engine) tests: Tests,
    pub(in crate::engine) settings: Settings,
    pub(in crate::engine) listeners: Vec<Listener>,
    /// The owner of the leases of this process, random per start.
    pub(in crate::engine) owner: Uuid,
    /// The queues of commands, so that commands on one incident do not conflict over revisions.
    /// Their number is fixed: two incidents may share one, which only costs a little waiting.
    pub(in crate::engine) queues: Vec<Turns>,
}

pub(in crate::engine) const QUEUES: usize = 256;

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("pagers", &self.pagers)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(in crate::engine) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(in crate::engine) fn queue(&self, id: IncidentId) -> Option<&Turns> {
        // The last bytes of a UUID v7 are random.
        let (_, low) = id.uuid().as_u64_pair();
        usize::try_from(low % QUEUES as u64)
            .ok()
            .and_then(|at| self.queues.get(at))
    }

    /// Finds the pager of a target, retired or not.
    pub(in crate::engine) fn pager(&self, target: &TargetId) -> Option<&Arc<dyn Pager>> {
        self.pagers
            .iter()
            .chain(&self.retired)
            .chain(self.escalations.values().flatten())
            .find(|pager| pager.target_id() == *target)
    }

    /// Returns the pagers of a rule; empty if it has none.
    pub(in crate::engine) fn escalation_pagers(&self, rule: &RuleName) -> &[Arc<dyn Pager>] {
        self.escalations.get(rule).map_or(&[], Vec::as_slice)
    }

    /// Returns the channels over which a group is notified: its own, or else those of all groups.
    pub(in crate::engine) fn channels_of<'a>(
        &'a self,
        group: &'a Name,
    ) -> impl Iterator<Item = &'a Arc<dyn Channel>> {
        let has_own = self
            .channels
            .iter()
            .any(|(of, _)| of.as_ref() == Some(group));
        let channels = self.channels.iter();
        let fits = move |of: &Option<Name>| match of {
            Some(of) => of == group,
            None => !has_own,
        };
        channels.filter_map(move |(of, channel)| fits(of).then_some(channel))
    }

    pub(in crate::engine) fn emit(&self, notice: &EngineEvent) {
        if let Some(alarm) = &notice.alarm {
            metrics::alarm(alarm);
        }
        for listener in &self.listeners {
            // A listener that panics does not undo the commit.
            let heard = std::panic::catch_unwind(AssertUnwindSafe(|| listener(notice)));
            if heard.is_err() {
                tracing::error!("an event listener panicked");
            }
        }
    }
}
