//! Decisions on credits: approved or waived, by a person or by policy.

use std::collections::{BTreeMap, BTreeSet};

use crate::actor::{Action, Actor, Caller, Role};
use crate::billing::{
    Approval, CappedCredit, CreditDecision, CreditPolicy, CreditState, CreditTransition, LedgerRow,
};
use crate::commit::Commit;
use crate::engine::each::EachAlone;
use crate::engine::{CreditsHandle, Error, Incidents, RequestContext, WorkerHandle};
use crate::idempotency::StoredResponse;
use crate::incident::Refusal;
use crate::port::{CreditQuery, StoreError};
use crate::sla::SlaStatement;
use crate::{CreditId, IncidentId, Percent};

/// The stored result of a credit decision.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreditDecided {
    /// The credit.
    pub credit: CappedCredit,
    /// `true` if this is the response of an earlier request with the same key.
    pub replayed: bool,
}

fn refused(code: &'static str, detail: impl Into<String>) -> Error {
    Refusal::WrongState {
        code,
        detail: detail.into(),
    }
    .into()
}

/// Refuses what needs credits where there is no SLA.
pub(super) fn check_sla(engine: &Incidents) -> Result<(), Error> {
    if engine.has_sla() {
        return Ok(());
    }
    Err(refused("no_sla", "the engine runs without SLA and credits"))
}

impl CreditsHandle<'_> {
    /// Approves or waives a credit. The granted part, with the current cap of its tenant and period
    /// and the current fee, is stored with it and does not change any more.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is no such credit. Fails if a right is missing; the
    /// incident or period goes on; nothing is owed; it was decided or replaced before; the reversal
    /// of an earlier credit has to be decided first; under four eyes, the caller caused it; or the
    /// store did not commit.
    pub async fn decide(
        self,
        context: &RequestContext,
        id: CreditId,
        decision: &CreditDecision,
    ) -> Result<CreditDecided, Error> {
        let this = self.0.begun_for(context);
        match this.recalled(context).await? {
            Some(StoredResponse::Credit(credit)) => {
                return Ok(CreditDecided {
                    credit: *credit,
                    replayed: true,
                });
            }
            Some(_) => return Err(Error::IdempotencyKeyMismatch),
            None => {}
        }
        if let CreditDecision::Waive { reason } = decision {
            reason.check("reason").map_err(Refusal::from)?;
        }
        let wanted = CreditQuery {
            id: Some(id),
            ..CreditQuery::default()
        };
        let found = this.credits().list(&wanted).await?.into_iter().next();
        let found = found.ok_or(Error::NotFound("credit"))?;
        let incident = found.row.incident_id;
        this.authorize_command(context, &[Action::DecideCredit], incident)
            .await?;
        let policy = this.inner.settings.credits;
        this.may_decide(&found, decision, &context.caller.actor, policy)
            .await?;
        this.move_credit(context, found, decision).await
    }
}

impl WorkerHandle<'_> {
    /// Approves credits that the policy allows without a person, and returns their number. Call it
    /// now and then; the loop of `incident-pagers` does.
    ///
    /// # Errors
    /// Fails if the store did not answer. Each credit fails alone: all others were tried.
    pub async fn approve_credits(self) -> Result<usize, Error> {
        let this = self.0;
        let settings = &this.inner.settings;
        let Some(most) = settings.credits.approve_up_to.filter(|_| settings.has_sla) else {
            return Ok(0);
        };
        let wanted = CreditQuery {
            state: Some(CreditState::Estimated),
            skip_unreadable: true,
            ..CreditQuery::default()
        };
        let (mut each, mut approved) = (EachAlone::default(), 0);
        for row in this.ledger(&wanted).await? {
            if row.credit_percent == Percent::ZERO {
                continue;
            }
            match this.approve_one(row.id, most).await {
                Ok(()) => approved += 1,
                // The policy does not allow it, or another decision was faster.
                Err(Error::Refused(_)) => {}
                failed => {
                    each.note(row.id, "could not approve a credit automatically", failed);
                }
            }
        }
        each.end().map(|()| approved)
    }
}

