-- Messages of the outbox: leased, ended, put in, handed out.

-- Whether a lease is that of a message now.
create or replace function incident.is_held(message incident.outbox, lease jsonb) returns boolean
language sql immutable parallel safe as
$$ select message.state = 'leased' and message.lease_owner = (lease ->> 'owner')::uuid
       and message.lease_token = (lease ->> 'token')::bigint $$;

create or replace function incident.check_lease(lease jsonb) returns void language plpgsql as $$
begin
    perform 1 from incident.outbox o where o.id = (lease ->> 'id')::uuid and incident.is_held(o, lease);
    if not found then
        perform incident.refused('INC06', 'the lease is no longer held');
    end if;
end $$;

-- Ends a lease with what came of its message.
create or replace function incident.end_lease(lease jsonb, ahead interval) returns void language plpgsql as $$
declare
    id_ constant uuid := lease ->> 'id';
    outcome text := lease ->> 'outcome';
    superseded_ boolean;
begin
    select o.superseded into superseded_ from incident.outbox o
    where o.id = id_ and incident.is_held(o, lease) for update;
    if not found then
        perform incident.refused('INC06', 'the lease is no longer held');
    end if;
    case
    -- A message that was superseded meanwhile ends instead of being retried.
    when outcome = 'done' or outcome in ('later', 'handed_back') and superseded_ then
        delete from incident.outbox where id = id_;
    when outcome = 'given_up' then
        update incident.outbox set state = 'given_up', log = lease ->> 'log', lease_owner = null, lease_until = null
        where id = id_;
    when outcome in ('later', 'handed_back') then
        update incident.outbox
        set state = 'pending', due_at = (lease ->> 'due_at')::timestamptz + ahead, log = coalesce(lease ->> 'log', log),
            lease_owner = null, lease_until = null
        where id = id_;
    end case;
end $$;

-- New messages, and what becomes of others.
create or replace function incident.put_messages(writes jsonb, ahead interval) returns void language plpgsql as $$
declare
    o jsonb;
begin
    for o in select value from jsonb_array_elements(writes) loop
        case o ->> 'op'
        when 'add' then
            insert into incident.outbox (id, incident_id, ordering_key, priority, kind, opens, supersedable, body, log, committed_at, due_at)
            values ((o ->> 'id')::uuid, (o ->> 'incident_id')::uuid, o ->> 'ordering_key', (o ->> 'priority')::smallint, o ->> 'kind',
                (o ->> 'opens')::boolean, (o ->> 'supersedable')::boolean, o ->> 'body', o ->> 'log',
                (o ->> 'committed_at')::timestamptz, (o ->> 'due_at')::timestamptz + ahead)
            on conflict (id) do nothing;
            if not found then
                perform incident.refused('INC08', 'a message id is used twice');
            end if;
        when 'supersede' then
            delete from incident.outbox
            where owner_id = (o ->> 'incident_id')::uuid and ordering_key = o ->> 'ordering_key' and supersedable
              and state = 'pending';
            update incident.outbox set superseded = true
            where owner_id = (o ->> 'incident_id')::uuid and ordering_key = o ->> 'ordering_key' and supersedable
              and state = 'leased';
        when 'hasten' then
            -- Rows that somebody works on are left alone instead of waited for.
            update incident.outbox set due_at = (o ->> 'due_at')::timestamptz + ahead
            where id in (select h.id from incident.outbox h
                where h.id = any (incident.texts(o -> 'ids')::uuid[]) and h.state = 'pending'
                  and h.due_at > (o ->> 'due_at')::timestamptz + ahead
                for update skip locked);
        when 'replay' then
            -- At the end of the queue of its ordering key, as if it had never been tried.
            update incident.outbox
            set state = 'pending', ordinal = default, log = '[]', due_at = (o ->> 'due_at')::timestamptz + ahead,
                superseded = false
            where id = (o ->> 'id')::uuid and state = 'given_up';
            if not found then
                perform incident.refused('INC07', 'the message is not dead-lettered', o ->> 'id');
            end if;
        end case;
    end loop;
