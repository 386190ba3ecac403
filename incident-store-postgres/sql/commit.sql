-- A commit, whole or not at all.

create or replace function incident.refused(code text, message text, about text default '')
returns void language plpgsql as $$
begin
    raise exception using errcode = code, message = message, detail = about;
end $$;

create or replace function incident.texts(list jsonb) returns text[] language sql immutable parallel safe as
$$ select case when jsonb_typeof(list) = 'array'
    then array(select value from jsonb_array_elements_text(list) with ordinality as l (value, n) order by n) end $$;

-- What belongs between the key and the incidents, as keep takes its locks.
create or replace function incident.before_incidents(commit_ jsonb) returns void language plpgsql as $$
declare
    asked constant jsonb := commit_ -> 'redacts';
    told constant jsonb := commit_ #> '{remember,reply,incident,incident}';
    suggested constant jsonb := commit_ #> '{remember,reply,suggestion,suggestion}';
    -- What was sent is called `said` by servers of older versions.
    request constant jsonb := coalesce(suggested -> 'request', suggested -> 'said');
    stored bigint;
    words jsonb;
begin
    -- Replies that a redaction erases, before the incident they repeat. One that is kept
    -- between this and the lock of the incident is committed, and waits for nobody.
    if asked is not null then
        perform 1 from incident.idempotency_keys k
        where k.incident_id in ((asked ->> 'incident_id')::uuid, (asked ->> 'suggestion')::uuid)
        order by k.actor, k.key for update;
    end if;
    -- A reply about an incident that the commit leaves as it is: what was erased in it
    -- since it was read must not be remembered. The lock makes a redaction that comes
    -- later wait until this reply is there to be found.
    if told is not null and jsonb_array_length(commit_ -> 'writes') = 0 then
        select i.revision into stored from incident.incidents i where i.id = (told ->> 'id')::uuid for share;
        if stored is distinct from (told ->> 'revision')::bigint then
            perform incident.refused('INC01', 'the incident changed meanwhile');
        end if;
    end if;
    -- The same for a suggestion that was there before.
    if suggested is not null and not commit_ ? 'opens' then
        select g.said into words from incident.suggestions g where g.id = (suggested ->> 'id')::uuid for share;
        if words ->> 'evidence' is distinct from request ->> 'evidence'
            or words ->> 'signal' is distinct from request ->> 'signal' then
            perform incident.refused('INC01', 'the suggestion changed meanwhile');
        end if;
    end if;
end $$;

-- Keeps a commit, whole or not at all: one call is one statement. Answers the
-- links it sealed. Every refusal has an error code of its own (INC01 to INC09)
-- and leaves nothing behind.
--
-- Locks are taken in one order (key, alert, incidents by id, outbox, the rest), so
-- that two commits cannot wait for each other.
create or replace function incident.keep(commit_ jsonb)
returns table (part text, chain uuid, seq bigint, prev_hash bytea, hash bytea)
language plpgsql set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    w jsonb;
    e jsonb;
    o jsonb;
    s jsonb;
    id_ uuid;
    head_seq bigint;
    head bytea;
    before bytea;
    links bytea[];
    kept integer;
    other uuid;
    -- How far this clock is ahead of the sender's: what is due there at a time is due
    -- here later by it. Nothing where leases go by the sender's clock.
    ahead constant interval := coalesce(statement_timestamp() - (commit_ ->> 'sent_at')::timestamptz, interval '0');
