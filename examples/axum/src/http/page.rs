//! Pagination of lists.

use std::fmt::Display;
use std::str::FromStr;

use incident_core::audit::Chain;
use incident_core::incident::AffectedTenant;
use incident_core::{TenantId, Timestamp};

use super::list_response::{ListResponse, ListShape};
use super::params::{FromQuery, QueryParameter};
use super::problem::Problem;
use super::query::{CursorKey, Query, wrong_cursor};
use super::response::{JsonResult, ResponseBody};

/// The position of an item in a list, encoded in cursors.
pub(crate) trait Place: Sized {
    /// Writes the position as text.
    fn write(&self) -> String;

    /// Parses a position.
    fn read(text: &str) -> Option<Self>;
}

/// The requested page of a list.
#[derive(Debug)]
pub(crate) struct Page<K> {
    /// Maximum number of items.
    pub(crate) limit: usize,
    /// Position of the last item of the previous page.
    pub(crate) after: Option<K>,
    cursors: CursorKey,
}

/// The items of a page.
#[derive(Debug)]
pub(crate) struct Items<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Cursor of the next page, if there is one.
    pub(crate) next_cursor: Option<String>,
}

impl<K: Place> Page<K> {
    /// Reads the cursor of a query whose limit is known.
    ///
    /// # Errors
    /// Returns 422 if the cursor is not one of ours or was created with other filters.
    pub(crate) fn read(query: &Query, limit: usize) -> Result<Self, Problem> {
        let after = query.cursor()?;
        let after = after.map(|place| K::read(&place).ok_or_else(wrong_cursor));
        Ok(Self {
            limit,
            after: after.transpose()?,
            cursors: query.cursor_key(),
        })
    }

    /// Returns the number of items to read: the limit plus one, which shows whether there is a next
    /// page.
    pub(crate) const fn to_read(&self) -> usize {
        self.limit + 1
    }

    /// Returns the cursor of a position.
    pub(crate) fn cursor(&self, place: &K) -> String {
        self.cursors.cursor(&place.write())
    }

    /// Creates the page from the items that were [read](Self::to_read).
    pub(crate) fn of<T>(&self, mut items: Vec<T>, place: impl FnOnce(&T) -> K) -> Items<T> {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| self.cursor(&place(last)));
        Items { items, next_cursor }
    }
}

impl<T> Items<T> {
    /// Creates a page without items.
    pub(crate) const fn empty() -> Self {
        Self {
            items: Vec::new(),
            next_cursor: None,
        }
    }

    /// Responds with the items.
    ///
    /// # Errors
    /// Returns 500 if an item cannot be serialized.
    pub(crate) fn respond<'a, R: ResponseBody>(
        &'a self,
        response: impl Fn(&'a T) -> R,
    ) -> JsonResult<ListShape<R::Shape>> {
        let mut list = ListResponse::new();
        for item in &self.items {
            list.push(&response(item))?;
        }
        list.end(self.next_cursor.as_deref())
    }
}

/// A list without parameters of its own.
impl<K: Place> FromQuery for Page<K> {
    const PARAMETERS: &'static [QueryParameter] = &[];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        Self::read(query, query.limit()?)
    }
}

fn time(micros: &str) -> Option<Timestamp> {
    Timestamp::from_micros(micros.parse().ok()?).ok()
}

/// Position in a list by number.
impl Place for u64 {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// Position in a list by count.
impl Place for usize {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// Position in a list by name.
impl Place for String {
    fn write(&self) -> String {
        self.clone()
    }

    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// Position in a list by time and id.
impl<T: Display + FromStr> Place for (Timestamp, T) {
    fn write(&self) -> String {
        format!("{} {}", self.0.micros(), self.1)
    }

    fn read(text: &str) -> Option<Self> {
        let (at, id) = text.split_once(' ')?;
        Some((time(at)?, id.parse().ok()?))
    }
}

/// Position in a list of audit entries.
impl Place for (Timestamp, Chain, u64) {
    fn write(&self) -> String {
        format!("{} {} {}", self.0.micros(), self.1, self.2)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let mut part = || parts.next().unwrap_or_default();
        Some((time(part())?, part().parse().ok()?, part().parse().ok()?))
    }
}

/// Position in a list of tenants: the times in microseconds, and the name, which may contain
/// spaces.
impl Place for AffectedTenant {
    fn write(&self) -> String {
        let micros = |time: Option<Timestamp>| {
            time.map_or_else(|| "-".to_owned(), |at| at.micros().to_string())
        };
        let (from, until) = (micros(self.from), micros(self.until));
        format!("{from} {until} {}", self.tenant_id)
    }

    fn read(text: &str) -> Option<Self> {
        let time = |text: &str| match text {
            "-" => Some(None),
            text => time(text).map(Some),
        };
        let mut parts = text.splitn(3, ' ');
        let (from, until) = (time(parts.next()?)?, time(parts.next()?)?);
        Some(Self {
            tenant_id: TenantId::stored(parts.next()?).ok()?,
            from,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page<K: Place>(raw: &str) -> Page<K> {
        Page::from_query(&Query::parse(Some(raw), &[]).unwrap()).unwrap()
    }

    #[test]
    fn a_page_has_a_next_one_where_more_was_read_than_asked_for() {
        let asked: Page<u64> = page("limit=2");
        assert_eq!((asked.after, asked.to_read()), (None, 3));
        let full = asked.of(vec![1, 2, 3], |last| *last);
        assert_eq!(full.items, [1, 2]);
        let next: Page<u64> = page(&format!("cursor={}", full.next_cursor.unwrap()));
        assert_eq!(next.after, Some(2));
        assert_eq!(asked.of(vec![1, 2], |last| *last).next_cursor, None);
    }

    #[test]
    fn a_place_is_read_back_as_it_was_written() {
        let at = Timestamp::from_micros(7).unwrap();
        let chain: Chain = "system".parse().unwrap();
        let place = (at, chain, 3);
        assert_eq!(Place::read(&place.write()), Some(place));
        let tenant = AffectedTenant {
            tenant_id: TenantId::new("a b").unwrap(),
            from: Some(at),
            until: None,
        };
        assert_eq!(AffectedTenant::read(&tenant.write()), Some(tenant));
        for wrong in ["", "x", "x - a", "- 1"] {
            assert_eq!(AffectedTenant::read(wrong), None, "{wrong}");
            assert_eq!(<(Timestamp, u64)>::read(wrong), None, "{wrong}");
        }
    }
}
