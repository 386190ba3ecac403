-- Links of hash chains.

-- The same arithmetic as incident_core::chain::link:
-- sha256(domain || chain || seq as big-endian 64 bits || previous || canonical bytes).
-- The domains are 'incident/timeline/v1' and 'incident/audit/v1', each with a NUL.
create or replace function incident.timeline_link(incident_id uuid, seq bigint, previous bytea, canonical text)
returns bytea language sql immutable parallel safe as
$$ select sha256('\x696e636964656e742f74696d656c696e652f763100'::bytea || uuid_send(incident_id)
       || int8send(seq) || previous || convert_to(canonical, 'UTF8')) $$;

-- The chain of the system has the nil UUID here, and the bytes 'system' there.
create or replace function incident.audit_link(chain uuid, seq bigint, previous bytea, canonical text)
returns bytea language sql immutable parallel safe as
$$ select sha256('\x696e636964656e742f61756469742f763100'::bytea
       || case when chain = '00000000-0000-0000-0000-000000000000' then '\x73797374656d'::bytea else uuid_send(chain) end
       || int8send(seq) || previous || convert_to(canonical, 'UTF8')) $$;

create or replace function incident.zero_hash() returns bytea language sql immutable parallel safe as
$$ select decode(repeat('00', 32), 'hex') $$;

-- The links of the next entries of a timeline: `head`, then one for each.
create or replace function incident.timeline_links(incident_ uuid, head_seq bigint, head bytea, entries jsonb)
returns bytea[] language plpgsql immutable as $$
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

-- Appends to the audit trail, each entry under the lock of its chain's head.
create or replace function incident.seal_audit(entries jsonb) returns void language plpgsql as $$
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