impl Incidents {
    async fn approve_one(&self, id: CreditId, most: Percent) -> Result<(), Error> {
        // With the part that the cap of its tenant and period leaves.
        let one = CreditQuery {
            id: Some(id),
            ..CreditQuery::default()
        };
        let row = self.credits().list(&one).await?.pop();
        let Some(row) = row.filter(|row| row.capped <= most) else {
            return Err(refused(
                "needs_approval",
                "the policy requires manual approval",
            ));
        };
        let context = RequestContext::new(by_policy());
        let policy = CreditPolicy::default();
        self.may_decide(
            &row,
            &CreditDecision::Approve,
            &context.caller.actor,
            policy,
        )
        .await?;
        self.move_credit(&context, row, &CreditDecision::Approve)
            .await?;
        Ok(())
    }

    async fn may_decide(
        &self,
        found: &CappedCredit,
        decision: &CreditDecision,
        by: &Actor,
        policy: CreditPolicy,
    ) -> Result<(), Error> {
        let row = &found.row;
        let open = match decision {
            CreditDecision::Approve => row.state == CreditState::Estimated,
            // An approved credit can be waived until it is issued; but the room that an approved
            // reversal makes may have been granted to others.
            CreditDecision::Waive { .. } => {
                row.state == CreditState::Estimated
                    || row.state == CreditState::Approved && row.reverses.is_none()
            }
        };
        if !open {
            let state = row.state.name();
            return Err(refused("credit_decided", format!("the credit is {state}")));
        }
        if *decision != CreditDecision::Approve {
            return Ok(());
        }
        if self.goes_on(row).await? {
            let detail = "the incident or the period is not over, so the credit is provisional";
            return Err(refused("provisional", detail));
        }
        if found.capped == Percent::ZERO {
            return Err(refused(
                "nothing_owed",
                "the credit is 0 %: there is nothing to approve",
            ));
        }
        if row.reverses.is_none()
            && let Some(reversal) = self.twin(row).await?
            && reversal.state == CreditState::Estimated
        {
            let id = reversal.id;
            let detail =
                format!("approve or waive credit {id} first: it reverses a credit that was issued");
            return Err(refused("reverse_first", detail));
        }
        if policy.four_eyes && self.shaped(row, by).await? {
            let detail = "four-eyes rule: whoever declared, resolved or corrected the incident, or recomputed the credit, may not approve it";
            return Err(refused("four_eyes", detail));
        }
        Ok(())
    }

