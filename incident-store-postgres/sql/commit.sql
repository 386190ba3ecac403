-- A commit, whole or not at all.

create or replace function incident.refused(code text, message text, about text default '')
returns void language plpgsql as $$
begin
    raise exception using errcode = code, message = message, detail = about;
end $$;

create or replace function incident.texts(list jsonb) returns text[] language sql immutable parallel safe as
$$ select case when jsonb_typeof(list) = 'array'
    then array(select value from jsonb_array_elements_text(list) with ordinality as l (value, n) order by n) end $$;

-- Applies a commit, whole or not at all: one call is one statement. Answers the links of the
-- timelines that it sealed. Every refusal has an error code of its own (INC01 to INC09) and
-- leaves nothing behind.
--
-- Locks are taken in the order of these calls (key; a suggestion that is closed; replies that a redaction
-- erases; alert; incidents by id; outbox; heads of chains; the rest), so that two commits cannot wait
-- for each other.
--
-- The settings hold for all that is called here: no plan is a scan of a whole table, which is
-- chosen while the table is empty and stays; and nothing is compiled.
create or replace function incident.apply_commit(document jsonb)
returns table (seq bigint, prev_hash bytea, hash bytea)
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    -- How far this clock is ahead of the sender's: what is due there at a time is due
    -- here later by it. Nothing where leases go by the sender's clock.
    ahead constant interval := coalesce(statement_timestamp() - (document ->> 'sent_at')::timestamptz, interval '0');
    writes constant jsonb := document -> 'writes';
    write jsonb;
