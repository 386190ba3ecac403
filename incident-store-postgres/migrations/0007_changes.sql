-- The log of changes, from which all replicas take the numbers of the events that they send to
-- their readers. No commit writes it: incident.number_changes compares the incidents with the
-- revisions that have a number.

create table incident.change_feed (
    -- There is one row, whose lock orders the numbers.
    single    boolean primary key default true check (single),
    -- Random, so that a position of one run of numbers is none of another.
    epoch     bigint not null default hashtextextended(gen_random_uuid()::text, 0),
    last_seq  bigint not null default 0 check (last_seq >= 0),
    -- The database that the numbers belong to: a restored one begins others.
    origin    bigint,
    -- The last time at which all changes had a number, give or take half a minute.
    polled_at timestamptz not null default '-infinity'
) with (fillfactor = 50);
insert into incident.change_feed default values;

-- The changes of the last minutes.
create table incident.changes (
    seq         bigint primary key check (seq >= 1),
    at          timestamptz not null,
    incident_id uuid not null,
    -- Whether the public page may look different.
    public      boolean not null
);

-- The revisions that have a number, of the incidents that may change without an audit entry.
create table incident.numbered_revisions (
    incident_id uuid primary key,
    revision    bigint not null,
    public      boolean not null,
    at          timestamptz not null
) with (fillfactor = 70);

-- A server's own role may number changes. It cannot harm what is append-only by that.
do $$
declare
    app name;
begin
    for app in select grantee from information_schema.role_table_grants
        where table_schema = 'incident' and table_name = 'incidents' and privilege_type = 'INSERT'
          and grantee <> current_user and grantee <> 'PUBLIC'
    loop
        execute format('grant select on incident.change_feed, incident.changes, incident.numbered_revisions to %I', app);
        execute format('grant update on incident.change_feed, incident.numbered_revisions to %I', app);
        execute format('grant insert, delete on incident.changes, incident.numbered_revisions to %I', app);
    end loop;
end $$;
