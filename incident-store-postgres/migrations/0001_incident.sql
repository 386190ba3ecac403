-- Everything of the incident library, in a schema of its own.
--
-- Rules that no code, ours included, can break stand here: append-only tables,
-- gapless chains, one credit per key, one live incident per alert.

-- Hash chains ---------------------------------------------------------------

-- The same arithmetic as incident_core::chain::link:
-- sha256(domain || chain || seq as big-endian 64 bits || previous || canonical bytes).
-- The domains are 'incident/timeline/v1' and 'incident/audit/v1', each with a NUL.
create function incident.timeline_link(incident_id uuid, seq bigint, previous bytea, canonical text)
returns bytea language sql immutable parallel safe as
$$ select sha256('\x696e636964656e742f74696d656c696e652f763100'::bytea || uuid_send(incident_id)
       || int8send(seq) || previous || convert_to(canonical, 'UTF8')) $$;

-- The chain of the system has the nil UUID here, and the bytes 'system' there.
create function incident.audit_link(chain uuid, seq bigint, previous bytea, canonical text)
returns bytea language sql immutable parallel safe as
$$ select sha256('\x696e636964656e742f61756469742f763100'::bytea
       || case when chain = '00000000-0000-0000-0000-000000000000' then '\x73797374656d'::bytea else uuid_send(chain) end
       || int8send(seq) || previous || convert_to(canonical, 'UTF8')) $$;

create function incident.zero_hash() returns bytea language sql immutable parallel safe as
$$ select decode(repeat('00', 32), 'hex') $$;

-- Guards --------------------------------------------------------------------

-- Enabled ALWAYS where used: a plain trigger is skipped when
-- session_replication_role is replica.
create function incident.refuse() returns trigger language plpgsql as $$
begin
    raise exception '% of %.% is refused: it is append-only', tg_op, tg_table_schema, tg_table_name
        using errcode = 'INC10';
end $$;

-- Incidents -----------------------------------------------------------------

create sequence incident.numbers as bigint;

create table incident.incidents (
    id            uuid primary key,
    number        bigint not null unique check (number > 0),
    -- Raised by every write; a write decided on an older one is refused.
    revision      bigint not null check (revision >= 0),
    version       bigint not null check (version >= 0),
    -- The end of its timeline.
    last_seq      bigint not null check (last_seq >= 0),
    last_hash     bytea not null check (octet_length(last_hash) = 32),
    status        text not null,
    live          boolean not null,
    severity      smallint not null check (severity between 1 and 4),
    public        boolean not null,
    declared_at   timestamptz not null check (isfinite(declared_at)),
    resolved_at   timestamptz check (isfinite(resolved_at)),
    -- The impact from its first start to its last end, as it stands.
    started_at    timestamptz not null check (isfinite(started_at)),
    ended_at      timestamptz check (isfinite(ended_at)),
    alert_key     text,
    services      text[] not null,
    -- Null where it hits all tenants.
    tenants       text[],
    -- In lower case, as Unicode has it and not as the collation does.
    title_lower   text not null,
    summary_lower text not null,
    -- Everything that is known; the columns above are taken from it.
    state         jsonb not null check (jsonb_typeof(state) = 'object')
) with (fillfactor = 80);

create unique index incidents_alert on incident.incidents (alert_key) where live and alert_key is not null;
create index incidents_age on incident.incidents (declared_at desc, id desc);
create index incidents_ended on incident.incidents (ended_at);
create index incidents_live on incident.incidents (declared_at desc, id desc) where live;

create trigger never_lost before delete on incident.incidents
    for each row execute function incident.refuse();
create trigger never_emptied before truncate on incident.incidents
    for each statement execute function incident.refuse();
alter table incident.incidents enable always trigger never_lost;
alter table incident.incidents enable always trigger never_emptied;

-- Timeline ------------------------------------------------------------------

