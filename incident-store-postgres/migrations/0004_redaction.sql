-- Texts leave by a redaction that is on record, and a redaction reaches every copy of them.

-- On record -----------------------------------------------------------------

-- Whether the audit trail records the redaction of an entry: allowed, and not only asked for.
create function incident.redaction_on_record(incident_ uuid, seq_ bigint) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform 1 from incident.audit a
    where a.chain = incident_ and a.canonical::jsonb ->> 'action' = 'redact'
      and a.canonical::jsonb ->> 'outcome' = 'allowed'
      and a.canonical::jsonb -> 'detail' ->> 'seq' = seq_::text
    -- Most often it is the newest entry, of this very statement.
    order by a.seq desc limit 1;
    return found;
end $$;

create function incident.only_redacted() returns trigger language plpgsql as $$
begin
    if not incident.redaction_on_record(old.incident_id, old.seq) then
        raise exception 'the texts of entry % of incident % leave by a redaction that is on record, and by nothing else',
            old.seq, old.incident_id using errcode = 'INC10';
    end if;
    return old;
end $$;

create trigger only_redacted before delete on incident.timeline_texts
    for each row execute function incident.only_redacted();
alter table incident.timeline_texts enable always trigger only_redacted;

-- The one way by which a server's role erases texts. Runs as its owner, so that the role
-- needs no right to delete them.
create function incident.erase_texts(incident_ uuid, seq_ bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from incident.timeline_texts t where t.incident_id = incident_ and t.seq = seq_;
end $$;
revoke execute on function incident.erase_texts(uuid, bigint) from public;

-- Every copy ----------------------------------------------------------------

comment on column incident.idempotency_keys.incident_id is
    'whose words the reply repeats: an incident, or a suggestion';

update incident.idempotency_keys set incident_id = (reply #>> '{suggestion,suggestion,id}')::uuid
where reply ? 'suggestion';

-- The body of a page with the words that its incident has now. One that cannot be read
-- is emptied: nobody knows what it says.
create function incident.reworded(body text, state jsonb) returns text language plpgsql immutable as $$
begin
    return jsonb_set(jsonb_set(body::jsonb, '{page,title}', state -> 'title'),
        '{page,summary}', state -> 'summary')::text;
exception when invalid_text_representation or untranslatable_character or invalid_parameter_value then
    return 'null';
end $$;

-- Erases the words of an entry in every place where they can lie. The places are those of
-- incident_core::redaction::TextPlace, as the commit names them: one that this function
-- does not know is refused, so that none is passed over.
create function incident.redact(asked jsonb) returns void language plpgsql as $$
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
            update incident.idempotency_keys k
            set reply = jsonb_set(k.reply, '{suggestion,suggestion,said}',
                k.reply #> '{suggestion,suggestion,said}' || '{"evidence": null, "signal": "redacted"}')
            where k.incident_id = suggestion_ and k.reply ? 'suggestion';
        when 'suggestion' then
            update incident.suggestions g set said = g.said || '{"evidence": null, "signal": "redacted"}'
            where g.id = suggestion_;
        else
            perform incident.refused('INC08', 'a place of texts that this database does not know; migrate', place);
        end case;
    end loop;
end $$;

-- A column that the first version did not fill for incidents that were cancelled: a check
-- of the columns against the states would miss it.
update incident.incidents set resolved_at = (state ->> 'cancelled_at')::timestamptz
where resolved_at is null and state ->> 'resolved_at' is null and state ->> 'cancelled_at' is not null;

-- In the order of locks -----------------------------------------------------

-- What belongs between the key and the incidents, as keep takes its locks.
create function incident.before_incidents(commit_ jsonb) returns void language plpgsql as $$
declare
    asked constant jsonb := commit_ -> 'redacts';
    told constant jsonb := commit_ #> '{remember,reply,incident,incident}';
    suggested constant jsonb := commit_ #> '{remember,reply,suggestion,suggestion}';
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
        if words ->> 'evidence' is distinct from suggested #>> '{said,evidence}'
            or words ->> 'signal' is distinct from suggested #>> '{said,signal}' then
            perform incident.refused('INC01', 'the suggestion changed meanwhile');
        end if;
    end if;
end $$;

-- incident.keep as the migrations before this one left it, with two calls put into it: its
-- other 300 lines stay as they are.
do $patch$
declare
    body text := pg_get_functiondef('incident.keep(jsonb)'::regprocedure);
    hook constant text := '    -- A lease that is lost makes all the rest needless.';
    -- From here to the end of the function.
    tail constant text := '    -- A redaction erases the texts of an entry and every remembered copy.';
    parts text[];
begin
    parts := string_to_array(body, tail);
    if cardinality(parts) <> 2 or cardinality(string_to_array(parts[1], hook)) <> 2
        or strpos(parts[2], 'delete from incident.timeline_texts') = 0 then
        raise exception 'incident.keep is not as this migration expects it';
    end if;
    body := replace(parts[1], hook, $put$    if commit_ ? 'redacts' or commit_ ? 'remember' and jsonb_array_length(commit_ -> 'writes') = 0 then
        perform incident.before_incidents(commit_);
    end if;

$put$ || hook) || $put$    -- A redaction erases the words of an entry in every place where they can lie.
    if commit_ ? 'redacts' then
        perform incident.redact(commit_ -> 'redacts');
    end if;
end $function$
$put$;
    execute body;
end $patch$;

-- Roles ---------------------------------------------------------------------

-- What a server needs of this version, and what it may no longer do.
create function incident.grant_redaction_to(app name) returns void language plpgsql as $$
begin
    execute format('revoke delete on incident.timeline_texts from %I', app);
    execute format('grant execute on function incident.erase_texts(uuid, bigint) to %I', app);
end $$;
revoke execute on function incident.grant_redaction_to(name) from public;

select incident.grant_redaction_to(grantee::name) from information_schema.role_table_grants
where table_schema = 'incident' and table_name = 'timeline_texts' and privilege_type = 'INSERT'
  and grantee <> current_user and grantee <> 'PUBLIC';

-- The grants of the versions before, then those of this one.
alter function incident.grant_to(name) rename to grant_before_redaction_to;
create function incident.grant_to(app name) returns void language plpgsql as $$
begin
    perform incident.grant_before_redaction_to(app);
    perform incident.grant_redaction_to(app);
end $$;
revoke execute on function incident.grant_to(name) from public;
