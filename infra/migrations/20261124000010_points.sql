-- Points (积分): a double-entry ledger that is only added to, the lots that expire, the offers they
-- redeem, and the holds between. docs/adr/0011-ledger.md says why.

create table merchant (
    code text primary key constraint merchant_code check (code ~ '^[a-z0-9-]{2,40}$'),
    name text not null,
    address text,
    created_at timestamptz not null
);

-- Who can hold points. A person's account carries what they have and how much of it is held; the
-- others are only the other side of an entry and carry no running total: a row that everybody
-- changes would make everybody wait.
create table points_account (
    id uuid primary key,
    kind text not null constraint points_account_kind check (kind in ('user', 'issuance', 'merchant', 'expiry', 'adjustment')),
    account_id uuid constraint points_account_person unique references account,
    -- Redeemed points are owed to the merchant, who is settled by them.
    merchant text constraint points_account_merchant unique references merchant,
    posted bigint,
    held bigint,
    opened_at timestamptz not null,
    constraint points_account_owner check (
        (kind = 'user') = (account_id is not null and id = account_id)
        and (kind = 'merchant') = (merchant is not null)),
    constraint points_account_total check ((kind = 'user') = (posted is not null and held is not null)),
    -- Never negative, and never more held than there is.
    constraint points_account_balance check (held >= 0 and posted >= held)
);
-- There is one of each, and a merchant's is opened with the merchant.
create unique index points_account_system on points_account (kind) where kind in ('issuance', 'expiry', 'adjustment');
insert into points_account (id, kind, opened_at) values
    ('00000000-0000-7000-8000-000000000001', 'issuance', 'epoch'),
    ('00000000-0000-7000-8000-000000000002', 'expiry', 'epoch'),
    ('00000000-0000-7000-8000-000000000003', 'adjustment', 'epoch');

-- A movement, and why. The same cause moves points once.
create table ledger_tx (
    id uuid primary key,
    kind text not null constraint ledger_tx_kind check (kind in ('earn', 'redeem', 'expire', 'reverse', 'adjust')),
    cause text not null constraint ledger_tx_cause_length check (char_length(cause) between 1 and 200),
    -- What gave the points, where points were given.
    source text constraint ledger_tx_source check (source in ('service', 'appeal')),
    at timestamptz not null,
    -- The day that caps count an award on.
    counted_on date,
    -- The version of the rule by which an award was computed.
    rule_version text,
    -- Codes and ids for the sentence that explains it; never prose, never personal data.
    data jsonb not null default '{}',
    reverses uuid constraint ledger_tx_reversed_once unique references ledger_tx,
    constraint ledger_tx_cause unique (kind, cause),
    constraint ledger_tx_reversal check ((kind = 'reverse') = (reverses is not null)),
    constraint ledger_tx_award check ((kind = 'earn') = (source is not null and counted_on is not null and rule_version is not null))
);

create table ledger_entry (
    tx uuid not null references ledger_tx,
    seq smallint not null,
    account uuid not null references points_account,
    amount bigint not null constraint ledger_entry_amount check (amount <> 0),
    -- As in its transaction: a person's entries are read by time and counted by award.
    at timestamptz not null,
    primary key (tx, seq)
);
create index ledger_entry_account on ledger_entry (account, at desc, tx desc);

create function ledger_balances() returns trigger language plpgsql as $$
declare
    wanted uuid;
    entries bigint;
    total numeric;
begin
    if tg_table_name = 'ledger_tx' then wanted := new.id; else wanted := new.tx; end if;
    select count(*), coalesce(sum(amount), 0) into entries, total from ledger_entry where tx = wanted;
    if entries < 2 or total <> 0 then
        raise exception 'ledger transaction % has % entries that come to %', wanted, entries, total
            using errcode = 'integrity_constraint_violation', constraint = tg_name;
    end if;
    return null;
end
$$;
create constraint trigger ledger_tx_balanced after insert on ledger_tx
    deferrable initially deferred for each row execute function ledger_balances();
create constraint trigger ledger_entry_balanced after insert on ledger_entry
    deferrable initially deferred for each row execute function ledger_balances();

create function ledger_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: correct it by a reversal', tg_table_name using errcode = 'restrict_violation';
end
$$;
create trigger ledger_tx_append_only before update or delete on ledger_tx
    for each row execute function ledger_is_append_only();
create trigger ledger_tx_no_truncate before truncate on ledger_tx
    for each statement execute function ledger_is_append_only();
create trigger ledger_entry_append_only before update or delete on ledger_entry
    for each row execute function ledger_is_append_only();
create trigger ledger_entry_no_truncate before truncate on ledger_entry
    for each statement execute function ledger_is_append_only();

-- Points that were given together and expire together; spent first-in first-out.
create table point_lot (
    id uuid primary key,
    account uuid not null references points_account,
    granted bigint not null constraint point_lot_granted check (granted > 0),
    remaining bigint not null,
    held bigint not null default 0,
    expires_at timestamptz not null,
    constraint point_lot_balance check (held >= 0 and remaining >= held and granted >= remaining)
);
create index point_lot_spendable on point_lot (account, expires_at, id) where remaining > 0;
create index point_lot_expiring on point_lot (expires_at) where remaining > 0;

