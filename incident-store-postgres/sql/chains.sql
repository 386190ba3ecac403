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
