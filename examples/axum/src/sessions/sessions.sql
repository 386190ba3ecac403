-- The sessions of people who sign in, apart from the incidents.
create schema if not exists incident_axum;

create table if not exists incident_axum.sessions (
    -- SHA-256 of the secret in the browser's cookie.
    id         bytea primary key check (octet_length(id) = 32),
    person     text not null,
    -- HMAC-SHA-256 of the fingerprint of the login, under that secret.
    login      bytea not null check (octet_length(login) = 32),
    created_at timestamptz not null check (isfinite(created_at)),
    used_at    timestamptz not null check (isfinite(used_at))
);

create index if not exists sessions_person on incident_axum.sessions (person, created_at);

-- What a server needs that does not own the table.
create or replace function incident_axum.grant_to(app name) returns void language plpgsql as $$
begin
    execute format('grant usage on schema incident_axum to %I', app);
    execute format('grant select, insert, update, delete on incident_axum.sessions to %I', app);
end $$;
revoke execute on function incident_axum.grant_to(name) from public;
