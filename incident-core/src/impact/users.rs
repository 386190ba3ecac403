//! Lists of the distinct users of a query, page by page.

use std::collections::BTreeSet;

use super::{ApiUsageEvent, ImpactQuery};
use crate::UserId;

/// A page of users, in the order of the bytes of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserPage {
    /// The users, each once.
    pub users: Vec<UserId>,
    /// The name that the next page begins after; `None` after the last page.
    pub next: Option<String>,
}

impl UserPage {
    /// Creates a page from the first `limit` names, in order and each once, or from all if there are
    /// fewer. Names that no version accepts, as a host's own table may hold, are left out.
    #[must_use]
    pub fn new(names: Vec<String>, limit: usize) -> Self {
        let users = names.iter().filter_map(|name| UserId::stored(name).ok());
        let users = users.collect();
        let is_full = names.len() >= limit;
        Self {
            users,
            next: names.into_iter().next_back().filter(|_| is_full),
        }
    }
}

/// Lists the distinct users that [`scan`](super::scan) counts in its total: at most `limit`, the
/// first ones after the name `after`. The reference that every usage source agrees with.
pub fn list_users<'a>(
    events: impl IntoIterator<Item = &'a ApiUsageEvent>,
    query: &ImpactQuery,
    after: Option<&str>,
    limit: usize,
) -> UserPage {
    let is_hit = |event: &&ApiUsageEvent| {
        let mut tenants = query.tenants().iter();
        let tenant = tenants.find(|one| one.tenant == event.tenant_id);
        query.counts(event) && tenant.is_some_and(|one| one.windows.contains(event.occurred_at))
    };
    let names = events.into_iter().filter(is_hit);
    let names = names.map(|event| event.user_id.as_str());
    let later = names.filter(|name| after.is_none_or(|after| *name > after));
    let all: BTreeSet<&str> = later.collect();
    let first = all.into_iter().take(limit).map(str::to_owned);
    UserPage::new(first.collect(), limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_after_names_that_are_invalid() {
        let names = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let page = UserPage::new(names(&["a", "b\n"]), 2);
        assert_eq!(page.users, [UserId::new("a").unwrap()]);
        assert_eq!(page.next.as_deref(), Some("b\n"));
        assert_eq!(UserPage::new(names(&["a"]), 2).next, None);
        assert_eq!(UserPage::new(Vec::new(), 2), UserPage::default());
    }
}
