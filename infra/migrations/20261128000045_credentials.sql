-- Credentials of staff: passwords with an age, those before, and the second factor (TOTP).
alter table account
    -- When the password was chosen; null for the one that the account was made with.
    add column password_set_at timestamptz,
    -- A one-time password of an administrator's, to be changed at the first log-in until then.
    add column password_once_until timestamptz,
    add constraint account_password_staff check (
        username is not null or (password_set_at is null and password_once_until is null)
    );

-- The hashes of passwords before the present one, so that none comes back too soon.
create table password_past (
    id bigint generated always as identity primary key,
    account_id uuid not null references account,
    hash text not null,
    replaced_at timestamptz not null
);
create index password_past_account on password_past (account_id, id);

-- The second factor of an account: pending until a code of it was shown.
create table totp (
    account_id uuid primary key references account,
    secret_sealed bytea not null,
    started_at timestamptz not null,
    confirmed_at timestamptz,
    -- The last step of 30 s whose code was taken: no code is taken twice, nor an older one.
    last_step bigint,
    constraint totp_confirmed check ((confirmed_at is null) = (last_step is null))
);

create table totp_recovery (
    account_id uuid not null references totp on delete cascade,
    -- A MAC of the code; the code itself is stored nowhere.
    mac bytea not null,
    made_at timestamptz not null,
    used_at timestamptz,
    primary key (account_id, mac)
);

alter table session
    drop constraint session_end,
    add constraint session_end check (
        end_reason in ('logout', 'reuse', 'disabled', 'expired', 'erased', 'credentials')
    ),
    -- The log-in came from where its roles may not be used: on record once.
    add column network_refused_at timestamptz,
    -- What a person recognises it by: the device as it calls itself, and the address it was last
    -- renewed from.
    add column user_agent text constraint session_user_agent check (length(user_agent) <= 200),
    add column address text;
