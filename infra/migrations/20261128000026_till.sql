-- At the till (到店核销): the eight digits beside a code, vouchers on paper, what a clerk undid, what a
-- merchant verified in a day; and what looks unfair and waits for a person to look at it (公平核查).

alter table redemption
    -- Whose till it is for: the merchant of its offer, which never changes.
    add column merchant text references merchant,
    -- Eight digits for a till without a camera: found by the MAC of merchant and digits together, so
    -- that they are nothing at another merchant's.
    add column digits_index bytea,
    add column digits_sealed bytea,
    -- While the code is good nobody else at this merchant has these digits.
    add column digits_open boolean not null default false,
    add column verified_at timestamptz,
    add column undone_by uuid references account,
    add column undone_reason text,
    -- The number of the last event of its stream.
    add column last_seq integer not null default 0,
    add constraint redemption_digits check (
        (digits_index is null) = (digits_sealed is null) and (digits_index is not null or not digits_open)),
    add constraint redemption_undone check (
        (undone_by is null) = (undone_reason is null)
        and (undone_by is null or refunded_at is not null and undone_by = verified_by));
update redemption set merchant = offer.merchant,
    verified_at = case hold.state when 'confirmed' then hold.ended_at end
from hold join offer on offer.id = hold.offer
where hold.id = redemption.id;
alter table redemption
    alter column merchant set not null,
    add constraint redemption_verified check ((verified_at is null) = (verified_by is null));
create unique index redemption_digits_open on redemption (digits_index) where digits_open;
create index redemption_digits_known on redemption (digits_index) where digits_index is not null;
create index redemption_till on redemption (merchant, verified_at desc, id desc) where verified_at is not null;
create index redemption_clerk on redemption (verified_by, verified_at desc) where verified_at is not null;

-- Wrong digits, counted for each clerk and for each merchant. A row is made before the first attempt,
-- so that attempts at once wait for each other and none is looked at before the last was counted.
create table till_attempt (
    subject text primary key constraint till_attempt_subject check (subject ~ '^(clerk|merchant):'),
    misses integer not null default 0 constraint till_attempt_misses check (misses >= 0),
    since timestamptz not null,
    locked_until timestamptz
);

-- A redemption on paper, for a person without a phone who stood before an officer of the community.
create table voucher (
    redemption uuid primary key references redemption,
    community_code text not null references org_node,
    account_id uuid not null references account,
    issued_by uuid not null references account,
    issued_at timestamptz not null,
    checked text not null constraint voucher_checked check (checked in ('id_card', 'social_card', 'party_card', 'known')),
    -- Each print has a code of its own, and the one before it is dead.
    prints integer not null default 0 constraint voucher_prints check (prints >= 0),
    printed_at timestamptz,
    revoked_by uuid references account,
    revoked_at timestamptz,
    revoked_reason text,
    constraint voucher_not_for_oneself check (issued_by <> account_id),
    constraint voucher_printed check ((prints = 0) = (printed_at is null)),
    constraint voucher_revoked check (
        (revoked_at is null) = (revoked_by is null) and (revoked_at is null) = (revoked_reason is null))
);
create index voucher_community on voucher (community_code, issued_at desc, redemption desc);

-- What a detector found. Nobody is refused or told by it: a person looks, and only what was upheld is
-- told to whom it concerns, who may appeal once to another reviewer.
create table fairness_flag (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    kind text not null constraint fairness_flag_kind check (kind in (
        'fast_verification', 'same_buyer', 'instant_verification', 'own_shop', 'impossible_travel', 'always_maximum', 'few_people')),
    -- What it was raised for; the same cause raises one flag ever.
    cause text not null constraint fairness_flag_cause_length check (char_length(cause) between 1 and 200),
    -- Whom it concerns, and everybody who took part, who are no reviewers of it.
    account_id uuid not null references account,
    parties uuid[] not null,
    merchant text references merchant,
    redemptions uuid[] not null default '{}',
    claims uuid[] not null default '{}',
    -- Codes and figures for the sentence that explains it; never prose, never personal data.
    facts jsonb not null,
    status text not null constraint fairness_flag_status check (status in (
        'open', 'cleared', 'upheld', 'appealed', 'confirmed', 'overturned')),
    raised_at timestamptz not null,
    reviewed_by uuid references account,
    reviewed_at timestamptz,
    reason text,
    appeal text,
    appealed_at timestamptz,
    decided_by uuid references account,
    decided_at timestamptz,
    decision text,
    constraint fairness_flag_cause unique (kind, cause),
    constraint fairness_flag_party check (account_id = any(parties)),
    constraint fairness_flag_reviewed check (
        (status = 'open') = (reviewed_at is null)
        and (reviewed_at is null) = (reviewed_by is null) and (reviewed_at is null) = (reason is null)),
    constraint fairness_flag_appealed check (
        (status in ('appealed', 'confirmed', 'overturned')) = (appealed_at is not null)
        and (appealed_at is null) = (appeal is null)),
    constraint fairness_flag_decided check (
        (status in ('confirmed', 'overturned')) = (decided_at is not null)
        and (decided_at is null) = (decided_by is null) and (decided_at is null) = (decision is null)),
    constraint fairness_flag_reviewer check (reviewed_by <> all(parties)),
    constraint fairness_flag_decider check (decided_by <> all(parties) and decided_by <> reviewed_by)
);
create index fairness_flag_recent on fairness_flag (raised_at desc, id desc);
create index fairness_flag_status on fairness_flag (status, raised_at desc, id desc);
create index fairness_flag_account on fairness_flag (account_id, raised_at desc, id desc);
