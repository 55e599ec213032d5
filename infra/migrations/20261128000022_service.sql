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
    constraint claim_away check (checked_in_away >= 0 and checked_in_at is not null);
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
