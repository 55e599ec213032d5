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
