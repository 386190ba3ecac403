-- Guards: what triggers call, and the triggers.

create or replace function incident.refuse() returns trigger language plpgsql as $$
begin
    raise exception '% of %.% rejected: the table is append-only', tg_op, tg_table_schema, tg_table_name
        using errcode = 'INC10';
end $$;

-- No gaps and no forks: every entry follows the one before it in its chain, which is that of
-- an incident in the timeline. Asked for in statements of their own, so that their plans are
-- made once.
create or replace function incident.follows() returns trigger language plpgsql as $$
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
        raise exception 'entry % of chain % of the % does not follow the previous entry', new.seq,
            to_jsonb(new) ->> tg_argv[0], tg_table_name using errcode = 'INC11';
    end if;
    return new;
end $$;

-- What was issued, waived or replaced stays so; what was granted is what is issued.
create or replace function incident.credit_moves() returns trigger language plpgsql as $$
begin
    if old.state in ('issued', 'waived', 'superseded') and new.state <> old.state
        or old.state in ('approved', 'issued') and new.state in ('approved', 'issued') and new.granted is distinct from old.granted
        or old.state = 'issued' and new.issued - 'accepted_at' is distinct from old.issued - 'accepted_at'
    then
        raise exception 'credit % is %: it cannot be changed', old.id, old.state using errcode = 'INC10';
    end if;
    return new;
end $$;

create or replace function incident.only_redacted() returns trigger language plpgsql as $$
begin
    if not incident.redaction_on_record(old.incident_id, old.seq) then
        raise exception 'texts of entry % of incident % can only be deleted by a recorded redaction',
            old.seq, old.incident_id using errcode = 'INC10';
    end if;
    return old;
end $$;

-- The triggers --------------------------------------------------------------

-- A trigger that calls a function of ours for each row, or for each statement that truncates.
-- Enabled ALWAYS: a plain trigger is skipped when session_replication_role is replica.
create or replace function incident.guard(table_ regclass, name_ name, before_ text, calls text default 'refuse()')
returns void language plpgsql as $$
begin
    execute format('create or replace trigger %I before %s on %s for each %s execute function incident.%s',
        name_, before_, table_, case before_ when 'truncate' then 'statement' else 'row' end, calls);
    execute format('alter table %s enable always trigger %I', table_, name_);
end $$;
revoke execute on function incident.guard(regclass, name, text, text) from public;

-- Rows are neither changed nor removed. Where some of that is allowed, `refused` says what is not.
create or replace function incident.make_append_only(table_ regclass, name_ name default 'append_only',
    refused text default 'update or delete')
returns void language plpgsql as $$
begin
    perform incident.guard(table_, name_, refused);
    perform incident.guard(table_, 'never_emptied', 'truncate');
end $$;
revoke execute on function incident.make_append_only(regclass, name, text) from public;

-- In the order in which commits take these tables, so that none waits for us while we wait
-- for it.
do $$
begin
    perform incident.guard('incident.alert_holders', 'never_emptied', 'truncate');
    perform incident.make_append_only('incident.incidents', 'never_lost', 'delete');
    perform incident.make_append_only('incident.timeline');
    perform incident.guard('incident.timeline', 'follows', 'insert', 'follows(''incident_id'')');
    perform incident.make_append_only('incident.timeline_texts', 'never_changed', 'update');
    perform incident.guard('incident.timeline_texts', 'only_redacted', 'delete', 'only_redacted()');
    perform incident.guard('incident.outbox', 'never_emptied', 'truncate');
    perform incident.make_append_only('incident.audit');
    perform incident.guard('incident.audit', 'follows', 'insert', 'follows(''chain'')');
    perform incident.make_append_only('incident.credits', 'never_lost', 'delete');
    perform incident.guard('incident.credits', 'never_taken_back', 'update', 'credit_moves()');
    perform incident.make_append_only('incident.policies');
end $$;

drop function if exists incident.timeline_follows(), incident.audit_follows();
