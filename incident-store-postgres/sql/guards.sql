-- What triggers call.

-- Enabled ALWAYS where used: a plain trigger is skipped when
-- session_replication_role is replica.
create or replace function incident.refuse() returns trigger language plpgsql as $$
begin
    raise exception '% of %.% is refused: it is append-only', tg_op, tg_table_schema, tg_table_name
        using errcode = 'INC10';
end $$;

-- No gaps and no forks: every entry follows the one before it.
create or replace function incident.timeline_follows() returns trigger language plpgsql as $$
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

create or replace function incident.audit_follows() returns trigger language plpgsql as $$
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

-- What was issued, waived or replaced stays so; what was granted is what is issued.
create or replace function incident.credit_moves() returns trigger language plpgsql as $$
begin
    if old.state in ('issued', 'waived', 'superseded') and new.state <> old.state
        or old.state in ('approved', 'issued') and new.state in ('approved', 'issued') and new.granted is distinct from old.granted
        or old.state = 'issued' and new.issued - 'accepted_at' is distinct from old.issued - 'accepted_at'
    then
        raise exception 'credit % is %: that is not taken back', old.id, old.state using errcode = 'INC10';
    end if;
    return new;
end $$;

create or replace function incident.only_redacted() returns trigger language plpgsql as $$
begin
    if not incident.redaction_on_record(old.incident_id, old.seq) then
        raise exception 'the texts of entry % of incident % leave by a redaction that is on record, and by nothing else',
            old.seq, old.incident_id using errcode = 'INC10';
    end if;
    return old;
end $$;