end $$;

-- Once a second by anybody: leases that ran out, or reach further than any
-- lease does because a clock went back; keys that expired.
create or replace function incident.tidy(now_ timestamptz, longest_lease interval) returns void
language plpgsql set enable_seqscan = off set jit = off as $$
begin
    delete from incident.outbox where id in (
        select id from incident.outbox
        where state = 'leased' and superseded and (lease_until <= now_ or lease_until > now_ + longest_lease)
        order by id limit 1000 for update skip locked);
    update incident.outbox set state = 'pending', lease_owner = null, lease_until = null where id in (
        select id from incident.outbox
        where state = 'leased' and not superseded and (lease_until <= now_ or lease_until > now_ + longest_lease)
        order by id limit 1000 for update skip locked);
    delete from incident.idempotency_keys where (actor, key) in (
        select actor, key from incident.idempotency_keys
        where expires_at <= now_ limit 1000 for update skip locked);
end $$;

-- Claims what is due, the worst severity first. Now is null for the server's clock; either
-- bounds the index scan. Rows of unknown kinds are left for newer versions.
create or replace function incident.claim(now_ timestamptz, most bigint, kinds text[], owner uuid, lease_for interval, leave uuid[])
returns setof incident.outbox language plpgsql set enable_seqscan = off set jit = off as $$
begin
    return query
    with due as materialized (
        select due.id
        from (values (1), (2), (3), (4)) as priorities (priority)
        cross join lateral (
            select o.id
            from incident.outbox o
            where o.state = 'pending' and o.priority = priorities.priority and o.priority > 0
              and o.due_at <= coalesce(now_, statement_timestamp())
              and o.kind = any (kinds) and not (o.id = any (leave))
              -- Of one ordering key only the oldest unfinished message. Asked for each by itself:
              -- a join may be planned as one with everything that waits.
              and o.ordinal = (
                  select min(e.ordinal) from incident.outbox e
                  where e.owner_id = o.owner_id and e.ordering_key = o.ordering_key and e.state in ('pending', 'leased'))
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
create or replace function incident.next_due(out due_at timestamptz, out clock timestamptz)
language plpgsql set enable_seqscan = off set jit = off as $$
begin
    clock := statement_timestamp();
    select least(
        (select min(first.due_at)
         from (values (1), (2), (3), (4)) as priorities (priority)
         cross join lateral (
             select o.due_at
             from incident.outbox o
             where o.state = 'pending' and o.priority = priorities.priority and o.priority > 0
               and o.ordinal = (
                   select min(e.ordinal) from incident.outbox e
                   where e.owner_id = o.owner_id and e.ordering_key = o.ordering_key and e.state in ('pending', 'leased'))
             order by o.due_at, o.ordinal
             limit 1
         ) first),
        (select min(o.lease_until) from incident.outbox o where o.state = 'leased'))
    into due_at;
end $$;

-- As `incident.claim`, in the order in which messages were committed, after leases and keys
-- were tidied where that is asked for. Times are microseconds since 1970, as text.
create or replace procedure incident.claim_alone(now_ timestamptz, most bigint, kinds text[], owner uuid, lease_for interval,
    leave uuid[], tidies boolean, out claimed text, out clock timestamptz)
language plpgsql as $$
begin
    rollback;
    clock := statement_timestamp();
    if tidies then
        perform incident.tidy(coalesce(now_, clock), lease_for * 2);
    end if;
    -- `lane` is what servers of version 5 read.
    select json_agg(json_build_object('id', c.id, 'incident_id', c.incident_id, 'priority', c.priority, 'lane', c.priority,
        'body', c.body,
        'log', c.log, 'lease_token', c.lease_token,
        'committed_at', trunc(extract(epoch from c.committed_at) * 1000000)::text,
        'due_at', trunc(extract(epoch from c.due_at) * 1000000)::text) order by c.ordinal)
    into claimed
    from incident.claim(now_, most, kinds, owner, lease_for, leave) c;
end $$;
