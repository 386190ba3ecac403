//! Doc comments are written as the Rust API guidelines ask: functions by what they do, and no
//! block that begins as a question.

use std::fs;
use std::path::PathBuf;

use super::{root, sources};

/// Openings of noun clauses, which read as riddles without their heading.
const QUESTIONS: [&str; 8] = [
    "How", "What", "When", "Where", "Whether", "Which", "Who", "Whom",
];

/// Words that end in `s` and are no verbs.
const NOT_VERBS: [&str; 9] = [
    "Always", "As", "Credits", "Its", "Messages", "Perhaps", "This", "Tenants", "Users",
];

/// A block of doc comments and the line of code that it is about.
struct DocBlock {
    place: String,
    first: String,
    item: String,
    is_test: bool,
}

impl DocBlock {
    /// Reads the blocks of a file.
    fn all(path: &PathBuf) -> Vec<Self> {
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let is_doc = |line: &&str| line.starts_with("///") || line.starts_with("//!");
        let mut blocks = Vec::new();
        let mut rest = lines.as_slice();
        while let Some(start) = rest.iter().position(is_doc) {
            let block = rest.get(start..).unwrap_or_default();
            let length = block.iter().take_while(|line| is_doc(line)).count();
            let after = block.get(length..).unwrap_or_default();
            let attributes = after.iter().take_while(is_attribute);
            let attributes: Vec<_> = attributes.copied().collect();
            let text = block.iter().map(|line| line.get(3..).unwrap_or_default());
            let line = lines.len() - rest.len() + start + 1;
            blocks.push(Self {
                place: format!("{}:{line}", path.display()),
                first: text
                    .map(str::trim)
                    .find(|line| !line.is_empty())
                    .unwrap_or_default()
                    .to_owned(),
                item: after
                    .get(attributes.len())
                    .copied()
                    .unwrap_or_default()
                    .to_owned(),
                is_test: attributes.iter().any(|one| one.contains("test]")),
            });
            rest = after;
        }
        blocks
    }

    fn is_of_function(&self) -> bool {
        let words = self.item.split(' ');
        let mut words = words.skip_while(|word| {
            word.starts_with("pub") || matches!(*word, "const" | "async" | "unsafe" | "in")
        });
        words.next() == Some("fn") && !self.is_test
    }

    fn first_word(&self) -> &str {
        let word = self.first.split(' ').next().unwrap_or_default();
        word.trim_end_matches([',', '.', ':', ';'])
    }

    fn is_question(&self) -> bool {
        QUESTIONS.contains(&self.first_word())
    }

    fn begins_with_a_verb(&self) -> bool {
        let word = self.first_word();
        word.starts_with(char::is_uppercase) && word.ends_with('s') && !NOT_VERBS.contains(&word)
    }
}

fn is_attribute(line: &&&str) -> bool {
    line.starts_with('#') || line.starts_with("reason =") || matches!(**line, ")]" | "]")
}

/// Returns the share of those that are counted, in tenths of a percent, and the places of the
/// others.
fn share(blocks: &[&DocBlock], counts: impl Fn(&DocBlock) -> bool) -> (usize, Vec<String>) {
    let (yes, no): (Vec<&DocBlock>, Vec<_>) = blocks.iter().partition(|block| counts(block));
    let places = no.iter().map(|one| format!("{} {}", one.place, one.first));
    (yes.len() * 1_000 / blocks.len().max(1), places.collect())
}

#[test]
fn docs_say_what_a_thing_is_or_does() {
    let files = sources(&root());
    let blocks: Vec<DocBlock> = files.iter().flat_map(DocBlock::all).collect();
    assert!(blocks.len() > 5_000, "{} blocks", blocks.len());
    let all: Vec<&DocBlock> = blocks.iter().collect();
    let (_, questions) = share(&all, |block| !block.is_question());
    assert!(questions.is_empty(), "{questions:#?}");
    let functions: Vec<&DocBlock> = blocks.iter().filter(|one| one.is_of_function()).collect();
    let (verbs, others) = share(&functions, DocBlock::begins_with_a_verb);
    assert!(verbs >= 900, "{verbs} of 1,000: {others:#?}");
}

#[test]
fn questions_and_verbs_are_told_apart() {
    let block = |first: &str, item: &str| DocBlock {
        place: String::new(),
        first: first.to_owned(),
        item: item.to_owned(),
        is_test: false,
    };
    assert!(block("Whether it ends.", "live: bool,").is_question());
    assert!(!block("Whatever comes.", "live: bool,").is_question());
    let sends = block("Sends it.", "pub(crate) async fn send(&self) {");
    assert!(sends.is_of_function() && sends.begins_with_a_verb());
    assert!(!block("The page.", "fn page() {").begins_with_a_verb());
    assert!(!block("Its page.", "fn page() {").begins_with_a_verb());
    assert!(!block("A page.", "pub struct Page {").is_of_function());
}
