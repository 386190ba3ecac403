--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: incident; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA incident;


--
-- Name: apply_commit(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.apply_commit(document jsonb) RETURNS TABLE(seq bigint, prev_hash bytea, hash bytea)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
    -- How far this clock is ahead of the sender's: what is due there at a time is due
    -- here later by it. Nothing where leases go by the sender's clock.
    ahead constant interval := coalesce(statement_timestamp() - (document ->> 'sent_at')::timestamptz, interval '0');
    writes constant jsonb := document -> 'writes';
    write jsonb;
begin
    if document ? 'remember' then perform incident.put_idempotency_record(document -> 'remember'); end if;
    if document ? 'redacts' or document ? 'remember' and jsonb_array_length(writes) = 0 then
        perform incident.lock_replies(document);
    end if;
    -- A lease that is lost makes all the rest needless. Checked again when it ends.
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
    if document ? 'redacts' then perform incident.redact_texts(document -> 'redacts'); end if;
end $$;


--
-- Name: audit_link(uuid, bigint, bytea, text); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.audit_link(chain uuid, seq bigint, previous bytea, canonical text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select sha256('\x696e636964656e742f61756469742f763100'::bytea
       || case when chain = '00000000-0000-0000-0000-000000000000' then '\x73797374656d'::bytea else uuid_send(chain) end
       || int8send(seq) || previous || convert_to(canonical, 'UTF8')) $$;


--
-- Name: check_lease(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.check_lease(lease jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform 1 from incident.outbox o where o.id = (lease ->> 'id')::uuid and incident.is_held(o, lease);
    if not found then
        perform incident.refused('INC06', 'the lease is no longer held');
    end if;
end $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: outbox; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.outbox (
    id uuid NOT NULL,
    ordinal bigint NOT NULL,
    incident_id uuid,
    owner_id uuid GENERATED ALWAYS AS (COALESCE(incident_id, '00000000-0000-0000-0000-000000000000'::uuid)) STORED NOT NULL,
    ordering_key text DEFAULT ''::text NOT NULL,
    priority smallint NOT NULL,
    kind text NOT NULL,
    opens boolean NOT NULL,
    supersedable boolean DEFAULT false NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    body text NOT NULL,
    log text NOT NULL,
    committed_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    lease_owner uuid,
    lease_token bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    superseded boolean DEFAULT false NOT NULL,
    thread text GENERATED ALWAYS AS (ordering_key) STORED,
    lane smallint GENERATED ALWAYS AS (priority) STORED,
    CONSTRAINT outbox_committed_at_check CHECK (isfinite(committed_at)),
    CONSTRAINT outbox_due_at_check CHECK (isfinite(due_at)),
    CONSTRAINT outbox_lane_check CHECK (((priority >= 1) AND (priority <= 4))),
    CONSTRAINT outbox_lease_token_check CHECK ((lease_token >= 0)),
    CONSTRAINT outbox_lease_until_check CHECK (isfinite(lease_until)),
    CONSTRAINT outbox_state CHECK (
CASE state
    WHEN 'pending'::text THEN ((lease_owner IS NULL) AND (lease_until IS NULL) AND (NOT superseded))
    WHEN 'leased'::text THEN ((lease_owner IS NOT NULL) AND (lease_until IS NOT NULL) AND (lease_token > 0))
    WHEN 'given_up'::text THEN ((lease_owner IS NULL) AND (lease_until IS NULL))
    ELSE false
END)
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='200');


--
-- Name: COLUMN outbox.thread; Type: COMMENT; Schema: incident; Owner: -
--

COMMENT ON COLUMN incident.outbox.thread IS 'ordering_key, for servers of version 5 and before';


--
-- Name: COLUMN outbox.lane; Type: COMMENT; Schema: incident; Owner: -
--

COMMENT ON COLUMN incident.outbox.lane IS 'priority, for servers of version 5 and before';


--
-- Name: claim(timestamp with time zone, bigint, text[], uuid, interval, uuid[]); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.claim(now_ timestamp with time zone, most bigint, kinds text[], owner uuid, lease_for interval, leave uuid[]) RETURNS SETOF incident.outbox
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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


--
-- Name: claim_alone(timestamp with time zone, bigint, text[], uuid, interval, uuid[], boolean); Type: PROCEDURE; Schema: incident; Owner: -
--

CREATE PROCEDURE incident.claim_alone(IN now_ timestamp with time zone, IN most bigint, IN kinds text[], IN owner uuid, IN lease_for interval, IN leave uuid[], IN tidies boolean, OUT claimed text, OUT clock timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: commit(text); Type: PROCEDURE; Schema: incident; Owner: -
--

CREATE PROCEDURE incident.commit(IN document text, OUT seqs bigint[], OUT prev_hashes bytea[], OUT hashes bytea[])
    LANGUAGE plpgsql
    AS $$
begin
    rollback;
    select array_agg(a.seq order by a.n), array_agg(a.prev_hash order by a.n), array_agg(a.hash order by a.n)
    into seqs, prev_hashes, hashes
    from incident.apply_commit(document::jsonb) with ordinality as a (seq, prev_hash, hash, n);
end $$;


--
-- Name: credit_moves(); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.credit_moves() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if old.state in ('issued', 'waived', 'superseded') and new.state <> old.state
        or old.state in ('approved', 'issued') and new.state in ('approved', 'issued') and new.granted is distinct from old.granted
        or old.state = 'issued' and new.issued - 'accepted_at' is distinct from old.issued - 'accepted_at'
    then
        raise exception 'credit % is %: that is not taken back', old.id, old.state using errcode = 'INC10';
    end if;
    return new;
end $$;


--
-- Name: decide_credits(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.decide_credits(decided jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    one jsonb;
begin
    for one in select value from jsonb_array_elements(decided) loop
        update incident.credits c
        set state = one ->> 'to', granted = nullif(one -> 'granted', 'null'), issued = nullif(one -> 'issued', 'null')
        where c.id = (one ->> 'id')::uuid and c.state = one ->> 'from';
        if not found then
            perform incident.refused('INC09', 'the credit is in another state', one ->> 'id');
        end if;
    end loop;
end $$;


--
-- Name: end_lease(jsonb, interval); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.end_lease(lease jsonb, ahead interval) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
    -- A trigger that was superseded meanwhile ends instead of being tried again.
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


--
-- Name: erase_texts(uuid, bigint); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.erase_texts(incident_ uuid, seq_ bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    delete from incident.timeline_texts t where t.incident_id = incident_ and t.seq = seq_;
end $$;


--
-- Name: follows(); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.follows() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    previous bytea := incident.zero_hash();
begin
    if new.seq > 1 then
        if tg_table_name = 'timeline' then
            select hash into previous from incident.timeline
            where incident_id = new.incident_id and seq = new.seq - 1;
        else
            select hash into previous from incident.audit
            where chain = new.chain and seq = new.seq - 1;
        end if;
    end if;
    if previous is distinct from new.prev_hash then
        raise exception 'entry % of chain % of the % does not follow the one before it', new.seq,
            to_jsonb(new) ->> tg_argv[0], tg_table_name using errcode = 'INC11';
    end if;
    return new;
end $$;


--
-- Name: grant_to(name); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.grant_to(app name) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    execute format('grant usage on schema incident to %I', app);
    execute format('grant select on all tables in schema incident to %I', app);
    execute format('grant usage on all sequences in schema incident to %I', app);
    execute format('grant insert on incident.incidents, incident.timeline, incident.timeline_texts, incident.audit,
        incident.audit_heads, incident.outbox, incident.suggestions, incident.open_suggestions, incident.credits,
        incident.idempotency_keys, incident.usage_events, incident.alert_holders to %I', app);
    execute format('grant update on incident.incidents, incident.audit_heads, incident.outbox, incident.suggestions,
        incident.open_suggestions, incident.idempotency_keys to %I', app);
    execute format('grant update (state, granted, issued) on incident.credits to %I', app);
    execute format('grant delete on incident.outbox, incident.open_suggestions, incident.idempotency_keys,
        incident.alert_holders to %I', app);
    -- A role of the first versions could delete texts by itself.
    execute format('revoke delete on incident.timeline_texts from %I', app);
    execute format('grant execute on function incident.erase_texts(uuid, bigint), incident.usage_days(date[]) to %I', app);
end $$;


--
-- Name: guard(regclass, name, text, text); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.guard(table_ regclass, name_ name, before_ text, calls text DEFAULT 'refuse()'::text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    execute format('create or replace trigger %I before %s on %s for each %s execute function incident.%s',
        name_, before_, table_, case before_ when 'truncate' then 'statement' else 'row' end, calls);
    execute format('alter table %s enable always trigger %I', table_, name_);
end $$;


--
-- Name: hold_alerts(uuid, text, text[]); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.hold_alerts(incident_ uuid, environment_ text, alerts text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    other uuid;
begin
    insert into incident.alert_holders (environment, alert_key, incident_id)
    select environment_, key, incident_ from unnest(alerts) as key
    on conflict (environment, alert_key) do nothing;
    select h.incident_id into other from incident.alert_holders h
    where h.environment = environment_ and h.alert_key = any (alerts) and h.incident_id <> incident_ limit 1;
    if found then
        perform incident.refused('INC02', 'another live incident has this alert key', other::text);
    end if;
end $$;


--
-- Name: insert_incident(jsonb, bytea); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.insert_incident(write jsonb, last_hash_ bytea) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    state_ constant jsonb := write -> 'state';
begin
    insert into incident.incidents (id, number, revision, version, last_seq, last_hash, status, live, severity,
        public, declared_at, resolved_at, started_at, ended_at, alert_key, services, tenants, title_lower, summary_lower, state)
    values ((state_ ->> 'id')::uuid, (state_ ->> 'number')::bigint, (state_ ->> 'revision')::bigint,
        (state_ ->> 'version')::bigint, (state_ ->> 'last_seq')::bigint, last_hash_,
        state_ ->> 'status', (write ->> 'live')::boolean, (write ->> 'severity')::smallint, (write ->> 'public')::boolean,
        (state_ ->> 'declared_at')::timestamptz, coalesce(state_ ->> 'resolved_at', state_ ->> 'cancelled_at')::timestamptz,
        (state_ ->> 'started_at')::timestamptz,
        coalesce(state_ ->> 'impact_ended_at', state_ ->> 'resolved_at')::timestamptz, state_ ->> 'alert_key',
        incident.texts(write -> 'services'), incident.texts(write -> 'tenants'),
        write ->> 'title_lower', write ->> 'summary_lower', state_)
    on conflict (id) do nothing;
    if not found then
        perform incident.refused('INC01', 'the incident changed meanwhile');
    end if;
end $$;


--
-- Name: is_held(incident.outbox, jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.is_held(message incident.outbox, lease jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select message.state = 'leased' and message.lease_owner = (lease ->> 'owner')::uuid
       and message.lease_token = (lease ->> 'token')::bigint $$;


--
-- Name: keep(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.keep(commit_ jsonb) RETURNS TABLE(part text, chain uuid, seq bigint, prev_hash bytea, hash bytea)
    LANGUAGE plpgsql
    AS $$
begin
    return query select 'timeline', null::uuid, a.* from incident.apply_commit(incident.renamed(commit_)) a;
end $$;


--
-- Name: keep_alone(text); Type: PROCEDURE; Schema: incident; Owner: -
--

CREATE PROCEDURE incident.keep_alone(IN document text, OUT seqs bigint[], OUT prev_hashes bytea[], OUT hashes bytea[])
    LANGUAGE plpgsql
    AS $$
begin
    call incident.commit(incident.renamed(document::jsonb)::text, seqs, prev_hashes, hashes);
end $$;


--
-- Name: lock_replies(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.lock_replies(document jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
            perform incident.refused('INC01', 'the incident changed meanwhile');
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


--
-- Name: make_append_only(regclass, name, text); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.make_append_only(table_ regclass, name_ name DEFAULT 'append_only'::name, refused text DEFAULT 'update or delete'::text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform incident.guard(table_, name_, refused);
    perform incident.guard(table_, 'never_emptied', 'truncate');
end $$;


--
-- Name: next_due(); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.next_due(OUT due_at timestamp with time zone, OUT clock timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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


--
-- Name: only_redacted(); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.only_redacted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if not incident.redaction_on_record(old.incident_id, old.seq) then
        raise exception 'the texts of entry % of incident % leave by a redaction that is on record, and by nothing else',
            old.seq, old.incident_id using errcode = 'INC10';
    end if;
    return old;
end $$;


--
-- Name: put_credits(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.put_credits(write jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    incident_ constant uuid := write ->> 'incident_id';
    tenant_ constant text := write ->> 'tenant_id';
    period_ constant text := write ->> 'period';
    revision_ constant integer := write ->> 'revision';
    rows_ constant jsonb := write -> 'rows';
    retained constant uuid[] := incident.texts(write -> 'retained');
    newer uuid;
    standing uuid[];
    open uuid[];
    reversed uuid[];
    other uuid;
    inserted integer;
begin
    if (select count(*) > count(distinct (value ->> 'tenant_id', value ->> 'reverses' is not null)) from jsonb_array_elements(rows_)) then
        perform incident.refused('INC08', 'two credits of one key');
    end if;
    if incident_ is null then
        update incident.credits set state = 'superseded'
        where incident_id is null and tenant_id = tenant_ and period = period_ and state in ('estimated', 'approved')
            and id <> all (retained);
    else
        update incident.credits set state = 'superseded'
        where incident_id = incident_ and state in ('estimated', 'approved') and id <> all (retained);
    end if;
    -- Looked at after the update, which has waited for whoever was issuing some of them.
    if incident_ is null then
        select (array_agg(id) filter (where revision >= revision_))[1],
               array_agg(id) filter (where state = 'issued' and reverses is null),
               array_agg(id) filter (where state in ('estimated', 'approved', 'waived'))
        into newer, standing, open from incident.credits
        where incident_id is null and tenant_id = tenant_ and period = period_;
    else
        select (array_agg(id) filter (where revision >= revision_))[1],
               array_agg(id) filter (where state = 'issued' and reverses is null),
               array_agg(id) filter (where state in ('estimated', 'approved', 'waived'))
        into newer, standing, open from incident.credits
        where incident_id = incident_;
    end if;
    if newer is not null then
        perform incident.refused('INC09', 'newer credits were computed meanwhile', newer::text);
    end if;
    select array_agg(one.id) into standing from unnest(standing) as one (id)
    where not exists (select 1 from incident.credits r where r.reverses = one.id and r.state = 'issued');
    select array_agg((value ->> 'reverses')::uuid) into reversed
    from jsonb_array_elements(rows_) where value ->> 'reverses' is not null;
    if (select count(*) > count(distinct one) from unnest(retained || reversed) as one) then
        perform incident.refused('INC08', 'a credit stands and is reversed');
    end if;
    -- One that was issued and of which nothing is said; one that stands and is not there; one
    -- that is reversed and was not issued.
    select one into other from unnest(standing) as one where one <> all (coalesce(retained || reversed, '{}'))
    union all
    select one from unnest(retained) as one where one <> all (coalesce(open || standing, '{}'))
    union all
    select one from unnest(reversed) as one where one <> all (coalesce(standing, '{}'))
    limit 1;
    if found then
        perform incident.refused('INC09', 'a credit was issued or taken back meanwhile', other::text);
    end if;
    insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version, state, author, reverses, inputs)
    select r.id, incident_, r.tenant_id, revision_, r.period, r.outage_us, r.credit_ppm, r.terms_version, r.state, r.author, r.reverses, r.inputs
    from jsonb_to_recordset(rows_) as r (id uuid, tenant_id text, period text, outage_us bigint, credit_ppm integer,
        terms_version text, state text, author text, reverses uuid, inputs jsonb)
    on conflict do nothing;
    get diagnostics inserted = row_count;
    -- No two of them have one key, so somebody else has written this revision meanwhile.
    if inserted <> jsonb_array_length(rows_) then
        select r.id into other from jsonb_to_recordset(rows_) as r (id uuid) limit 1;
        perform incident.refused('INC09', 'newer credits were computed meanwhile', other::text);
    end if;
end $$;


--
-- Name: put_idempotency_record(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.put_idempotency_record(record_ jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
        perform incident.refused('INC05', 'the idempotency key was used meanwhile');
    end if;
end $$;


--
-- Name: put_incident(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.put_incident(write jsonb) RETURNS TABLE(seq bigint, prev_hash bytea, hash bytea)
    LANGUAGE plpgsql
    AS $$
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
            perform incident.refused('INC01', 'the incident changed meanwhile');
        end if;
    end if;
    if head_seq + jsonb_array_length(entries) <> (write -> 'state' ->> 'last_seq')::bigint then
        perform incident.refused('INC08', 'the incident counts other entries than its timeline has');
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


--
-- Name: put_messages(jsonb, interval); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.put_messages(writes jsonb, ahead interval) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
                perform incident.refused('INC07', 'the message is not given up', o ->> 'id');
            end if;
        end case;
    end loop;
end $$;


--
-- Name: put_suggestion(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.put_suggestion(new_ jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    other uuid;
begin
    insert into incident.suggestions (id, received_at, said)
    values ((new_ ->> 'id')::uuid, (new_ ->> 'received_at')::timestamptz, new_ -> 'said');
    insert into incident.open_suggestions as p (service, tenant, suggestion_id, expires_at)
    values (new_ ->> 'service', new_ ->> 'tenant', (new_ ->> 'id')::uuid, (new_ ->> 'expires_at')::timestamptz)
    on conflict (service, tenant) do update
        set suggestion_id = excluded.suggestion_id, expires_at = excluded.expires_at
        where p.expires_at <= (new_ ->> 'received_at')::timestamptz;
    if not found then
        select p.suggestion_id into other from incident.open_suggestions p
        where p.service = new_ ->> 'service' and p.tenant = new_ ->> 'tenant';
        perform incident.refused('INC03', 'a suggestion for this pair is open', other::text);
    end if;
end $$;


--
-- Name: redact_texts(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.redact_texts(asked jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    id_ constant uuid := (asked ->> 'incident_id')::uuid;
    seq_ constant bigint := (asked ->> 'seq')::bigint;
    suggestion_ constant uuid := (asked ->> 'suggestion')::uuid;
    place text;
    now_ jsonb;
begin
    perform 1 from incident.timeline t where t.incident_id = id_ and t.seq = seq_;
    if not found then
        perform incident.refused('INC08', 'the entry to redact does not exist');
    end if;
    if not incident.redaction_on_record(id_, seq_) then
        perform incident.refused('INC08', 'a redaction without the audit entry that records it');
    end if;
    -- As it is after the writes of this commit.
    select i.state into now_ from incident.incidents i where i.id = id_;
    -- A version that names no places knows these.
    for place in select value from jsonb_array_elements_text(coalesce(asked -> 'places',
        '["entry", "incident", "outbox", "given_up", "replies", "suggestion"]')) loop
        case place
        when 'entry' then
            perform incident.erase_texts(id_, seq_);
        when 'incident' then
            -- Its new state is among the writes.
            null;
        -- Rows of the outbox after the heads of chains: who holds one of them and waits for
        -- anything holds the incident, or has got it before this commit.
        when 'outbox' then
            update incident.outbox o set body = incident.reworded(o.body, now_)
            where o.owner_id = id_ and o.kind = 'page' and o.state in ('pending', 'leased');
        when 'given_up' then
            update incident.outbox o set body = incident.reworded(o.body, now_)
            where o.owner_id = id_ and o.kind = 'page' and o.state = 'given_up';
        when 'replies' then
            update incident.idempotency_keys k set reply = jsonb_set(k.reply, '{incident,incident}', now_)
            where k.incident_id = id_ and k.reply ? 'incident';
            -- What was sent is called `said` in replies of older versions.
            update incident.idempotency_keys k
            set reply = jsonb_set(k.reply, at.path, k.reply #> at.path || '{"evidence": null, "signal": "redacted"}')
            from (values ('{suggestion,suggestion,request}'::text[]), ('{suggestion,suggestion,said}')) as at (path)
            where k.incident_id = suggestion_ and k.reply #> at.path is not null;
        when 'suggestion' then
            update incident.suggestions g set said = g.said || '{"evidence": null, "signal": "redacted"}'
            where g.id = suggestion_;
        else
            perform incident.refused('INC08', 'a place of texts that this database does not know; migrate', place);
        end case;
    end loop;
end $$;


--
-- Name: redaction_on_record(uuid, bigint); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.redaction_on_record(incident_ uuid, seq_ bigint) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform 1 from incident.audit a
    where a.chain = incident_ and a.canonical::jsonb ->> 'action' = 'redact'
      and a.canonical::jsonb ->> 'outcome' = 'allowed'
      and a.canonical::jsonb -> 'detail' ->> 'seq' = seq_::text
    -- Most often it is the newest entry, of this very statement.
    order by a.seq desc limit 1;
    return found;
end $$;


--
-- Name: refuse(); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% of %.% is refused: it is append-only', tg_op, tg_table_schema, tg_table_name
        using errcode = 'INC10';
end $$;


--
-- Name: refused(text, text, text); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.refused(code text, message text, about text DEFAULT ''::text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    raise exception using errcode = code, message = message, detail = about;
end $$;


--
-- Name: release_alerts(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.release_alerts(writes jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    write jsonb;
begin
    for write in select value from jsonb_array_elements(writes) where value -> 'alerts' is not null loop
        delete from incident.alert_holders
        where incident_id = (write -> 'state' ->> 'id')::uuid and alert_key <> all (incident.texts(write -> 'alerts'));
    end loop;
end $$;


--
-- Name: renamed(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.renamed(document jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
    if document ? 'settles' then
        document := document || jsonb_build_object('completes', document -> 'settles');
    end if;
    return document || jsonb_build_object(
        'outbox', (select coalesce(jsonb_agg(value || jsonb_build_object(
                'ordering_key', value -> 'thread', 'priority', value -> 'lane') order by n), '[]')
            from jsonb_array_elements(document -> 'outbox') with ordinality as o (value, n)),
        'ledger', (select coalesce(jsonb_agg(value || jsonb_build_object('retained', value -> 'keeps') order by n), '[]')
            from jsonb_array_elements(document -> 'ledger') with ordinality as l (value, n)));
end $$;


--
-- Name: reworded(text, jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.reworded(body text, state jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
    return jsonb_set(jsonb_set(body::jsonb, '{page,title}', state -> 'title'),
        '{page,summary}', state -> 'summary')::text;
exception when invalid_text_representation or untranslatable_character or invalid_parameter_value then
    return 'null';
end $$;


--
-- Name: seal_audit(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.seal_audit(entries jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    entry jsonb;
    chain_ uuid;
    seq_ bigint;
    sealed bytea;
    previous bytea;
begin
    for entry in select value from jsonb_array_elements(entries) loop
        chain_ := (entry ->> 'chain')::uuid;
        insert into incident.audit_heads as h (chain, seq, hash)
        values (chain_, 1, incident.audit_link(chain_, 1, incident.zero_hash(), entry ->> 'canonical'))
        on conflict (chain) do update
            set seq = h.seq + 1, hash = incident.audit_link(chain_, h.seq + 1, h.hash, entry ->> 'canonical')
        returning h.seq, h.hash into seq_, sealed;
        previous := incident.zero_hash();
        if seq_ > 1 then
            select a.hash into previous from incident.audit a where a.chain = chain_ and a.seq = seq_ - 1;
        end if;
        insert into incident.audit (chain, seq, canonical, prev_hash, hash)
        values (chain_, seq_, entry ->> 'canonical', previous, sealed);
    end loop;
end $$;


--
-- Name: take_alert(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.take_alert(alert jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
        perform incident.refused('INC02', 'another live incident has this alert key', other::text);
    end if;
end $$;


--
-- Name: texts(jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.texts(list jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select case when jsonb_typeof(list) = 'array'
    then array(select value from jsonb_array_elements_text(list) with ordinality as l (value, n) order by n) end $$;


--
-- Name: tidy(timestamp with time zone, interval); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.tidy(now_ timestamp with time zone, longest_lease interval) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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


--
-- Name: timeline_link(uuid, bigint, bytea, text); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.timeline_link(incident_id uuid, seq bigint, previous bytea, canonical text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select sha256('\x696e636964656e742f74696d656c696e652f763100'::bytea || uuid_send(incident_id)
       || int8send(seq) || previous || convert_to(canonical, 'UTF8')) $$;


--
-- Name: timeline_links(uuid, bigint, bytea, jsonb); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.timeline_links(incident_ uuid, head_seq bigint, head bytea, entries jsonb) RETURNS bytea[]
    LANGUAGE plpgsql IMMUTABLE
    AS $$
declare
    links bytea[] := array[head];
    entry jsonb;
begin
    for entry in select value from jsonb_array_elements(entries) loop
        head_seq := head_seq + 1;
        head := incident.timeline_link(incident_, head_seq, head, entry ->> 'canonical');
        links := links || head;
    end loop;
    return links;
end $$;


--
-- Name: update_incident(jsonb, bytea); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.update_incident(write jsonb, last_hash_ bytea) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
        alert_key = state_ ->> 'alert_key',
        services = incident.texts(write -> 'services'), tenants = incident.texts(write -> 'tenants'),
        title_lower = write ->> 'title_lower', summary_lower = write ->> 'summary_lower', state = state_
    where id = (state_ ->> 'id')::uuid;
end $$;


--
-- Name: usage_days(date[]); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.usage_days(days date[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: use_suggestion(uuid); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.use_suggestion(suggestion_ uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    update incident.suggestions set used = true where id = suggestion_ and not used;
    if not found then
        perform incident.refused('INC04', 'the suggestion was used already');
    end if;
    delete from incident.open_suggestions where suggestion_id = suggestion_;
end $$;


--
-- Name: zero_hash(); Type: FUNCTION; Schema: incident; Owner: -
--

CREATE FUNCTION incident.zero_hash() RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select decode(repeat('00', 32), 'hex') $$;


--
-- Name: _functions; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident._functions (
    version bigint NOT NULL,
    hash bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT _functions_hash_check CHECK ((octet_length(hash) = 32))
);


--
-- Name: _migrations; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident._migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);


--
-- Name: alert_holders; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.alert_holders (
    environment text NOT NULL,
    alert_key text NOT NULL,
    incident_id uuid NOT NULL
);


--
-- Name: audit; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.audit (
    chain uuid NOT NULL,
    seq bigint NOT NULL,
    canonical text NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    at bigint GENERATED ALWAYS AS ((((canonical)::jsonb ->> 'at'::text))::bigint) STORED NOT NULL,
    actor text GENERATED ALWAYS AS (((canonical)::jsonb ->> 'actor'::text)) STORED NOT NULL,
    CONSTRAINT audit_canonical_check CHECK (((octet_length(canonical) <= 65536) AND (jsonb_typeof((canonical)::jsonb) = 'object'::text))),
    CONSTRAINT audit_hash CHECK ((hash = incident.audit_link(chain, seq, prev_hash, canonical))),
    CONSTRAINT audit_prev_hash_check CHECK ((octet_length(prev_hash) = 32)),
    CONSTRAINT audit_seq_check CHECK ((seq >= 1))
);


--
-- Name: audit_heads; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.audit_heads (
    chain uuid NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_heads_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT audit_heads_seq_check CHECK ((seq >= 1))
)
WITH (fillfactor='70');


--
-- Name: credits; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.credits (
    id uuid NOT NULL,
    written bigint NOT NULL,
    incident_id uuid,
    tenant_id text NOT NULL,
    revision integer NOT NULL,
    period text NOT NULL,
    outage_us bigint NOT NULL,
    credit_ppm integer NOT NULL,
    terms_version text NOT NULL,
    state text NOT NULL,
    author text NOT NULL,
    granted jsonb,
    issued jsonb,
    reverses uuid,
    inputs jsonb NOT NULL,
    CONSTRAINT credits_credit_ppm_check CHECK (((credit_ppm >= 0) AND (credit_ppm <= 1000000))),
    CONSTRAINT credits_inputs_check CHECK ((jsonb_typeof(inputs) = 'array'::text)),
    CONSTRAINT credits_outage_us_check CHECK ((outage_us >= 0)),
    CONSTRAINT credits_period_check CHECK ((period ~ '^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?$'::text)),
    CONSTRAINT credits_revision_check CHECK ((revision >= 1)),
    CONSTRAINT credits_state_check CHECK ((state = ANY (ARRAY['estimated'::text, 'approved'::text, 'waived'::text, 'issued'::text, 'superseded'::text]))),
    CONSTRAINT granted_when_approved CHECK (((state <> ALL (ARRAY['approved'::text, 'issued'::text])) OR (granted IS NOT NULL))),
    CONSTRAINT issued_in_a_batch CHECK (((state = 'issued'::text) = (issued IS NOT NULL)))
);


--
-- Name: credits_written_seq; Type: SEQUENCE; Schema: incident; Owner: -
--

ALTER TABLE incident.credits ALTER COLUMN written ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME incident.credits_written_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: idempotency_keys; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.idempotency_keys (
    actor text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    incident_id uuid,
    reply jsonb NOT NULL,
    CONSTRAINT idempotency_keys_expires_at_check CHECK (isfinite(expires_at)),
    CONSTRAINT idempotency_keys_fingerprint_check CHECK ((octet_length(fingerprint) = 32)),
    CONSTRAINT idempotency_keys_made_at_check CHECK (isfinite(made_at))
);


--
-- Name: COLUMN idempotency_keys.incident_id; Type: COMMENT; Schema: incident; Owner: -
--

COMMENT ON COLUMN incident.idempotency_keys.incident_id IS 'whose words the reply repeats: an incident, or a suggestion';


--
-- Name: incidents; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.incidents (
    id uuid NOT NULL,
    number bigint NOT NULL,
    revision bigint NOT NULL,
    version bigint NOT NULL,
    last_seq bigint NOT NULL,
    last_hash bytea NOT NULL,
    status text NOT NULL,
    live boolean NOT NULL,
    severity smallint NOT NULL,
    public boolean NOT NULL,
    declared_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    alert_key text,
    services text[] NOT NULL,
    tenants text[],
    title_lower text NOT NULL,
    summary_lower text NOT NULL,
    state jsonb NOT NULL,
    CONSTRAINT incidents_declared_at_check CHECK (isfinite(declared_at)),
    CONSTRAINT incidents_ended_at_check CHECK (isfinite(ended_at)),
    CONSTRAINT incidents_last_hash_check CHECK ((octet_length(last_hash) = 32)),
    CONSTRAINT incidents_last_seq_check CHECK ((last_seq >= 0)),
    CONSTRAINT incidents_number_check CHECK ((number > 0)),
    CONSTRAINT incidents_resolved_at_check CHECK (isfinite(resolved_at)),
    CONSTRAINT incidents_revision_check CHECK ((revision >= 0)),
    CONSTRAINT incidents_severity_check CHECK (((severity >= 1) AND (severity <= 4))),
    CONSTRAINT incidents_started_at_check CHECK (isfinite(started_at)),
    CONSTRAINT incidents_state_check CHECK ((jsonb_typeof(state) = 'object'::text)),
    CONSTRAINT incidents_version_check CHECK ((version >= 0))
)
WITH (fillfactor='80');


--
-- Name: numbers; Type: SEQUENCE; Schema: incident; Owner: -
--

CREATE SEQUENCE incident.numbers
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: open_suggestions; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.open_suggestions (
    service text NOT NULL,
    tenant text NOT NULL,
    suggestion_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT open_suggestions_expires_at_check CHECK (isfinite(expires_at))
);


--
-- Name: outbox_ordinal_seq; Type: SEQUENCE; Schema: incident; Owner: -
--

ALTER TABLE incident.outbox ALTER COLUMN ordinal ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME incident.outbox_ordinal_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: suggestions; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.suggestions (
    id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL,
    used boolean DEFAULT false NOT NULL,
    said jsonb NOT NULL,
    CONSTRAINT suggestions_received_at_check CHECK (isfinite(received_at))
);


--
-- Name: timeline; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.timeline (
    incident_id uuid NOT NULL,
    seq bigint NOT NULL,
    canonical text NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT timeline_canonical_check CHECK (((octet_length(canonical) <= 65536) AND (jsonb_typeof((canonical)::jsonb) = 'object'::text))),
    CONSTRAINT timeline_hash CHECK ((hash = incident.timeline_link(incident_id, seq, prev_hash, canonical))),
    CONSTRAINT timeline_prev_hash_check CHECK ((octet_length(prev_hash) = 32)),
    CONSTRAINT timeline_seq_check CHECK ((seq >= 1))
);


--
-- Name: timeline_texts; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.timeline_texts (
    incident_id uuid NOT NULL,
    seq bigint NOT NULL,
    texts jsonb NOT NULL,
    CONSTRAINT timeline_texts_texts_check CHECK ((jsonb_typeof(texts) = 'array'::text))
);


--
-- Name: timeline_shown; Type: VIEW; Schema: incident; Owner: -
--

CREATE VIEW incident.timeline_shown AS
 SELECT t.incident_id,
    t.seq,
    (c.said ->> 'kind'::text) AS kind,
    (c.said ->> 'author'::text) AS author,
    to_timestamp((((((c.said ->> 'occurred_at'::text))::bigint)::numeric / '1000000'::numeric))::double precision) AS occurred_at,
    to_timestamp((((((c.said ->> 'recorded_at'::text))::bigint)::numeric / '1000000'::numeric))::double precision) AS recorded_at,
    (c.said ->> 'status_from'::text) AS status_from,
    (c.said ->> 'status_to'::text) AS status_to,
    x.texts
   FROM ((incident.timeline t
     CROSS JOIN LATERAL ( SELECT (t.canonical)::jsonb AS said) c)
     LEFT JOIN incident.timeline_texts x USING (incident_id, seq));


--
-- Name: usage_events; Type: TABLE; Schema: incident; Owner: -
--

CREATE TABLE incident.usage_events (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    service text NOT NULL COLLATE pg_catalog."C",
    occurred_at timestamp with time zone NOT NULL,
    failed boolean NOT NULL,
    endpoint text,
    taken_by bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    CONSTRAINT usage_events_occurred_at_check CHECK (isfinite(occurred_at))
)
PARTITION BY RANGE (occurred_at);


--
-- Data for Name: _functions; Type: TABLE DATA; Schema: incident; Owner: -
--

INSERT INTO incident._functions VALUES (1, '\x3df5e25390a951d4954485dc058a1be030724474811f06fe9cb721e6ee8b9c66', '2026-11-27 03:55:06.502685+00');


--
-- Data for Name: _migrations; Type: TABLE DATA; Schema: incident; Owner: -
--

INSERT INTO incident._migrations VALUES (1, 'incident', '2026-11-27 03:55:06.502685+00', true, '\x2888e6b4b41584af54b0935f0b651f16453f05ae69e27d7eaec2b3c69ce61b6a28831be00585994a45ad494254395f4f', 89715562);
INSERT INTO incident._migrations VALUES (2, 'alerts_and_leases', '2026-11-27 03:55:06.502685+00', true, '\x3875ef448ef61281f0f45479959a5abe8fb190ececb9a523e2af521f2425fd112b6c05512a340de7216a6648718f1258', 14670766);
INSERT INTO incident._migrations VALUES (3, 'one_round_trip', '2026-11-27 03:55:06.502685+00', true, '\x1d639c046ea4c2d767300fdb9680c5ba45ce9a7bfbf1766c0571a63b1f17b9a65f25a0cf4030d69628eae3f9f2a7a9f7', 10981089);
INSERT INTO incident._migrations VALUES (4, 'redaction', '2026-11-27 03:55:06.502685+00', true, '\x93332df5c4ef6a3c52014d94d5b465474c4cc371b152087ca224d182b61e6705ae62324c4c57143cc7a794a99ff93a2b', 5675217);
INSERT INTO incident._migrations VALUES (5, 'kept_credits', '2026-11-27 03:55:06.502685+00', true, '\xa215a8284f9c72a20bdcdbf6cd4bf468953e960ff51a9bf11a227a7ec5dfa0f5cf7b0df5b7a852f3cbd847ee79689bad', 1316059);
INSERT INTO incident._migrations VALUES (6, 'functions_and_names', '2026-11-27 03:55:06.502685+00', true, '\x6a37c203a88d895c29eab0260ac066969ea40449dc3d67a892c33630b4fd07432c25d27462242a33e890be5be301386b', 18811639);


--
-- Data for Name: alert_holders; Type: TABLE DATA; Schema: incident; Owner: -
--



--
-- Data for Name: audit; Type: TABLE DATA; Schema: incident; Owner: -
--

INSERT INTO incident.audit VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 1, '{"v":1,"incident_id":"01a1faf9-3b00-72b9-84bb-73a0f59942a9","at":1795212000000000,"actor":"anna","actor_kind":"person","action":"declare","outcome":"allowed","detail":{"paged":"true","severity":"SEV2"}}', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x3824cbc4256958385f5626b62df99d2bcf3fd6ca8f023db5768164198e117ee7', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 2, '{"v":1,"incident_id":"01a1faf9-3b00-72b9-84bb-73a0f59942a9","at":1795212060000000,"actor":"pager:pager","actor_kind":"integration","action":"page_trigger","outcome":"allowed","detail":{"answer":"accepted","epoch":"1"}}', '\x3824cbc4256958385f5626b62df99d2bcf3fd6ca8f023db5768164198e117ee7', '\x53afb1cf2310449ea40e20ea1fb5c1e76b3eb4ef2e61115694f9d19eed3dc775', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 3, '{"v":1,"incident_id":"01a1faf9-3b00-72b9-84bb-73a0f59942a9","at":1795212060000000,"actor":"anna","actor_kind":"person","action":"publish","outcome":"allowed","detail":{"public":"true"}}', '\x53afb1cf2310449ea40e20ea1fb5c1e76b3eb4ef2e61115694f9d19eed3dc775', '\x9175b7a09ba10aa67530ef1b0c7299dc0809a2aa9dfcbb8fe851e78176ecef22', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 4, '{"v":1,"incident_id":"01a1faf9-3b00-72b9-84bb-73a0f59942a9","at":1795215720000000,"actor":"anna","actor_kind":"person","action":"update","outcome":"allowed","detail":{"status":"resolved"}}', '\x9175b7a09ba10aa67530ef1b0c7299dc0809a2aa9dfcbb8fe851e78176ecef22', '\x6beb55f3e5542841dd9da903d0cf3bcbb0bab1a5bba091c7df5677eba5a0abfe', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 5, '{"v":1,"incident_id":"01a1faf9-3b00-72b9-84bb-73a0f59942a9","at":1795215780000000,"actor":"pager:pager","actor_kind":"integration","action":"page_resolve","outcome":"allowed","detail":{"answer":"accepted","epoch":"1"}}', '\x6beb55f3e5542841dd9da903d0cf3bcbb0bab1a5bba091c7df5677eba5a0abfe', '\x7c8adcd65ad7029380c40bd941001c33278a3e95ebee3959fa93a222b5da4c1d', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 6, '{"v":1,"incident_id":"01a1faf9-3b00-72b9-84bb-73a0f59942a9","at":1795215780000000,"actor":"anna","actor_kind":"person","action":"redact","outcome":"allowed","detail":{"reason":"a pasted password","seq":"5"}}', '\x7c8adcd65ad7029380c40bd941001c33278a3e95ebee3959fa93a222b5da4c1d', '\x9218b923894f4e0b6097e84031a24b0b28316b475be83c4c1f3b3da7abe9ddac', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 7, '{"v":1,"incident_id":"01a1faf9-3b00-72b9-84bb-73a0f59942a9","at":1795215840000000,"actor":"anna","actor_kind":"person","action":"approve_credit","outcome":"allowed","detail":{"credit":"01a1fb31-fe40-73fd-a32b-5501689a5065","percent":"10","tenant":"de"}}', '\x9218b923894f4e0b6097e84031a24b0b28316b475be83c4c1f3b3da7abe9ddac', '\x60928d8d108a0102aa932e5b108bcab186795f094e048fbb3c2f171654d1ed2c', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1fb33-d300-72c9-b1b1-540022962314', 1, '{"v":1,"incident_id":"01a1fb33-d300-72c9-b1b1-540022962314","at":1795215840000000,"actor":"anna","actor_kind":"person","action":"declare","outcome":"allowed","detail":{"paged":"true","severity":"SEV1"}}', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x07abc15d15ff7b18bfc1bfde3e6a5f06fbd6a7ece70342584722a944174d1939', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1fb33-d300-72c9-b1b1-540022962314', 2, '{"v":1,"incident_id":"01a1fb33-d300-72c9-b1b1-540022962314","at":1795215900000000,"actor":"pager:pager","actor_kind":"integration","action":"page_trigger","outcome":"allowed","detail":{"answer":"not_sent","epoch":"1"}}', '\x07abc15d15ff7b18bfc1bfde3e6a5f06fbd6a7ece70342584722a944174d1939', '\x2d4a9a867f13b16d580c48b5858f01d5fe5267b4915c7a34175817f8675b3523', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1fb34-bd60-7473-91c3-f597da25340a', 1, '{"v":1,"incident_id":"01a1fb34-bd60-7473-91c3-f597da25340a","at":1795215900000000,"actor":"anna","actor_kind":"person","action":"declare","outcome":"allowed","detail":{"paged":"false","severity":"SEV4"}}', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x60409ed6beb54232332ada113c9156169802a085d5940a9f230ceec18d3ea5d6', DEFAULT, DEFAULT);
INSERT INTO incident.audit VALUES ('01a1fb35-a7c0-73fa-81ed-ab515d17090d', 1, '{"v":1,"incident_id":"01a1fb35-a7c0-73fa-81ed-ab515d17090d","at":1795215960000000,"actor":"anna","actor_kind":"person","action":"declare","outcome":"allowed","detail":{"paged":"true","severity":"SEV1"}}', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x96e7c276dffd56513b9bbe85660fbbf07aa9ed3bad7c2353526e99c4d5e0a0b5', DEFAULT, DEFAULT);


--
-- Data for Name: audit_heads; Type: TABLE DATA; Schema: incident; Owner: -
--

INSERT INTO incident.audit_heads VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 7, '\x60928d8d108a0102aa932e5b108bcab186795f094e048fbb3c2f171654d1ed2c');
INSERT INTO incident.audit_heads VALUES ('01a1fb33-d300-72c9-b1b1-540022962314', 2, '\x2d4a9a867f13b16d580c48b5858f01d5fe5267b4915c7a34175817f8675b3523');
INSERT INTO incident.audit_heads VALUES ('01a1fb34-bd60-7473-91c3-f597da25340a', 1, '\x60409ed6beb54232332ada113c9156169802a085d5940a9f230ceec18d3ea5d6');
INSERT INTO incident.audit_heads VALUES ('01a1fb35-a7c0-73fa-81ed-ab515d17090d', 1, '\x96e7c276dffd56513b9bbe85660fbbf07aa9ed3bad7c2353526e99c4d5e0a0b5');


--
-- Data for Name: credits; Type: TABLE DATA; Schema: incident; Owner: -
--

INSERT INTO incident.credits OVERRIDING SYSTEM VALUE VALUES ('01a1fb31-fe40-765b-9d47-a60bbf451f5a', 2, '01a1faf9-3b00-72b9-84bb-73a0f59942a9', 'fr', 1, '2026-11', 3720000000, 100000, 'default-1', 'estimated', 'anna', NULL, NULL, NULL, '[{"windows": [{"end": "2026-11-20T23:02:00Z", "start": "2026-11-20T22:00:00Z"}], "incident_id": "01a1faf9-3b00-72b9-84bb-73a0f59942a9", "weight_percent": "100"}]');
INSERT INTO incident.credits OVERRIDING SYSTEM VALUE VALUES ('01a1fb31-fe40-73fd-a32b-5501689a5065', 1, '01a1faf9-3b00-72b9-84bb-73a0f59942a9', 'de', 1, '2026-11', 3720000000, 100000, 'default-1', 'approved', 'anna', '{"at": "2026-11-20T23:04:00Z", "by": "anna", "amount": null, "percent": "10"}', NULL, NULL, '[{"windows": [{"end": "2026-11-20T23:02:00Z", "start": "2026-11-20T22:00:00Z"}], "incident_id": "01a1faf9-3b00-72b9-84bb-73a0f59942a9", "weight_percent": "100"}]');


--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: incident; Owner: -
--



--
-- Data for Name: incidents; Type: TABLE DATA; Schema: incident; Owner: -
--

INSERT INTO incident.incidents VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 1, 6, 4, 5, '\xaf5e4cc6b8556b7f2c8060f1ff28a0924be9037b04c61a5cd1a69dad1f6bb547', 'resolved', false, 2, true, '2026-11-20 22:00:00+00', '2026-11-20 23:02:00+00', '2026-11-20 22:00:00+00', '2026-11-20 23:02:00+00', NULL, '{api}', '{de,fr}', 'api down', '', '{"id": "01a1faf9-3b00-72b9-84bb-73a0f59942a9", "eta": null, "face": {"id": "03546930-7b8b-4324-955d-06fb2f6b0353", "title": "API", "public": true, "updates": [{"at": "2026-11-20T22:01:00Z", "seq": 3, "body": "We are on it.", "status": "triage", "body_seq": 3, "transition": false}, {"at": "2026-11-20T23:02:00Z", "seq": 4, "body": null, "status": "resolved", "body_seq": 4, "transition": true}], "title_seq": 3, "changed_at": "2026-11-20T23:03:00Z"}, "mode": "live", "facts": {"cause": null, "scope": null, "impact": null, "labels": {}, "symptom": null, "urgency": null, "data_loss": null, "next_steps": null, "resolution": null, "impact_text": null, "failure_class": null, "revenue_per_hour": null, "users_hit_percent": null}, "roles": [{"role": "incident_commander", "person": "anna", "assumed_at": "2026-11-20T22:00:00Z", "renounced_at": null}], "title": "API down", "ending": null, "number": 1, "paging": {"epoch": 1, "error": null, "state": "accepted", "target": "pager", "receipt": {"reduced": false, "request_id": null}, "touched": ["pager"], "attempts": 1, "begun_at": "2026-11-20T22:00:00Z", "overdue_at": null, "accepted_at": "2026-11-20T22:01:00Z", "acknowledged": false, "confirmed_at": null, "waits_behind": null, "unconfirmed_at": null, "closed_there_at": null, "next_attempt_at": null, "possible_double_wakes": 0}, "source": "team", "status": "resolved", "earlier": [], "related": [], "repeats": {"count": 0, "noted_at": null}, "summary": "", "version": 4, "last_seq": 5, "revision": 6, "severity": "SEV2", "alert_key": null, "closed_at": null, "responder": "anna", "shaped_by": ["anna"], "started_at": "2026-11-20T22:00:00Z", "alert_moved": false, "declared_at": "2026-11-20T22:00:00Z", "detected_at": null, "environment": "production", "escalations": [], "post_mortem": null, "redacted_at": "2026-11-20T23:03:00Z", "reopened_at": null, "resolved_at": "2026-11-20T23:02:00Z", "tracker_url": null, "mitigated_at": null, "merged_alerts": [], "recurrence_of": null, "suggestion_id": null, "acknowledged_at": null, "acknowledged_by": null, "credit_revision": 1, "impact_ended_at": null, "affected_tenants": [{"from": null, "until": null, "tenant_id": "de"}, {"from": null, "until": null, "tenant_id": "fr"}], "last_recorded_at": "2026-11-20T23:03:00Z", "affected_services": ["api"], "next_update_due_at": null, "started_at_assumed": true}');
INSERT INTO incident.incidents VALUES ('01a1fb33-d300-72c9-b1b1-540022962314', 2, 2, 1, 2, '\x65a633146c2633ff51932dbeee140211e5c2ebfa2e69ee5d267b671cd5ec2d6d', 'triage', true, 1, false, '2026-11-20 23:04:00+00', NULL, '2026-11-20 23:04:00+00', NULL, NULL, '{api}', '{}', 'dead letter', '', '{"id": "01a1fb33-d300-72c9-b1b1-540022962314", "eta": null, "face": {"id": "1b7d50f3-57f2-46a8-8bf5-7eacd14c6ca4", "title": null, "public": false, "updates": [], "changed_at": "2026-11-20T23:04:00Z"}, "mode": "live", "facts": {"cause": null, "scope": null, "impact": null, "labels": {}, "symptom": null, "urgency": null, "data_loss": null, "next_steps": null, "resolution": null, "impact_text": null, "failure_class": null, "revenue_per_hour": null, "users_hit_percent": null}, "roles": [{"role": "incident_commander", "person": "anna", "assumed_at": "2026-11-20T23:04:00Z", "renounced_at": null}], "title": "dead letter", "ending": null, "number": 2, "paging": {"epoch": 1, "error": "pager: refused the page", "state": "given_up", "target": "pager", "receipt": null, "touched": [], "attempts": 1, "begun_at": "2026-11-20T23:04:00Z", "overdue_at": null, "accepted_at": null, "acknowledged": false, "confirmed_at": null, "waits_behind": null, "unconfirmed_at": null, "closed_there_at": null, "next_attempt_at": null, "possible_double_wakes": 0}, "source": "team", "status": "triage", "earlier": [], "related": [], "repeats": {"count": 0, "noted_at": null}, "summary": "", "version": 1, "last_seq": 2, "revision": 2, "severity": "SEV1", "alert_key": null, "closed_at": null, "responder": "anna", "shaped_by": ["anna"], "started_at": "2026-11-20T23:04:00Z", "alert_moved": false, "declared_at": "2026-11-20T23:04:00Z", "detected_at": null, "environment": "production", "escalations": [], "post_mortem": null, "reopened_at": null, "resolved_at": null, "tracker_url": null, "mitigated_at": null, "merged_alerts": [], "recurrence_of": null, "suggestion_id": null, "acknowledged_at": null, "acknowledged_by": null, "credit_revision": 0, "impact_ended_at": null, "affected_tenants": [], "last_recorded_at": "2026-11-20T23:05:00Z", "affected_services": ["api"], "next_update_due_at": "2026-11-20T23:19:00Z", "started_at_assumed": true}');
INSERT INTO incident.incidents VALUES ('01a1fb34-bd60-7473-91c3-f597da25340a', 3, 1, 1, 1, '\x4da3fe90c181a2762be9b17daa9cdc24e2afa53760bb0664a8df60a286c64d3d', 'triage', true, 4, false, '2026-11-20 23:05:00+00', NULL, '2026-11-20 23:05:00+00', NULL, 'cpu', '{}', '{}', 'drill', '', '{"id": "01a1fb34-bd60-7473-91c3-f597da25340a", "eta": null, "face": {"id": "7ba1d261-1dca-49ca-ace3-f9844eabb427", "title": null, "public": false, "updates": [], "changed_at": "2026-11-20T23:05:00Z"}, "mode": "drill", "facts": {"cause": null, "scope": null, "impact": null, "labels": {}, "symptom": null, "urgency": null, "data_loss": null, "next_steps": null, "resolution": null, "impact_text": null, "failure_class": null, "revenue_per_hour": null, "users_hit_percent": null}, "roles": [{"role": "incident_commander", "person": "anna", "assumed_at": "2026-11-20T23:05:00Z", "renounced_at": null}], "title": "drill", "ending": null, "number": 3, "paging": {"epoch": 0, "error": null, "state": "none", "target": null, "receipt": null, "touched": [], "attempts": 0, "begun_at": null, "overdue_at": null, "accepted_at": null, "acknowledged": false, "confirmed_at": null, "waits_behind": null, "unconfirmed_at": null, "closed_there_at": null, "next_attempt_at": null, "possible_double_wakes": 0}, "source": "team", "status": "triage", "earlier": [], "related": [], "repeats": {"count": 0, "noted_at": null}, "summary": "", "version": 1, "last_seq": 1, "revision": 1, "severity": "SEV4", "alert_key": "cpu", "closed_at": null, "responder": "anna", "shaped_by": ["anna"], "started_at": "2026-11-20T23:05:00Z", "alert_moved": false, "declared_at": "2026-11-20T23:05:00Z", "detected_at": null, "environment": "production", "escalations": [], "post_mortem": null, "reopened_at": null, "resolved_at": null, "tracker_url": null, "mitigated_at": null, "merged_alerts": [], "recurrence_of": null, "suggestion_id": null, "acknowledged_at": null, "acknowledged_by": null, "credit_revision": 0, "impact_ended_at": null, "affected_tenants": [], "last_recorded_at": "2026-11-20T23:05:00Z", "affected_services": [], "next_update_due_at": null, "started_at_assumed": true}');
INSERT INTO incident.incidents VALUES ('01a1fb35-a7c0-73fa-81ed-ab515d17090d', 4, 1, 1, 1, '\xae016ed31f05223092af62f41c8f79feed2576d423853cd54cc33d1a3a30ff6d', 'triage', true, 1, false, '2026-11-20 23:06:00+00', NULL, '2026-11-20 23:06:00+00', NULL, NULL, '{api}', '{it}', 'pending', '', '{"id": "01a1fb35-a7c0-73fa-81ed-ab515d17090d", "eta": null, "face": {"id": "99ccc4a0-5beb-41e5-b4e1-f39f723bf850", "title": null, "public": false, "updates": [], "changed_at": "2026-11-20T23:06:00Z"}, "mode": "live", "facts": {"cause": null, "scope": null, "impact": null, "labels": {}, "symptom": null, "urgency": null, "data_loss": null, "next_steps": null, "resolution": null, "impact_text": null, "failure_class": null, "revenue_per_hour": null, "users_hit_percent": null}, "roles": [{"role": "incident_commander", "person": "anna", "assumed_at": "2026-11-20T23:06:00Z", "renounced_at": null}], "title": "pending", "ending": null, "number": 4, "paging": {"epoch": 1, "error": null, "state": "pending", "target": null, "receipt": null, "touched": [], "attempts": 0, "begun_at": "2026-11-20T23:06:00Z", "overdue_at": null, "accepted_at": null, "acknowledged": false, "confirmed_at": null, "waits_behind": null, "unconfirmed_at": null, "closed_there_at": null, "next_attempt_at": null, "possible_double_wakes": 0}, "source": "team", "status": "triage", "earlier": [], "related": [], "repeats": {"count": 0, "noted_at": null}, "summary": "", "version": 1, "last_seq": 1, "revision": 1, "severity": "SEV1", "alert_key": null, "closed_at": null, "responder": "anna", "shaped_by": ["anna"], "started_at": "2026-11-20T23:06:00Z", "alert_moved": false, "declared_at": "2026-11-20T23:06:00Z", "detected_at": null, "environment": "production", "escalations": [], "post_mortem": null, "reopened_at": null, "resolved_at": null, "tracker_url": null, "mitigated_at": null, "merged_alerts": [], "recurrence_of": null, "suggestion_id": null, "acknowledged_at": null, "acknowledged_by": null, "credit_revision": 0, "impact_ended_at": null, "affected_tenants": [{"from": null, "until": null, "tenant_id": "it"}], "last_recorded_at": "2026-11-20T23:06:00Z", "affected_services": ["api"], "next_update_due_at": "2026-11-20T23:21:00Z", "started_at_assumed": true}');


--
-- Data for Name: open_suggestions; Type: TABLE DATA; Schema: incident; Owner: -
--



--
-- Data for Name: outbox; Type: TABLE DATA; Schema: incident; Owner: -
--

INSERT INTO incident.outbox OVERRIDING SYSTEM VALUE VALUES ('01a1fb33-d300-720b-bb19-96184a0b377e', 3, '01a1fb33-d300-72c9-b1b1-540022962314', DEFAULT, '', 1, 'page', true, true, 'given_up', '{"page":{"action":"trigger","dedup_key":"sys-incident:01a1fb33-d300-72c9-b1b1-540022962314","incident_id":"01a1fb33-d300-72c9-b1b1-540022962314","number":2,"epoch":1,"title":"dead letter","summary":"","severity":"SEV1","urgency":"high","mode":"live","environment":"production","services":["api"],"tenants":0,"started_at":"2026-11-20T23:04:00Z","occurred_at":"2026-11-20T23:04:00Z"}}', '[{"target":"pager","attempts":1,"first_at":"2026-11-20T23:05:00Z","unknown_since":null,"last":{"not_sent":"rejected"},"not_before":"2026-11-20T23:05:00.754680Z"}]', '2026-11-20 23:04:00+00', '2026-11-20 23:04:00+00', NULL, 1, NULL, false, DEFAULT, DEFAULT);
INSERT INTO incident.outbox OVERRIDING SYSTEM VALUE VALUES ('01a1fb35-a7c0-7548-93a8-1f0a8f4ad561', 4, '01a1fb35-a7c0-73fa-81ed-ab515d17090d', DEFAULT, '', 1, 'page', true, true, 'pending', '{"page":{"action":"trigger","dedup_key":"sys-incident:01a1fb35-a7c0-73fa-81ed-ab515d17090d","incident_id":"01a1fb35-a7c0-73fa-81ed-ab515d17090d","number":4,"epoch":1,"title":"pending","summary":"","severity":"SEV1","urgency":"high","mode":"live","environment":"production","services":["api"],"tenants":1,"started_at":"2026-11-20T23:06:00Z","occurred_at":"2026-11-20T23:06:00Z"}}', '[]', '2026-11-20 23:06:00+00', '2026-11-20 23:06:00+00', NULL, 0, NULL, false, DEFAULT, DEFAULT);


--
-- Data for Name: suggestions; Type: TABLE DATA; Schema: incident; Owner: -
--



--
-- Data for Name: timeline; Type: TABLE DATA; Schema: incident; Owner: -
--

INSERT INTO incident.timeline VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 1, '{"v":2,"kind":"declaration","author":"anna","author_kind":"person","occurred_at":1795212000000000,"recorded_at":1795212000000000,"status_from":null,"status_to":"triage","audience":null,"corrects":null,"texts":{"changes":"15d94c4cb7a6be1daede11efc13ca690d57eda3d892bbe274152bef1dbd78505","message":"11167494aa2159151d42cdbfe94eb5a0e1e4ff7207f2dafc708309063fc4b32d"},"state":"57399d44c0df9efd0a58c46b5e9bb19520f15813603d93d5692c"}', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x7da516e0acb1943c40d01f499c173cc1d31b385b75bb85c3437defdc7e677170');
INSERT INTO incident.timeline VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 2, '{"v":2,"kind":"page_outcome","author":"pager:pager","author_kind":"integration","occurred_at":1795212060000000,"recorded_at":1795212060000000,"status_from":null,"status_to":null,"audience":null,"corrects":null,"texts":{"message":"b4b0045ccd633ef7acf22ddabc002aaadde33ac9649bbac5c9bb2362f1af49c2"},"state":"57399d44c0df9efd0a58c46b5e9bb19520f15813603d93d5692c"}', '\x7da516e0acb1943c40d01f499c173cc1d31b385b75bb85c3437defdc7e677170', '\xb71d08167b43308862faf54a48ba67af4f2bc4dd81586f120aa43ce14065bbab');
INSERT INTO incident.timeline VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 3, '{"v":2,"kind":"visibility","author":"anna","author_kind":"person","occurred_at":1795212060000000,"recorded_at":1795212060000000,"status_from":null,"status_to":null,"audience":null,"corrects":null,"texts":{"message":"992fa4e54fc1d3069ad0f0362ca2f001d10636b59a03f558c7dd950d16875749","public_message":"24782f1b9fc3976d3c0491a9f6dc4a2105cbb46304468fe58625c29850f92ba3"},"state":"57399d44c0df9efd0a58c46b5e9bb19520f15813603d93d5692c"}', '\xb71d08167b43308862faf54a48ba67af4f2bc4dd81586f120aa43ce14065bbab', '\xf5614365f369615dae33d5778e2c14d00a3224bd79dfcb6ee8a69e8ce83a8908');
INSERT INTO incident.timeline VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 4, '{"v":2,"kind":"update","author":"anna","author_kind":"person","occurred_at":1795215720000000,"recorded_at":1795215720000000,"status_from":"triage","status_to":"resolved","audience":null,"corrects":null,"texts":{"message":"64c96fd7a551ba03b54bed33176480761512e8b2422f9bf3feecb64948c05664"},"state":"2ac99010e4ca1f9334bc604c07dacd4c3a325813603d93d588ec"}', '\xf5614365f369615dae33d5778e2c14d00a3224bd79dfcb6ee8a69e8ce83a8908', '\xcb4fa8edde1645b287f1bdf5f2c812c078acda4e61373150927460030c15486b');
INSERT INTO incident.timeline VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 5, '{"v":2,"kind":"page_outcome","author":"pager:pager","author_kind":"integration","occurred_at":1795215780000000,"recorded_at":1795215780000000,"status_from":null,"status_to":null,"audience":null,"corrects":null,"texts":{"message":"277da51bbd4f7416fbd5e9ef4b93cca912567ad83c3e4d910e97f8a3138efc84"},"state":"2ac99010e4ca1f9334bc604c07dacd4c3a325813603d93d588ec"}', '\xcb4fa8edde1645b287f1bdf5f2c812c078acda4e61373150927460030c15486b', '\xaf5e4cc6b8556b7f2c8060f1ff28a0924be9037b04c61a5cd1a69dad1f6bb547');
INSERT INTO incident.timeline VALUES ('01a1fb33-d300-72c9-b1b1-540022962314', 1, '{"v":2,"kind":"declaration","author":"anna","author_kind":"person","occurred_at":1795215840000000,"recorded_at":1795215840000000,"status_from":null,"status_to":"triage","audience":null,"corrects":null,"texts":{"changes":"0b7d29a83ee8d1b72de9b6572d00d482ba602b45481c3ac731c5c16034244605","message":"d2239e186e05bd6cc87e7024eb56f881bfe0bc5b55ffd61dbfb29ad76a430088"},"state":"98bb1401d4d4b7e7298b7086adbdf9f220f1581366fe432519dd"}', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x54bcc3730a826f9c60df1c5efd6390e94ac1602bf7e9ccaa36b6ae81c1888641');
INSERT INTO incident.timeline VALUES ('01a1fb33-d300-72c9-b1b1-540022962314', 2, '{"v":2,"kind":"page_outcome","author":"pager:pager","author_kind":"integration","occurred_at":1795215900000000,"recorded_at":1795215900000000,"status_from":null,"status_to":null,"audience":null,"corrects":null,"texts":{"message":"00ae04f1d4c80133312d0a82622f1247f3df048922e4a3292d518c1f123ff214"},"state":"98bb1401d4d4b7e7298b7086adbdf9f220f1581366fe432519dd"}', '\x54bcc3730a826f9c60df1c5efd6390e94ac1602bf7e9ccaa36b6ae81c1888641', '\x65a633146c2633ff51932dbeee140211e5c2ebfa2e69ee5d267b671cd5ec2d6d');
INSERT INTO incident.timeline VALUES ('01a1fb34-bd60-7473-91c3-f597da25340a', 1, '{"v":2,"kind":"declaration","author":"anna","author_kind":"person","occurred_at":1795215900000000,"recorded_at":1795215900000000,"status_from":null,"status_to":"triage","audience":null,"corrects":null,"texts":{"changes":"84020fe82d8681e924059410385869abd99d3bd60a3f89885bae3c50047f9107","message":"7d8fff8f5625d3f55b6ee34ea83a69e462c7c908a9b88ec8504e226cdd34584c"},"state":"801ffa4af9253e400c61d05c979112822de25813b916432516df"}', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x4da3fe90c181a2762be9b17daa9cdc24e2afa53760bb0664a8df60a286c64d3d');
INSERT INTO incident.timeline VALUES ('01a1fb35-a7c0-73fa-81ed-ab515d17090d', 1, '{"v":2,"kind":"declaration","author":"anna","author_kind":"person","occurred_at":1795215960000000,"recorded_at":1795215960000000,"status_from":null,"status_to":"triage","audience":null,"corrects":null,"texts":{"changes":"a8040e9eb2202ec8b9c1bb188fc30592a0526174f0eb169e5ff7fe889c29b469","message":"571c14dce9ad67c6efa7e3921dfe3a26a2cb101b3efe223095c9f6d783fc6710"},"state":"9a74f5b2904eb2f6c3988d0de42b618f20f1581366fe140d9ff2"}', '\x0000000000000000000000000000000000000000000000000000000000000000', '\xae016ed31f05223092af62f41c8f79feed2576d423853cd54cc33d1a3a30ff6d');


--
-- Data for Name: timeline_texts; Type: TABLE DATA; Schema: incident; Owner: -
--

INSERT INTO incident.timeline_texts VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 1, '[["changes", "9f9ea121adbca0987de6b2574453729e", "[{\"field\":\"severity\",\"to\":\"SEV2\"},{\"field\":\"affected_services\",\"to\":[\"api\"]},{\"field\":\"affected_tenants\",\"to\":[{\"from\":null,\"tenant_id\":\"de\",\"until\":null},{\"from\":null,\"tenant_id\":\"fr\",\"until\":null}]},{\"field\":\"started_at\",\"to\":\"2026-11-20T22:00:00Z\"}]"], ["message", "b42c49dbbf8e30812d33d060cbc7a8b0", "declared SEV2: API down"]]');
INSERT INTO incident.timeline_texts VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 2, '[["message", "9d2433fc834697d9e388930a0623d78c", "page accepted by pager"]]');
INSERT INTO incident.timeline_texts VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 3, '[["message", "6af9f36d839fbe8c7da96a6b196a5f9a", "made public"], ["public_message", "0662e7904d50c8b42a73717d2b85ec3f", "We are on it."]]');
INSERT INTO incident.timeline_texts VALUES ('01a1faf9-3b00-72b9-84bb-73a0f59942a9', 4, '[["message", "d447f6eb15dc0629caa1a2ff09324409", "hunter2 rolled back"]]');
INSERT INTO incident.timeline_texts VALUES ('01a1fb33-d300-72c9-b1b1-540022962314', 1, '[["changes", "72d4e56dbd78964e1e86c1a8cd2eb536", "[{\"field\":\"severity\",\"to\":\"SEV1\"},{\"field\":\"affected_services\",\"to\":[\"api\"]},{\"field\":\"affected_tenants\",\"to\":[]},{\"field\":\"started_at\",\"to\":\"2026-11-20T23:04:00Z\"}]"], ["message", "faff027806342c8f4a722b6413856a10", "declared SEV1: dead letter"]]');
INSERT INTO incident.timeline_texts VALUES ('01a1fb33-d300-72c9-b1b1-540022962314', 2, '[["message", "ac278893ff6ee1099badee2f823ef00a", "page given up: pager: refused the page"]]');
INSERT INTO incident.timeline_texts VALUES ('01a1fb34-bd60-7473-91c3-f597da25340a', 1, '[["changes", "ed979bc66a6f1cf3d5d83ac167166eed", "[{\"field\":\"severity\",\"to\":\"SEV4\"},{\"field\":\"affected_services\",\"to\":[]},{\"field\":\"affected_tenants\",\"to\":[]},{\"field\":\"started_at\",\"to\":\"2026-11-20T23:05:00Z\"}]"], ["message", "3718316e6eac0c341c03a37e932c94b5", "declared SEV4: drill"]]');
INSERT INTO incident.timeline_texts VALUES ('01a1fb35-a7c0-73fa-81ed-ab515d17090d', 1, '[["changes", "879f1e21581a5178d15cac406d954903", "[{\"field\":\"severity\",\"to\":\"SEV1\"},{\"field\":\"affected_services\",\"to\":[\"api\"]},{\"field\":\"affected_tenants\",\"to\":[{\"from\":null,\"tenant_id\":\"it\",\"until\":null}]},{\"field\":\"started_at\",\"to\":\"2026-11-20T23:06:00Z\"}]"], ["message", "05eeaa32c8697fe5895e59e0c7050cc5", "declared SEV1: pending"]]');


--
-- Name: credits_written_seq; Type: SEQUENCE SET; Schema: incident; Owner: -
--

SELECT pg_catalog.setval('incident.credits_written_seq', 2, true);


--
-- Name: numbers; Type: SEQUENCE SET; Schema: incident; Owner: -
--

SELECT pg_catalog.setval('incident.numbers', 4, true);


--
-- Name: outbox_ordinal_seq; Type: SEQUENCE SET; Schema: incident; Owner: -
--

SELECT pg_catalog.setval('incident.outbox_ordinal_seq', 4, true);


--
-- Name: _functions _functions_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident._functions
    ADD CONSTRAINT _functions_pkey PRIMARY KEY (version);


--
-- Name: _migrations _migrations_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident._migrations
    ADD CONSTRAINT _migrations_pkey PRIMARY KEY (version);


--
-- Name: alert_holders alert_holders_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.alert_holders
    ADD CONSTRAINT alert_holders_pkey PRIMARY KEY (alert_key, environment);


--
-- Name: audit_heads audit_heads_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.audit_heads
    ADD CONSTRAINT audit_heads_pkey PRIMARY KEY (chain);


--
-- Name: audit audit_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (chain, seq);


--
-- Name: credits credits_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.credits
    ADD CONSTRAINT credits_pkey PRIMARY KEY (id);


--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (actor, key);


--
-- Name: incidents incidents_number_key; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.incidents
    ADD CONSTRAINT incidents_number_key UNIQUE (number);


--
-- Name: incidents incidents_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.incidents
    ADD CONSTRAINT incidents_pkey PRIMARY KEY (id);


--
-- Name: open_suggestions open_suggestions_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.open_suggestions
    ADD CONSTRAINT open_suggestions_pkey PRIMARY KEY (service, tenant);


--
-- Name: open_suggestions open_suggestions_suggestion_id_key; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.open_suggestions
    ADD CONSTRAINT open_suggestions_suggestion_id_key UNIQUE (suggestion_id);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: suggestions suggestions_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.suggestions
    ADD CONSTRAINT suggestions_pkey PRIMARY KEY (id);


--
-- Name: timeline timeline_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.timeline
    ADD CONSTRAINT timeline_pkey PRIMARY KEY (incident_id, seq);


--
-- Name: timeline_texts timeline_texts_pkey; Type: CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.timeline_texts
    ADD CONSTRAINT timeline_texts_pkey PRIMARY KEY (incident_id, seq);


--
-- Name: alert_holders_incident; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX alert_holders_incident ON incident.alert_holders USING btree (incident_id);


--
-- Name: audit_actor; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX audit_actor ON incident.audit USING btree (actor, at, chain, seq);


--
-- Name: audit_time; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX audit_time ON incident.audit USING btree (at, chain, seq);


--
-- Name: credits_batch; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX credits_batch ON incident.credits USING btree (((issued ->> 'batch'::text))) WHERE (issued IS NOT NULL);


--
-- Name: credits_incident; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX credits_incident ON incident.credits USING btree (incident_id, written);


--
-- Name: credits_period; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX credits_period ON incident.credits USING btree (period, written);


--
-- Name: credits_to_issue; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX credits_to_issue ON incident.credits USING btree (written) WHERE (state = 'approved'::text);


--
-- Name: incidents_age; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX incidents_age ON incident.incidents USING btree (declared_at DESC, id DESC);


--
-- Name: incidents_alert; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX incidents_alert ON incident.incidents USING btree (alert_key) WHERE (live AND (alert_key IS NOT NULL));


--
-- Name: incidents_ended; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX incidents_ended ON incident.incidents USING btree (ended_at);


--
-- Name: incidents_live; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX incidents_live ON incident.incidents USING btree (declared_at DESC, id DESC) WHERE live;


--
-- Name: keys_expiry; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX keys_expiry ON incident.idempotency_keys USING btree (expires_at);


--
-- Name: keys_incident; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX keys_incident ON incident.idempotency_keys USING btree (incident_id) WHERE (incident_id IS NOT NULL);


--
-- Name: one_credit_per_incident; Type: INDEX; Schema: incident; Owner: -
--

CREATE UNIQUE INDEX one_credit_per_incident ON incident.credits USING btree (tenant_id, incident_id, revision, ((reverses IS NOT NULL))) WHERE (incident_id IS NOT NULL);


--
-- Name: one_credit_per_period; Type: INDEX; Schema: incident; Owner: -
--

CREATE UNIQUE INDEX one_credit_per_period ON incident.credits USING btree (tenant_id, period, revision, ((reverses IS NOT NULL))) WHERE (incident_id IS NULL);


--
-- Name: one_reversal_per_credit; Type: INDEX; Schema: incident; Owner: -
--

CREATE UNIQUE INDEX one_reversal_per_credit ON incident.credits USING btree (reverses) WHERE ((reverses IS NOT NULL) AND (state <> ALL (ARRAY['waived'::text, 'superseded'::text])));


--
-- Name: outbox_given_up; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX outbox_given_up ON incident.outbox USING btree (owner_id) WHERE ((state = 'given_up'::text) AND (owner_id IS NOT NULL));


--
-- Name: outbox_leased; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX outbox_leased ON incident.outbox USING btree (lease_until) WHERE ((state = 'leased'::text) AND (lease_until IS NOT NULL));


--
-- Name: outbox_pending; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX outbox_pending ON incident.outbox USING btree (priority, due_at, ordinal) WHERE ((state = 'pending'::text) AND (priority > 0));


--
-- Name: outbox_queue; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX outbox_queue ON incident.outbox USING btree (owner_id, ordering_key, ordinal) WHERE ((state = ANY (ARRAY['pending'::text, 'leased'::text])) AND (owner_id IS NOT NULL));


--
-- Name: suggestions_age; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX suggestions_age ON incident.suggestions USING btree (received_at DESC, id DESC);


--
-- Name: usage_by_taking; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX usage_by_taking ON ONLY incident.usage_events USING brin (taken_by) WITH (pages_per_range='32', autosummarize='on');


--
-- Name: usage_by_tenant; Type: INDEX; Schema: incident; Owner: -
--

CREATE INDEX usage_by_tenant ON ONLY incident.usage_events USING btree (tenant_id, occurred_at) INCLUDE (user_id, service, failed);


--
-- Name: audit append_only; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON incident.audit FOR EACH ROW EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.audit ENABLE ALWAYS TRIGGER append_only;


--
-- Name: timeline append_only; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON incident.timeline FOR EACH ROW EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.timeline ENABLE ALWAYS TRIGGER append_only;


--
-- Name: audit follows; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER follows BEFORE INSERT ON incident.audit FOR EACH ROW EXECUTE FUNCTION incident.follows('chain');

ALTER TABLE incident.audit ENABLE ALWAYS TRIGGER follows;


--
-- Name: timeline follows; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER follows BEFORE INSERT ON incident.timeline FOR EACH ROW EXECUTE FUNCTION incident.follows('incident_id');

ALTER TABLE incident.timeline ENABLE ALWAYS TRIGGER follows;


--
-- Name: timeline_texts never_changed; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_changed BEFORE UPDATE ON incident.timeline_texts FOR EACH ROW EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.timeline_texts ENABLE ALWAYS TRIGGER never_changed;


--
-- Name: alert_holders never_emptied; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incident.alert_holders FOR EACH STATEMENT EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.alert_holders ENABLE ALWAYS TRIGGER never_emptied;


--
-- Name: audit never_emptied; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incident.audit FOR EACH STATEMENT EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.audit ENABLE ALWAYS TRIGGER never_emptied;


--
-- Name: credits never_emptied; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incident.credits FOR EACH STATEMENT EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.credits ENABLE ALWAYS TRIGGER never_emptied;


--
-- Name: incidents never_emptied; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incident.incidents FOR EACH STATEMENT EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.incidents ENABLE ALWAYS TRIGGER never_emptied;


--
-- Name: outbox never_emptied; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incident.outbox FOR EACH STATEMENT EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.outbox ENABLE ALWAYS TRIGGER never_emptied;


--
-- Name: timeline never_emptied; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incident.timeline FOR EACH STATEMENT EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.timeline ENABLE ALWAYS TRIGGER never_emptied;


--
-- Name: timeline_texts never_emptied; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incident.timeline_texts FOR EACH STATEMENT EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.timeline_texts ENABLE ALWAYS TRIGGER never_emptied;


--
-- Name: credits never_lost; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_lost BEFORE DELETE ON incident.credits FOR EACH ROW EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.credits ENABLE ALWAYS TRIGGER never_lost;


--
-- Name: incidents never_lost; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_lost BEFORE DELETE ON incident.incidents FOR EACH ROW EXECUTE FUNCTION incident.refuse();

ALTER TABLE incident.incidents ENABLE ALWAYS TRIGGER never_lost;


--
-- Name: credits never_taken_back; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER never_taken_back BEFORE UPDATE ON incident.credits FOR EACH ROW EXECUTE FUNCTION incident.credit_moves();

ALTER TABLE incident.credits ENABLE ALWAYS TRIGGER never_taken_back;


--
-- Name: timeline_texts only_redacted; Type: TRIGGER; Schema: incident; Owner: -
--

CREATE TRIGGER only_redacted BEFORE DELETE ON incident.timeline_texts FOR EACH ROW EXECUTE FUNCTION incident.only_redacted();

ALTER TABLE incident.timeline_texts ENABLE ALWAYS TRIGGER only_redacted;


--
-- Name: alert_holders alert_holders_incident_id_fkey; Type: FK CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.alert_holders
    ADD CONSTRAINT alert_holders_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incident.incidents(id);


--
-- Name: credits credits_incident_id_fkey; Type: FK CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.credits
    ADD CONSTRAINT credits_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incident.incidents(id);


--
-- Name: credits credits_reverses_fkey; Type: FK CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.credits
    ADD CONSTRAINT credits_reverses_fkey FOREIGN KEY (reverses) REFERENCES incident.credits(id);


--
-- Name: open_suggestions open_suggestions_suggestion_id_fkey; Type: FK CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.open_suggestions
    ADD CONSTRAINT open_suggestions_suggestion_id_fkey FOREIGN KEY (suggestion_id) REFERENCES incident.suggestions(id);


--
-- Name: outbox outbox_incident_id_fkey; Type: FK CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.outbox
    ADD CONSTRAINT outbox_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incident.incidents(id);


--
-- Name: timeline timeline_incident_id_fkey; Type: FK CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.timeline
    ADD CONSTRAINT timeline_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incident.incidents(id);


--
-- Name: timeline_texts timeline_texts_incident_id_seq_fkey; Type: FK CONSTRAINT; Schema: incident; Owner: -
--

ALTER TABLE ONLY incident.timeline_texts
    ADD CONSTRAINT timeline_texts_incident_id_seq_fkey FOREIGN KEY (incident_id, seq) REFERENCES incident.timeline(incident_id, seq);


--
-- Name: SCHEMA incident; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA incident TO app;


--
-- Name: TABLE outbox; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE incident.outbox TO app;


--
-- Name: FUNCTION erase_texts(incident_ uuid, seq_ bigint); Type: ACL; Schema: incident; Owner: -
--

REVOKE ALL ON FUNCTION incident.erase_texts(incident_ uuid, seq_ bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION incident.erase_texts(incident_ uuid, seq_ bigint) TO app;


--
-- Name: FUNCTION grant_to(app name); Type: ACL; Schema: incident; Owner: -
--

REVOKE ALL ON FUNCTION incident.grant_to(app name) FROM PUBLIC;


--
-- Name: FUNCTION guard(table_ regclass, name_ name, before_ text, calls text); Type: ACL; Schema: incident; Owner: -
--

REVOKE ALL ON FUNCTION incident.guard(table_ regclass, name_ name, before_ text, calls text) FROM PUBLIC;


--
-- Name: FUNCTION make_append_only(table_ regclass, name_ name, refused text); Type: ACL; Schema: incident; Owner: -
--

REVOKE ALL ON FUNCTION incident.make_append_only(table_ regclass, name_ name, refused text) FROM PUBLIC;


--
-- Name: FUNCTION usage_days(days date[]); Type: ACL; Schema: incident; Owner: -
--

REVOKE ALL ON FUNCTION incident.usage_days(days date[]) FROM PUBLIC;
GRANT ALL ON FUNCTION incident.usage_days(days date[]) TO app;


--
-- Name: TABLE _functions; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT ON TABLE incident._functions TO app;


--
-- Name: TABLE _migrations; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT ON TABLE incident._migrations TO app;


--
-- Name: TABLE alert_holders; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE incident.alert_holders TO app;


--
-- Name: TABLE audit; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT ON TABLE incident.audit TO app;


--
-- Name: TABLE audit_heads; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE incident.audit_heads TO app;


--
-- Name: TABLE credits; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT ON TABLE incident.credits TO app;


--
-- Name: COLUMN credits.state; Type: ACL; Schema: incident; Owner: -
--

GRANT UPDATE(state) ON TABLE incident.credits TO app;


--
-- Name: COLUMN credits.granted; Type: ACL; Schema: incident; Owner: -
--

GRANT UPDATE(granted) ON TABLE incident.credits TO app;


--
-- Name: COLUMN credits.issued; Type: ACL; Schema: incident; Owner: -
--

GRANT UPDATE(issued) ON TABLE incident.credits TO app;


--
-- Name: SEQUENCE credits_written_seq; Type: ACL; Schema: incident; Owner: -
--

GRANT USAGE ON SEQUENCE incident.credits_written_seq TO app;


--
-- Name: TABLE idempotency_keys; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE incident.idempotency_keys TO app;


--
-- Name: TABLE incidents; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE incident.incidents TO app;


--
-- Name: SEQUENCE numbers; Type: ACL; Schema: incident; Owner: -
--

GRANT USAGE ON SEQUENCE incident.numbers TO app;


--
-- Name: TABLE open_suggestions; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE incident.open_suggestions TO app;


--
-- Name: SEQUENCE outbox_ordinal_seq; Type: ACL; Schema: incident; Owner: -
--

GRANT USAGE ON SEQUENCE incident.outbox_ordinal_seq TO app;


--
-- Name: TABLE suggestions; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE incident.suggestions TO app;


--
-- Name: TABLE timeline; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT ON TABLE incident.timeline TO app;


--
-- Name: TABLE timeline_texts; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT ON TABLE incident.timeline_texts TO app;


--
-- Name: TABLE timeline_shown; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT ON TABLE incident.timeline_shown TO app;


--
-- Name: TABLE usage_events; Type: ACL; Schema: incident; Owner: -
--

GRANT SELECT,INSERT ON TABLE incident.usage_events TO app;


--
-- PostgreSQL database dump complete
--

