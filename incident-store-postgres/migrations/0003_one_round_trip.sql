-- Writes in one round trip, alone in their transaction, with plans that stay good.

-- Plans ----------------------------------------------------------------------

-- Connections keep the plans that they made first, often while a table was empty: then
-- every index that can be used at all costs the same, and so does a scan of the whole table.
-- A plan that was chosen so made each commit read all pending messages, just when many of
-- them wait.
--
-- An index is therefore no choice where the column that it is by is not asked for: its
-- predicate is implied only by a condition on that column.
drop index incident.outbox_pending;
create index outbox_pending on incident.outbox (lane, due_at, ordinal) where state = 'pending' and lane > 0;
drop index incident.outbox_leased;
create index outbox_leased on incident.outbox (lease_until) where state = 'leased' and lease_until is not null;
drop index incident.outbox_queue;
create index outbox_queue on incident.outbox (owner_id, thread, ordinal)
    where state in ('pending', 'leased') and owner_id is not null;
drop index incident.outbox_given_up;
create index outbox_given_up on incident.outbox (owner_id) where state = 'given_up' and owner_id is not null;

-- By the alert first: "of this environment, any of these alerts" was planned as all of the
-- environment.
alter table incident.alert_holders drop constraint alert_holders_pkey;
alter table incident.alert_holders add primary key (alert_key, environment);
drop index incident.alert_holders_key;

-- And no plan of these is a scan of the whole table. Without just-in-time compilation: it is
-- meant for statements that cost much, and is chosen by the same estimates.
alter function incident.keep(jsonb) set enable_seqscan = off;
alter function incident.keep(jsonb) set jit = off;
alter function incident.tidy(timestamptz, interval) set enable_seqscan = off;
alter function incident.tidy(timestamptz, interval) set jit = off;

-- Claims what is due, the worst lane first. Now is null for the server's clock; either
-- bounds the index scan. Rows of unknown kinds are left for newer versions.
create function incident.claim(now_ timestamptz, most bigint, kinds text[], owner uuid, lease_for interval, leave uuid[])
returns setof incident.outbox language plpgsql set enable_seqscan = off set jit = off as $$
begin
    return query
    with due as materialized (
        select due.id
        from (values (1), (2), (3), (4)) as lanes (lane)
        cross join lateral (
            select o.id
            from incident.outbox o
            where o.state = 'pending' and o.lane = lanes.lane and o.lane > 0
              and o.due_at <= coalesce(now_, statement_timestamp())
              and o.kind = any (kinds) and not (o.id = any (leave))
              -- Of one thread only the oldest unfinished message. Asked for each by itself:
              -- a join may be planned as one with everything that waits.
              and o.ordinal = (
                  select min(e.ordinal) from incident.outbox e
                  where e.owner_id = o.owner_id and e.thread = o.thread and e.state in ('pending', 'leased'))
            order by o.due_at, o.ordinal
            limit most
            for update of o skip locked
        ) due
        limit most
    )
    update incident.outbox o
    set state = 'leased', lease_owner = owner, lease_token = o.lease_token + 1,
        lease_until = coalesce(now_, statement_timestamp()) + lease_for
    from due
    where o.id = due.id
    returning o.*;
end $$;

-- When the next message is due, or the next lease ends; and the clock that this goes by.
create function incident.next_due(out due_at timestamptz, out clock timestamptz)
language plpgsql set enable_seqscan = off set jit = off as $$
begin
    clock := statement_timestamp();
    select least(
        (select min(first.due_at)
         from (values (1), (2), (3), (4)) as lanes (lane)
         cross join lateral (
             select o.due_at
             from incident.outbox o
             where o.state = 'pending' and o.lane = lanes.lane and o.lane > 0
               and o.ordinal = (
                   select min(e.ordinal) from incident.outbox e
                   where e.owner_id = o.owner_id and e.thread = o.thread and e.state in ('pending', 'leased'))
             order by o.due_at, o.ordinal
             limit 1
         ) first),
        (select min(o.lease_until) from incident.outbox o where o.state = 'leased'))
    into due_at;
end $$;

-- Alone ------------------------------------------------------------------------

-- A pool may hold a connection in a transaction that somebody began and did not see
-- through. What is written there would be answered as kept and never be committed. These
-- begin with a roll-back of their own, which a server takes only outside of a transaction:
-- inside of one they fail (2D000, invalid transaction termination) before they do anything.

-- As `incident.keep`, with the links of the timelines.
create procedure incident.keep_alone(document text, out seqs bigint[], out prev_hashes bytea[], out hashes bytea[])
language plpgsql as $$
begin
    rollback;
    select array_agg(k.seq order by k.n), array_agg(k.prev_hash order by k.n), array_agg(k.hash order by k.n)
    into seqs, prev_hashes, hashes
    from incident.keep(document::jsonb) with ordinality as k (part, chain, seq, prev_hash, hash, n)
    where k.part = 'timeline';
end $$;

-- As `incident.claim`, in the order in which messages were committed, after leases and keys
-- were tidied where that is asked for. Times are microseconds since 1970, as text.
create procedure incident.claim_alone(now_ timestamptz, most bigint, kinds text[], owner uuid, lease_for interval,
    leave uuid[], tidies boolean, out claimed text, out clock timestamptz)
language plpgsql as $$
begin
    rollback;
    clock := statement_timestamp();
    if tidies then
        perform incident.tidy(coalesce(now_, clock), lease_for * 2);
    end if;
    select json_agg(json_build_object('id', c.id, 'incident_id', c.incident_id, 'lane', c.lane, 'body', c.body,
        'log', c.log, 'lease_token', c.lease_token,
        'committed_at', trunc(extract(epoch from c.committed_at) * 1000000)::text,
        'due_at', trunc(extract(epoch from c.due_at) * 1000000)::text) order by c.ordinal)
    into claimed
    from incident.claim(now_, most, kinds, owner, lease_for, leave) c;
end $$;
