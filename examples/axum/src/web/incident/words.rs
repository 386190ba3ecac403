//! The words for fields of an incident and for their values.

use incident_core::incident::{
    CancelReason, DataLeak, DataLoss, Level, LossState, Mode, ResponseRole, Scope, Source,
};
use incident_core::timeline::EntryKind;
use incident_core::{Text, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::web::frame::Frame;
use crate::web::numbers::{money, percent_text};
use crate::web::texts::texts;

texts! {
    /// The names of fields of an incident, and of their values.
    WordTexts {
        title: "Title", "Titre", "Titel";
        summary: "Summary", "Résumé", "Zusammenfassung";
        severity: "Severity", "Gravité", "Schwere";
        responder: "Responder", "Responsable", "Zuständig";
        eta: "Expected end", "Fin prévue", "Ende erwartet";
        next_update_due_at: "Next update due", "Prochain point prévu", "Nächste Meldung fällig";
        affected_services: "Services", "Services", "Dienste";
        affected_tenants: "Tenants", "Clients", "Mandanten";
        started_at: "Start of the impact", "Début de l’impact", "Beginn der Störung";
        impact_ended_at: "End of the impact", "Fin de l’impact", "Ende der Störung";
        detected_at: "Noticed", "Détecté", "Bemerkt";
        tracker_url: "Ticket", "Ticket", "Ticket";
        labels: "Labels", "Étiquettes", "Etiketten";
        symptom: "Symptom", "Symptôme", "Symptom";
        impact_text: "Effect on users", "Effet sur les utilisateurs", "Auswirkung auf Nutzer";
        scope: "Scope", "Étendue", "Umfang";
        cause: "Cause", "Cause", "Ursache";
        resolution: "Resolution", "Résolution", "Behebung";
        next_steps: "Next steps", "Suites à donner", "Nächste Schritte";
        data_loss: "Lost data", "Données perdues", "Datenverlust";
        users_hit_percent: "Share of users hit", "Part des utilisateurs touchés", "Anteil betroffener Nutzer";
        revenue_per_hour: "Revenue lost per hour", "Perte de revenu par heure", "Umsatzverlust je Stunde";
        impact: "Impact on users", "Impact sur les utilisateurs", "Schwere für Nutzer";
        urgency: "Urgency", "Urgence", "Dringlichkeit";
        failure_class: "Class of failure", "Type de panne", "Art des Fehlers";
        data_leak: "Leaked data", "Fuite de données", "Datenleck";
        customer_event_day: "Blocks a customer on the day of their event", "Bloque un client le jour de son événement", "Blockiert einen Kunden am Tag seiner Veranstaltung";
        channel: "Team channel", "Canal de l’équipe", "Kanal des Teams";
        bridge_url: "Team call", "Appel de l’équipe", "Telefonkonferenz des Teams";
        post_mortem_at: "Post-mortem meeting", "Réunion de post-mortem", "Post-mortem-Besprechung";
        vendor_reference: "Supplier’s reference", "Référence du fournisseur", "Vorgang beim Lieferanten";
        priority: "Priority", "Priorité", "Priorität";
        priority_derived: "from impact and urgency", "selon impact et urgence", "aus Schwere und Dringlichkeit";
        priority_set: "{priority}, set by a person", "{priority}, fixée par une personne", "{priority}, von einer Person gesetzt";
        users_notified: "Affected users notified", "Utilisateurs touchés informés", "Betroffene Nutzer benachrichtigt";
        authority_notified: "Authority notified", "Autorité informée", "Behörde informiert";
        since: "since", "depuis", "seit";
        other_field: "Field", "Champ", "Feld";
        scope_all: "the whole platform", "toute la plateforme", "die ganze Plattform";
        scope_regions: "some regions", "certaines régions", "einige Regionen";
        scope_segments: "some customer segments", "certains segments de clients", "einige Kundengruppen";
        level_low: "low", "faible", "gering";
        level_medium: "medium", "moyen", "mittel";
        level_high: "high", "élevé", "hoch";
        loss_none: "no data lost", "aucune donnée perdue", "keine Daten verloren";
        loss_suspected: "loss suspected", "perte possible", "Verlust vermutet";
        loss_confirmed: "loss confirmed", "perte confirmée", "Verlust bestätigt";
        leak_none: "no data leaked", "aucune fuite", "kein Datenleck";
        leak_suspected: "leak suspected", "fuite possible", "Datenleck vermutet";
        leak_confirmed: "leak confirmed", "fuite confirmée", "Datenleck bestätigt";
        yes: "yes", "oui", "ja";
        no: "no", "non", "nein";
        mode_live: "happening now", "en ce moment", "geschieht jetzt";
        mode_retrospective: "retrospective", "saisi après coup", "nachträglich erfasst";
        mode_drill: "drill", "exercice", "Übung";
        source_monitoring: "monitoring", "supervision", "Überwachung";
        source_customer: "a customer", "un client", "ein Kunde";
        source_team: "the team", "l’équipe", "das Team";
        source_partner: "a partner", "un partenaire", "ein Partner";
        source_suggestion: "a suggestion", "une suggestion", "ein Vorschlag";
        role_commander: "Commander", "Commandant", "Einsatzleitung";
        role_tech_lead: "Technical lead", "Responsable technique", "Technische Leitung";
        role_communicator: "Communication", "Communication", "Kommunikation";
        role_scribe: "Scribe", "Secrétaire", "Protokoll";
        role_expert: "Expert", "Expert", "Fachkenntnis";
        role_responder: "Responder", "Intervenant", "Einsatzkraft";
        cancel_false_positive: "nothing was wrong", "rien d’anormal", "es war nichts";
        cancel_duplicate: "declared already", "déjà déclaré", "schon gemeldet";
        cancel_external: "not our problem", "pas de notre fait", "liegt nicht an uns";
        cancel_superseded: "overtaken by something else", "dépassé par autre chose", "überholt";
        kind_declaration: "declared", "déclaration", "gemeldet";
        kind_update: "update", "point d’étape", "Meldung";
        kind_acknowledgement: "acknowledged", "prise en charge", "übernommen";
        kind_change: "change", "modification", "Änderung";
        kind_decision: "decision", "décision", "Entscheidung";
        kind_action: "action", "action", "Maßnahme";
        kind_observation: "observation", "observation", "Beobachtung";
        kind_hypothesis: "hypothesis", "hypothèse", "Vermutung";
        kind_comms: "message sent", "message envoyé", "Mitteilung";
        kind_page_outcome: "page", "alerte", "Alarm";
        kind_page_request: "page requested", "alerte demandée", "Alarm angefordert";
        kind_visibility: "status page", "page d’état", "Statusseite";
        kind_post_mortem: "post-mortem linked", "post-mortem lié", "Post-mortem verknüpft";
        kind_correction: "correction", "correction", "Korrektur";
        kind_checklist: "checklist", "liste de contrôle", "Checkliste";
        kind_role_change: "role", "rôle", "Rolle";
        more: "and {n} more", "et {n} autres", "und {n} weitere";
    }
}

/// Number of items of a list that a value names.
const NAMED: usize = 8;

impl WordTexts {
    /// Returns the name of a field by its name on the wire.
    pub(super) fn field(&self, name: &str) -> &'static str {
        match name {
            "title" => self.title,
            "summary" => self.summary,
            "severity" => self.severity,
            "responder" => self.responder,
            "eta" => self.eta,
            "next_update_due_at" => self.next_update_due_at,
            "affected_services" => self.affected_services,
            "affected_tenants" => self.affected_tenants,
            "started_at" => self.started_at,
            "impact_ended_at" => self.impact_ended_at,
            "detected_at" => self.detected_at,
            "tracker_url" => self.tracker_url,
            "labels" => self.labels,
            "symptom" => self.symptom,
            "impact_text" => self.impact_text,
            "scope" => self.scope,
            "cause" => self.cause,
            "resolution" => self.resolution,
            "next_steps" => self.next_steps,
            "data_loss" => self.data_loss,
            "users_hit_percent" => self.users_hit_percent,
            "revenue_per_hour" => self.revenue_per_hour,
            "impact" => self.impact,
            "urgency" => self.urgency,
            "failure_class" => self.failure_class,
            "priority" => self.priority,
            "data_leak" => self.data_leak,
            "customer_event_day" => self.customer_event_day,
            "channel" => self.channel,
            "bridge_url" => self.bridge_url,
            "post_mortem_at" => self.post_mortem_at,
            "vendor_reference" => self.vendor_reference,
            _ => self.other_field,
        }
    }

    /// Returns the word for a kind of entry.
    pub(super) const fn kind(&self, kind: EntryKind) -> &'static str {
        match kind {
            EntryKind::Declaration => self.kind_declaration,
            EntryKind::Update => self.kind_update,
            EntryKind::Acknowledgement => self.kind_acknowledgement,
            EntryKind::Change => self.kind_change,
            EntryKind::Decision => self.kind_decision,
            EntryKind::Action => self.kind_action,
            EntryKind::Observation => self.kind_observation,
            EntryKind::Hypothesis => self.kind_hypothesis,
            EntryKind::Comms => self.kind_comms,
            EntryKind::PageOutcome => self.kind_page_outcome,
            EntryKind::PageRequest => self.kind_page_request,
            EntryKind::Visibility => self.kind_visibility,
            EntryKind::PostMortem => self.kind_post_mortem,
            EntryKind::Correction => self.kind_correction,
            EntryKind::Checklist => self.kind_checklist,
            EntryKind::RoleChange => self.kind_role_change,
        }
    }

    /// Returns the word for a part of the platform.
    pub(super) const fn scope_word(&self, scope: Scope) -> &'static str {
        match scope {
            Scope::All => self.scope_all,
            Scope::Regions => self.scope_regions,
            Scope::Segments => self.scope_segments,
        }
    }

    /// Returns the word for a level.
    pub(crate) const fn level(&self, level: Level) -> &'static str {
        match level {
            Level::Low => self.level_low,
            Level::Medium => self.level_medium,
            Level::High => self.level_high,
        }
    }

    /// Returns the word for the state of lost data.
    pub(crate) const fn loss(&self, state: LossState) -> &'static str {
        match state {
            LossState::None => self.loss_none,
            LossState::Suspected => self.loss_suspected,
            LossState::Confirmed => self.loss_confirmed,
        }
    }

    /// Returns the word for the state of leaked data.
    pub(super) const fn leak(&self, state: LossState) -> &'static str {
        match state {
            LossState::None => self.leak_none,
            LossState::Suspected => self.leak_suspected,
            LossState::Confirmed => self.leak_confirmed,
        }
    }

    /// Returns the word for a fact that holds or does not.
    pub(super) const fn yes_or_no(&self, holds: bool) -> &'static str {
        if holds { self.yes } else { self.no }
    }

    /// Returns the word for a mode.
    pub(crate) const fn mode(&self, mode: Mode) -> &'static str {
        match mode {
            Mode::Live => self.mode_live,
            Mode::Retrospective => self.mode_retrospective,
            Mode::Drill => self.mode_drill,
        }
    }

    /// Returns the word for a source.
    pub(crate) const fn source(&self, source: Source) -> &'static str {
        match source {
            Source::Monitoring => self.source_monitoring,
            Source::Customer => self.source_customer,
            Source::Team => self.source_team,
            Source::Partner => self.source_partner,
            Source::Suggestion => self.source_suggestion,
        }
    }

    /// Returns the word for a role in the response.
    pub(super) const fn response_role(&self, role: ResponseRole) -> &'static str {
        match role {
            ResponseRole::IncidentCommander => self.role_commander,
            ResponseRole::TechLead => self.role_tech_lead,
            ResponseRole::Communicator => self.role_communicator,
            ResponseRole::Scribe => self.role_scribe,
            ResponseRole::SubjectMatterExpert => self.role_expert,
            ResponseRole::Responder => self.role_responder,
        }
    }

    /// Returns the words for a reason to cancel.
    pub(super) const fn cancel_reason(&self, reason: CancelReason) -> &'static str {
        match reason {
            CancelReason::FalsePositive => self.cancel_false_positive,
            CancelReason::Duplicate => self.cancel_duplicate,
            CancelReason::External => self.cancel_external,
            CancelReason::Superseded => self.cancel_superseded,
        }
    }
}