create table incident.timeline (
    incident_id uuid not null references incident.incidents (id),
    seq         bigint not null check (seq >= 1),
    -- The exact bytes that are hashed.
    canonical   text not null check (octet_length(canonical) <= 65536 and jsonb_typeof(canonical::jsonb) = 'object'),
    prev_hash   bytea not null check (octet_length(prev_hash) = 32),
    hash        bytea not null,
    primary key (incident_id, seq),
    constraint timeline_hash check (hash = incident.timeline_link(incident_id, seq, prev_hash, canonical))
);

-- Free texts with their salts, apart from what is hashed: erasing a row here
-- leaves the chain as it is.
create table incident.timeline_texts (
    incident_id uuid not null,
    seq         bigint not null,
    texts       jsonb not null check (jsonb_typeof(texts) = 'array'),
    primary key (incident_id, seq),
    foreign key (incident_id, seq) references incident.timeline (incident_id, seq)
);

-- What the entries say, for people with psql. It is read out of the hashed
-- bytes, so it cannot say anything else.
create view incident.timeline_shown as
select t.incident_id, t.seq, c.said ->> 'kind' as kind, c.said ->> 'author' as author,
       to_timestamp((c.said ->> 'occurred_at')::bigint / 1e6) as occurred_at,
       to_timestamp((c.said ->> 'recorded_at')::bigint / 1e6) as recorded_at,
       c.said ->> 'status_from' as status_from, c.said ->> 'status_to' as status_to,
       x.texts
from incident.timeline t
cross join lateral (select t.canonical::jsonb as said) c
left join incident.timeline_texts x using (incident_id, seq);

-- No gaps and no forks: every entry follows the one before it.
create function incident.timeline_follows() returns trigger language plpgsql as $$
declare
    previous bytea := incident.zero_hash();
begin
    if new.seq > 1 then
        select hash into previous from incident.timeline
        where incident_id = new.incident_id and seq = new.seq - 1;
    end if;
    if previous is distinct from new.prev_hash then
        raise exception 'entry % of incident % does not follow the one before it', new.seq, new.incident_id
            using errcode = 'INC11';
    end if;
    return new;
end $$;

create trigger follows before insert on incident.timeline
    for each row execute function incident.timeline_follows();
create trigger append_only before update or delete on incident.timeline
    for each row execute function incident.refuse();
create trigger never_emptied before truncate on incident.timeline
    for each statement execute function incident.refuse();
alter table incident.timeline enable always trigger follows;
alter table incident.timeline enable always trigger append_only;
alter table incident.timeline enable always trigger never_emptied;

create trigger never_changed before update on incident.timeline_texts
    for each row execute function incident.refuse();
create trigger never_emptied before truncate on incident.timeline_texts
    for each statement execute function incident.refuse();
alter table incident.timeline_texts enable always trigger never_changed;
alter table incident.timeline_texts enable always trigger never_emptied;

-- Audit ---------------------------------------------------------------------

create table incident.audit_heads (
    chain uuid primary key,
    seq   bigint not null check (seq >= 1),
    hash  bytea not null check (octet_length(hash) = 32)
) with (fillfactor = 70);

create table incident.audit (
    chain     uuid not null,
    seq       bigint not null check (seq >= 1),
    canonical text not null check (octet_length(canonical) <= 65536 and jsonb_typeof(canonical::jsonb) = 'object'),
    prev_hash bytea not null check (octet_length(prev_hash) = 32),
    hash      bytea not null,
    -- Bound to the hashed bytes.
    at        bigint generated always as ((canonical::jsonb ->> 'at')::bigint) stored not null,
    actor     text generated always as (canonical::jsonb ->> 'actor') stored not null,
    primary key (chain, seq),
    constraint audit_hash check (hash = incident.audit_link(chain, seq, prev_hash, canonical))
);

create index audit_time on incident.audit (at, chain, seq);
create index audit_actor on incident.audit (actor, at, chain, seq);

create function incident.audit_follows() returns trigger language plpgsql as $$
declare
    previous bytea := incident.zero_hash();
