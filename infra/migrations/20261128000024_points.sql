-- Points rules (积分规则): what is taken back, what is owed until later points make it good, and why.
-- docs/LEDGER.md says it to whoever keeps the books.

-- A community has points of its own (people donate them to it), in lots that expire like a person's.
-- What a person owes after points that are spent were taken back stands on one account for all, with
-- a negative balance that is always the sum of what is owed.
alter table points_account
    add column community text constraint points_account_community unique references org_node,
    drop constraint points_account_kind,
    add constraint points_account_kind check (kind in (
        'user', 'community', 'issuance', 'merchant', 'expiry', 'adjustment', 'receivable')),
    drop constraint points_account_owner,
    add constraint points_account_owner check (
        (kind = 'user') = (account_id is not null and id = account_id)
        and (kind = 'community') = (community is not null)
        and (kind = 'merchant') = (merchant is not null)),
    drop constraint points_account_total,
    add constraint points_account_total check (
        (kind in ('user', 'community')) = (posted is not null and held is not null));
drop index points_account_system;
create unique index points_account_system on points_account (kind)
    where kind in ('issuance', 'expiry', 'adjustment', 'receivable');
insert into points_account (id, kind, opened_at) values
    ('00000000-0000-7000-8000-000000000004', 'receivable', 'epoch');

alter table ledger_tx
    drop constraint ledger_tx_kind,
    add constraint ledger_tx_kind check (kind in (
        'earn', 'redeem', 'expire', 'reverse', 'adjust', 'offset', 'donate')),
    drop constraint ledger_tx_source,
    add constraint ledger_tx_source check (source in ('service', 'appeal', 'suggestion', 'visit'));
-- What of a lot has run out: an award that is taken back does not take it a second time.
create index ledger_tx_expired_lot on ledger_tx ((data ->> 'lot')) where kind = 'expire';

-- Which movement gave a lot. Those of before are found by what was made in the same instant with
-- the same amount: an id begins with its milliseconds, and of several that are alike each will do.
alter table point_lot add column given_by uuid references ledger_tx;
with given as (
    select ledger_tx.id as tx, account, amount, left(ledger_tx.id::text, 13) as instant,
        row_number() over (partition by account, amount, left(ledger_tx.id::text, 13) order by ledger_tx.id) as n
    from ledger_tx join ledger_entry on ledger_entry.tx = ledger_tx.id and amount > 0
    where kind = 'earn'
), lot as (
    select id, account, granted, left(id::text, 13) as instant,
        row_number() over (partition by account, granted, left(id::text, 13) order by id) as n
    from point_lot
)
update point_lot set given_by = given.tx
from lot join given on given.account = lot.account and given.amount = lot.granted
    and given.instant = lot.instant and given.n = lot.n
where point_lot.id = lot.id;
create index point_lot_given_by on point_lot (given_by);

-- Why somebody moved points by hand, in words that the person reads: apart from the ledger, which
-- holds no prose.
create table ledger_reason (
    tx uuid primary key references ledger_tx,
    reason text not null constraint ledger_reason_length check (char_length(reason) between 2 and 200),
    -- The document that it rests on.
    document text,
    -- Who moved them; none where a rule did.
    given_by uuid references account,
    given_at timestamptz not null
);
create trigger ledger_reason_append_only before update or delete on ledger_reason
    for each row execute function row_is_append_only();
create trigger ledger_reason_no_truncate before truncate on ledger_reason
    for each statement execute function row_is_append_only();

-- What is still owed of points that were taken back after they had been spent.
create table points_debt (
    reversal uuid primary key references ledger_tx,
    account uuid not null references points_account,
    amount bigint not null,
    remaining bigint not null,
    constraint points_debt_balance check (amount > 0 and remaining between 0 and amount)
);
create index points_debt_open on points_debt (account, reversal) where remaining > 0;

-- The rules of the books, with the accounts of communities and what is owed.
create or replace view ledger_violation as
with entry_sum as (
    select account, sum(amount)::bigint as posted from ledger_entry group by account
), lot_sum as (
    select account, sum(remaining)::bigint as posted, sum(held)::bigint as held from point_lot group by account
), pending_sum as (
    select account, sum(points)::bigint as held from hold where state = 'pending' group by account
), part_sum as (
    select hold, sum(amount)::bigint as points from hold_lot group by hold
), lot_held as (
    select lot, sum(amount)::bigint as held from hold_lot
    join hold on hold.id = hold_lot.hold where hold.state = 'pending' group by lot
), unit_sum as (
    select offer, count(*) as units from offer_unit group by offer
), live as (
    select hold.id, hold.offer from hold left join redemption on redemption.id = hold.id
    where state = 'pending' or state = 'confirmed' and refunded_at is null
), unmatched as (
    select coalesce(live.offer, taken.offer) as offer, count(live.id) as held, count(taken.hold) as taken
    from live full join (select offer, hold from offer_unit where hold is not null) as taken
        on taken.hold = live.id and taken.offer = live.offer
    where live.id is null or taken.hold is null
    group by coalesce(live.offer, taken.offer)
), redeemed as (
    select ledger_tx.id, sum(amount) filter (where amount > 0)::bigint as points
    from ledger_tx join ledger_entry on ledger_entry.tx = ledger_tx.id
    where ledger_tx.kind = 'redeem' group by ledger_tx.id
)
select 'balanced' as rule, ledger_tx.id as subject, null::uuid as account, null::uuid as offer,
    0::bigint as expected, coalesce(sum(amount), 0)::bigint as found
