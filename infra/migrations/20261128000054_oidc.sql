-- Which staff account a person of the directory (OpenID Connect) is: by the directory's own name of
-- them, or until their first log-in by what they log in with there. Blind indexes alone.
create table oidc_binding (
    account_id uuid primary key references account,
    subject_index bytea constraint oidc_binding_subject unique,
    name_index bytea constraint oidc_binding_name unique,
    bound_by uuid not null references account,
    bound_at timestamptz not null,
    constraint oidc_binding_known check (num_nulls(subject_index, name_index) = 1)
);

-- Log-ins by the directory that were finished, for as long as they could be sent again.
create table oidc_used (
    hash bytea primary key,
    expires_at timestamptz not null
);
create index oidc_used_expires on oidc_used (expires_at);
