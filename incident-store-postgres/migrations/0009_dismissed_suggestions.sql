-- A person dismisses a suggestion.

-- As in 8: commits take the suggestions last, and the triggers, which are put in place after this, lock the
-- tables that they take before.
do $$
begin
    perform set_config('lock_timeout', '300ms', true);
    loop
        begin
            lock table incident.alert_holders, incident.incidents, incident.timeline, incident.timeline_texts,
                incident.outbox, incident.audit, incident.credits, incident.suggestions, incident.open_suggestions
                in access exclusive mode;
            exit;
        exception when lock_not_available or deadlock_detected then
            perform pg_sleep(0.02);
        end;
    end loop;
    perform set_config('lock_timeout', '0', true);
end $$;

alter table incident.suggestions add column dismissed_at timestamptz;
alter table incident.open_suggestions add column dismissed boolean not null default false;
