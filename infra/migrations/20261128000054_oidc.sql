-- Which staff account a person of the directory (OpenID Connect) is: by the directory's own name of
-- them, or until their first log-in by what they log in with there.
create table oidc_binding (
    account_id uuid primary key references account,
    kind text not null constraint oidc_binding_kind check (kind in ('subject', 'name')),
    person_sealed bytea not null,
    person_index bytea not null constraint oidc_binding_person unique,
    bound_by uuid not null references account,
    bound_at timestamptz not null
);

-- Log-ins by the directory that were finished, for as long as they could be sent again.
create table oidc_used (
    hash bytea primary key,
    expires_at timestamptz not null
);
create index oidc_used_expires on oidc_used (expires_at);
