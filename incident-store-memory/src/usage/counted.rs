//! Distinct users of a query: from the index over time for a few minutes of many tenants, otherwise
//! tenant by tenant.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use incident_core::Window;
use incident_core::impact::{ImpactCounts, ImpactQuery};
use incident_core::port::UsageError;

use super::ids::RawId;
use super::scan::{EventRows, Filter, Scratch, distinct};
use super::snapshot::{in_time, size};
use super::state::{MemoryUsage, UsageState};
use super::{incremental, seen, time_index};

/// Maximum number of events to read from the index, per tenant of a query. Beyond it, sealed events
/// are counted faster tenant by tenant, as that needs no set.
const DENSE: usize = 100;

/// Minimum share of all tenants for the index: a query must name at least one in this many.
const SPARSE: usize = 16;

impl MemoryUsage {
    pub(super) fn counts(
        &self,
        query: &ImpactQuery,
        (started, timeout): (Instant, Duration),
    ) -> Result<ImpactCounts, UsageError> {
        if let Some(counts) = self.followed(query, (started, timeout))? {
            return Ok(counts);
        }
        let by_time = self.slots_of(query);
        let counts = match by_time {
            Some(slots) => {
                let mut scratch = self.shared.scratch();
                let filter = self.filter(query);
                let counts = slots.counts(query, &filter, &mut scratch, (started, timeout));
                self.shared.keep(scratch);
                counts
            }
            None => self.tenant_by_tenant(query, (started, timeout)),
        };
        let counts = counts?;
        if started.elapsed() >= self.follow_from {
            incremental::note(&self.shared.live, query, &counts);
        }
        Ok(counts)
    }

    fn followed(
        &self,
        query: &ImpactQuery,
        timing: (Instant, Duration),
    ) -> Result<Option<ImpactCounts>, UsageError> {
        let live = &self.shared.live;
        // A snapshot costs as much as some small queries.
        if live.lock().is_empty() {
            return Ok(None);
        }
        let snapshot = self.snapshot(query);
        let filter = self.filter(query);
        let room = usize::try_from(self.limit / super::source::FOLLOWED).unwrap_or(usize::MAX);
        incremental::ask(live, query, &snapshot, (&filter, room), timing)
    }

    /// Returns the slots of a query, if the index has them and they hold few enough events.
    fn slots_of<'a>(&self, query: &'a ImpactQuery) -> Option<Slots<'a>> {
        let whole = whole(query)?;
        let state = self.state();
        let asked = query.tenants().len();
        if asked.saturating_mul(SPARSE) < state.shares.len() {
            return None;
        }
        let most = asked.saturating_mul(DENSE).min(seen::MAX_IDS);
        let parts = state.time_index.within(whole, most)?;
        Some(Slots {
            parts,
            places: places(&state, query),
            windows: TotalQuery::of(query, whole),
        })
    }

    fn tenant_by_tenant(
        &self,
        query: &ImpactQuery,
        (started, timeout): (Instant, Duration),
    ) -> Result<ImpactCounts, UsageError> {
        let snapshot = self.snapshot(query);
        let filter = self.filter(query);
        let found = snapshot.found();
        let rows = found.rows();
        // If every user is sealed and has one tenant, the total is the sum.
        let mut known = rows.iter().filter_map(Option::as_ref);
        let several = known.clone().count() > 1;
        let has_raw = known.any(|(_, rows): &(_, EventRows<'_>)| rows.has_raw());
        let mut ids = (several && (snapshot.shares || has_raw)).then(Vec::new);
        let mut scratch = self.shared.scratch();
        let mut counts = Vec::with_capacity(rows.len());
        for found in &rows {
            counts.push(found.as_ref().map_or(0, |(log, rows)| {
                rows.users(log, &filter, &mut scratch, ids.as_mut())
            }));
            in_time(started, timeout, &rows)?;
        }
        let total = match ids {
            Some(ids) => distinct(&ids, &mut scratch),
            None => counts.iter().sum(),
        };
        self.shared.keep(scratch);
        Ok(ImpactCounts::exact(query, counts, total))
    }
}

/// Returns the window from the first window's start to the last one's end; none without windows.
fn whole(query: &ImpactQuery) -> Option<Window> {
    let windows = || query.tenants().iter().map(|one| one.windows.as_slice());
    let start = windows().filter_map(|of| Some(of.first()?.start())).min()?;
    let end = windows().filter_map(|of| Some(of.last()?.end())).max()?;
    Window::non_empty(start, end)
}

/// Returns, by the number of a tenant, its position in the query.
///
/// The position is one after the last for a tenant that the query does not name.
fn places(state: &UsageState, query: &ImpactQuery) -> Vec<usize> {
    let asked = query.tenants();
    let mut places = vec![asked.len(); state.shares.len()];
    for (place, one) in asked.iter().enumerate() {
        let number = state.tenants.get(&one.tenant).map(|known| known.number);
        let number = number.and_then(|number| usize::try_from(number).ok());
        if let Some(at) = number.and_then(|number| places.get_mut(number)) {
            *at = place;
        }
    }
    places
}

/// The slots of a query: events of all tenants, only some of which the query names.
struct Slots<'a> {
    parts: Vec<time_index::FoundPart>,
    /// By the number of a tenant: its position in the query.
    places: Vec<usize>,
    windows: TotalQuery<'a>,
}

