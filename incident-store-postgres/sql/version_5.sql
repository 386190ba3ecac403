-- What servers of version 5 and before call, which go on while they are replaced.

-- Their document with the names that are asked for now beside those that it has.
create or replace function incident.renamed(document jsonb) returns jsonb language plpgsql immutable as $$
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

create or replace function incident.keep(commit_ jsonb)
returns table (part text, chain uuid, seq bigint, prev_hash bytea, hash bytea) language plpgsql as $$
begin
    return query select 'timeline', null::uuid, a.* from incident.apply_commit(incident.renamed(commit_)) a;
end $$;

create or replace procedure incident.keep_alone(document text, out seqs bigint[], out prev_hashes bytea[], out hashes bytea[])
language plpgsql as $$
begin
    call incident.commit(incident.renamed(document::jsonb)::text, seqs, prev_hashes, hashes);
end $$;

-- What only their functions called.
drop function if exists incident.before_incidents(jsonb), incident.redact(jsonb);
