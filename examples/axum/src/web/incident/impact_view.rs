//! The impact of an incident on users, as a card of its page.

use super::chart::{ChartLabels, bars};
use super::figure_memory::{Counted, FirstUsers, ImpactFigures, NoFigures};
use crate::http::escape::Html;
use crate::web::frame::Frame;
use crate::web::texts::{count, grouped, number_of, texts};

texts! {
    /// The texts about the users that were hit.
    ImpactTexts {
        title: "Impact", "Impact", "Auswirkung";
        users: "{n} user hit | {n} users hit", "{n} utilisateur touché | {n} utilisateurs touchés", "{n} Nutzer betroffen | {n} Nutzer betroffen";
        usual: "usual at this time: {n}", "d’habitude à cette heure : {n}", "sonst um diese Zeit: {n}";
        usual_unknown: "the usual number is not known", "le nombre habituel n’est pas connu", "die übliche Zahl ist nicht bekannt";
        first_hits: "Users hit for the first time, per minute | Users hit for the first time, per {n} minutes", "Utilisateurs touchés pour la première fois, par minute | Utilisateurs touchés pour la première fois, par {n} minutes", "Erstmals betroffene Nutzer je Minute | Erstmals betroffene Nutzer je {n} Minuten";
        highest: "at most {n}", "au plus {n}", "höchstens {n}";
        from: "From", "À partir de", "Ab";
        users_head: "Users", "Utilisateurs", "Nutzer";
        tenant: "Tenant", "Client", "Mandant";
        usual_head: "Usual", "D’habitude", "Sonst";
        unknown: "unknown", "inconnu", "unbekannt";
        more_tenants: "{n} more tenant | {n} more tenants", "{n} autre client | {n} autres clients", "{n} weiterer Mandant | {n} weitere Mandanten";
        by_tenant: "By tenant", "Par client", "Je Mandant";
        counted_at: "Counted at {time}.", "Compté à {time}.", "Gezählt um {time}.";
        not_configured: "Users are not counted here: no usage source is configured.", "Les utilisateurs ne sont pas comptés ici : aucune source d’usage n’est configurée.", "Nutzer werden hier nicht gezählt: Keine Nutzungsquelle ist eingerichtet.";
        unavailable: "The usage source does not answer: the number of users is unknown.", "La source d’usage ne répond pas : le nombre d’utilisateurs est inconnu.", "Die Nutzungsquelle antwortet nicht: Die Zahl der Nutzer ist unbekannt.";
        counting: "Users are still being counted.", "Le comptage des utilisateurs est en cours.", "Die Nutzer werden noch gezählt.";
    }
}

/// A row of a table: a name, and numbers as text.
#[derive(Clone, Debug)]
pub(super) struct ImpactRow {
    pub(super) name: String,
    pub(super) users: String,
    pub(super) usual: String,
}

/// The figures as a card shows them.
pub(super) struct ImpactNumbers {
    pub(super) users: String,
    pub(super) usual: String,
    pub(super) chart: Option<Html>,
    pub(super) chart_title: String,
    pub(super) parts: Vec<ImpactRow>,
    pub(super) tenants: Vec<ImpactRow>,
    pub(super) more_tenants: Option<String>,
    pub(super) counted_at: Option<String>,
}

/// The card: figures, or the reason why there are none.
pub(super) struct ImpactView {
    pub(super) texts: &'static ImpactTexts,
    pub(super) numbers: Result<ImpactNumbers, &'static str>,
    /// `true` if there will be figures in a moment.
    pub(super) is_counting: bool,
}

impl ImpactView {
    /// Creates the card from what was counted.
    pub(super) fn new(frame: &Frame<'_>, counted: &Counted) -> Self {
        let texts = ImpactTexts::of(frame.reader.language);
        let numbers = match &counted.figures {
            Ok(figures) => Ok(numbers(frame, texts, figures, counted)),
            Err(NoFigures::NotConfigured) => Err(texts.not_configured),
            Err(NoFigures::Unavailable) => Err(texts.unavailable),
            Err(NoFigures::Counting) => Err(texts.counting),
        };
        Self {
            texts,
            numbers,
            is_counting: matches!(counted.figures, Err(NoFigures::Counting)),
        }
    }
}

fn numbers(
    frame: &Frame<'_>,
    texts: &'static ImpactTexts,
    figures: &ImpactFigures,
    counted: &Counted,
) -> ImpactNumbers {
    let language = frame.reader.language;
    let number = |number: u64| grouped(language, number);
    let chart_title = count(language, texts.first_hits, figures.minutes);
    let tenants = figures.tenants.iter().map(|one| ImpactRow {
        name: one.tenant.clone(),
        users: number(one.users),
        usual: one.usual.map_or_else(|| texts.unknown.to_owned(), number),
    });
    let parts = figures.first_hits.iter().map(|one| ImpactRow {
        name: frame.times.short(one.from),
        users: number(one.users),
        usual: String::new(),
    });
    let more = number_of(figures.more_tenants);
    ImpactNumbers {
        users: count(language, texts.users, figures.users),
        usual: match figures.usual {
            Some(usual) => frame.fill(texts.usual, &[("n", &number(usual))]),
            None => texts.usual_unknown.to_owned(),
        },
        chart: chart(frame, texts, &chart_title, &figures.first_hits),
        chart_title,
        parts: parts.collect(),
        tenants: tenants.collect(),
        more_tenants: (more > 0).then(|| count(language, texts.more_tenants, more)),
        counted_at: figures.provisional.then(|| {
            let time = frame.times.short(counted.at);
            frame.fill(texts.counted_at, &[("time", &time)])
        }),
    }
}

fn chart(
    frame: &Frame<'_>,
    texts: &ImpactTexts,
    title: &str,
    parts: &[FirstUsers],
) -> Option<Html> {
    let (first, last) = (parts.first()?, parts.last()?);
    let numbers: Vec<u64> = parts.iter().map(|one| one.users).collect();
    let highest = numbers.iter().copied().max().unwrap_or(0);
    let highest = grouped(frame.reader.language, highest);
    let labels = ChartLabels {
        id: "first-hits-title",
        title,
        from: &frame.times.short(first.from),
        to: &frame.times.short(last.from),
    };
    let highest = frame.fill(texts.highest, &[("n", &highest)]);
    Some(bars(&labels, &numbers, &highest))
}
