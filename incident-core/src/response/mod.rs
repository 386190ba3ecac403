//! The response to an incident: its classification by facts.

mod classify;

pub use classify::{
    Classification, ClassificationFact, ClassificationFacts, ClassificationReason,
    ClassificationRules, classify,
};
