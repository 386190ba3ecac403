//! Oddities of a history, and the rule by which each is taken.

/// Something that a history should not have, and what was made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// The end is at or before the start: a post that was written or edited later.
    EndsBeforeItStarts,
    /// It has no end.
    NoEnd,
    /// It is over by its status, and neither a field nor a post says since when.
    EndUnknown,
    /// A post or a field says that it is resolved, and the status says that it is not.
    ResolvedAndNot,
    /// It ended, and no post says so.
    NoResolvedPost,
    /// It is resolved by its status and has no time of that.
    NoResolvedAt,
    /// More than one post says that it is resolved.
    ResolvedTwice,
    /// A post is shown under another time than that of its entry.
    OtherTimeShown,
    /// Two posts have the same instant.
    SameInstant,
    /// Two posts have one id.
    SameId,
    /// It stands in the file twice.
    SameIncident,
    /// A component has no name that a service can have.
    NamelessComponent,
    /// The impact is none that is known.
    UnknownImpact,
    /// It had no impact.
    NoImpact,
    /// The posts came newest first.
    NewestFirst,
    /// The title is none that an incident can have.
    OtherTitle,
    /// A title or a post is longer than what is kept of one.
    TooLong,
    /// A post has no words.
    NoWords,
    /// The status of a post cannot follow on the one before it.
    StatusLeftOut,
    /// A post was edited since it was imported.
    EditedPost,
    /// A field was changed since it was imported.
    ChangedField,
}

impl Oddity {
    /// Returns the rule that is applied.
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