begin
    if new.seq > 1 then
        select hash into previous from incident.audit
        where chain = new.chain and seq = new.seq - 1;
    end if;
    if previous is distinct from new.prev_hash then
        raise exception 'audit entry % of chain % does not follow the one before it', new.seq, new.chain
            using errcode = 'INC11';
    end if;
    return new;
end $$;

create trigger follows before insert on incident.audit
    for each row execute function incident.audit_follows();
create trigger append_only before update or delete on incident.audit
    for each row execute function incident.refuse();
create trigger never_emptied before truncate on incident.audit
    for each statement execute function incident.refuse();
alter table incident.audit enable always trigger follows;
alter table incident.audit enable always trigger append_only;
alter table incident.audit enable always trigger never_emptied;

-- Outbox --------------------------------------------------------------------

-- Finished rows are deleted: their outcome stands in timeline and audit.
create table incident.outbox (
    id           uuid primary key,
    -- Taken under the incident's row lock: the order of commits.
    ordinal      bigint generated always as identity,
    -- Null where it belongs to no single incident.
    incident_id  uuid references incident.incidents (id),
    owner_id     uuid not null generated always as (coalesce(incident_id, '00000000-0000-0000-0000-000000000000')) stored,
    -- What of it is done in order: its own page (nothing), that of an escalation's
    -- rule, its credits, what goes to billing.
    thread       text not null default '',
    lane         smallint not null check (lane between 1 and 4),
    -- A binary claims only the kinds it knows.
    kind         text not null,
    opens        boolean not null,
    -- Whether it ends when something newer of its thread says so.
    supersedable boolean not null default false,
    state        text not null default 'pending',
    body         text not null,
    log          text not null,
    committed_at timestamptz not null check (isfinite(committed_at)),
    due_at       timestamptz not null check (isfinite(due_at)),
    lease_owner  uuid,
    lease_token  bigint not null default 0 check (lease_token >= 0),
    lease_until  timestamptz check (isfinite(lease_until)),
    superseded   boolean not null default false,
    constraint outbox_state check (case state
        when 'pending' then lease_owner is null and lease_until is null and not superseded
        when 'leased' then lease_owner is not null and lease_until is not null and lease_token > 0
        when 'given_up' then lease_owner is null and lease_until is null
        else false end)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

create index outbox_pending on incident.outbox (lane, due_at, ordinal) where state = 'pending';
create index outbox_leased on incident.outbox (lease_until) where state = 'leased';
create index outbox_queue on incident.outbox (owner_id, thread, ordinal) where state in ('pending', 'leased');
create index outbox_given_up on incident.outbox (owner_id) where state = 'given_up';

create trigger never_emptied before truncate on incident.outbox
    for each statement execute function incident.refuse();
alter table incident.outbox enable always trigger never_emptied;

-- Suggestions, ledger, idempotency keys -------------------------------------

create table incident.suggestions (
    id          uuid primary key,
    received_at timestamptz not null check (isfinite(received_at)),
    used        boolean not null default false,
    said        jsonb not null
);
create index suggestions_age on incident.suggestions (received_at desc, id desc);

-- At most one open per pair.
create table incident.open_suggestions (
    service       text not null,
    tenant        text not null,
    suggestion_id uuid not null unique references incident.suggestions (id),
    expires_at    timestamptz not null check (isfinite(expires_at)),
    primary key (service, tenant)
);

create table incident.credits (
    id            uuid primary key,
    written       bigint generated always as identity,
    -- Null where the contract credits the period as a whole.
    incident_id   uuid references incident.incidents (id),
    tenant_id     text not null,
    revision      integer not null check (revision >= 1),
    -- A month, a quarter or a year: 2026-11, 2026-Q4, 2026.
    period        text not null check (period ~ '^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?$'),
    outage_us     bigint not null check (outage_us >= 0),
    credit_ppm    integer not null check (credit_ppm between 0 and 1000000),
    terms_version text not null,
    state         text not null check (state in ('estimated', 'approved', 'waived', 'issued', 'superseded')),
    -- Whose command led to it.
    author        text not null,
    -- What was granted: percent, amount, by whom and when.
    granted       jsonb,
    -- In which batch, when, and when the sink was seen to have it.
    issued        jsonb,
    -- The issued credit that it takes back.
    reverses      uuid references incident.credits (id),
    -- The windows that it was computed from, by incident.
    inputs        jsonb not null check (jsonb_typeof(inputs) = 'array'),
    constraint granted_when_approved check (state not in ('approved', 'issued') or granted is not null),
    constraint issued_in_a_batch check ((state = 'issued') = (issued is not null))
);
create unique index one_credit_per_incident on incident.credits (tenant_id, incident_id, revision, (reverses is not null))
    where incident_id is not null;
create unique index one_credit_per_period on incident.credits (tenant_id, period, revision, (reverses is not null))
    where incident_id is null;
-- What is taken back is taken back once.
create unique index one_reversal_per_credit on incident.credits (reverses)
    where reverses is not null and state not in ('waived', 'superseded');
create index credits_incident on incident.credits (incident_id, written);
create index credits_period on incident.credits (period, written);
create index credits_batch on incident.credits ((issued ->> 'batch')) where issued is not null;
create index credits_to_issue on incident.credits (written) where state = 'approved';

-- What was issued, waived or replaced stays so; what was granted is what is issued.
create function incident.credit_moves() returns trigger language plpgsql as $$
begin
    if old.state in ('issued', 'waived', 'superseded') and new.state <> old.state
        or old.state in ('approved', 'issued') and new.state in ('approved', 'issued') and new.granted is distinct from old.granted
        or old.state = 'issued' and new.issued - 'accepted_at' is distinct from old.issued - 'accepted_at'
    then
        raise exception 'credit % is %: that is not taken back', old.id, old.state using errcode = 'INC10';
    end if;
    return new;
end $$;
create trigger never_taken_back before update on incident.credits
    for each row execute function incident.credit_moves();
alter table incident.credits enable always trigger never_taken_back;

create trigger never_lost before delete on incident.credits
    for each row execute function incident.refuse();
create trigger never_emptied before truncate on incident.credits
    for each statement execute function incident.refuse();
alter table incident.credits enable always trigger never_lost;
alter table incident.credits enable always trigger never_emptied;

create table incident.idempotency_keys (
    actor       text not null,
    key         text not null,
    fingerprint bytea not null check (octet_length(fingerprint) = 32),
    made_at     timestamptz not null check (isfinite(made_at)),
    expires_at  timestamptz not null check (isfinite(expires_at)),
    -- Whose texts the reply repeats.
    incident_id uuid,
    reply       jsonb not null,
    primary key (actor, key)
);
create index keys_expiry on incident.idempotency_keys (expires_at);
create index keys_incident on incident.idempotency_keys (incident_id) where incident_id is not null;

-- Usage ---------------------------------------------------------------------

-- For hosts without a table of their own. Bytewise collation: names are opaque,
-- and comparing them by language costs two to eight times as much.
create table incident.usage_events (
    tenant_id   text collate "C" not null,
    user_id     text collate "C" not null,
    service     text collate "C" not null,
    occurred_at timestamptz not null check (isfinite(occurred_at)),
    failed      boolean not null,
    endpoint    text,
    -- The transaction it came with: tells what is new, however late, to whoever has counted
    -- the rest.
    taken_by    bigint not null default (pg_current_xact_id()::text::bigint)
) partition by range (occurred_at);
create index usage_by_tenant on incident.usage_events (tenant_id, occurred_at) include (user_id, service, failed);
-- A few bytes for 256 kB of events, which lie in the order in which they came.
create index usage_by_taking on incident.usage_events using brin (taken_by) with (pages_per_range = 32, autosummarize = on);

-- A partition for each of these days (UTC), where there is none. Events of any age are
-- taken, and nothing is ever dropped by itself: retention is to drop the partition of a
-- day. Runs as its owner, so that a server needs no right to make tables.
create function incident.usage_days(days date[]) returns void language plpgsql security definer
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

-- One commit, one call ------------------------------------------------------

create function incident.refused(code text, message text, about text default '')
returns void language plpgsql as $$
begin
    raise exception using errcode = code, message = message, detail = about;
end $$;

-- Keeps a commit, whole or not at all: one call is one statement. Answers the
-- links it sealed. Every refusal has an error code of its own (INC01 to INC09)
-- and leaves nothing behind.
--
-- Locks are taken in one order (key, incidents by id, outbox, the rest), so
-- that two commits cannot wait for each other.
create function incident.keep(commit_ jsonb)
returns table (part text, chain uuid, seq bigint, prev_hash bytea, hash bytea)
language plpgsql as $$
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
        if (w ->> 'live')::boolean and (s ->> 'alert_key') is not null then
            select i.id into other from incident.incidents i
            where i.live and i.alert_key = s ->> 'alert_key' and i.id <> id_;
            if found then
                perform incident.refused('INC02', 'another live incident has this alert key', other::text);
            end if;
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
                (s ->> 'declared_at')::timestamptz, (s ->> 'resolved_at')::timestamptz,
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
                resolved_at = (s ->> 'resolved_at')::timestamptz,
                started_at = (s ->> 'started_at')::timestamptz,
                ended_at = coalesce(s ->> 'impact_ended_at', s ->> 'resolved_at')::timestamptz, alert_key = s ->> 'alert_key',
                services = incident.texts(w -> 'services'), tenants = incident.texts(w -> 'tenants'),
                title_lower = w ->> 'title_lower', summary_lower = w ->> 'summary_lower', state = s
            where id = id_;
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
        when 'later' then
            -- A trigger that was superseded meanwhile ends instead.
            delete from incident.outbox
            where id = (o ->> 'id')::uuid and state = 'leased' and superseded
              and lease_owner = (o ->> 'owner')::uuid and lease_token = (o ->> 'token')::bigint;
            if not found then
                update incident.outbox
                set state = 'pending', due_at = (o ->> 'due_at')::timestamptz, log = o ->> 'log',
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
                (o ->> 'due_at')::timestamptz)
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
        when 'replay' then
            -- At the end of its thread's queue, as if it had never been tried.
            update incident.outbox
            set state = 'pending', ordinal = default, log = '[]', due_at = (o ->> 'due_at')::timestamptz,
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

    -- A redaction erases the texts of an entry and every remembered copy.
    w := commit_ -> 'redacts';
    if w is not null then
        id_ := (w ->> 'incident_id')::uuid;
        perform 1 from incident.timeline t where t.incident_id = id_ and t.seq = (w ->> 'seq')::bigint;
        if not found then
            perform incident.refused('INC08', 'the entry to redact does not exist');
        end if;
        delete from incident.timeline_texts t where t.incident_id = id_ and t.seq = (w ->> 'seq')::bigint;
        update incident.idempotency_keys k
        set reply = jsonb_set(k.reply, '{incident,incident}', i.state)
        from incident.incidents i where i.id = id_ and k.incident_id = id_;
    end if;