create table offer (
    id uuid primary key,
    merchant text not null references merchant,
    title text not null,
    category text not null,
    points bigint not null constraint offer_points check (points > 0),
    -- So many rows it has in offer_unit.
    stock integer not null constraint offer_stock check (stock > 0),
    per_person smallint not null constraint offer_per_person check (per_person > 0),
    valid_until timestamptz not null,
    published_at timestamptz not null,
    published_by uuid references account
);
create index offer_recent on offer (published_at desc, id desc);
create index offer_category on offer (category, published_at desc, id desc);

-- Points and one piece of an offer, set aside together until the merchant verifies the code.
create table hold (
    id uuid primary key,
    account uuid not null references points_account,
    offer uuid not null references offer,
    -- What the client called this request: one hold for each.
    client_key text not null,
    -- Which of the person's pieces of the offer it is, from 1; null once it counts no more.
    slot smallint,
    points bigint not null constraint hold_points check (points > 0),
    state text not null default 'pending' constraint hold_state check (state in ('pending', 'confirmed', 'cancelled', 'expired')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    constraint hold_client_key unique (account, client_key),
    constraint hold_ended check ((state = 'pending') = (ended_at is null)),
    constraint hold_slot check (state not in ('pending') or slot is not null),
    constraint hold_given_back check (state not in ('cancelled', 'expired') or slot is null)
);
-- The limit for each person: a slot is taken once.
create unique index hold_slot_taken on hold (account, offer, slot) where slot is not null;
create index hold_mine on hold (account, created_at desc, id desc);
create index hold_offer on hold (offer);
create index hold_pending on hold (expires_at) where state = 'pending';

-- A hold ends once. A slot may be given back afterwards, when what was redeemed is refunded.
create function hold_is_final() returns trigger language plpgsql as $$
begin
    if old.state <> 'pending'
        and (old.state <> new.state or old.ended_at <> new.ended_at or (new.slot is not null and new.slot is distinct from old.slot))
        or (old.id, old.account, old.offer, old.client_key, old.points, old.created_at, old.expires_at)
            <> (new.id, new.account, new.offer, new.client_key, new.points, new.created_at, new.expires_at)
    then
        raise exception 'hold % is %, which is final', old.id, old.state using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger hold_final before update on hold for each row execute function hold_is_final();
create function hold_is_kept() returns trigger language plpgsql as $$
begin
    raise exception '% is kept: it explains the ledger', tg_table_name using errcode = 'restrict_violation';
end
$$;
create trigger hold_kept before delete on hold for each row execute function hold_is_kept();
create trigger hold_no_truncate before truncate on hold for each statement execute function hold_is_kept();

-- One row for each piece of an offer, free or taken by a hold. Two people who want a hot offer take
-- two rows and do not wait for each other, and no more can be sold than there are rows.
create table offer_unit (
    offer uuid not null references offer,
    n integer not null,
    hold uuid constraint offer_unit_hold unique references hold,
    primary key (offer, n)
);
create index offer_unit_free on offer_unit (offer, n) where hold is null;

-- From which lots a hold takes its points.
create table hold_lot (
    hold uuid not null references hold,
    lot uuid not null references point_lot,
    amount bigint not null constraint hold_lot_amount check (amount > 0),
    primary key (hold, lot)
);
create index hold_lot_lot on hold_lot (lot);
create trigger hold_lot_append_only before update or delete on hold_lot
    for each row execute function ledger_is_append_only();
create trigger hold_lot_no_truncate before truncate on hold_lot
    for each statement execute function ledger_is_append_only();

-- What the person sees of a hold: the code that is shown at the till.
create table redemption (
    id uuid primary key references hold,
    -- The code is found by its MAC and shown again from the sealed copy; in the clear it is nowhere.
    code_index bytea not null constraint redemption_code unique,
    code_sealed bytea not null,
    verified_by uuid references account,
    refunded_at timestamptz
);

-- A redemption waits while its account or offer does not add up.
create table ledger_block (
    subject_id uuid primary key,
    subject text not null constraint ledger_block_subject check (subject in ('account', 'offer')),
    rule text not null,
    since timestamptz not null
);

-- The nine rules that the books keep. Each row is a figure that breaks one: the view must be empty.
create view ledger_violation as
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
where kind = 'user' and points_account.posted <> coalesce(entry_sum.posted, 0)
union all
select 'lots_are_posted', id, id, null, points_account.posted, coalesce(lot_sum.posted, 0)
from points_account left join lot_sum on lot_sum.account = points_account.id
where kind = 'user' and points_account.posted <> coalesce(lot_sum.posted, 0)
union all
select 'lots_are_held', id, id, null, points_account.held, coalesce(lot_sum.held, 0)
from points_account left join lot_sum on lot_sum.account = points_account.id
where kind = 'user' and points_account.held <> coalesce(lot_sum.held, 0)
union all
select 'held_is_pending', id, id, null, coalesce(pending_sum.held, 0), points_account.held
from points_account left join pending_sum on pending_sum.account = points_account.id
where kind = 'user' and points_account.held <> coalesce(pending_sum.held, 0)
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
where point_lot.held <> coalesce(lot_held.held, 0);
comment on view ledger_violation is
    'Nine rules (the lots'' and the offers'' in two figures each). A row blocks redemption for its account or offer.';
