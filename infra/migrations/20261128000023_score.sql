-- Households in difficulty (困难家庭包联), the score book of party members (积分管理手册), and hours
-- that were served on another volunteer platform.

-- A household in difficulty, registered with its consent. What points to it is sealed.
create table household (
    id uuid primary key,
    version bigint not null default 1,
    community_code text not null references org_node,
    category text not null constraint household_category check (category in (
        'low_income', 'disabled', 'elderly_alone', 'serious_illness', 'single_parent', 'accident', 'other')),
    name_sealed bytea not null,
    address_sealed bytea not null,
    phone_sealed bytea,
    situation_sealed bytea,
    -- The blind index of name and address, by which a second registration is found.
    match_index bytea not null,
    -- The resident's own account, where there is one.
    account_id uuid references account,
    -- When the household, or who stands for it, agreed to be registered and visited.
    consented_on date not null,
    registered_by uuid not null references account,
    registered_at timestamptz not null,
    closed_by uuid references account,
    closed_at timestamptz,
    close_reason text,
    constraint household_closed check (num_nulls(closed_by, closed_at, close_reason) in (0, 3))
);
create unique index household_once on household (community_code, match_index) where closed_at is null;
create unique index household_account on household (account_id) where closed_at is null;
create index household_community on household (community_code, registered_at desc, id desc);

-- Who looks after it: proposed by the community, accepted by the person.
create table household_pairing (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    household_id uuid not null references household,
    account_id uuid not null references account,
    status text not null constraint household_pairing_status check (status in ('proposed', 'active', 'declined', 'ended')),
    -- The last day of the term.
    until date not null,
    proposed_by uuid not null references account,
    proposed_at timestamptz not null,
    answered_at timestamptz,
    ended_at timestamptz,
    -- Null where the term ran out.
    ended_by uuid references account,
    -- Why it was declined or ended; null where the term ran out.
    reason text,
    -- The due day of which the person was reminded last.
    reminded_for date,
    constraint household_pairing_answered check (status not in ('active', 'declined') or answered_at is not null),
    constraint household_pairing_ended check ((status = 'ended') = (ended_at is not null)),
    constraint household_pairing_reasoned check (status <> 'declined' or reason is not null),
    constraint household_pairing_not_by_oneself check (proposed_by <> account_id)
);
create unique index household_pairing_open on household_pairing (household_id, account_id)
    where status in ('proposed', 'active');
create index household_pairing_account on household_pairing (account_id, proposed_at desc, id desc);
create index household_pairing_active on household_pairing (id) where status = 'active';

-- The visit log: only added to, a mistake by a further entry that names it.
create table household_visit (
    id uuid primary key,
    household_id uuid not null references household,
    pairing_id uuid not null references household_pairing,
    kind text not null constraint household_visit_kind check (kind in ('visit', 'phone')),
    visited_at timestamptz not null,
    needed_sealed bytea,
    done_sealed bytea not null,
    next_visit_on date,
    -- The appeal that a need became.
    complaint_id uuid references complaint,
    corrects uuid,
    recorded_by uuid not null references account,
    recorded_at timestamptz not null,
    constraint household_visit_past check (visited_at <= recorded_at),
    constraint household_visit_of_pairing unique (id, pairing_id),
    constraint household_visit_corrected_once unique (corrects),
    constraint household_visit_corrects foreign key (corrects, pairing_id) references household_visit (id, pairing_id)
);
create index household_visit_household on household_visit (household_id, visited_at desc, id desc);
create index household_visit_pairing on household_visit (pairing_id, visited_at desc);
create trigger household_visit_append_only before update or delete on household_visit
    for each row execute function row_is_append_only();
create trigger household_visit_no_truncate before truncate on household_visit
    for each statement execute function row_is_append_only();