end $$;

-- The credits of one incident, or of one tenant and period, computed anew.
create function incident.put_credits(incident_ uuid, tenant_ text, period_ text, revision_ integer, rows_ jsonb, keeps uuid[])
returns void language plpgsql as $$
declare
    newer uuid;
    standing uuid[];
    said uuid[];
    other uuid;
    kept integer;
begin
    if incident_ is null then
        update incident.credits set state = 'superseded'
        where incident_id is null and tenant_id = tenant_ and period = period_ and state in ('estimated', 'approved');
    else
        update incident.credits set state = 'superseded'
        where incident_id = incident_ and state in ('estimated', 'approved');
    end if;
    -- Looked at after the update, which has waited for whoever was issuing some of them.
    if incident_ is null then
        select (array_agg(id) filter (where revision >= revision_))[1],
               array_agg(id) filter (where state = 'issued' and reverses is null)
        into newer, standing from incident.credits
        where incident_id is null and tenant_id = tenant_ and period = period_;
    else
        select (array_agg(id) filter (where revision >= revision_))[1],
               array_agg(id) filter (where state = 'issued' and reverses is null)
        into newer, standing from incident.credits
        where incident_id = incident_;
    end if;
    if newer is not null then
        perform incident.refused('INC09', 'newer credits were computed meanwhile', newer::text);
    end if;
    select array_agg(one.id) into standing from unnest(standing) as one (id)
    where not exists (select 1 from incident.credits r where r.reverses = one.id and r.state = 'issued');
    select keeps || coalesce(array_agg((value ->> 'reverses')::uuid), '{}') into said
    from jsonb_array_elements(rows_) where value ->> 'reverses' is not null;
    if (select count(distinct one) < count(*) from unnest(said) as one) then
        perform incident.refused('INC08', 'a credit stands and is reversed');
    end if;
    select coalesce(s.id, t.id) into other
    from unnest(standing) as s (id) full join unnest(said) as t (id) on t.id = s.id
    where s.id is null or t.id is null limit 1;
    if found then
        perform incident.refused('INC09', 'a credit was issued or taken back meanwhile', other::text);
    end if;
    insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version, state, author, reverses, inputs)
    select r.id, incident_, r.tenant_id, revision_, r.period, r.outage_us, r.credit_ppm, r.terms_version, r.state, r.author, r.reverses, r.inputs
    from jsonb_to_recordset(rows_) as r (id uuid, tenant_id text, period text, outage_us bigint, credit_ppm integer,
        terms_version text, state text, author text, reverses uuid, inputs jsonb)
    on conflict do nothing;
    get diagnostics kept = row_count;
    if kept <> jsonb_array_length(rows_) then
        perform incident.refused('INC08', 'two credits of one key');
    end if;
