-- Words are erased.

-- Whether the audit trail records the redaction of an entry: allowed, and not only asked for.
create or replace function incident.redaction_on_record(incident_ uuid, seq_ bigint) returns boolean
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

-- The one way by which a server's role erases texts. Runs as its owner, so that the role
-- needs no right to delete them.
create or replace function incident.erase_texts(incident_ uuid, seq_ bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from incident.timeline_texts t where t.incident_id = incident_ and t.seq = seq_;
end $$;
revoke execute on function incident.erase_texts(uuid, bigint) from public;

-- The body of a page with the words that its incident has now. One that cannot be read
-- is emptied: nobody knows what it says.
create or replace function incident.reworded(body text, state jsonb) returns text language plpgsql immutable as $$
begin
    return jsonb_set(jsonb_set(body::jsonb, '{page,title}', state -> 'title'),
        '{page,summary}', state -> 'summary')::text;
exception when invalid_text_representation or untranslatable_character or invalid_parameter_value then
    return 'null';
end $$;

-- Erases the words of an entry in every place where they can lie. The places are those of
-- incident_core::redaction::TextPlace, as the commit names them: one that this function
-- does not know is refused, so that none is passed over.
create or replace function incident.redact_texts(asked jsonb) returns void language plpgsql as $$
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
        perform incident.refused('INC08', 'the redaction has no audit entry');
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
