-- Log-in by a code sent to a phone. The code itself is stored nowhere: it is a MAC of the row's id.
-- Rows are swept after two days.
create table phone_code (
    id uuid primary key,
    phone_index bytea not null,
    -- Where it goes; forgotten as soon as it went or will not.
    phone_sealed bytea,
    created_at timestamptz not null,
    tries integer not null default 0 constraint phone_code_tries check (tries between 0 and 5),
    used_at timestamptz,
    -- Noted in a transaction of its own before the provider is called, so that nothing is sent twice.
    sending_at timestamptz,
    outcome text constraint phone_code_outcome check (outcome in ('sent', 'unknown', 'refused', 'limited', 'late')),
    constraint phone_code_sent check ((outcome is null) = (phone_sealed is not null)),
    constraint phone_code_used check (used_at >= created_at)
);
create index phone_code_newest on phone_code (phone_index, created_at desc, id desc);
create index phone_code_created on phone_code (created_at);
