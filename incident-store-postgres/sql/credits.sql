-- Credits.

-- Credits that are decided, each from the state that was seen.
create or replace function incident.decide_credits(decided jsonb) returns void language plpgsql as $$
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

-- The credits of one incident, or of one tenant and period, computed anew. Those that it
-- retains stand; of what is estimated or approved everything else gives way, and every issued
-- one that was not taken back is accounted for: it stands or is reversed.
drop function if exists incident.put_credits(uuid, text, text, integer, jsonb, uuid[]);
create or replace function incident.put_credits(write jsonb) returns void language plpgsql as $$
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
        perform incident.refused('INC09', 'a credit was issued or reversed concurrently', other::text);
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
