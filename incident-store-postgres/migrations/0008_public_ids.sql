-- An incident is found by its id on the public page, and public incidents without reading the others.

-- As in 6: commits take these tables in more than one order, and one of them that waits for us may
-- hold what we wait for. The triggers, which are put in place after this, lock them too.
do $$
begin
    perform set_config('lock_timeout', '300ms', true);
    loop
        begin
            lock table incident.alert_holders, incident.incidents, incident.timeline, incident.timeline_texts,
                incident.outbox, incident.audit, incident.credits, incident.suggestions, incident.open_suggestions
                in access exclusive mode;
            exit;
        exception when lock_not_available or deadlock_detected then
            perform pg_sleep(0.02);
        end;
    end loop;
    perform set_config('lock_timeout', '0', true);
end $$;

-- A column of its own, as an index on the state itself would be written anew with every command.
-- Text, so that a state that cannot be read stops no migration.
alter table incident.incidents add column public_id text generated always as (state #>> '{face,id}') stored;
create index incidents_public_id on incident.incidents (public_id) where public;
create index incidents_public on incident.incidents (declared_at desc, id desc) where public;
