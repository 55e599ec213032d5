-- What offers owe of their budgets (已占用的预算): an upheld correction of a statement is paid like a piece.

-- What an offer owes its merchant: the pieces that are taken, and what disputes of its lines were
-- decided to. It is never less than nothing.
create view offer_owed as
select offer.id as offer,
    greatest(0, settlement_fen * (
        select count(*) from offer_unit where offer_unit.offer = offer.id and hold is not null
    ) + coalesce((
        select sum(dispute.fen)
        from settlement_dispute as dispute
        join settlement_line as line on line.settlement = dispute.settlement and line.n = dispute.line
        where upheld and line.offer = offer.id
    ), 0))::bigint as fen
from offer where budget is not null;

-- What a budget has paid, and what was corrected of an offer.
create index settlement_line_budget on settlement_line (budget) where budget is not null;
create index settlement_line_offer on settlement_line (offer);

-- A line of an account as whoever it belongs to reads it. An award that is taken back when nothing of
-- it is left moves none of the person's points: its line says so with a figure of nothing.
create view ledger_line as
select line.tx as id, line.seq, line.account, tx.kind, coalesce(tx.source, first.source) as source,
    line.amount as points, line.at, tx.data, offer.title as offer, tx.rule_version, tx.reverses,
    why.reason, why.document
from (
    select tx, seq, account, amount, at from ledger_entry
    union all
    select back.id, 0::smallint, given.account, 0::bigint, back.at
    from ledger_entry as given
    join points_account as owner on owner.id = given.account and owner.kind = 'user'
    join ledger_tx as back on back.reverses = given.tx
    where not exists (
        select from ledger_entry as entry where entry.tx = back.id and entry.account = given.account
    )
) as line
join ledger_tx as tx on tx.id = line.tx
left join ledger_tx as first on first.id = tx.reverses
left join ledger_reason as why on why.tx = tx.id
left join hold on hold.id = coalesce(tx.reverses, tx.id)
left join offer on offer.id = hold.offer;

-- Whether somebody could come from one post to the next in the time between is asked once, by the flag
-- `impossible_travel`, which a person looks at; a check-in notes what it alone shows.
update claim set check_in_oddities = array_remove(check_in_oddities, 'jump')
where 'jump' = any(check_in_oddities);
alter table claim
    drop constraint claim_oddities,
    add constraint claim_oddities check (check_in_oddities <@ array['inaccurate', 'code_from_afar']);

-- As before, and each debt by itself: in the sum alone one person's would hide behind another's.
create or replace view ledger_violation as
with receivable_sum as (
    select tx as reversal, -sum(amount)::bigint as points from ledger_entry
    where account = '00000000-0000-7000-8000-000000000004' group by tx
), offset_sum as (
    select data ->> 'reversal' as reversal, sum(amount)::bigint as points
    from ledger_tx join ledger_entry on ledger_entry.tx = ledger_tx.id
    where kind = 'offset' and amount > 0 group by data ->> 'reversal'
), entry_sum as (
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
where owed.points <> receivable.points
union all
select 'debt_is_reversal', debt.reversal, debt.account, null,
    coalesce(owed.points, 0) - coalesce(paid.points, 0), debt.remaining
from points_debt as debt
left join receivable_sum as owed on owed.reversal = debt.reversal and owed.points > 0
left join offset_sum as paid on paid.reversal = debt.reversal::text
where debt.remaining <> coalesce(owed.points, 0) - coalesce(paid.points, 0);
comment on view ledger_violation is
    'Ten rules (the lots'', the offers'' and the debts'' in two figures each). A row blocks redemption for its account or offer.';