    /// Returns `true` if an actor influenced the figure of a credit: it was computed because of a
    /// command of theirs, now or in an earlier revision, or they changed an input at one of its
    /// incidents.
    async fn shaped(&self, row: &LedgerRow, by: &Actor) -> Result<bool, Error> {
        if row.author == by.name {
            return Ok(true);
        }
        let wanted = CreditQuery {
            tenant: Some(row.tenant_id.clone()),
            incident: row.incident_id,
            ..CreditQuery::default()
        };
        let rows = self.ledger(&wanted).await?;
        let earlier = rows.iter().filter(|one| one.subject() == row.subject());
        if earlier.into_iter().any(|one| one.author == by.name) {
            return Ok(true);
        }
        let inputs = row.inputs.iter().map(|input| input.incident_id);
        let incidents: BTreeSet<IncidentId> = inputs.chain(row.incident_id).collect();
        for id in incidents {
            let incident = self.find(id).await?;
            if incident.is_some_and(|one| one.shaped_by.contains(&by.name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns `true` if the credit may still change by itself.
    async fn goes_on(&self, row: &LedgerRow) -> Result<bool, Error> {
        if let Some(id) = row.incident_id {
            return Ok(self.get(id).await?.is_provisional());
        }
        let month = row.period.first_month();
        let made = self
            .reports()
            .statements(month, Some(&row.tenant_id))
            .await?;
        let here = |made: &SlaStatement| made.period == row.period && made.provisional;
        Ok(made.iter().any(here))
    }

    /// Finds the reversal that comes with a row, or the row that replaces what a reversal takes
    /// back.
    async fn twin(&self, row: &LedgerRow) -> Result<Option<LedgerRow>, Error> {
        let wanted = CreditQuery {
            tenant: Some(row.tenant_id.clone()),
            incident: row.incident_id,
            ..CreditQuery::default()
        };
        let rows = self.ledger(&wanted).await?;
        let other = |one: &LedgerRow| {
            one.subject() == row.subject()
                && one.revision == row.revision
                && one.reverses.is_some() != row.reverses.is_some()
        };
        Ok(rows.into_iter().find(other))
    }

    async fn move_credit(
        &self,
        context: &RequestContext,
        mut credit: CappedCredit,
        decision: &CreditDecision,
    ) -> Result<CreditDecided, Error> {
        let now = self.inner.now();
        let from = credit.row.state;
        credit.row.state = decision.state();
        match decision {
            CreditDecision::Approve => {
                let account = self.credit_account(&credit.row.tenant_id, credit.row.period);
                credit.row.granted = Some(Approval {
                    percent: credit.capped,
                    amount: credit.amount,
                    fee: account.fee(),
                    by: context.caller.actor.name.clone(),
                    at: now,
                });
            }
            CreditDecision::Waive { .. } => {
                credit.row.granted = None;
                (credit.capped, credit.amount) = (Percent::ZERO, None);
            }
        }
        let row = &credit.row;
        let mut moves = vec![CreditTransition {
            id: row.id,
            from,
            to: row.state,
            granted: row.granted.clone(),
            issued: None,
        }];
        // The issued credit stays, so its replacement is waived with the reversal.
        if row.reverses.is_some() && matches!(decision, CreditDecision::Waive { .. }) {
            moves.extend(self.twin(row).await?.and_then(|twin| waived(&twin)));
        }
        let mut detail = BTreeMap::from([
            ("credit".to_owned(), row.id.to_string()),
            ("tenant".to_owned(), row.tenant_id.to_string()),
            ("percent".to_owned(), credit.capped.to_string()),
        ]);
        if let CreditDecision::Waive { reason } = decision {
            detail.insert("reason".to_owned(), reason.to_string());
        }
        let makes_room = makes_room(row, decision);
        let outbox = makes_room.then(|| self.freed_room(row, &context.caller.actor.name, now));
        let reply = StoredResponse::Credit(Box::new(credit.clone()));
        let commit = Commit {
            audit: vec![context.allowed(now, row.incident_id, decision.name(), detail)],
            credits: moves,
            outbox: outbox.into_iter().collect(),
            remember: context.record(reply, now),
            ..Commit::default()
        };
        let timeout = self.left()?;
        match self.store.commit(commit, timeout).await {
            Err(StoreError::CreditMoved(_)) => {
                let detail = "the credit was approved, waived or replaced by another request";
                Err(refused("credit_decided", detail))
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok(CreditDecided {
                credit,
                replayed: false,
            }),
        }
    }
}

/// Returns `true` if a decision leaves others more room under the cap of tenant and period.
const fn makes_room(row: &LedgerRow, decision: &CreditDecision) -> bool {
    match decision {
        CreditDecision::Approve => row.reverses.is_some(),
        CreditDecision::Waive { .. } => row.reverses.is_none(),
    }
}

fn waived(twin: &LedgerRow) -> Option<CreditTransition> {
    let open = matches!(twin.state, CreditState::Estimated | CreditState::Approved);
    open.then_some(CreditTransition {
        id: twin.id,
        from: twin.state,
        to: CreditState::Waived,
        granted: None,
        issued: None,
    })
}

fn by_policy() -> Caller {
    Caller {
        actor: Actor::policy(),
        role: Role::Billing,
    }
}
