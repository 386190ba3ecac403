//! Oddities of imported histories, and the rule that resolves each.

/// An inconsistency in an imported history, resolved by a fixed rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// The end is at or before the start, because a post was written or edited later.
    EndsBeforeItStarts,
    /// There is no end.
    NoEnd,
    /// The status is final, but neither a field nor a post has the time of the end.
    EndUnknown,
    /// A post or a field reports the resolution, but the status contradicts it.
    ResolvedAndNot,
    /// The incident ended, but no post reports it.
    NoResolvedPost,
    /// The status is resolved, but `resolved_at` is missing.
    NoResolvedAt,
    /// More than one post reports the resolution.
    ResolvedTwice,
    /// A post is displayed with another time than that of its creation.
    OtherTimeShown,
    /// Two posts have the same time.
    SameInstant,
    /// Two posts have the same id.
    SameId,
    /// The incident occurs twice in the file.
    SameIncident,
    /// A component's name is not valid for a service.
    NamelessComponent,
    /// The impact is unknown.
    UnknownImpact,
    /// There was no impact.
    NoImpact,
    /// The posts were sorted newest first.
    NewestFirst,
    /// The title is not valid for an incident.
    OtherTitle,
    /// A title or a post is longer than the maximum.
    TooLong,
    /// A post has no text.
    NoWords,
    /// The status of a post cannot follow the previous one.
    StatusLeftOut,
    /// A post was edited after its import.
    EditedPost,
    /// A field was changed after its import.
    ChangedField,
}

impl Oddity {
    /// Returns the rule that resolves the oddity.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::EndsBeforeItStarts => {
                "end at or before the start: the creation time is used as the start if it is earlier, otherwise the end"
            }
            Self::NoEnd => "no end time: imported as open; its reports are provisional",
            Self::EndUnknown => {
                "resolved without a time: the time of the last update is used as the end"
            }
            Self::ResolvedAndNot => {
                "an update or `resolved_at` says resolved, but `status` does not: imported as open; the update is kept"
            }
            Self::NoResolvedPost => {
                "resolved without an update that says so: a timeline entry is added"
            }
            Self::NoResolvedAt => {
                "no `resolved_at`: the time of the last update with status resolved is used as the end"
            }
            Self::ResolvedTwice => {
                "several updates say resolved: imported as one outage that ends at `resolved_at` or, without it, at the last of these updates"
            }
            Self::OtherTimeShown => "`display_at` differs from `created_at`: `display_at` is used",
            Self::SameInstant => "updates with equal times: the order in the file is kept",
            Self::SameId => "updates with equal ids: distinguished by their position",
            Self::SameIncident => "incident listed twice in the file: the first one is used",
            Self::NamelessComponent => "component with an invalid name: skipped",
            Self::UnknownImpact => "unknown impact: imported as minor",
            Self::NoImpact => {
                "impact none: imported without tenants, so it does not count as an outage"
            }
            Self::NewestFirst => "updates listed newest first: the order is reversed",
            Self::OtherTitle => "invalid title: the id is used as the title",
            Self::TooLong => "title over 500 characters or update over 16 KiB: truncated",
            Self::NoWords => "update without text: a timeline entry says so",
            Self::StatusLeftOut => {
                "invalid status transition: the text is imported, the status change is not"
            }
            Self::EditedPost => "update edited since the last import: added as a correction",
            Self::ChangedField => "field changed since the last import: added as a change",
        }
    }
}
