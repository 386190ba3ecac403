//! The documented table of limits.

use crate::over_http::harness::Answer;

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) subject: String,
    pub(crate) name: String,
    pub(crate) value: String,
    /// The status and the pointer or code of the error, or the place where it is reported.
    pub(crate) code: String,
    pub(crate) tried_by: String,
}

const HEADING: &str = "| limit | value | beyond it | code | tried by |";

/// Reads the rows of `docs/limits.md`.
pub(crate) fn rows() -> Vec<Row> {
    let text = include_str!("../../../../docs/limits.md");
    let (mut rows, mut subject, mut in_table) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            subject = heading.to_owned();
        }
        if !line.starts_with('|') {
            in_table = false;
        } else if line == HEADING {
            in_table = true;
        } else if in_table && !line.starts_with("|---") {
            rows.push(row(&subject, line));
        }
    }
    assert!(rows.len() > 40, "{} rows", rows.len());
    rows
}

fn row(subject: &str, line: &str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, value, beyond, code, tried_by] = cells.as_slice() else {
        panic!("a row needs five cells: {line}");
    };
    let plain = |cell: &str| cell.replace('`', "");
    assert!(!beyond.is_empty() && !code.is_empty(), "{line}");
    Row {
        subject: subject.to_owned(),
        name: plain(name),
        value: plain(value),
        code: plain(code),
        tried_by: plain(tried_by),
    }
}

impl Row {
    /// Parses the number in its value; `16 KiB` is 16384.
    pub(crate) fn number(&self) -> usize {
        let mut words = self.value.split(' ');
        let number: usize = words.next().unwrap().replace(',', "").parse().unwrap();
        match words.next() {
            Some("KiB") => number * 1024,
            Some("MiB") => number * 1024 * 1024,
            _ => number,
        }
    }

    /// Asserts that a response is the refusal of the row. A part of a pointer in capitals stands
    /// for any.
    pub(crate) fn refuses(&self, answer: Answer, what: &str) {
        let (status, error) = self.code.split_once(' ').unwrap();
        let body = answer.json();
        let code = body["code"].as_str().unwrap_or_default().to_owned();
        let pointer = answer.problem(status.parse().unwrap());
        let found = match error.strip_prefix('/') {
            Some(_) => pointer.unwrap_or_default(),
            None => code,
        };
        let (expected, parts): (Vec<&str>, Vec<&str>) =
            (error.split('/').collect(), found.split('/').collect());
        let is_any =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_uppercase());
        let alike = |(a, b): (&&str, &&str)| a == b || is_any(a);
        assert!(
            expected.len() == parts.len() && expected.iter().zip(&parts).all(alike),
            "{}, {}: {what}: {found} instead of {error}",
            self.subject,
            self.name
        );
    }

    /// Asserts the row's refusal with the pointer to another field of the same kind.
    pub(crate) fn refuses_at(&self, answer: Answer, pointer: &str) {
        let (status, _) = self.code.split_once(' ').unwrap();
        let found = answer.problem(status.parse().unwrap());
        assert_eq!(found.as_deref(), Some(pointer), "{}", self.name);
    }
}