/// The windows of the tenants of a query.
enum TotalQuery<'a> {
    /// One window that all tenants share.
    Together { start: i64, end: i64 },
    /// The windows of each tenant, by position in the query.
    Each(Vec<&'a [Window]>),
}

impl<'a> TotalQuery<'a> {
    fn of(query: &'a ImpactQuery, whole: Window) -> Self {
        let windows = query.tenants().iter().map(|one| one.windows.as_slice());
        if windows.clone().all(|windows| windows == [whole]) {
            return Self::Together {
                start: whole.start().micros(),
                end: whole.end().micros(),
            };
        }
        Self::Each(windows.collect())
    }

    fn contain(&self, place: usize, time: i64) -> bool {
        match self {
            Self::Together { start, end } => *start <= time && time < *end,
            Self::Each(windows) => windows.get(place).is_some_and(|windows| {
                let after = windows.partition_point(|one| one.end().micros() <= time);
                windows
                    .get(after)
                    .is_some_and(|one| one.start().micros() <= time)
            }),
        }
    }
}

impl Slots<'_> {
    fn counts(
        &self,
        query: &ImpactQuery,
        filter: &Filter,
        scratch: &mut Scratch,
        (started, timeout): (Instant, Duration),
    ) -> Result<ImpactCounts, UsageError> {
        let asked = query.tenants().len();
        let events = self.parts.iter().map(|(part, _)| part.tenant.len()).sum();
        let check_time = || match started.elapsed() <= timeout {
            true => Ok(()),
            false => Err(UsageError::QueryTimedOut {
                tenants: asked,
                events: Some(size(events)),
            }),
        };
        check_time()?;
        let mut counts = vec![0_u64; asked];
        // By user: the position of the first tenant it was found with. Few users have another one.
        let mut first_of: Vec<u32> = Vec::with_capacity(events);
        let mut others: HashSet<(RawId, usize), RandomState> = HashSet::default();
        let users = &mut scratch.seen;
        users.begin(events);
        self.each(filter, |place, user| {
            let Some(count) = counts.get_mut(place) else {
                return;
            };
            let known = first_of.get(users.insert(user));
            *count += match known {
                None => {
                    first_of.push(u32::try_from(place).unwrap_or(u32::MAX));
                    1
                }
                Some(first) if usize::try_from(*first) == Ok(place) => 0,
                Some(_) => u64::from(others.insert((user, place))),
            };
        });
        check_time()?;
        Ok(ImpactCounts::exact(query, counts, size(first_of.len())))
    }

    /// Calls `see` for each event that counts, with the tenant's position in the query and the
    /// user.
    fn each(&self, filter: &Filter, mut see: impl FnMut(usize, RawId)) {
        let nobody = usize::MAX;
        for (part, is_whole) in &self.parts {
            let places = part.tenant.iter().map(|number| {
                let number = usize::try_from(*number).unwrap_or(nobody);
                self.places.get(number).copied().unwrap_or(nobody)
            });
            let events = places.zip(&part.rows.user);
            let all_count = *is_whole
                && matches!(filter, Filter::All)
                && matches!(self.windows, TotalQuery::Together { .. });
            if all_count {
                events.for_each(|(place, user)| see(place, *user));
            } else {
                let facts = part.rows.at.iter().zip(&part.rows.facts);
                for ((place, user), (time, facts)) in events.zip(facts) {
                    if self.windows.contain(place, *time) && filter.counts(*facts) {
                        see(place, *user);
                    }
                }
            }
        }
    }
}
