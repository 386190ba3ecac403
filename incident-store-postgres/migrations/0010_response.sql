-- Incidents are found by the time at which a rule of the policy fires next, and policies are stored.

-- As in 9: commits take these tables in more than one order, and the triggers, which are put in place after this,
-- lock the tables that they take before.
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

alter table incident.incidents add column due_at timestamptz;
update incident.incidents set due_at = (state #>> '{clocks,due_at}')::timestamptz
where state #>> '{clocks,due_at}' is not null;
create index incidents_due on incident.incidents (due_at, id) where due_at is not null;
-- Those with clocks: few, though some ended long ago.
create index incidents_with_clocks on incident.incidents (declared_at desc, id desc) where live or due_at is not null;

-- The policies in force, each from an instant until that of the next row.
create table incident.policies (
    seq   bigint generated always as identity primary key,
    hash  bytea not null check (length(hash) = 32),
    since timestamptz not null check (isfinite(since)),
    -- As it was hashed: the bytes of a jsonb would be others.
    body  text not null
);

-- A server's own role reads policies and adds them.
do $$
declare
    app name;
begin
    for app in select grantee from information_schema.role_table_grants
        where table_schema = 'incident' and table_name = 'incidents' and privilege_type = 'INSERT'
          and grantee <> current_user and grantee <> 'PUBLIC'
    loop
        execute format('grant select, insert on incident.policies to %I', app);
    end loop;
end $$;