/// Returns a value of a field in the words of the reader.
#[must_use]
pub(super) fn value(frame: &Frame<'_>, field: &str, value: &Value) -> String {
    let words = WordTexts::of(frame.reader.language);
    let in_words = match field {
        "eta" | "next_update_due_at" | "started_at" | "impact_ended_at" | "detected_at"
        | "post_mortem_at" => read::<Timestamp>(value).map(|at| frame.times.short(at)),
        "scope" => read::<Scope>(value).map(|one| words.scope_word(one).to_owned()),
        "impact" | "urgency" => read::<Level>(value).map(|one| words.level(one).to_owned()),
        "data_loss" => {
            read::<DataLoss>(value).map(|one| noted(words.loss(one.state), one.note.as_ref()))
        }
        "data_leak" => {
            read::<DataLeak>(value).map(|one| noted(words.leak(one.state), one.note.as_ref()))
        }
        "priority" if value.is_null() => Some(words.priority_derived.to_owned()),
        "customer_event_day" => value.as_bool().map(|one| words.yes_or_no(one).to_owned()),
        "users_hit_percent" => value
            .as_str()
            .map(|text| percent_text(frame.reader.language, text)),
        "revenue_per_hour" => read(value).map(|amount| money(frame.reader.language, amount)),
        "affected_tenants" if value == "all" => Some(frame.common.all_tenants.to_owned()),
        _ => None,
    };
    in_words.unwrap_or_else(|| plain(frame, words, value))
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

/// Returns the word for a state with the note beside it.
fn noted(state: &str, note: Option<&Text>) -> String {
    match note {
        Some(note) => format!("{state}: {note}"),
        None => state.to_owned(),
    }
}

fn plain(frame: &Frame<'_>, words: &WordTexts, value: &Value) -> String {
    match value {
        Value::Null => frame.common.none.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => list(frame, words, items),
        Value::Object(map) => match map.get("tenant_id") {
            Some(Value::String(tenant)) => part(frame, tenant, map),
            _ => {
                let pairs = map.iter();
                let pairs =
                    pairs.map(|(name, one)| format!("{name} = {}", plain(frame, words, one)));
                match pairs.collect::<Vec<_>>().join(", ") {
                    none if none.is_empty() => frame.common.none.to_owned(),
                    pairs => pairs,
                }
            }
        },
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Returns a tenant with the times of its part of the outage, if it was hit for a part only.
fn part(frame: &Frame<'_>, tenant: &str, row: &serde_json::Map<String, Value>) -> String {
    let time = |name: &str| {
        let at: Option<Timestamp> = row.get(name).and_then(read);
        at.map(|at| frame.times.short(at))
    };
    match (time("from"), time("until")) {
        (None, None) => tenant.to_owned(),
        (from, until) => format!(
            "{tenant} ({}–{})",
            from.unwrap_or_default(),
            until.unwrap_or_default()
        ),
    }
}

/// Returns the items of a list, the first ones by name.
#[must_use]
pub(super) fn list(frame: &Frame<'_>, words: &WordTexts, items: &[Value]) -> String {
    if items.is_empty() {
        return frame.common.none.to_owned();
    }
    let named = items.iter().take(NAMED).map(|one| plain(frame, words, one));
    let named = named.collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(NAMED) {
        0 => named,
        more => {
            let more = frame.fill(words.more, &[("n", &more.to_string())]);
            format!("{named} {more}")
        }
    }
}