begin
    if document ? 'remember' then perform incident.put_idempotency_record(document -> 'remember'); end if;
    -- A reply about a suggestion locks it before the audit chain: who closes it does so too.
    if document ? 'dismisses' or document ? 'uses' then
        perform 1 from incident.suggestions g
        where g.id = coalesce(document #>> '{dismisses,id}', document ->> 'uses')::uuid for no key update;
    end if;
    if document ? 'redacts' or document ? 'remember' and jsonb_array_length(writes) = 0 then
        perform incident.lock_replies(document);
    end if;
    -- Fails at once if the lease is gone. Checked again when it ends.
    if document ? 'completes' then perform incident.check_lease(document -> 'completes'); end if;
    if document ? 'alert' then perform incident.take_alert(document -> 'alert'); end if;
    if jsonb_array_length(writes) > 0 then
        perform incident.release_alerts(writes);
        for write in select value from jsonb_array_elements(writes) loop
            return query select * from incident.put_incident(write);
        end loop;
    end if;
    if document ? 'completes' then perform incident.end_lease(document -> 'completes', ahead); end if;
    if jsonb_array_length(document -> 'outbox') > 0 then
        perform incident.put_messages(document -> 'outbox', ahead);
    end if;
    if jsonb_array_length(document -> 'audit') > 0 then perform incident.seal_audit(document -> 'audit'); end if;
    if jsonb_array_length(document -> 'credits') > 0 then
        perform incident.decide_credits(document -> 'credits');
    end if;
    if jsonb_array_length(document -> 'ledger') > 0 then
        perform incident.put_credits(value) from jsonb_array_elements(document -> 'ledger');
    end if;
    if document ? 'opens' then perform incident.put_suggestion(document -> 'opens'); end if;
    if document ? 'uses' then perform incident.use_suggestion((document ->> 'uses')::uuid); end if;
    if document ? 'dismisses' then perform incident.dismiss_suggestion(document -> 'dismisses'); end if;
    if document ? 'redacts' then perform incident.redact_texts(document -> 'redacts'); end if;
    if document ? 'policy' then perform incident.put_policy(document -> 'policy'); end if;
end $$;

-- Applies a commit and ends the transaction: a pool may hold a connection in one that
-- somebody began and did not see through, and what is written there would be answered as
-- committed and never be. The roll-back is taken only outside of a transaction: inside of one
-- this fails (2D000, invalid transaction termination) before it does anything. Hence the
-- name: `apply_commit` leaves it to its caller whether there will be a commit.
create or replace procedure incident.commit(document text, out seqs bigint[], out prev_hashes bytea[], out hashes bytea[])
language plpgsql as $$
begin
    rollback;
    select array_agg(a.seq order by a.n), array_agg(a.prev_hash order by a.n), array_agg(a.hash order by a.n)
    into seqs, prev_hashes, hashes
    from incident.apply_commit(document::jsonb) with ordinality as a (seq, prev_hash, hash, n);
end $$;

-- Keys ------------------------------------------------------------------------

-- The response under an idempotency key: a second request waits here for the first.
create or replace function incident.put_idempotency_record(record_ jsonb) returns void language plpgsql as $$
begin
    insert into incident.idempotency_keys as k (actor, key, fingerprint, made_at, expires_at, incident_id, reply)
    values (record_ ->> 'actor', record_ ->> 'key', decode(record_ ->> 'fingerprint', 'hex'),
        (record_ ->> 'made_at')::timestamptz, (record_ ->> 'expires_at')::timestamptz,
        (record_ ->> 'incident_id')::uuid, record_ -> 'reply')
    on conflict (actor, key) do update
        set fingerprint = excluded.fingerprint, made_at = excluded.made_at, expires_at = excluded.expires_at,
            incident_id = excluded.incident_id, reply = excluded.reply
        where k.expires_at <= excluded.made_at;
    if not found then
        perform incident.refused('INC05', 'another request with this idempotency key was committed first');
    end if;
end $$;

-- What belongs between the key and the incidents, as a commit takes its locks.
create or replace function incident.lock_replies(document jsonb) returns void language plpgsql as $$
declare
    asked constant jsonb := document -> 'redacts';
    told constant jsonb := document #> '{remember,reply,incident,incident}';
    suggested constant jsonb := document #> '{remember,reply,suggestion,suggestion}';
    -- What was sent is called `said` by servers of older versions.
    request constant jsonb := coalesce(suggested -> 'request', suggested -> 'said');
    stored bigint;
    words jsonb;
begin
    -- Replies that a redaction erases, before the incident they repeat. One that is written
    -- between this and the lock of the incident is committed, and waits for nobody.
    if asked is not null then
        perform 1 from incident.idempotency_keys k
        where k.incident_id in ((asked ->> 'incident_id')::uuid, (asked ->> 'suggestion')::uuid)
        order by k.actor, k.key for update;
    end if;
    -- A reply about an incident that the commit leaves as it is: what was erased in it
    -- since it was read must not be remembered. The lock makes a redaction that comes
    -- later wait until this reply is there to be found.
    if told is not null and jsonb_array_length(document -> 'writes') = 0 then
        select i.revision into stored from incident.incidents i where i.id = (told ->> 'id')::uuid for share;
        if stored is distinct from (told ->> 'revision')::bigint then
            perform incident.refused('INC01', 'the incident was changed concurrently');
        end if;
    end if;
    -- The same for a suggestion that was there before.
    if suggested is not null and not document ? 'opens' then
        select g.said into words from incident.suggestions g where g.id = (suggested ->> 'id')::uuid for share;
        if words ->> 'evidence' is distinct from request ->> 'evidence'
            or words ->> 'signal' is distinct from request ->> 'signal' then
            perform incident.refused('INC01', 'the suggestion changed meanwhile');
        end if;
    end if;
end $$;

-- Alerts ----------------------------------------------------------------------

-- The alert of a new incident: one declaration of it at a time, and every live incident of
-- it was seen.
create or replace function incident.take_alert(alert jsonb) returns void language plpgsql as $$
declare
    key constant text := alert ->> 'key';
    seen constant uuid[] := incident.texts(alert -> 'seen');
    other uuid;
begin
    perform pg_advisory_xact_lock(hashtextextended('incident.alert ' || key, 0));
    select i.id into other from incident.incidents i
    where i.live and i.alert_key = key and i.id <> all (seen)
    union all
    select h.incident_id from incident.alert_holders h
    where h.alert_key = key and h.incident_id <> all (seen)
    limit 1;
    if found then
        perform incident.refused('INC02', 'another active incident holds this alert key', other::text);
    end if;
end $$;

-- Alerts that are given up, before another incident of the commit stands for them.
create or replace function incident.release_alerts(writes jsonb) returns void language plpgsql as $$
declare
    write jsonb;
begin
    for write in select value from jsonb_array_elements(writes) where value -> 'alerts' is not null loop
        delete from incident.alert_holders
        where incident_id = (write -> 'state' ->> 'id')::uuid and alert_key <> all (incident.texts(write -> 'alerts'));
    end loop;
end $$;

-- The incident stands for these alerts of its environment, as no other one does.
create or replace function incident.hold_alerts(incident_ uuid, environment_ text, alerts text[])
returns void language plpgsql as $$
declare
    other uuid;
begin
    insert into incident.alert_holders (environment, alert_key, incident_id)
    select environment_, key, incident_ from unnest(alerts) as key
    on conflict (environment, alert_key) do nothing;
    select h.incident_id into other from incident.alert_holders h
    where h.environment = environment_ and h.alert_key = any (alerts) and h.incident_id <> incident_ limit 1;
    if found then
        perform incident.refused('INC02', 'another active incident holds this alert key', other::text);
    end if;
end $$;

-- Incidents -------------------------------------------------------------------

-- An incident with its entries. Answers their links.
create or replace function incident.put_incident(write jsonb)
returns table (seq bigint, prev_hash bytea, hash bytea) language plpgsql as $$
#variable_conflict use_column
declare
    id_ constant uuid := write -> 'state' ->> 'id';
    expected constant bigint := write ->> 'expected';
    entries constant jsonb := write -> 'entries';
    head_seq bigint := 0;
    head bytea := incident.zero_hash();
    links bytea[];
    entry jsonb;
begin
    if expected is not null then
        select i.last_seq, i.last_hash into head_seq, head from incident.incidents i
        where i.id = id_ and i.revision = expected for update;
        if not found then
            perform incident.refused('INC01', 'the incident was changed concurrently');
        end if;
    end if;
    if head_seq + jsonb_array_length(entries) <> (write -> 'state' ->> 'last_seq')::bigint then
        perform incident.refused('INC08', 'the incident''s entry count differs from the number of its timeline entries');
    end if;
    -- The links first, so that the row is written once with its last hash.
    links := incident.timeline_links(id_, head_seq, head, entries);
    if expected is null then
        perform incident.insert_incident(write, links[cardinality(links)]);
    else
        perform incident.update_incident(write, links[cardinality(links)]);
    end if;
    if jsonb_array_length(write -> 'alerts') > 0 then
        perform incident.hold_alerts(id_, write -> 'state' ->> 'environment', incident.texts(write -> 'alerts'));
    end if;
    for n in 1 .. jsonb_array_length(entries) loop
        entry := entries -> n - 1;
        seq := head_seq + n;
        prev_hash := links[n];
        hash := links[n + 1];
        insert into incident.timeline (incident_id, seq, canonical, prev_hash, hash)
        values (id_, head_seq + n, entry ->> 'canonical', links[n], links[n + 1]);
        insert into incident.timeline_texts (incident_id, seq, texts) values (id_, head_seq + n, entry -> 'texts');
        return next;
    end loop;
end $$;

create or replace function incident.insert_incident(write jsonb, last_hash_ bytea) returns void language plpgsql as $$
declare
    state_ constant jsonb := write -> 'state';
begin
    insert into incident.incidents (id, number, revision, version, last_seq, last_hash, status, live, severity,
        public, declared_at, resolved_at, started_at, ended_at, due_at, alert_key, services, tenants, title_lower,
        summary_lower, state)
    values ((state_ ->> 'id')::uuid, (state_ ->> 'number')::bigint, (state_ ->> 'revision')::bigint,
        (state_ ->> 'version')::bigint, (state_ ->> 'last_seq')::bigint, last_hash_,
        state_ ->> 'status', (write ->> 'live')::boolean, (write ->> 'severity')::smallint, (write ->> 'public')::boolean,
        (state_ ->> 'declared_at')::timestamptz, coalesce(state_ ->> 'resolved_at', state_ ->> 'cancelled_at')::timestamptz,
        (state_ ->> 'started_at')::timestamptz,
        coalesce(state_ ->> 'impact_ended_at', state_ ->> 'resolved_at')::timestamptz,
        (state_ #>> '{clocks,due_at}')::timestamptz, state_ ->> 'alert_key',
        incident.texts(write -> 'services'), incident.texts(write -> 'tenants'),
        write ->> 'title_lower', write ->> 'summary_lower', state_)
    on conflict (id) do nothing;
    if not found then
        perform incident.refused('INC01', 'the incident was changed concurrently');
    end if;
end $$;

create or replace function incident.update_incident(write jsonb, last_hash_ bytea) returns void language plpgsql as $$
declare
    state_ constant jsonb := write -> 'state';
begin
    update incident.incidents
    set revision = (state_ ->> 'revision')::bigint, version = (state_ ->> 'version')::bigint,
        last_seq = (state_ ->> 'last_seq')::bigint, last_hash = last_hash_,
        status = state_ ->> 'status', live = (write ->> 'live')::boolean,
        severity = (write ->> 'severity')::smallint, public = (write ->> 'public')::boolean,
        -- The end of being shown: a cancelled one is over as well.
        resolved_at = coalesce(state_ ->> 'resolved_at', state_ ->> 'cancelled_at')::timestamptz,
        started_at = (state_ ->> 'started_at')::timestamptz,
        ended_at = coalesce(state_ ->> 'impact_ended_at', state_ ->> 'resolved_at')::timestamptz,
        due_at = (state_ #>> '{clocks,due_at}')::timestamptz,
        alert_key = state_ ->> 'alert_key',
        services = incident.texts(write -> 'services'), tenants = incident.texts(write -> 'tenants'),
        title_lower = write ->> 'title_lower', summary_lower = write ->> 'summary_lower', state = state_
    where id = (state_ ->> 'id')::uuid;
end $$;

-- Policies --------------------------------------------------------------------

-- A policy that comes into force, unless it is the one in force. One at a time, so that replicas
-- which start together add one row.
create or replace function incident.put_policy(policy_ jsonb) returns void language plpgsql as $$
declare
    newest bytea;
begin
    perform pg_advisory_xact_lock(hashtextextended('incident.policies', 0));
    select p.hash into newest from incident.policies p order by p.seq desc limit 1;
    if newest is distinct from decode(policy_ ->> 'hash', 'hex') then
        insert into incident.policies (hash, since, body)
        values (decode(policy_ ->> 'hash', 'hex'), (policy_ ->> 'since')::timestamptz, policy_ ->> 'body');
    end if;
end $$;

-- Suggestions -----------------------------------------------------------------

-- Opens a suggestion, where there is none of its pair.
create or replace function incident.put_suggestion(new_ jsonb) returns void language plpgsql as $$
declare
    other uuid;
begin
    insert into incident.suggestions (id, received_at, said)
    values ((new_ ->> 'id')::uuid, (new_ ->> 'received_at')::timestamptz, new_ -> 'said');
    insert into incident.open_suggestions as p (service, tenant, suggestion_id, expires_at)
    values (new_ ->> 'service', new_ ->> 'tenant', (new_ ->> 'id')::uuid, (new_ ->> 'expires_at')::timestamptz)
    on conflict (service, tenant) do update
        set suggestion_id = excluded.suggestion_id, expires_at = excluded.expires_at, dismissed = false
        where p.expires_at <= (new_ ->> 'received_at')::timestamptz;
    if not found then
        select p.suggestion_id into other from incident.open_suggestions p
        where p.service = new_ ->> 'service' and p.tenant = new_ ->> 'tenant';
        perform incident.refused('INC03', 'a suggestion for this service and tenant is open, or was dismissed within the last hour', other::text);
    end if;
end $$;

create or replace function incident.use_suggestion(suggestion_ uuid) returns void language plpgsql as $$
begin
    update incident.suggestions set used = true where id = suggestion_ and not used;
    if not found then
        perform incident.refused('INC04', 'the suggestion is already used or dismissed');
    end if;
    delete from incident.open_suggestions where suggestion_id = suggestion_;
end $$;

-- A dismissed suggestion stands for its pair for a while. Servers of older versions take it for a
-- used one.
create or replace function incident.dismiss_suggestion(dismissal jsonb) returns void language plpgsql as $$
declare
    suggestion_ constant uuid := dismissal ->> 'id';
begin
    update incident.suggestions set used = true, dismissed_at = (dismissal ->> 'at')::timestamptz
    where id = suggestion_ and not used;
    if not found then
        perform incident.refused('INC04', 'the suggestion is already used or dismissed');
    end if;
    update incident.open_suggestions set expires_at = (dismissal ->> 'until')::timestamptz, dismissed = true
    where suggestion_id = suggestion_;
end $$;