begin
    -- The idempotency key: a second request waits here for the first.
    w := commit_ -> 'remember';
    if w is not null then
        insert into incident.idempotency_keys as k (actor, key, fingerprint, made_at, expires_at, incident_id, reply)
        values (w ->> 'actor', w ->> 'key', decode(w ->> 'fingerprint', 'hex'), (w ->> 'made_at')::timestamptz,
                (w ->> 'expires_at')::timestamptz, (w ->> 'incident_id')::uuid, w -> 'reply')
        on conflict (actor, key) do update
            set fingerprint = excluded.fingerprint, made_at = excluded.made_at, expires_at = excluded.expires_at,
                incident_id = excluded.incident_id, reply = excluded.reply
            where k.expires_at <= excluded.made_at;
        if not found then
            perform incident.refused('INC05', 'the idempotency key was used meanwhile');
        end if;
    end if;

    if commit_ ? 'redacts' or commit_ ? 'remember' and jsonb_array_length(commit_ -> 'writes') = 0 then
        perform incident.before_incidents(commit_);
    end if;

    -- A lease that is lost makes all the rest needless. Checked again below.
    o := commit_ -> 'settles';
    if o is not null then
        perform 1 from incident.outbox
        where id = (o ->> 'id')::uuid and state = 'leased'
          and lease_owner = (o ->> 'owner')::uuid and lease_token = (o ->> 'token')::bigint;
        if not found then
            perform incident.refused('INC06', 'the lease is no longer held');
        end if;
    end if;

    -- The alert of a new incident: one declaration of it at a time, and every live
    -- incident of it was seen.
    w := commit_ -> 'alert';
    if w is not null then
        perform pg_advisory_xact_lock(hashtextextended('incident.alert ' || (w ->> 'key'), 0));
        select i.id into other from incident.incidents i
        where i.live and i.alert_key = w ->> 'key' and i.id <> all (incident.texts(w -> 'seen')::uuid[])
        union all
        select h.incident_id from incident.alert_holders h
        where h.alert_key = w ->> 'key' and h.incident_id <> all (incident.texts(w -> 'seen')::uuid[])
        limit 1;
        if found then
            perform incident.refused('INC02', 'another live incident has this alert key', other::text);
        end if;
    end if;

    -- Alerts that are given up, before another incident of this commit stands for them.
    for w in select value from jsonb_array_elements(commit_ -> 'writes') where value -> 'alerts' is not null loop
        delete from incident.alert_holders
        where incident_id = (w -> 'state' ->> 'id')::uuid and alert_key <> all (incident.texts(w -> 'alerts'));
    end loop;

    -- Incidents with their entries, in order of id.
    for w in select value from jsonb_array_elements(commit_ -> 'writes') loop
        s := w -> 'state';
        id_ := (s ->> 'id')::uuid;
        if (w ->> 'expected') is null then
            head_seq := 0;
            head := incident.zero_hash();
        else
            select i.last_seq, i.last_hash into head_seq, head from incident.incidents i
            where i.id = id_ and i.revision = (w ->> 'expected')::bigint for update;
            if not found then
                perform incident.refused('INC01', 'the incident changed meanwhile');
            end if;
        end if;
        if head_seq + jsonb_array_length(w -> 'entries') <> (s ->> 'last_seq')::bigint then
            perform incident.refused('INC08', 'the incident counts other entries than its timeline has');
        end if;
        -- The links first, so that the row is written once with its last hash.
        links := array[head];
        for e in select value from jsonb_array_elements(w -> 'entries') loop
            head_seq := head_seq + 1;
            head := incident.timeline_link(id_, head_seq, head, e ->> 'canonical');
            links := links || head;
        end loop;
        if (w ->> 'expected') is null then
            insert into incident.incidents (id, number, revision, version, last_seq, last_hash, status, live, severity,
                public, declared_at, resolved_at, started_at, ended_at, alert_key, services, tenants, title_lower, summary_lower, state)
            values (id_, (s ->> 'number')::bigint, (s ->> 'revision')::bigint, (s ->> 'version')::bigint, head_seq, head,
                s ->> 'status', (w ->> 'live')::boolean, (w ->> 'severity')::smallint, (w ->> 'public')::boolean,
                (s ->> 'declared_at')::timestamptz, coalesce(s ->> 'resolved_at', s ->> 'cancelled_at')::timestamptz,
                (s ->> 'started_at')::timestamptz,
                coalesce(s ->> 'impact_ended_at', s ->> 'resolved_at')::timestamptz, s ->> 'alert_key',
                incident.texts(w -> 'services'), incident.texts(w -> 'tenants'),
                w ->> 'title_lower', w ->> 'summary_lower', s)
            on conflict (id) do nothing;
            if not found then
                perform incident.refused('INC01', 'the incident changed meanwhile');
            end if;
        else
            update incident.incidents
            set revision = (s ->> 'revision')::bigint, version = (s ->> 'version')::bigint, last_seq = head_seq,
                last_hash = head, status = s ->> 'status', live = (w ->> 'live')::boolean,
                severity = (w ->> 'severity')::smallint, public = (w ->> 'public')::boolean,
                -- The end of being shown: a cancelled one is over as well.
                resolved_at = coalesce(s ->> 'resolved_at', s ->> 'cancelled_at')::timestamptz,
                started_at = (s ->> 'started_at')::timestamptz,
                ended_at = coalesce(s ->> 'impact_ended_at', s ->> 'resolved_at')::timestamptz, alert_key = s ->> 'alert_key',
                services = incident.texts(w -> 'services'), tenants = incident.texts(w -> 'tenants'),
                title_lower = w ->> 'title_lower', summary_lower = w ->> 'summary_lower', state = s
            where id = id_;
        end if;
        if jsonb_array_length(w -> 'alerts') > 0 then
            insert into incident.alert_holders (environment, alert_key, incident_id)
            select s ->> 'environment', key, id_ from unnest(incident.texts(w -> 'alerts')) as key
            on conflict (environment, alert_key) do nothing;
            select h.incident_id into other from incident.alert_holders h
            where h.environment = s ->> 'environment' and h.alert_key = any (incident.texts(w -> 'alerts'))
              and h.incident_id <> id_ limit 1;
            if found then
                perform incident.refused('INC02', 'another live incident has this alert key', other::text);
            end if;
        end if;
        head_seq := head_seq - cardinality(links) + 1;
        kept := 1;
        for e in select value from jsonb_array_elements(w -> 'entries') loop
            head_seq := head_seq + 1;
            insert into incident.timeline (incident_id, seq, canonical, prev_hash, hash)
            values (id_, head_seq, e ->> 'canonical', links[kept], links[kept + 1]);
            insert into incident.timeline_texts (incident_id, seq, texts) values (id_, head_seq, e -> 'texts');
            part := 'timeline'; chain := id_; seq := head_seq; prev_hash := links[kept]; hash := links[kept + 1];
            return next;
            kept := kept + 1;
        end loop;
    end loop;

    -- The outbox: first the message that this commit ends, then the new ones.
    if o is not null then
        case o ->> 'outcome'
        when 'done' then
            delete from incident.outbox
            where id = (o ->> 'id')::uuid and state = 'leased'
              and lease_owner = (o ->> 'owner')::uuid and lease_token = (o ->> 'token')::bigint;
        when 'given_up' then
            update incident.outbox
            set state = 'given_up', log = o ->> 'log', lease_owner = null, lease_until = null
            where id = (o ->> 'id')::uuid and state = 'leased'
              and lease_owner = (o ->> 'owner')::uuid and lease_token = (o ->> 'token')::bigint;
        when 'later', 'handed_back' then
            -- A trigger that was superseded meanwhile ends instead.
            delete from incident.outbox
            where id = (o ->> 'id')::uuid and state = 'leased' and superseded
              and lease_owner = (o ->> 'owner')::uuid and lease_token = (o ->> 'token')::bigint;
            if not found then
                update incident.outbox
                set state = 'pending', due_at = (o ->> 'due_at')::timestamptz + ahead, log = coalesce(o ->> 'log', log),
                    lease_owner = null, lease_until = null
                where id = (o ->> 'id')::uuid and state = 'leased'
                  and lease_owner = (o ->> 'owner')::uuid and lease_token = (o ->> 'token')::bigint;
            end if;
        end case;
        if not found then
            perform incident.refused('INC06', 'the lease is no longer held');
        end if;
    end if;
    for o in select value from jsonb_array_elements(commit_ -> 'outbox') loop
        case o ->> 'op'
        when 'add' then
            insert into incident.outbox (id, incident_id, thread, lane, kind, opens, supersedable, body, log, committed_at, due_at)
            values ((o ->> 'id')::uuid, (o ->> 'incident_id')::uuid, o ->> 'thread', (o ->> 'lane')::smallint, o ->> 'kind',
                (o ->> 'opens')::boolean, (o ->> 'supersedable')::boolean, o ->> 'body', o ->> 'log', (o ->> 'committed_at')::timestamptz,
                (o ->> 'due_at')::timestamptz + ahead)
            on conflict (id) do nothing;
            if not found then
                perform incident.refused('INC08', 'a message id is used twice');
            end if;
        when 'supersede' then
            delete from incident.outbox
            where owner_id = (o ->> 'incident_id')::uuid and thread = o ->> 'thread' and supersedable
              and state = 'pending';
            update incident.outbox set superseded = true
            where owner_id = (o ->> 'incident_id')::uuid and thread = o ->> 'thread' and supersedable
              and state = 'leased';
        when 'hasten' then
            -- Rows that somebody works on are left alone instead of waited for.
            update incident.outbox set due_at = (o ->> 'due_at')::timestamptz + ahead
            where id in (select h.id from incident.outbox h
                where h.id = any (incident.texts(o -> 'ids')::uuid[]) and h.state = 'pending'
                  and h.due_at > (o ->> 'due_at')::timestamptz + ahead
                for update skip locked);
        when 'replay' then
            -- At the end of its thread's queue, as if it had never been tried.
            update incident.outbox
            set state = 'pending', ordinal = default, log = '[]', due_at = (o ->> 'due_at')::timestamptz + ahead,
                superseded = false
            where id = (o ->> 'id')::uuid and state = 'given_up';
            if not found then
                perform incident.refused('INC07', 'the message is not given up', o ->> 'id');
            end if;
        end case;
    end loop;

    -- Audit, each entry under the lock of its chain's head.
    for w in select value from jsonb_array_elements(commit_ -> 'audit') loop
        id_ := (w ->> 'chain')::uuid;
        insert into incident.audit_heads as h (chain, seq, hash)
        values (id_, 1, incident.audit_link(id_, 1, incident.zero_hash(), w ->> 'canonical'))
        on conflict on constraint audit_heads_pkey do update
            set seq = h.seq + 1, hash = incident.audit_link(id_, h.seq + 1, h.hash, w ->> 'canonical')
        returning h.seq, h.hash into head_seq, head;
        before := incident.zero_hash();
        if head_seq > 1 then
            select a.hash into before from incident.audit a where a.chain = id_ and a.seq = head_seq - 1;
        end if;
        insert into incident.audit (chain, seq, canonical, prev_hash, hash)
        values (id_, head_seq, w ->> 'canonical', before, head);
        part := 'audit'; chain := id_; seq := head_seq; prev_hash := before; hash := head;
        return next;
    end loop;

    -- Credits that were decided, each from the state that was seen.
    for w in select value from jsonb_array_elements(commit_ -> 'credits') loop
        update incident.credits c
        set state = w ->> 'to', granted = nullif(w -> 'granted', 'null'), issued = nullif(w -> 'issued', 'null')
        where c.id = (w ->> 'id')::uuid and c.state = w ->> 'from';
        if not found then
            perform incident.refused('INC09', 'the credit is in another state', w ->> 'id');
        end if;
    end loop;

    -- Credits: lower revisions that are not yet issued give way, and every issued one
    -- that was not taken back is accounted for: it stands or is reversed.
    for w in select value from jsonb_array_elements(commit_ -> 'ledger') loop
        perform incident.put_credits((w ->> 'incident_id')::uuid, w ->> 'tenant_id', w ->> 'period',
            (w ->> 'revision')::integer, w -> 'rows', incident.texts(w -> 'keeps')::uuid[]);
    end loop;

    -- A suggestion is opened or used.
    w := commit_ -> 'opens';
    if w is not null then
        insert into incident.suggestions (id, received_at, said)
        values ((w ->> 'id')::uuid, (w ->> 'received_at')::timestamptz, w -> 'said');
        insert into incident.open_suggestions as p (service, tenant, suggestion_id, expires_at)
        values (w ->> 'service', w ->> 'tenant', (w ->> 'id')::uuid, (w ->> 'expires_at')::timestamptz)
        on conflict (service, tenant) do update
            set suggestion_id = excluded.suggestion_id, expires_at = excluded.expires_at
            where p.expires_at <= (w ->> 'received_at')::timestamptz;
        if not found then
            select p.suggestion_id into other from incident.open_suggestions p
            where p.service = w ->> 'service' and p.tenant = w ->> 'tenant';
            perform incident.refused('INC03', 'a suggestion for this pair is open', other::text);
        end if;
    end if;
    if (commit_ ->> 'uses') is not null then
        id_ := (commit_ ->> 'uses')::uuid;
        update incident.suggestions set used = true where id = id_ and not used;
        if not found then
            perform incident.refused('INC04', 'the suggestion was used already');
        end if;
        delete from incident.open_suggestions where suggestion_id = id_;
    end if;

    -- A redaction erases the words of an entry in every place where they can lie.
    if commit_ ? 'redacts' then
        perform incident.redact(commit_ -> 'redacts');
    end if;
end $$;

-- As `incident.keep`, with the links of the timelines.
create or replace procedure incident.keep_alone(document text, out seqs bigint[], out prev_hashes bytea[], out hashes bytea[])
language plpgsql as $$
begin
    rollback;
    select array_agg(k.seq order by k.n), array_agg(k.prev_hash order by k.n), array_agg(k.hash order by k.n)
    into seqs, prev_hashes, hashes
    from incident.keep(document::jsonb) with ordinality as k (part, chain, seq, prev_hash, hash, n)
    where k.part = 'timeline';
end $$;
