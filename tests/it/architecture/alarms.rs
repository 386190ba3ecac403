//! Every alarm is in the table of the metrics.

use std::collections::BTreeSet;

use syn::Item;

use super::read;

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[test]
fn every_alarm_is_in_the_table_of_the_metrics() {
    let source = syn::parse_file(&read("incident-core/src/engine/events.rs")).unwrap();
    let alarms: BTreeSet<String> = source
        .items
        .into_iter()
        .find_map(|item| {
            let Item::Enum(found) = item else { return None };
            (found.ident == "Alarm").then_some(found.variants)
        })
        .unwrap()
        .iter()
        .map(|variant| snake_case(&variant.ident.to_string()))
        .collect();
    assert!(alarms.contains("page_given_up"), "{alarms:?}");
    let document = read("docs/metrics.md");
    let row = document
        .lines()
        .find(|line| line.starts_with("| `incident_alarms_total`"))
        .unwrap();
    let listed = row.rsplit("alarms: ").next().unwrap();
    let listed: BTreeSet<String> = listed
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, alarms);
}
