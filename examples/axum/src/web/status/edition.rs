//! Editions of a page: its languages, and links that keep a chosen one.

use crate::web::language::Language;

/// An edition of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edition {
    /// The language.
    pub(crate) language: Language,
    /// `true` if the address names the language, so that links name it too.
    pub(crate) is_chosen: bool,
}

/// Number of editions.
pub(super) const EDITIONS: usize = 2 * Language::ALL.len();

impl Edition {
    /// Returns the place of the edition among all.
    pub(super) const fn index(self) -> usize {
        let language = match self.language {
            Language::English => 0,
            Language::French => 1,
            Language::German => 2,
        };
        2 * language + self.is_chosen as usize
    }

    /// Returns all languages, each with `true` if it is that of the edition.
    pub(super) fn languages(self) -> [(Language, bool); 3] {
        Language::ALL.map(|one| (one, one == self.language))
    }

    /// Returns the query of links to other pages.
    pub(super) const fn query(self) -> &'static str {
        match self.language {
            _ if !self.is_chosen => "",
            Language::English => "?lang=en",
            Language::French => "?lang=fr",
            Language::German => "?lang=de",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_edition_has_a_place_and_its_links() {
        let chosen = [false, true];
        let all = Language::ALL.into_iter().flat_map(|language| {
            chosen.map(|is_chosen| Edition {
                language,
                is_chosen,
            })
        });
        let mut places = BTreeSet::new();
        for edition in all {
            assert!(edition.index() < EDITIONS);
            assert!(places.insert(edition.index()), "{edition:?}");
            let query = format!("?lang={}", edition.language.tag());
            assert_eq!(edition.query() == query, edition.is_chosen);
        }
        assert_eq!(places.len(), EDITIONS);
    }
}
