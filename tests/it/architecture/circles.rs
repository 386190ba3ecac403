//! No file imports, directly or through others, a file that imports it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

use super::root;

/// A path of modules below the root of a crate.
type ModulePath = Vec<String>;

/// A module, in a file of its own or inline.
#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    /// Items that it defines.
    items: BTreeSet<String>,
    /// Names that it imports or re-exports, each with the path that it stands for.
    names: BTreeMap<String, ModulePath>,
    /// Modules that it re-exports by a glob.
    globs: Vec<ModulePath>,
    /// Paths that its code names.
    uses: Vec<ModulePath>,
}

/// For each file, the files that it imports and the names that it takes from them.
type Imports<'a> = BTreeMap<&'a PathBuf, BTreeMap<&'a PathBuf, BTreeSet<&'a str>>>;

/// The modules of a crate by their path.
#[derive(Debug, Default)]
struct Crate(BTreeMap<ModulePath, Module>);

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut found = false;
        if attribute.path().is_ident("cfg") {
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.is_ident("test");
                Ok(())
            });
        }
        found
    })
}

impl Crate {
    fn read(lib: &Path) -> Self {
        let mut found = Self::default();
        let folder = lib.parent().unwrap().to_owned();
        found.add_file(lib, &folder, &[]);
        found
    }

    fn add_file(&mut self, file: &Path, children: &Path, path: &[String]) {
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        self.add(file, children, path, &parsed.items);
    }

    fn add(&mut self, file: &Path, children: &Path, path: &[String], items: &[Item]) {
        let mut module = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        let mut inner: Vec<&ItemMod> = Vec::new();
        for item in items {
            if let Item::Mod(one) = item {
                if !is_test(&one.attrs) {
                    inner.push(one);
                }
                continue;
            }
            module.add(item, path);
        }
        self.0.insert(path.to_vec(), module);
        for one in inner {
            let name = one.ident.to_string();
            let below: ModulePath = path.iter().chain([&name]).cloned().collect();
            match &one.content {
                Some((_, items)) => self.add(file, &children.join(&name), &below, items),
                None => {
                    let flat = children.join(format!("{name}.rs"));
                    let nested = children.join(&name).join("mod.rs");
                    let file = if flat.exists() { flat } else { nested };
                    self.add_file(&file, &children.join(&name), &below);
                }
            }
        }
    }

    /// Returns the file that defines the item of a path.
    fn file_of(&self, path: &[String], seen: &mut BTreeSet<ModulePath>) -> Option<&PathBuf> {
        // A name of another crate may lead to itself with a longer path.
        if path.len() > 16 || !seen.insert(path.to_vec()) {
            return None;
        }
        let mut depth = path.len();
        while !self.0.contains_key(&path[..depth]) {
            depth = depth.checked_sub(1)?;
        }
        let module = &self.0[&path[..depth]];
        let Some(name) = path.get(depth) else {
            return Some(&module.file);
        };
        if module.items.contains(name) {
            return Some(&module.file);
        }
        if let Some(target) = module.names.get(name) {
            let whole: ModulePath = target.iter().chain(&path[depth + 1..]).cloned().collect();
            return self.file_of(&whole, seen);
        }
        module.globs.iter().find_map(|glob| {
            let whole: ModulePath = glob.iter().chain(&path[depth..]).cloned().collect();
            self.file_of(&whole, seen)
        })
    }

    /// Returns the files that each file imports, with the names that it takes from them.
    fn imports(&self) -> Imports<'_> {
        let mut found = Imports::new();
        for module in self.0.values() {
            let imports = found.entry(&module.file).or_default();
            for path in &module.uses {
                let target = self.file_of(path, &mut BTreeSet::new());
                if let Some(target) = target.filter(|target| **target != module.file) {
                    let name = path.last().map_or("", String::as_str);
                    imports.entry(target).or_default().insert(name);
                }
            }
        }
        found
    }
}

impl Module {
    fn add(&mut self, item: &Item, path: &[String]) {
        if let Item::Use(one) = item {
            if !is_test(&one.attrs) {
                self.add_use(one, path);
            }
            return;
        }
        let name = match item {
            Item::Const(one) => Some(&one.ident),
            Item::Enum(one) => Some(&one.ident),
            Item::Fn(one) => Some(&one.sig.ident),
            Item::Macro(one) => one.ident.as_ref(),
            Item::Static(one) => Some(&one.ident),
            Item::Struct(one) => Some(&one.ident),
            Item::Trait(one) => Some(&one.ident),
            Item::Type(one) => Some(&one.ident),
            Item::Union(one) => Some(&one.ident),
            Item::ExternCrate(_)
            | Item::ForeignMod(_)
            | Item::Impl(_)
            | Item::Mod(_)
            | Item::TraitAlias(_)
            | Item::Use(_)
            | Item::Verbatim(_)
            | _ => None,
        };
        self.items.extend(name.map(ToString::to_string));
        let mut named = Named {
            path,
            found: Vec::new(),
        };
        named.visit_item(item);
        self.uses.extend(named.found);
    }

