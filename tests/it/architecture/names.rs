//! Names use the vocabulary of the field, and each type name is unique.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Visibility};

use super::{root, sources};

/// Words of a private vocabulary, each with the word of the field.
const PRIVATE_WORDS: [(&str, &str); 26] = [
    ("anew", "again, or a builder"),
    ("apart", "breakdown"),
    ("asked", "request, or query"),
    ("asking", "request"),
    ("crooked", "invalid"),
    ("everybody", "all_tenants"),
    ("face", "status page entry"),
    ("gather", "stage"),
    ("gathered", "staged"),
    ("heard", "event"),
    ("heed", "ingest"),
    ("hurry", "the limit that it sets"),
    ("keep", "commit, or store"),
    ("kept", "stored"),
    ("lane", "priority"),
    ("met", "seen"),
    ("moot", "stale"),
    ("resettle", "recompute"),
    ("said", "payload, or statement"),
    ("settle", "complete, or recompute"),
    ("settled", "completed"),
    ("settles", "completes"),
    ("sweep", "load"),
    ("told", "outcome, or startup lines"),
    ("trouble", "error"),
    ("wish", "retry_after"),
];

/// Type names that may occur twice, each with the reason.
const SAME_NAME: [(&str, &str); 0] = [];

pub(super) const PACKAGES: [&str; 10] = [
    "incident-core",
    "incident-pagers",
    "incident-store-memory",
    "incident-store-postgres",
    "examples/axum",
    "examples/console",
    "examples/usage-clickhouse",
    "tests/postgres",
    "tests/browser",
    "tests/clickhouse",
];

pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    let text = |attribute: &Attribute| match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        syn::Meta::Path(_) | syn::Meta::NameValue(_) => String::new(),
    };
    attributes
        .iter()
        .any(|one| one.path().is_ident("cfg") && text(one) == "test")
}

/// Splits a name into its words: `JobOutcome` and `job_outcome` have the same.
fn words(name: &str) -> Vec<String> {
    let is_constant = !name.chars().any(char::is_lowercase);
    let name = if is_constant {
        name.to_lowercase()
    } else {
        name.to_owned()
    };
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter == '_'
            || (letter.is_uppercase() && words.last().is_some_and(|word| !word.is_empty()))
        {
            words.push(String::new());
        }
        if letter != '_' {
            words.last_mut().unwrap().extend(letter.to_lowercase());
        }
    }
    words
}

/// The names of a file: all types, and all public items.
#[derive(Default)]
struct Names {
    types: Vec<String>,
    public: Vec<String>,
}

impl Names {
    fn public(&mut self, visibility: &Visibility, name: &Ident) {
        if matches!(visibility, Visibility::Public(_)) {
            self.public.push(name.to_string());
        }
    }

    fn add_type(&mut self, visibility: &Visibility, name: &Ident) {
        self.types.push(name.to_string());
        self.public(visibility, name);
    }
}

impl Visit<'_> for Names {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        if !is_test(&item.attrs) {
            // Module names are checked whether they are public or not.
            self.public.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &syn::ItemStruct) {
        self.add_type(&item.vis, &item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &syn::ItemEnum) {
        self.add_type(&item.vis, &item.ident);
        if matches!(item.vis, Visibility::Public(_)) {
            let variants = item.variants.iter();
            self.public
                .extend(variants.map(|one| one.ident.to_string()));
        }
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &syn::ItemTrait) {
        self.add_type(&item.vis, &item.ident);
        if matches!(item.vis, Visibility::Public(_)) {
            for one in &item.items {
                if let syn::TraitItem::Fn(function) = one {
                    self.public.push(function.sig.ident.to_string());
                }
            }
        }
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &syn::ItemType) {
        self.add_type(&item.vis, &item.ident);
    }

    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        self.public(&item.vis, &item.sig.ident);
        // Items inside a function are private to it.
    }

    fn visit_item_const(&mut self, item: &syn::ItemConst) {
        self.public(&item.vis, &item.ident);
    }

    fn visit_impl_item_fn(&mut self, item: &syn::ImplItemFn) {
        self.public(&item.vis, &item.sig.ident);
    }

    fn visit_field(&mut self, field: &syn::Field) {
        if let Some(name) = &field.ident {
            self.public(&field.vis, name);
        }
    }
}

/// Returns the sources of a package without its tests.
pub(super) fn source_files(package: &str) -> Vec<PathBuf> {
    let folder = root().join(package).join("src");
    let mut found = sources(&folder);
    let is_test = |file: &Path| {
        let mut parts = file.strip_prefix(&folder).unwrap().iter();
        parts.any(|part| part == "tests" || part == "tests.rs")
    };
    found.retain(|file| !is_test(file));
    found
}

fn names(file: &Path) -> Names {
    let mut found = Names::default();
    found.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    found
}

fn short(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn public_names_and_modules_use_the_words_of_the_field() {
    let banned: BTreeMap<&str, &str> = PRIVATE_WORDS.into_iter().collect();
    let (mut checked, mut found) = (0, BTreeSet::new());
    for file in PACKAGES.into_iter().flat_map(source_files) {
        for name in names(&file).public {
            checked += 1;
            for word in words(&name) {
                if let Some(better) = banned.get(word.as_str()) {
                    found.insert(format!("{}: {name} (better: {better})", short(&file)));
                }
            }
        }
    }
    assert!(checked > 2_000, "only {checked} names were found");
    let found: Vec<String> = found.into_iter().collect();
    assert!(
        found.is_empty(),
        "private words in names:\n{}",
        found.join("\n")
    );
}

#[test]
fn no_type_name_is_used_twice() {
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in PACKAGES.into_iter().flat_map(source_files) {
        for name in names(&file).types {
            types.entry(name).or_default().insert(short(&file));
        }
    }
    assert!(types.len() > 500, "only {} types were found", types.len());
    let allowed = |name: &str| {
        SAME_NAME
            .iter()
            .any(|(same, reason)| *same == name && !reason.is_empty())
    };
    types.retain(|name, files| files.len() > 1 && !allowed(name));
    assert!(types.is_empty(), "types of one name: {types:#?}");
}

#[test]
fn names_are_cut_into_words() {
    assert_eq!(words("JobOutcome"), words("job_outcome"));
    assert_eq!(words("MAX_SETTLED"), ["max", "settled"]);
    assert_eq!(words("heed_policy"), ["heed", "policy"]);
}
