-- Functions leave the migrations: `migrate` puts those of its version (sql/) in place after
-- them, in the same transaction, and notes that here.

create table incident._functions (
    -- That of the program that they came with; what an older one has is not put over them.
    version    bigint primary key,
    -- SHA-256 of their text.
    hash       bytea not null check (octet_length(hash) = 32),
    applied_at timestamptz not null default now()
);

-- A server's own role sees that it need not migrate.
do $$
declare
    app name;
begin
    for app in select grantee from information_schema.role_table_grants
        where table_schema = 'incident' and table_name = 'incidents' and privilege_type = 'INSERT'
          and grantee <> current_user and grantee <> 'PUBLIC'
    loop
        execute format('grant select on incident._functions to %I', app);
    end loop;
end $$;