    fn add_use(&mut self, item: &ItemUse, path: &[String]) {
        let mut leaves = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut leaves);
        let passes_on = !matches!(item.vis, Visibility::Inherited);
        for (segments, name) in leaves {
            let target = absolute(&segments, path).unwrap_or_else(|| {
                // A name of this module or below it, such as `pub use clock::Clock`.
                path.iter().chain(&segments).cloned().collect()
            });
            if !passes_on {
                self.uses.push(target.clone());
            }
            match name {
                Some(name) => {
                    self.names.insert(name, target);
                }
                None => self.globs.push(target),
            }
        }
    }
}

/// Flattens a `use` tree into its paths, each with its local name; `None` for a glob.
fn flatten(
    tree: &UseTree,
    above: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, Option<String>)>,
) {
    match tree {
        UseTree::Path(one) => {
            above.push(one.ident.to_string());
            flatten(&one.tree, above, found);
            above.pop();
        }
        UseTree::Name(one) => {
            let name = one.ident.to_string();
            let mut path = above.clone();
            if name != "self" {
                path.push(name);
            }
            let name = path.last().cloned();
            found.push((path, name));
        }
        UseTree::Rename(one) => {
            let path = above.iter().cloned().chain([one.ident.to_string()]);
            found.push((path.collect(), Some(one.rename.to_string())));
        }
        UseTree::Glob(_) => found.push((above.clone(), None)),
        UseTree::Group(one) => {
            for tree in &one.items {
                flatten(tree, above, found);
            }
        }
    }
}

/// Returns a path from the root of the crate, if it begins with `crate`, `self` or `super`.
fn absolute(segments: &[String], here: &[String]) -> Option<ModulePath> {
    let mut path = match segments.first()?.as_str() {
        "crate" => return Some(segments[1..].to_vec()),
        "self" | "super" => here.to_vec(),
        _ => return None,
    };
    let mut rest = segments;
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "self" => {}
            "super" => {
                path.pop();
            }
            _ => break,
        }
        rest = after;
    }
    path.extend(rest.iter().cloned());
    Some(path)
}

/// Collector of the paths that code names in full.
struct Named<'a> {
    path: &'a [String],
    found: Vec<ModulePath>,
}

impl Visit<'_> for Named<'_> {
    fn visit_path(&mut self, path: &syn::Path) {
        let segments = path.segments.iter();
        let segments: Vec<String> = segments.map(|one| one.ident.to_string()).collect();
        self.found.extend(absolute(&segments, self.path));
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, _: &ItemMod) {}

    fn visit_visibility(&mut self, _: &Visibility) {}
}

/// Returns the sets of files in which each imports all others, directly or through others.
fn circles<'a>(imports: &Imports<'a>) -> BTreeSet<BTreeSet<&'a PathBuf>> {
    let reach = |start: &'a PathBuf| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(file) = open.pop() {
            for next in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(*next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
        imports.keys().map(|file| (*file, reach(file))).collect();
    let in_circle = reached
        .iter()
        .filter(|(file, reached)| reached.contains(**file));
    in_circle
        .map(|(file, others)| {
            let back =
                |other: &&&PathBuf| reached.get(**other).is_some_and(|set| set.contains(*file));
            others.iter().filter(back).copied().collect()
        })
        .collect()
}

#[test]
fn no_imports_run_in_a_circle() {
    let mut checked = 0;
    let mut found = String::new();
    for package in [
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
    ] {
        let read = Crate::read(&root().join(package).join("src/lib.rs"));
        let imports = read.imports();
        checked += imports.values().map(BTreeMap::len).sum::<usize>();
        let short = |file: &Path| file.strip_prefix(root()).unwrap().display().to_string();
        for circle in circles(&imports) {
            for file in &circle {
                for (other, names) in imports[*file].iter().filter(|(to, _)| circle.contains(*to)) {
                    found += &format!("{} -> {}: {names:?}\n", short(file), short(other));
                }
            }
            found += "\n";
        }
    }
    assert!(checked > 500, "only {checked} imports were found");
    assert!(found.is_empty(), "imports run in a circle:\n{found}");
}
