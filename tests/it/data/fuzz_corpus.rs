//! Replay of the fuzz corpus, so that fixed findings stay fixed.

#[path = "../../fuzz/src/targets.rs"]
#[expect(
    unreachable_pub,
    reason = "a library of its own in the workspace of the fuzz targets"
)]
mod targets;

use std::fs;
use std::path::Path;

/// Every target has seeds, and its property holds for each of them.
#[test]
fn every_input_of_the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in targets::TARGETS {
        let folder = fs::read_dir(corpus.join(name)).unwrap();
        let mut inputs: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{name} has no seeds");
        for input in inputs {
            println!("{}", input.display());
            target(&fs::read(&input).unwrap());
        }
    }
}

/// A target without a replay and a folder without a target are mistakes.
#[test]
fn targets_and_folders_are_the_same() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &str| {
        let entries = fs::read_dir(fuzz.join(folder)).unwrap();
        let stems = entries.map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_string_lossy().into_owned()
        });
        let mut names: Vec<String> = stems.collect();
        names.sort();
        names
    };
    let mut known: Vec<String> = targets::TARGETS.map(|(name, _)| name.to_owned()).to_vec();
    known.sort();
    assert_eq!(names("fuzz_targets"), known);
    assert_eq!(names("corpus"), known);
}
