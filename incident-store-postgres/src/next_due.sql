select least(
    (select min(first.due_at)
     from (values (1), (2), (3), (4)) as lanes (lane)
     cross join lateral (
         select o.due_at
         from incident.outbox o
         where o.state = 'pending' and o.lane = lanes.lane
           and not exists (
               select 1 from incident.outbox earlier
               where earlier.owner_id = o.owner_id and earlier.thread = o.thread
                 and earlier.ordinal < o.ordinal
                 and earlier.state in ('pending', 'leased'))
         order by o.due_at, o.ordinal
         limit 1
     ) first),
    (select min(lease_until) from incident.outbox where state = 'leased')
) as due_at, statement_timestamp() as clock
