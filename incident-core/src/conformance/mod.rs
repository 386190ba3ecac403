//! The contracts of the ports as tests that every implementation runs.
//!
//! An implementation joins with one line in its own tests:
//!
//! ```text
//! incident_core::store_conformance!(MyBackend);
//! incident_core::usage_conformance!(MySource);
//! incident_core::pager_conformance!(MyPager);
//! incident_core::anchor_conformance!(MyRecord);
//! incident_core::billing_conformance!(MySink);
//! incident_core::channel_conformance!(MyChannel);
//! ```
//!
//! Each contract becomes a `#[tokio::test]` of its own on a multi-thread
//! runtime; core itself names no runtime, so tokio (features `macros` and
//! `rt-multi-thread`) is a dev-dependency of the caller. Names begin with the
//! lead of the contract they prove: atomic, isolated, ordered, ...

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::cast_possible_truncation,
    reason = "these are tests: they fail by panicking"
)]

pub mod alerts;
pub mod anchors;
pub mod billing;
pub mod channel;
pub mod commits;
pub mod credits;
pub mod outbox;
pub mod outlines;
pub mod pager;
pub mod races;
pub mod records;
pub mod redactions;
pub mod response;
pub mod returned;
mod sample;
pub mod suggestions;
pub mod usage;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::port::{AnchorRecord, BillingSink, Channel, Pager, Store, UsageSink, UsageSource};

/// Time-out of one call in a contract.
pub const WITHIN: Duration = Duration::from_secs(5);

/// A function that runs futures as tasks of the caller's runtime, and waits for all.
pub type SpawnAll = fn(Vec<BoxFuture<'static, ()>>) -> BoxFuture<'static, ()>;

/// A store under test.
#[async_trait]
pub trait StoreBackend {
    /// A guard that cleans up when dropped, and opens the same data again for
    /// [`StoreBackend::reopen`].
    type Guard: Send + Sync;

    /// `true` if data outlives the store, `false` for a store in memory.
    const DURABLE: bool;

    /// Opens a store without data.
    async fn open() -> (Arc<dyn Store>, Self::Guard);

    /// Opens the same data again, as after a crash of the process. Called only if
    /// [`StoreBackend::DURABLE`] is `true`.
    async fn reopen(guard: &Self::Guard) -> Arc<dyn Store>;
}

/// A usage source under test.
#[async_trait]
pub trait UsageBackend {
    /// A guard that cleans up when dropped.
    type Guard: Send;
    /// The source.
    type Source: UsageSource + UsageSink + Clone + 'static;

    /// Opens a source without events.
    async fn open() -> (Self::Source, Self::Guard);
}

/// A pager under test, with a view of its vendor.
#[async_trait]
pub trait PagerBackend {
    /// A guard that cleans up when dropped; it stands for the vendor.
    type Guard: Send + Sync;

    /// Opens a pager whose vendor works and has no alerts.
    async fn open() -> (Arc<dyn Pager>, Self::Guard);

    /// Returns the number of times that the vendor woke someone, if it is known.
    async fn wakes(guard: &Self::Guard) -> Option<u64>;

    /// Opens a pager whose vendor accepts connections and never answers; none for a pager
    /// without a vendor.
    async fn black_hole() -> Option<(Arc<dyn Pager>, Self::Guard)>;
}

/// A record of anchors under test.
#[async_trait]
pub trait AnchorBackend {
    /// A guard that cleans up when dropped, and opens the same place again.
    type Guard: Send + Sync;

    /// Opens a record without anchors.
    async fn open() -> (Arc<dyn AnchorRecord>, Self::Guard);

    /// Opens another handle on the same place.
    async fn reopen(guard: &Self::Guard) -> Arc<dyn AnchorRecord>;
}

/// A billing sink under test.
#[async_trait]
pub trait BillingBackend {
    /// A guard that cleans up when dropped, and opens the same sink again.
    type Guard: Send + Sync;

    /// Opens a sink that works and is empty.
    async fn open() -> (Arc<dyn BillingSink>, Self::Guard);

    /// Opens another handle on the same sink.
    async fn reopen(guard: &Self::Guard) -> Arc<dyn BillingSink>;

    /// Opens a sink whose service accepts connections and never answers; none for a sink
    /// without a service.
    async fn black_hole() -> Option<(Arc<dyn BillingSink>, Self::Guard)>;
}

/// The way in which the receiver of a channel answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiverPlan {
    /// It accepts each notice.
    Accept,
    /// It accepts each notice, and its answer is lost.
    AcceptAndLose,
    /// It rejects each notice.
    Refuse,
    /// It asks to wait for a time, in whole seconds.
    Wait(Duration),
    /// It never answers.
    BlackHole,
}

