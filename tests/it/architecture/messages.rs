//! Every text that a person can meet stands in one snapshot, to be read as a whole: answers over
//! HTTP, log lines, start-up, command line, timeline, alarms, and what the database refuses.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Lit, LitStr, Macro};

use super::names::{PACKAGES, is_test, source_files};
use super::{files, root};

/// Modules whose texts only tests meet.
const FOR_TESTS: [&str; 2] = ["conformance", "testing"];

/// Beginnings of statements of SQL and of their parts, which are no messages.
const SQL: [&str; 22] = [
    "'{",
    "(",
    ")",
    ", e.",
    "= ",
    "alter ",
    "and ",
    "copy ",
    "create ",
    "date '",
    "do $$",
    "explain ",
    "order by ",
    "select ",
    "tenant_id",
    "union ",
    "unnest(",
    "user_id",
    "where ",
    "with ",
    "{new}select",
    "{sql} ",
];

/// Phrases of a private dialect that messages once had, each with a plain one.
const RIDDLES: [(&str, &str); 16] = [
    ("nobody may know", "no one may have been notified"),
    ("did not do it", "store error"),
    ("not acceptable", "validation failed"),
    ("the store is away", "the database is unavailable"),
    ("has another version", "changed; reload and retry"),
    ("a lone surrogate", "contains an unpaired UTF-16 surrogate"),
    ("that is known here", "invalid signature"),
    ("did not tell whose", "could not look up the key"),
    ("stands there twice", "repeats"),
    ("set it; there is no other", "is required"),
    ("that are no anchors", "unreadable lines"),
    ("is kept nowhere", "nothing is stored"),
    ("entered afterwards", "retrospective"),
    ("expected why", "required"),
    ("that has begun", "that is not in the future"),
    ("may be woken twice", "may be paged twice"),
];

/// The messages of a file, in their order.
#[derive(Default)]
struct Messages(Vec<String>);

impl Messages {
    fn add(&mut self, text: &str, is_error: bool) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let letters = text.chars().filter(|one| one.is_alphabetic()).count();
        let is_sql = SQL.iter().any(|start| text.starts_with(start));
        let has_words = text.contains(' ') && letters > 3 && !is_sql;
        if has_words || (is_error && letters > 0) {
            self.0.push(text);
        }
    }

    fn add_tokens(&mut self, tokens: TokenStream, is_error: bool) {
        let mut is_attribute = false;
        for token in tokens {
            match token {
                // Doc comments of a macro's items are attributes.
                TokenTree::Group(_) if is_attribute => {}
                TokenTree::Group(group) => self.add_tokens(group.stream(), is_error),
                TokenTree::Literal(literal) => {
                    if let Lit::Str(text) = Lit::new(literal) {
                        self.add(&text.value(), is_error);
                    }
                }
                TokenTree::Punct(punct) => {
                    is_attribute = punct.as_char() == '#';
                    continue;
                }
                TokenTree::Ident(_) => {}
            }
            is_attribute = false;
        }
    }
}

impl<'ast> Visit<'ast> for Messages {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let (true, syn::Meta::List(list)) = (attribute.path().is_ident("error"), &attribute.meta)
        {
            self.add_tokens(list.tokens.clone(), true);
        }
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.add_tokens(item.tokens.clone(), false);
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        self.add(&text.value(), false);
    }
}

fn of_rust(file: &Path) -> Vec<String> {
    let mut found = Messages::default();
    found.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    found.0
}

/// Returns what a file of SQL raises, with the details and hints.
fn of_sql(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let mut found = Messages::default();
    let statements = text.split(';').filter_map(|one| {
        let start = one
            .find("raise exception")
            .or(one.find("incident.refused("))?;
        one.get(start..)
    });
    for statement in statements {
        // Every second part lies between quotes; a code of five letters is no message.
        let statement = statement.replace("''", "\u{2019}");
        for quoted in statement.split('\'').skip(1).step_by(2) {
            found.add(quoted, false);
        }
    }
    found.0
}

/// Returns the messages of all files that have any, by the file's path in the repository.
fn messages() -> BTreeMap<String, Vec<String>> {
    let rust = PACKAGES
        .iter()
        .filter(|package| !package.starts_with("tests/"))
        .flat_map(|package| source_files(package))
        .map(|file| (of_rust(&file), file));
    let sql = files(&root().join("incident-store-postgres/sql"), "sql");
    let sql = sql.into_iter().map(|file| (of_sql(&file), file));
    let mut found = BTreeMap::new();
    for (messages, file) in rust.chain(sql) {
        let path = file.strip_prefix(root()).unwrap();
        let for_tests = path
            .iter()
            .any(|part| FOR_TESTS.iter().any(|name| part == *name));
        if !messages.is_empty() && !for_tests {
            found.insert(path.display().to_string(), messages);
        }
    }
    found
}

#[test]
fn every_message_stands_in_the_snapshot() {
    let mut text = String::new();
    for (file, messages) in messages() {
        text.push_str(&format!("{file}\n"));
        for message in messages {
            text.push_str(&format!("    {message}\n"));
        }
    }
    assert!(text.lines().count() > 300);
    insta::assert_snapshot!("messages", text);
}

#[test]
fn messages_have_none_of_the_riddles() {
    for (file, messages) in messages() {
        for message in messages {
            let small = message.to_lowercase();
            let riddle = RIDDLES.iter().find(|(riddle, _)| small.contains(riddle));
            assert_eq!(riddle, None, "{file}: {message}");
        }
    }
}
