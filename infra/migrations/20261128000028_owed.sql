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
