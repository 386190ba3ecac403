-- Roles of servers.

-- What a server needs, and no more: it can neither change nor remove what is
-- append-only, nor switch the guards off, because it does not own the tables.
--   create role app login; select incident.grant_to('app');
create or replace function incident.grant_to(app name) returns void language plpgsql as $$
begin
    execute format('grant usage on schema incident to %I', app);
    execute format('grant select on all tables in schema incident to %I', app);
    execute format('grant usage on all sequences in schema incident to %I', app);
    execute format('grant insert on incident.incidents, incident.timeline, incident.timeline_texts, incident.audit,
        incident.audit_heads, incident.outbox, incident.suggestions, incident.open_suggestions, incident.credits,
        incident.idempotency_keys, incident.usage_events, incident.alert_holders, incident.changes,
        incident.numbered_revisions, incident.policies to %I', app);
    execute format('grant update on incident.incidents, incident.audit_heads, incident.outbox, incident.suggestions,
        incident.open_suggestions, incident.idempotency_keys, incident.change_feed, incident.numbered_revisions to %I', app);
    execute format('grant update (state, granted, issued) on incident.credits to %I', app);
    execute format('grant delete on incident.outbox, incident.open_suggestions, incident.idempotency_keys,
        incident.alert_holders, incident.changes, incident.numbered_revisions to %I', app);
    -- A role of the first versions could delete texts by itself.
    execute format('revoke delete on incident.timeline_texts from %I', app);
    execute format('grant execute on function incident.erase_texts(uuid, bigint), incident.usage_days(date[]) to %I', app);
end $$;
revoke execute on function incident.grant_to(name) from public;

-- What each version added to it by itself.
drop function if exists incident.grant_before_redaction_to(name), incident.grant_redaction_to(name),
    incident.grant_alerts_to(name);
