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
                "end at or before the start: the start is when it was created, if that is earlier, else the end"
            }
            Self::NoEnd => "no end: it stays open, and its reports are provisional",
            Self::EndUnknown => "over, and nothing says since when: it ended with its last post",
            Self::ResolvedAndNot => {
                "a post or `resolved_at` says resolved, the status does not: it stays open, the post is kept"
            }
            Self::NoResolvedPost => {
                "it ended and no post says so: an entry says that the page ended it"
            }
            Self::NoResolvedAt => "no `resolved_at`: the last post that says resolved ends it",
            Self::ResolvedTwice => {
                "several posts say resolved: `resolved_at` ends it, or without one the last of them; it is one outage"
            }
            Self::OtherTimeShown => {
                "posts shown under another time than they were written: the time shown counts"
            }
            Self::SameInstant => "posts of one instant: they keep the order of the page",
            Self::SameId => "posts with one id: distinguished by their place",
            Self::SameIncident => "an incident that is in the file twice: the first one counts",
            Self::NamelessComponent => "a component without a name that fits: left out",
            Self::UnknownImpact => "an impact that is not known: taken as minor",
            Self::NoImpact => "impact none: kept without tenants, so that it does not count",
            Self::NewestFirst => "newest post first: turned round",
            Self::OtherTitle => "a title that does not fit: named after its id",
            Self::TooLong => {
                "longer than 500 characters of a title or 16 KiB of a post: the rest is cut off"
            }
            Self::NoWords => "a post without text: an entry says so",
            Self::StatusLeftOut => "a status that cannot follow there: the words are kept",
            Self::EditedPost => {
                "a post was edited since: a correction with the new words, the old ones stay"
            }
            Self::ChangedField => {
                "a field was changed since: a change with the new value, the old one stays"
            }
        }
    }
}