/// A channel under test, with a view of its receiver.
#[async_trait]
pub trait ChannelBackend {
    /// A guard that cleans up when dropped; it stands for the receiver.
    type Guard: Send + Sync;

    /// Opens a channel whose receiver accepts each notice.
    async fn open() -> (Arc<dyn Channel>, Self::Guard);

    /// Sets how the receiver answers from now on. Returns `false` for a channel without a receiver
    /// that could answer so. Answers other than acceptance repeat what the receiver got, where they
    /// have a place for it.
    async fn plan(guard: &Self::Guard, plan: ReceiverPlan) -> bool;

    /// Returns the number of distinct notices that the receiver accepted, if it is known.
    async fn counted(guard: &Self::Guard) -> Option<usize>;

    /// Returns the text that people see of each notice, in the order in which they were sent, if it
    /// is known. For a log, its lines.
    async fn lines(guard: &Self::Guard) -> Option<Vec<String>>;

    /// Returns the secrets of the channel.
    fn secrets(guard: &Self::Guard) -> Vec<String>;
}

/// Defines a list of contracts, and a macro that runs each as a test.
macro_rules! contracts {
    ($d:tt $(#[$doc:meta])* $macro_name:ident, $list:ident; $($module:ident :: $name:ident),+ $(,)?) => {
        /// The contracts of this list, as `module::name`.
        pub const $list: &[&str] = &[$(concat!(stringify!($module), "::", stringify!($name))),+];

        $(#[$doc])*
        #[macro_export]
        macro_rules! $macro_name {
            ($d backend:ty) => {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $name() {
                        $crate::conformance::$module::$name::<$d backend>(|tasks| {
                            Box::pin(async move {
                                let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
                                for task in running {
                                    task.await.unwrap();
                                }
                            })
                        })
                        .await;
                    }
                )+
            };
        }
    };
}

contracts! { $
    /// Runs every contract of a store as its own test against a
    /// [`StoreBackend`](crate::conformance::StoreBackend).
    store_conformance, STORE_CONTRACTS;
    commits::atomic_a_refused_commit_leaves_nothing,
    commits::isolated_a_write_on_an_old_revision_conflicts,
    commits::isolated_two_live_incidents_never_share_an_alert,
    commits::ordered_entries_are_sealed_without_gaps,
    commits::ordered_lists_are_newest_first_and_page_without_loss,
    commits::ordered_filters_agree_with_the_reference,
    commits::ordered_an_incident_is_found_by_its_public_id,
    outlines::ordered_outlines_are_those_of_the_list,
    outlines::bounded_an_outline_is_small_however_large_its_incident_is,
    commits::idempotent_a_key_is_taken_until_it_expires,
    commits::durable_a_commit_is_there_after_a_crash,
    commits::ordered_numbers_are_unique_and_rise,
    commits::cancellation_a_dropped_commit_is_whole_or_nothing,
    outbox::ordered_one_message_of_an_incident_at_a_time,
    outbox::ordered_an_escalation_is_a_thread_of_its_own,
    outbox::isolated_a_repeated_resolution_makes_room_for_a_newer_page,
    outbox::ordered_worse_severities_go_first,
    outbox::durable_a_lease_that_ran_out_is_handed_out_again,
    outbox::durable_a_clock_that_went_back_keeps_no_lease,
    outbox::idempotent_a_finish_without_the_lease_changes_nothing,
    outbox::isolated_a_superseded_trigger_is_never_claimed_again,
    outbox::bounded_what_is_not_due_is_not_handed_out,
    outbox::durable_dead_letters_stay_until_they_are_replayed,
    outbox::ordered_hastened_messages_are_due_at_once,
    alerts::isolated_alerts_are_those_of_an_environment_and_of_live_mode,
    alerts::isolated_an_alert_moves_within_one_commit,
    alerts::isolated_a_claim_has_seen_every_live_incident,
    alerts::isolated_claims_at_a_time_have_seen_each_other,
    outbox::ordered_dead_letters_are_listed_as_they_were_committed,
    outbox::ordered_the_backlog_tells_what_waits,
    response::ordered_incidents_are_found_when_a_rule_is_due,
    response::idempotent_a_notice_is_added_once,
    response::isolated_a_policy_is_stored_once,
    response::ordered_the_policy_of_a_time_is_found,
    returned::isolated_what_is_handed_back_is_as_it_was,
    returned::isolated_what_is_handed_back_ends_where_it_was_superseded,
    returned::isolated_what_is_excepted_is_left_to_others,
    suggestions::isolated_one_suggestion_of_a_pair_is_open,
    suggestions::isolated_a_dismissed_suggestion_stands_for_its_pair,
    suggestions::isolated_a_suggestion_is_closed_once,
    suggestions::ordered_open_suggestions_are_counted,
    credits::isolated_one_credit_per_key,
    credits::isolated_a_period_is_credited_beside_its_incidents,
    credits::isolated_a_credit_is_decided_once,
    credits::atomic_what_was_issued_is_accounted_for,
    credits::isolated_what_comes_out_the_same_keeps_its_decision,
    credits::isolated_one_of_several_first_writers_writes,
    credits::isolated_issuing_and_correcting_exclude_each_other,
    credits::ordered_batches_and_pages_do_not_wait_for_each_other,
    records::ordered_audit_chains_have_no_gaps,
    records::ordered_audit_entries_are_filtered_alike_in_both_orders,
    redactions::atomic_a_redaction_erases_every_copy,
    redactions::atomic_a_redaction_is_on_record,
    redactions::isolated_a_reply_tells_the_incident_as_it_is,
    redactions::isolated_a_reply_tells_the_suggestion_as_it_is,
    redactions::isolated_no_reply_survives_a_concurrent_redaction,
    races::isolated_one_of_many_writers_wins,
    races::isolated_claims_share_nothing,
    races::idempotent_one_key_one_commit,
    races::isolated_one_alert_one_incident,
    races::ordered_concurrent_commands_leave_one_history,
}

contracts! { $
    /// Runs every contract of a usage source as its own test against a
    /// [`UsageBackend`](crate::conformance::UsageBackend).
    usage_conformance, USAGE_CONTRACTS;
    usage::ordered_edges_are_half_open,
    usage::idempotent_repeats_and_late_events_change_nothing,
    usage::ordered_rows_are_those_of_the_question,
    usage::ordered_filters_agree_with_the_reference,
    usage::ordered_random_events_agree_with_the_reference,
    usage::ordered_names_are_opaque,
    usage::bounded_very_many_tenants_in_one_question,
    usage::ordered_nothing_is_counted_where_nothing_is,
    usage::errors_estimates_are_near,
    usage::ordered_breakdowns_agree_with_the_reference,
    usage::ordered_users_are_listed_page_by_page,
    usage::ordered_a_growing_question_misses_nothing,
    usage::isolated_readers_see_whole_batches,
}

contracts! { $
    /// Runs every contract of a pager as its own test against a
    /// [`PagerBackend`](crate::conformance::PagerBackend).
    pager_conformance, PAGER_CONTRACTS;
    pager::idempotent_a_repeated_trigger_wakes_once,
    pager::ordered_trigger_acknowledge_resolve_are_taken,
    pager::idempotent_a_resolve_without_an_alert_is_taken,
    pager::idempotent_another_severity_wakes_nobody,
    pager::errors_every_length_of_text_is_taken,
    pager::bounded_a_black_hole_is_unknown_in_time,
}

contracts! { $
    /// Runs every contract of a record of anchors as its own test against an
    /// [`AnchorBackend`](crate::conformance::AnchorBackend).
    anchor_conformance, ANCHOR_CONTRACTS;
    anchors::durable_another_handle_finds_what_was_stored,
    anchors::ordered_every_head_is_returned_once,
    anchors::ordered_lists_page_without_loss,
    anchors::isolated_concurrent_anchors_are_all_stored,
}

contracts! { $
    /// Runs every contract of a billing sink as its own test against a
    /// [`BillingBackend`](crate::conformance::BillingBackend).
    billing_conformance, BILLING_CONTRACTS;
    billing::idempotent_a_repeated_batch_is_held_once,
    billing::isolated_one_batch_at_once_is_held_once,
    billing::durable_what_was_accepted_is_held,
    billing::ordered_credits_are_found_by_key_and_period,
    billing::bounded_a_black_hole_is_unknown_in_time,
}

contracts! { $
    /// Runs every contract of a channel as its own test against a
    /// [`ChannelBackend`](crate::conformance::ChannelBackend).
    channel_conformance, CHANNEL_CONTRACTS;
    channel::idempotent_a_repeated_notice_is_counted_once,
    channel::idempotent_a_notice_with_a_lost_answer_is_counted_once,
    channel::idempotent_each_other_notice_is_counted,
    channel::bounded_a_black_hole_is_unavailable_in_time,
    channel::errors_a_rejection_is_of_one_notice,
    channel::errors_a_requested_wait_is_returned,
    channel::errors_hold_no_secret,
    channel::errors_every_title_is_taken_on_one_line,
    channel::cancellation_a_dropped_notice_is_one_with_the_next,
    channel::concurrent_many_at_a_time_are_each_counted_once,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_contract_is_forgotten() {
        let files = [
            ("alerts", include_str!("alerts.rs")),
            ("anchors", include_str!("anchors.rs")),
            ("billing", include_str!("billing.rs")),
            ("channel", include_str!("channel.rs")),
            ("commits", include_str!("commits.rs")),
            ("credits", include_str!("credits.rs")),
            ("outbox", include_str!("outbox.rs")),
            ("outlines", include_str!("outlines.rs")),
            ("pager", include_str!("pager.rs")),
            ("races", include_str!("races.rs")),
            ("records", include_str!("records.rs")),
            ("redactions", include_str!("redactions.rs")),
            ("response", include_str!("response.rs")),
            ("returned", include_str!("returned.rs")),
            ("suggestions", include_str!("suggestions.rs")),
            ("usage", include_str!("usage.rs")),
        ];
        let listed: Vec<&str> = [
            STORE_CONTRACTS,
            USAGE_CONTRACTS,
            PAGER_CONTRACTS,
            ANCHOR_CONTRACTS,
            BILLING_CONTRACTS,
            CHANNEL_CONTRACTS,
        ]
        .concat();
        let mut found = 0;
        for (module, text) in files {
            for line in text
                .lines()
                .filter_map(|line| line.strip_prefix("pub async fn "))
            {
                let name = line.split(['<', '(']).next().unwrap();
                let full = format!("{module}::{name}");
                assert!(listed.contains(&full.as_str()), "{full} is run by nobody");
                found += 1;
            }
        }
        assert_eq!(found, listed.len());
    }
}
