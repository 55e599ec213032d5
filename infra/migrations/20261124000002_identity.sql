-- Identity: one account is one person; what it may do comes from roles on scopes.
create table account (
    id uuid primary key,
    username text constraint account_username_key unique constraint account_username check (username ~ '^[a-z0-9.-]{2,64}$'),
    password_hash text,
    -- What colleagues and the person see; never a full name of a resident.
    display_name text not null,
    created_at timestamptz not null,
    disabled_at timestamptz,
    disabled_reason text,
    failed_logins integer not null default 0,
    locked_until timestamptz,
    constraint account_password check ((username is null) = (password_hash is null))
);

-- What points to a person, sealed; destroyed whole when the person is erased.
create table person (
    account_id uuid primary key references account,
    open_id_index bytea constraint person_open_id_key unique,
    open_id_sealed bytea,
    phone_index bytea,
    phone_sealed bytea,
    name_sealed bytea
);
create index person_phone on person (phone_index);

create table role_grant (
    id uuid primary key,
    account_id uuid not null references account,
    role text not null,
    scope text not null,
    granted_at timestamptz not null,
    revoked_at timestamptz
);
create unique index role_grant_held on role_grant (account_id, role, scope) where revoked_at is null;
create index role_grant_scope on role_grant (scope, role) where revoked_at is null;

-- One log-in; all its refresh tokens are one family.
create table session (
    id uuid primary key,
    account_id uuid not null references account,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason text constraint session_end check (end_reason in ('logout', 'reuse', 'disabled', 'expired')),
    constraint session_ended check ((ended_at is null) = (end_reason is null))
);
create index session_account on session (account_id) where ended_at is null;

create table refresh_token (
    -- SHA-256 of the token; the token itself is stored nowhere.
    hash bytea primary key,
    session_id uuid not null references session,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index refresh_token_session on refresh_token (session_id);