from ledger_tx left join ledger_entry on ledger_entry.tx = ledger_tx.id
group by ledger_tx.id having coalesce(sum(amount), 0) <> 0 or count(amount) < 2
union all
select 'total_zero', null, null, null, 0, coalesce(sum(amount), 0)::bigint
from ledger_entry having coalesce(sum(amount), 0) <> 0
union all
select 'posted_is_entries', id, id, null, coalesce(entry_sum.posted, 0), points_account.posted
from points_account left join entry_sum on entry_sum.account = points_account.id
where kind in ('user', 'community') and points_account.posted <> coalesce(entry_sum.posted, 0)
union all
select 'lots_are_posted', id, id, null, points_account.posted, coalesce(lot_sum.posted, 0)
from points_account left join lot_sum on lot_sum.account = points_account.id
where kind in ('user', 'community') and points_account.posted <> coalesce(lot_sum.posted, 0)
union all
select 'lots_are_held', id, id, null, points_account.held, coalesce(lot_sum.held, 0)
from points_account left join lot_sum on lot_sum.account = points_account.id
where kind in ('user', 'community') and points_account.held <> coalesce(lot_sum.held, 0)
union all
select 'held_is_pending', id, id, null, coalesce(pending_sum.held, 0), points_account.held
from points_account left join pending_sum on pending_sum.account = points_account.id
where kind in ('user', 'community') and points_account.held <> coalesce(pending_sum.held, 0)
union all
select 'hold_is_parts', hold.id, hold.account, hold.offer, hold.points, coalesce(part_sum.points, 0)
from hold left join part_sum on part_sum.hold = hold.id
where hold.points <> coalesce(part_sum.points, 0)
union all
select 'units_are_stock', id, null, id, offer.stock, coalesce(unit_sum.units, 0)
from offer left join unit_sum on unit_sum.offer = offer.id
where offer.stock <> coalesce(unit_sum.units, 0)
union all
select 'taken_is_held', offer, null, offer, held, taken from unmatched
union all
select 'confirmed_is_redeemed', coalesce(hold.id, redeemed.id), hold.account, hold.offer,
    case hold.state when 'confirmed' then hold.points else 0 end, coalesce(redeemed.points, 0)
from hold full join redeemed on redeemed.id = hold.id
where (case hold.state when 'confirmed' then hold.points else 0 end) <> coalesce(redeemed.points, 0)
union all
select 'lot_held_is_pending', point_lot.id, point_lot.account, null, coalesce(lot_held.held, 0), point_lot.held
from point_lot left join lot_held on lot_held.lot = point_lot.id
where point_lot.held <> coalesce(lot_held.held, 0)
union all
select 'debts_are_receivable', null, null, null, owed.points, receivable.points
from (select coalesce(sum(remaining), 0)::bigint as points from points_debt) as owed,
    (select coalesce(-sum(amount), 0)::bigint as points from ledger_entry
     where account = '00000000-0000-7000-8000-000000000004') as receivable
where owed.points <> receivable.points;
comment on view ledger_violation is
    'Ten rules (the lots'' and the offers'' in two figures each). A row blocks redemption for its account or offer.';

-- Versions of what gives points (积分规则版本). One that was approved is valid from its day until the
-- next one's; before the first it is the configuration's, which is kept by its name when it is used,
-- so that old awards can be computed again. What a version says never changes.
create table points_rule (
    id uuid primary key,
    version bigint not null default 1,
    name text not null constraint points_rule_name unique
        constraint points_rule_name_form check (name ~ '^[a-z0-9.-]{2,40}$'),
    terms jsonb not null,
    -- The first day it counts for; the configuration's has none.
    valid_from date,
    status text not null constraint points_rule_status check (
        status in ('configured', 'proposed', 'approved', 'refused', 'withdrawn')),
    reason text,
    proposed_by uuid references account,
    proposed_at timestamptz not null,
    decided_by uuid references account,
    decided_at timestamptz,
    note text,
    constraint points_rule_proposed check (
        (status = 'configured') = (proposed_by is null) and (proposed_by is null) = (valid_from is null)),
    constraint points_rule_decided check (
        (status in ('configured', 'proposed')) = (decided_by is null)
        and (decided_by is null) = (decided_at is null)),
    constraint points_rule_by_another check (
        status not in ('approved', 'refused') or decided_by <> proposed_by)
);
-- On each day one begins at most.
create unique index points_rule_valid_from on points_rule (valid_from) where status = 'approved';
create index points_rule_recent on points_rule (proposed_at desc, id desc);
create function points_rule_is_only_decided() returns trigger language plpgsql as $$
begin
    if (to_jsonb(new) - array['version', 'status', 'decided_by', 'decided_at', 'note'])
            <> (to_jsonb(old) - array['version', 'status', 'decided_by', 'decided_at', 'note'])
        or old.status <> 'proposed'
    then
        raise exception 'points_rule % is never changed', old.name using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger points_rule_kept before update on points_rule
    for each row execute function points_rule_is_only_decided();

