//! The files of the console import in one direction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Module = Vec<String>;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn module(file: &Path) -> Module {
    let names = file.with_extension("");
    let names = names.iter().map(|name| name.to_string_lossy().into_owned());
    names
        .filter(|name| name != "mod" && name != "lib")
        .collect()
}

/// Returns the paths of the declarations `use crate::` and `use super::` of a file, each as it is
/// seen from the crate. Those of its tests are left out.
fn imports(of: &Module, text: &str) -> Vec<Module> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let code = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.collect::<Vec<_>>().join(" ");
    let mut paths = Vec::new();
    for declaration in code.split("use ").skip(1) {
        let declaration = declaration.split(';').next().unwrap();
        let (start, list) = declaration.split_once('{').unwrap_or((declaration, ""));
        let from = match start.split("::").next().unwrap().trim() {
            "crate" => Vec::new(),
            "super" => of[..of.len() - 1].to_vec(),
            _ => continue,
        };
        for item in list.trim_end_matches([' ', '}']).split(',') {
            let path = format!("{start}{item}");
            let path = path.split("::").skip(1).map(|name| name.trim().to_owned());
            paths.push(from.iter().cloned().chain(path).collect());
        }
    }
    paths
}

/// A file imports none that imports it, directly or through others.
#[test]
fn no_two_files_of_the_console_import_each_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/console/src");
    let mut found = Vec::new();
    files(&source, &mut found);
    let texts: BTreeMap<Module, String> = found
        .iter()
        .filter(|file| !file.ends_with("main.rs"))
        .map(|file| {
            let text = fs::read_to_string(file).unwrap();
            (module(file.strip_prefix(&source).unwrap()), text)
        })
        .collect();
    let mut left: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
    for (file, text) in &texts {
        let imported = imports(file, text).into_iter().filter_map(|path| {
            let mut parts = (1..=path.len()).rev().map(|length| path[..length].to_vec());
            parts.find(|part| texts.contains_key(part) && part != file)
        });
        left.insert(file, imported.collect());
    }
    assert!(left.values().map(BTreeSet::len).sum::<usize>() > 200);
    // What imports nothing that is left is at the bottom of what is left.
    loop {
        let names: BTreeSet<Module> = left.keys().copied().cloned().collect();
        left.retain(|_, imported| !imported.is_disjoint(&names));
        if left.len() == names.len() {
            break;
        }
    }
    assert!(
        left.is_empty(),
        "in circles, or above one: {:?}",
        left.keys()
    );
}
