-- Partitions of usage events.

-- A partition for each of these days (UTC), where there is none. Events of any age are
-- taken, and nothing is ever dropped by itself: retention is to drop the partition of a
-- day. Runs as its owner, so that a server needs no right to make tables.
create or replace function incident.usage_days(days date[]) returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    day date;
    name text;
begin
    -- First of all: whoever made a partition has by then told every connection of it,
    -- and only a statement looks past what this one remembers.
    perform pg_advisory_xact_lock(hashtextextended('incident.usage_days', 0));
    foreach day in array days loop
        name := 'usage_' || to_char(day, 'YYYYMMDD');
        perform 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'incident' and c.relname = name;
        if not found then
            -- Vacuumed soon: what was just written is what is asked about, and an index
            -- alone answers only for pages that are known to be visible.
            execute format('create table incident.%I (like incident.usage_events including defaults including constraints)
                with (autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_vacuum_insert_threshold = 10000)', name);
            -- Attached and not made as a partition: questions go on meanwhile.
            execute format('alter table incident.usage_events attach partition incident.%I for values from (%L) to (%L)',
                name, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
        end if;
    end loop;
end $$;
revoke execute on function incident.usage_days(date[]) from public;