end $$;

create function incident.texts(list jsonb) returns text[] language sql immutable parallel safe as
$$ select case when jsonb_typeof(list) = 'array'
    then array(select value from jsonb_array_elements_text(list) with ordinality as l (value, n) order by n) end $$;

-- Once a second by anybody: leases that ran out, or reach further than any
-- lease does because a clock went back; keys that expired.
create function incident.tidy(now_ timestamptz, longest_lease interval) returns void language plpgsql as $$
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

-- Roles ---------------------------------------------------------------------

-- What a server needs, and no more: it can neither change nor remove what is
-- append-only, nor switch the guards off, because it does not own the tables.
--   create role app login; select incident.grant_to('app');
create function incident.grant_to(app name) returns void language plpgsql as $$
begin
    execute format('grant usage on schema incident to %I', app);
    execute format('grant select on all tables in schema incident to %I', app);
    execute format('grant usage on all sequences in schema incident to %I', app);
    execute format('grant insert on incident.incidents, incident.timeline, incident.timeline_texts, incident.audit,
        incident.audit_heads, incident.outbox, incident.suggestions, incident.open_suggestions, incident.credits,
        incident.idempotency_keys, incident.usage_events to %I', app);
    execute format('grant update on incident.incidents, incident.audit_heads, incident.outbox, incident.suggestions,
        incident.open_suggestions, incident.idempotency_keys to %I', app);
    execute format('grant update (state, granted, issued) on incident.credits to %I', app);
    execute format('grant execute on function incident.usage_days(date[]) to %I', app);
    execute format('grant delete on incident.timeline_texts, incident.outbox, incident.open_suggestions,
        incident.idempotency_keys to %I', app);
end $$;

revoke execute on function incident.grant_to(name) from public;
