-- Posts and claims in daily use (接单、签到、取消与未到).

-- The code at the place changes by itself: it is a MAC of the post and the time, and nothing that
-- lies about. What a claim may still try stands with it.
alter table post drop column check_in_code;
alter table post add column tolerance_metres integer
    constraint post_tolerance check (tolerance_metres between 10 and 5000);
-- When the community was reminded of claims that nobody settled.
alter table post add column reminded_at timestamptz;
create index post_ended on post (ends_at) where cancelled_at is null;

alter table claim add column wrong_codes smallint not null default 0
    constraint claim_wrong_codes check (wrong_codes >= 0);
-- Moved up too late to be held to it.
alter table claim add column short_notice boolean not null default false;
alter table claim add column cancelled_late boolean not null default false
    constraint claim_cancelled_late check (not cancelled_late or status = 'cancelled');
-- How far from the post the phone was, never where it was.
alter table claim add column checked_in_away integer
    constraint claim_away check (checked_in_away is null or checked_in_away >= 0 and checked_in_at is not null);
-- What a person should look at; none of it refuses anything.
alter table claim add column check_in_oddities text[] not null default '{}'
    constraint claim_oddities check (check_in_oddities <@ array['inaccurate', 'code_from_afar', 'jump']);
-- Where days passed and nobody said anything, the clock notes that somebody did not come.
alter table claim drop constraint claim_settled;
alter table claim add constraint claim_settled check (
    (status in ('confirmed', 'no_show', 'rejected')) = (settled_at is not null)
    and (settled_by is null or settled_at is not null)
    and (settled_by is not null or settled_at is null or status = 'no_show'));
create index claim_unsettled on claim (post_id) where status in ('claimed', 'checked_in', 'checked_out');

-- New claims pause (暂停认领) for whoever has places again and again and does not come.
create table service_pause (
    id uuid primary key,
    account_id uuid not null references account,
    -- The claim that was one too many.
    claim_id uuid not null references claim constraint service_pause_once unique,
    no_shows integer not null,
    lates integer not null,
    began_at timestamptz not null,
    until_at timestamptz not null,
    lifted_at timestamptz,
    -- Null where a correction took the cause away.
    lifted_by uuid references account,
    lift_reason text,
    constraint service_pause_span check (began_at < until_at),
    constraint service_pause_lifted check (
        (lifted_by is null or lifted_at is not null) and (lift_reason is null or lifted_at is not null)
        and (lifted_by is null) = (lift_reason is null)),
    constraint service_pause_not_by_oneself check (lifted_by <> account_id)
);
create index service_pause_account on service_pause (account_id, began_at desc);
create index service_pause_recent on service_pause (began_at desc, id desc);

-- A dispute (异议): who served, or who was served, does not agree with what was decided.
create table claim_dispute (
    id uuid primary key,
    version bigint not null default 1,
    claim_id uuid not null references claim,
    raised_by uuid not null references account,
    raised_at timestamptz not null,
    reason text not null,
    -- What was decided, and by whom; nobody where the clock noted that somebody did not come.
    status_before text not null
        constraint claim_dispute_before check (status_before in ('confirmed', 'no_show', 'rejected')),
    minutes_before integer,
    points_before bigint,
    first_decider uuid references account,
    status text not null constraint claim_dispute_status check (
        status in ('open', 'stands', 'corrected', 'withdrawn')),
    decided_at timestamptz,
    decided_by uuid references account,
    decision text,
    -- The right minutes, 0 where the service does not count.
    minutes_after integer constraint claim_dispute_minutes check (minutes_after >= 0),
    points_after bigint,
    constraint claim_dispute_once unique (claim_id, raised_by),
    constraint claim_dispute_decided check (
        (status in ('stands', 'corrected')) = (decided_by is not null)
        and (decided_by is null) = (decision is null) and (status = 'open') = (decided_at is null)),
    constraint claim_dispute_corrected check ((status = 'corrected') = (minutes_after is not null)),
    constraint claim_dispute_by_another check (decided_by <> first_decider),
    constraint claim_dispute_no_party check (decided_by <> raised_by)
);
create unique index claim_dispute_open on claim_dispute (claim_id) where status = 'open';
create index claim_dispute_recent on claim_dispute (raised_at desc, id desc);

-- What residents ask for (点单): the community makes posts of it (下单), people take them (接单).
create table service_request (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    -- Who asks, and is served; for somebody else where there is a name.
    account_id uuid not null references account,
    community_code text not null references org_node,
    kind text not null constraint service_request_kind check (kind in (
        'policy', 'employment', 'security', 'legal', 'medical', 'civility', 'elderly', 'environment', 'other')),
    title text not null,
    content text not null,
    on_behalf boolean not null,
    -- Sealed: whom it is for where that is another, how to reach them, and where.
    name_sealed bytea,
    phone_sealed bytea,
    address_sealed bytea,
    wished_from timestamptz,
    wished_until timestamptz,
    status text not null constraint service_request_status check (
        status in ('submitted', 'ordered', 'declined', 'cancelled', 'done')),
    submitted_at timestamptz not null,
    decided_by uuid references account,
    reason text,
    ended_at timestamptz,
    satisfaction smallint constraint service_request_satisfaction check (satisfaction between 1 and 5),
    comment text,
    constraint service_request_behalf check (on_behalf = (name_sealed is not null)),
    constraint service_request_wish check (wished_from < wished_until),
    constraint service_request_ended check ((status in ('declined', 'cancelled', 'done')) = (ended_at is not null)),
    constraint service_request_declined check (status <> 'declined' or (reason is not null and decided_by is not null)),
    constraint service_request_done check ((status = 'done') = (satisfaction is not null)),
    constraint service_request_by_another check (decided_by <> account_id)
);
create index service_request_community on service_request (community_code, submitted_at desc, id desc);
create index service_request_account on service_request (account_id, submitted_at desc, id desc);
alter table post add column request_id uuid references service_request;
create index post_request on post (request_id) where request_id is not null;

-- Posts that repeat (重复岗位): each occurrence is a post of its own.
create table post_series (
    id uuid primary key,
    community_code text not null references org_node,
    -- 1 Monday to 7 Sunday.
    weekdays smallint[] not null
        constraint post_series_weekdays check (weekdays <@ array[1, 2, 3, 4, 5, 6, 7]::smallint[] and cardinality(weekdays) between 1 and 7),
    until date not null,
    skip_holidays boolean not null,
    created_by uuid not null references account,
    created_at timestamptz not null
);
alter table post add column series_id uuid references post_series;
create index post_series_posts on post (series_id) where series_id is not null;

-- What people say they know, and whether organisers may be told of them (匹配).
create table service_profile (
    account_id uuid primary key references account,
    skills text[] not null constraint service_profile_skills check (cardinality(skills) <= 20),
    suggest boolean not null,
    changed_at timestamptz not null
);
create table post_invitation (
    post_id uuid not null references post,
    account_id uuid not null references account,
    invited_at timestamptz not null,
    invited_by uuid not null references account,
    constraint post_invitation_once primary key (post_id, account_id)
);
