//! Actions as types, for the extractors that check permissions.

use incident_core::actor::Action;

/// An action that a route requires the right to.
pub(crate) trait Permission: Send {
    /// The action.
    const ACTION: Action;
}

macro_rules! permissions {
    ($($name:ident)+) => {
        $(
            #[doc = concat!("The right to [`Action::", stringify!($name), "`].")]
            #[derive(Debug)]
            pub(crate) enum $name {}

            impl Permission for $name {
                const ACTION: Action = Action::$name;
            }
        )+
    };
}

permissions! {
    Acknowledge
    Change
    DecideCredit
    Declare
    DismissSuggestion
    ExportUsers
    LinkPostMortem
    Page
    Publish
    Read
    ReadAudit
    RecordUsage
    Redact
    Suggest
    Update
}
