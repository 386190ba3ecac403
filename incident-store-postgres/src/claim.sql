with due as materialized (
    select due.id
    from (values (1), (2), (3), (4)) as lanes (lane)
    cross join lateral (
        select o.id
        from incident.outbox o
        where o.state = 'pending' and o.lane = lanes.lane and o.due_at <= coalesce($1, statement_timestamp())
          and o.kind = any($3) and not (o.id = any($6))
          -- Of one thread only the oldest unfinished message.
          and not exists (
              select 1 from incident.outbox earlier
              where earlier.owner_id = o.owner_id and earlier.thread = o.thread
                and earlier.ordinal < o.ordinal
                and earlier.state in ('pending', 'leased'))
        order by o.due_at, o.ordinal
        limit $2
        for update of o skip locked
    ) due
    limit $2
)
update incident.outbox o
set state = 'leased', lease_owner = $4, lease_token = o.lease_token + 1, lease_until = coalesce($1, statement_timestamp()) + $5
from due
where o.id = due.id
returning o.id, o.incident_id, o.lane, o.body, o.committed_at, o.due_at, o.log, o.lease_token, o.ordinal, statement_timestamp() as clock
