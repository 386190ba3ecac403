//! An engine whose times contradict each other is not built.

use std::sync::Arc;
use std::time::Duration;

use incident_core::engine::Incidents;
use incident_core::paging::{FailoverPolicy, GateSettings};
use incident_store_memory::MemoryStore;

#[test]
fn times_that_do_not_go_together_are_refused_with_the_reason() {
    let built = |change: &dyn Fn(&mut FailoverPolicy, &mut GateSettings, &mut Duration)| {
        let (mut urgent, mut gate) = (FailoverPolicy::urgent(), GateSettings::default());
        let mut pager = Duration::from_secs(10);
        change(&mut urgent, &mut gate, &mut pager);
        let builder = Incidents::builder(Arc::new(MemoryStore::default()))
            .failover(urgent, FailoverPolicy::calm())
            .gate(gate)
            .pager_deadline(pager);
        builder
            .build()
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(built(&|_, _, _| {}), Ok(()));
    assert_eq!(built(&|policy, _, _| policy.after_unknown = None), Ok(()));
    type Change = dyn Fn(&mut FailoverPolicy, &mut GateSettings, &mut Duration);
    let cases: [(&str, &Change); 8] = [
        ("longer than nothing", &|_, _, pager| {
            *pager = Duration::ZERO
        }),
        ("shorter than the lease", &|_, _, pager| {
            *pager = Duration::from_secs(20);
        }),
        ("later than a lease", &|policy, _, _| {
            policy.after_unknown = Some(Duration::from_secs(30));
        }),
        ("go on to the next target", &|policy, _, _| {
            policy.give_up_after = Duration::from_secs(60);
        }),
        ("at most the cap", &|policy, _, _| {
            policy.backoff.cap = Duration::from_millis(1);
        }),
        ("at least one failure", &|_, gate, _| gate.failures = 0),
        ("at least one failure", &|_, gate, _| {
            gate.open_at_most = Duration::from_secs(1);
        }),
        ("at least one failure", &|_, gate, _| {
            gate.open_for = Duration::ZERO
        }),
    ];
    for (words, change) in cases {
        let error = built(change).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
