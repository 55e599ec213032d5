-- Registration and service (双报到、双服务): the register of party members, who registered with
-- which community, service posts, and who claimed them.
create extension if not exists btree_gist;

-- The register. Name and number are sealed; a person is found by name and number together, so that
-- neither can be tried alone.
create table party_member (
    id uuid primary key,
    name_sealed bytea not null,
    -- The last six characters of the ID number.
    number_sealed bytea not null,
    match_index bytea not null,
    branch_code text references org_node,
    -- Which party body gets the receipts and the year's result.
    work_unit text,
    -- 科级及以下: bound to the yearly minimum of services and hours.
    section_level_or_below boolean not null default true,
    -- Set when a community signed this account's registration as this member.
    account_id uuid constraint party_member_account unique references account,
    added_at timestamptz not null,
    removed_at timestamptz
);
create index party_member_match on party_member (match_index) where removed_at is null;

-- What was handed in is kept unjudged: the register is looked at by the officer who reads and
-- signs, never while somebody hands in.
create table registration (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    account_id uuid not null references account,
    community_code text not null references org_node,
    name_sealed bytea not null,
    match_index bytea not null,
    status text not null constraint registration_status check (status in ('pending', 'signed', 'refused')),
    submitted_at timestamptz not null,
    decided_at timestamptz,
    decided_by uuid references account,
    note text,
    -- The receipt: as whom, and for which work unit as it stood then.
    member_id uuid references party_member,
    work_unit text,
    constraint registration_decided check (
        (status = 'pending') = (decided_at is null) and (decided_at is null) = (decided_by is null)),
    constraint registration_signed check ((status = 'signed') = (member_id is not null)),
    constraint registration_not_by_oneself check (decided_by <> account_id)
);
create unique index registration_active on registration (account_id) where status in ('pending', 'signed');
create unique index registration_member on registration (member_id) where status = 'signed';
create index registration_community on registration (community_code, submitted_at desc, id desc);
create index registration_account on registration (account_id, submitted_at desc, id desc);

create table post (
    id uuid primary key,
    version bigint not null default 1,
    community_code text not null references org_node,
    kind text not null constraint post_kind check (kind in (
        'policy', 'employment', 'security', 'legal', 'medical', 'civility', 'elderly', 'environment', 'other')),
    title text not null,
    description text,
    place text,
    lng double precision,
    lat double precision,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    during tstzrange not null generated always as (tstzrange(starts_at, ends_at)) stored,
    capacity integer not null constraint post_capacity check (capacity between 1 and 1000),
    -- Places that are held by somebody.
    taken integer not null default 0,
    skills text[] not null default '{}',
    factor_percent integer not null default 100 constraint post_factor check (factor_percent between 50 and 300),
    -- Shown at the place; whoever types it was there.
    check_in_code text not null,
    created_by uuid not null references account,
    created_at timestamptz not null,
    cancelled_at timestamptz,
    constraint post_length check (starts_at < ends_at and ends_at <= starts_at + interval '24 hours'),
    constraint post_location check ((lng is null) = (lat is null)),
    constraint post_not_overbooked check (taken between 0 and capacity),
    constraint post_during unique (id, during)
);
create index post_recent on post (starts_at desc, id desc);
create index post_community on post (community_code text_pattern_ops, starts_at desc);

create table claim (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    post_id uuid not null,
    account_id uuid not null references account,
    status text not null constraint claim_status check (status in (
        'claimed', 'waitlisted', 'checked_in', 'checked_out', 'confirmed', 'cancelled', 'no_show', 'rejected')),
    -- The post's own times, kept equal by the foreign key.
    during tstzrange not null,
    claimed_at timestamptz not null,
    -- The order of the waitlist: claims are made under their post's lock, so that it is the order
    -- in which people came, also where two came in the same instant.
    line bigint generated always as identity,
    checked_in_at timestamptz,
    checked_in_by text constraint claim_check_in check (checked_in_by in ('code', 'location', 'time')),
    checked_out_at timestamptz,
    -- Confirmed by the organiser, recorded in full whatever the points are capped at.
    minutes integer,
    points bigint constraint claim_points check (points >= 0),
    comment text,
    settled_at timestamptz,
    settled_by uuid references account,
    foreign key (post_id, during) references post (id, during),
    constraint claim_minutes check (minutes >= 1 and minutes * interval '1 minute' <= upper(during) - lower(during)),
    constraint claim_confirmed check (
        (status = 'confirmed') = (minutes is not null) and (minutes is null) = (points is null)),
    constraint claim_settled check (
        (settled_at is null) = (settled_by is null)
        and (status in ('confirmed', 'no_show', 'rejected')) = (settled_at is not null)),
    constraint claim_not_by_oneself check (settled_by <> account_id),
    -- Nobody is in two places at once; a place on a waitlist holds the time as well, so that moving
    -- up can always be kept.
    constraint claim_no_overlap exclude using gist (account_id with =, during with &&)
        where (status in ('claimed', 'waitlisted', 'checked_in', 'checked_out', 'confirmed'))
);
create unique index claim_once on claim (post_id, account_id) where status <> 'cancelled';
create index claim_waiting on claim (post_id, line) where status = 'waitlisted';
create index claim_post on claim (post_id, claimed_at desc, id desc);
create index claim_account on claim (account_id, claimed_at desc, id desc);
