-- The log of changes: numbers for what changed, the same for all replicas.

-- The database, as far as it has a history of its own: its cluster, itself, and the timeline
-- that a failover or a restored backup begins. Null on a standby.
create or replace function incident.database_origin() returns bigint language sql stable as $$
    select case when not pg_is_in_recovery() then hashtextextended(concat_ws('/',
        (select system_identifier from pg_control_system()),
        (select oid from pg_database where datname = current_database()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8)), 0) end
$$;

-- The time from which audit entries tell of changes that may have no number yet, in
-- microseconds: commits come late, and the clocks of replicas differ.
create or replace function incident.unnumbered_since(polled_at timestamptz) returns bigint language sql stable as $$
    select (extract(epoch from greatest(least(polled_at, clock_timestamp()), clock_timestamp() - interval '10 minutes')
        - interval '5 minutes') * 1000000)::bigint
$$;

-- Whether an incident changed since it got a number, as far as that can be seen at little cost:
-- those that live, those with a new audit entry, and those that are watched. The others are
-- found within half a minute by number_changes.
create or replace function incident.has_unnumbered_changes(since bigint) returns boolean
language sql stable set enable_seqscan = off set jit = off as $$
    select exists (
        select 1 from incident.numbered_revisions r join incident.incidents i on i.id = r.incident_id
        where i.revision <> r.revision
    ) or exists (
        select 1 from (
            select id from incident.incidents where live
            union select chain from incident.audit where at >= since
        ) c
        join incident.incidents i on i.id = c.id
        where not exists (select 1 from incident.numbered_revisions r where r.incident_id = c.id)
    )
$$;

-- The incidents that may have changed: those that live; those with a new audit entry, as every
-- command has one; those about which there is a message, whose outcome may have none; and those
-- whose credits were computed, which may have none either. Ids of credits sort by time.
create or replace function incident.changeable_incidents(since bigint) returns setof uuid
language sql stable set enable_seqscan = off set jit = off as $$
    select id from incident.incidents where live
    union
    select chain from incident.audit where at >= since
    union
    select owner_id from incident.outbox where state in ('pending', 'leased') and owner_id is not null
    union
    select incident_id from incident.credits
    where id >= (lpad(to_hex(greatest(since / 1000, 0)), 12, '0') || '00000000000000000000')::uuid
      and incident_id is not null
$$;

-- Gives every change that is committed a number. One replica at a time does this, so that
-- numbers appear in their order and without a gap.
--
-- `epoch_` and `seq_` are the position of the caller. One that is ahead of the log shows that
-- the database lost what it had given; then, as after ten minutes without a call or in another
-- database, a new run of numbers begins, and what is there counts as seen.
create or replace function incident.number_changes(epoch_ bigint, seq_ bigint) returns void
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    feed incident.change_feed;
    here constant bigint := incident.database_origin();
    since bigint;
    added bigint;
begin
    select * into strict feed from incident.change_feed for update;
    since := incident.unnumbered_since(feed.polled_at);
    if feed.polled_at < clock_timestamp() - interval '10 minutes' or feed.origin is distinct from here
        or feed.epoch = epoch_ and feed.last_seq < seq_
    then
        delete from incident.changes;
        delete from incident.numbered_revisions;
        insert into incident.numbered_revisions (incident_id, revision, public, at)
        select i.id, i.revision, i.public, clock_timestamp()
        from incident.changeable_incidents(since) c (id) join incident.incidents i on i.id = c.id;
        update incident.change_feed
        set epoch = hashtextextended(gen_random_uuid()::text, 0), last_seq = 0, origin = here, polled_at = clock_timestamp();
        return;
    end if;
    -- One statement, and so one state of the database.
    with changeable as materialized (
        select c.id from incident.changeable_incidents(since) c (id)
    ), due as materialized (
        -- Where it is not known what was public before, it may have been.
        select i.id, i.revision, i.public, i.public or coalesce(r.public, i.revision > 1) as shown
        from (select id from changeable union select incident_id from incident.numbered_revisions) c
        join incident.incidents i on i.id = c.id
        left join incident.numbered_revisions r on r.incident_id = c.id
        where r.revision is distinct from i.revision
    ), noted as (
        insert into incident.numbered_revisions as r (incident_id, revision, public, at)
        select id, revision, public, clock_timestamp() from due
        on conflict (incident_id) do update
            set revision = excluded.revision, public = excluded.public, at = excluded.at
    ), no_longer as (
        delete from incident.numbered_revisions r
        where r.at < clock_timestamp() - interval '10 minutes'
          and not exists (select 1 from changeable c where c.id = r.incident_id)
          and not exists (select 1 from due d where d.id = r.incident_id)
    )
    insert into incident.changes (seq, at, incident_id, public)
    select feed.last_seq + row_number() over (order by id), clock_timestamp(), id, shown from due;
    get diagnostics added = row_count;
    update incident.change_feed set last_seq = last_seq + added, polled_at = clock_timestamp();
    -- The oldest, as far as they are too old, so that no gap comes about; so many at a time.
    delete from incident.changes where seq <= (
        select max(o.seq) from (select c.seq, c.at from incident.changes c order by c.seq limit 10000) o
        where o.at < clock_timestamp() - interval '5 minutes');
end $$;
