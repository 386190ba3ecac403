-- A person dismisses a suggestion.
alter table incident.suggestions add column dismissed_at timestamptz;
alter table incident.open_suggestions add column dismissed boolean not null default false;