-- Manual adjustments (人工调整): one person proposes, another approves, and neither on their own points.
create table points_adjustment (
    id uuid primary key,
    version bigint not null default 1,
    account uuid not null references account,
    points bigint not null constraint points_adjustment_points check (
        points <> 0 and points between -100000 and 100000),
    reason text not null,
    document text not null,
    status text not null constraint points_adjustment_status check (
        status in ('proposed', 'approved', 'refused', 'withdrawn')),
    proposed_by uuid not null references account,
    proposed_at timestamptz not null,
    decided_by uuid references account,
    decided_at timestamptz,
    note text,
    tx uuid constraint points_adjustment_tx unique references ledger_tx,
    constraint points_adjustment_decided check (
        (status = 'proposed') = (decided_by is null) and (decided_by is null) = (decided_at is null)),
    constraint points_adjustment_by_another check (
        status not in ('approved', 'refused') or decided_by <> proposed_by),
    constraint points_adjustment_not_own check (
        proposed_by <> account and (decided_by is null or decided_by <> account)),
    constraint points_adjustment_posted check ((status = 'approved') = (tx is not null))
);
create index points_adjustment_recent on points_adjustment (proposed_at desc, id desc);

-- Awards in public notice (公示): not in the ledger until the notice has ended. They count in the caps.
create table points_notice (
    id uuid primary key,
    version bigint not null default 1,
    account uuid not null references account,
    source text not null constraint points_notice_source check (
        source in ('service', 'appeal', 'suggestion', 'visit')),
    points bigint not null constraint points_notice_points check (points > 0),
    cause text not null constraint points_notice_cause unique,
    counted_on date not null,
    rule_version text not null,
    data jsonb not null,
    -- When the points run out, once they are posted.
    expires_at timestamptz not null,
    -- Where it is shown; the whole district where none is known.
    community_code text references org_node,
    noticed_at timestamptz not null,
    ends_at timestamptz not null,
    status text not null constraint points_notice_status check (
        status in ('open', 'objected', 'posted', 'refused', 'withdrawn')),
    decided_by uuid references account,
    decided_at timestamptz,
    note text,
    tx uuid constraint points_notice_tx unique references ledger_tx,
    constraint points_notice_term check (noticed_at < ends_at),
    constraint points_notice_posted check ((status = 'posted') = (tx is not null)),
    constraint points_notice_refused check (status <> 'refused' or decided_by is not null),
    constraint points_notice_not_own check (decided_by is null or decided_by <> account)
);
create index points_notice_recent on points_notice (noticed_at desc, id desc);
create index points_notice_community on points_notice (community_code, noticed_at desc, id desc);
create index points_notice_waiting on points_notice (account, source, counted_on)
    where status in ('open', 'objected');

create table points_objection (
    id uuid primary key,
    notice uuid not null references points_notice,
    account_id uuid not null references account,
    reason text not null,
    at timestamptz not null,
    constraint points_objection_once unique (notice, account_id)
);
create trigger points_objection_append_only before update or delete on points_objection
    for each row execute function row_is_append_only();
create trigger points_objection_no_truncate before truncate on points_objection
    for each statement execute function row_is_append_only();

-- Who was warned of points that are about to run out: once for each date, so many days before it.
create table points_warning (
    account uuid not null references account,
    expires_at timestamptz not null,
    days integer not null,
    points bigint not null,
    warned_at timestamptz not null,
    primary key (account, expires_at, days)
);

-- Points given away (转赠): by a person to a community or to a household that they look after, and by a
-- community to a household in it. Only added to.
create table donation (
    id uuid primary key,
    tx uuid not null constraint donation_tx unique references ledger_tx,
    from_account uuid not null references points_account,
    to_account uuid not null references points_account,
    -- The household, whose resident's account they went to.
    household uuid references household,
    points bigint not null constraint donation_points check (points > 0),
    -- Why a community gave them.
    reason text,
    given_by uuid not null references account,
    at timestamptz not null,
    constraint donation_not_to_oneself check (from_account <> to_account)
);
create index donation_from on donation (from_account, at desc, id desc);
create index donation_to on donation (to_account, at desc, id desc);
create trigger donation_append_only before update or delete on donation
    for each row execute function row_is_append_only();
create trigger donation_no_truncate before truncate on donation
    for each statement execute function row_is_append_only();
