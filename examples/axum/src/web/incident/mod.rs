//! The page of an incident, and the forms with which people act on it.

pub(crate) mod acknowledge;
mod acts;
mod chart;
mod customers;
mod entry;
mod entry_texts;
pub(crate) mod figures;
mod head;
mod impact_view;
mod incident_texts;
mod proof;
mod related;
pub(crate) mod show;
mod side;
mod sla_view;
mod timeline;
pub(crate) mod update;
mod update_form;
mod update_texts;
mod words;
