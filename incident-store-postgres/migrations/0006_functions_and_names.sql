-- Functions leave the migrations: `migrate` puts those of its version (sql/) in place after
-- them, in the same transaction, and notes that here. Columns get the names that are usual.

create table incident._functions (
    -- That of the program that they came with; what an older one has is not put over them.
    version    bigint primary key,
    -- SHA-256 of their text.
    hash       bytea not null check (octet_length(hash) = 32),
    applied_at timestamptz not null default now()
);

-- A server's own role sees that it need not migrate.
do $$
declare
    app name;
begin
    for app in select grantee from information_schema.role_table_grants
        where table_schema = 'incident' and table_name = 'incidents' and privilege_type = 'INSERT'
          and grantee <> current_user and grantee <> 'PUBLIC'
    loop
        execute format('grant select on incident._functions to %I', app);
    end loop;
end $$;

-- All that the guards and this migration change, at once or not at all: commits take these
-- tables in more than one order, and one of them that waits for us may hold what we wait for.
-- Whoever waited for us goes on meanwhile.
do $$
begin
    perform set_config('lock_timeout', '300ms', true);
    loop
        begin
            lock table incident.alert_holders, incident.incidents, incident.timeline, incident.timeline_texts,
                incident.outbox, incident.audit, incident.credits in access exclusive mode;
            exit;
        exception when lock_not_available or deadlock_detected then
            perform pg_sleep(0.02);
        end;
    end loop;
    perform set_config('lock_timeout', '0', true);
end $$;

-- What of an incident is done in order, and the severity that goes first.
alter table incident.outbox rename column thread to ordering_key;
alter table incident.outbox rename column lane to priority;

-- Servers of the versions before, which go on while they are replaced, ask for these.
alter table incident.outbox
    add column thread text generated always as (ordering_key) stored,
    add column lane smallint generated always as (priority) stored;
comment on column incident.outbox.thread is 'ordering_key, for servers of version 5 and before';
comment on column incident.outbox.lane is 'priority, for servers of version 5 and before';
