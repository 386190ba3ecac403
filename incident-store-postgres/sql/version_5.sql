-- What servers of version 5 and before call, which go on while they are replaced.

create or replace function incident.keep(commit_ jsonb)
returns table (part text, chain uuid, seq bigint, prev_hash bytea, hash bytea) language plpgsql as $$
begin
    return query select 'timeline', null::uuid, a.* from incident.apply_commit(commit_) a;
end $$;

create or replace procedure incident.keep_alone(document text, out seqs bigint[], out prev_hashes bytea[], out hashes bytea[])
language plpgsql as $$
begin
    call incident.commit(document, seqs, prev_hashes, hashes);
end $$;

-- What only their functions called.
drop function if exists incident.before_incidents(jsonb), incident.redact(jsonb);
