-- Merchants and offers (商户与优惠): shops come by application, offers have conditions, batches and a
-- payer whose budget can never be exceeded, and each month is settled in a statement.

-- A merchant as residents see it. Who is behind it stands sealed.
alter table merchant
    add column version bigint not null default 1,
    add column intro text,
    -- When it is open, in its own words; and the shop's number, which it shows to everybody.
    add column opening text,
    add column shop_phone text,
    add column lng double precision,
    add column lat double precision,
    -- The unified social credit code (GB 32100): one merchant each.
    add column licence_index bytea constraint merchant_licence unique,
    add column licence_sealed bytea,
    add column contact_name_sealed bytea,
    add column contact_phone_sealed bytea,
    add constraint merchant_location check ((lng is null) = (lat is null)),
    add constraint merchant_sealed check (num_nulls(licence_index, licence_sealed) in (0, 2));

-- Somebody asks to become a merchant; another decides.
create table merchant_application (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    applicant uuid not null references account,
    status text not null constraint merchant_application_status check (
        status in ('pending', 'approved', 'sent_back', 'refused', 'withdrawn')),
    name text not null,
    address text not null,
    intro text,
    lng double precision,
    lat double precision,
    licence_index bytea not null,
    licence_sealed bytea not null,
    contact_name_sealed bytea not null,
    contact_phone_sealed bytea not null,
    submitted_at timestamptz not null,
    decided_by uuid references account,
    decided_at timestamptz,
    reason text,
    -- What it became.
    merchant text constraint merchant_application_merchant unique references merchant,
    constraint merchant_application_location check ((lng is null) = (lat is null)),
    constraint merchant_application_decided check (
        (status in ('approved', 'sent_back', 'refused')) = (decided_by is not null)
        and (decided_by is null) = (decided_at is null)),
    constraint merchant_application_reason check (status not in ('sent_back', 'refused') or reason is not null),
    constraint merchant_application_approved check ((status = 'approved') = (merchant is not null)),
    constraint merchant_application_not_by_oneself check (decided_by <> applicant)
);
create unique index merchant_application_open on merchant_application (licence_index)
    where status in ('pending', 'sent_back');
create index merchant_application_recent on merchant_application (submitted_at desc, id desc);
create index merchant_application_mine on merchant_application (applicant, submitted_at desc, id desc);

-- Who holds the code may bind themselves to the merchant, once and for a short time.
create table merchant_invitation (
    id uuid primary key,
    merchant text not null references merchant,
    role text not null constraint merchant_invitation_role check (role in ('merchant_clerk', 'merchant_manager')),
    code_index bytea not null constraint merchant_invitation_code unique,
    created_by uuid not null references account,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_by uuid references account,
    used_at timestamptz,
    constraint merchant_invitation_used check ((used_by is null) = (used_at is null)),
    constraint merchant_invitation_not_by_oneself check (used_by <> created_by)
);

-- A merchant that is suspended redeems nothing until it is lifted.
create table merchant_suspension (
    id uuid primary key,
    merchant text not null references merchant,
    reason text not null,
    suspended_by uuid not null references account,
    suspended_at timestamptz not null,
    lifted_by uuid references account,
    lifted_at timestamptz,
    lift_reason text,
    constraint merchant_suspension_lifted check (num_nulls(lifted_by, lifted_at, lift_reason) in (0, 3))
);
create unique index merchant_suspension_open on merchant_suspension (merchant) where lifted_at is null;

-- Who pays for offers, and how much at most. What is published is committed, so that the cap holds
-- whoever publishes at once.
create table budget (
    id uuid primary key,
    version bigint not null default 1,
    name text not null constraint budget_name unique,
    payer text not null constraint budget_payer check (payer in ('unit', 'community', 'fund')),
    cap_fen bigint not null constraint budget_cap check (cap_fen > 0),
    committed_fen bigint not null default 0,
    created_by uuid not null references account,
    created_at timestamptz not null,
    constraint budget_not_exceeded check (committed_fen between 0 and cap_fen)
);
create index budget_recent on budget (created_at desc, id desc);

alter table offer
    add column version bigint not null default 1,
    add column status text not null default 'published' constraint offer_status check (
        status in ('draft', 'in_review', 'published', 'paused', 'ended')),
    -- With its merchant.
    add column suspended boolean not null default false,
    add column description text,
    add column created_at timestamptz,
    add column created_by uuid references account,
    -- Why it was sent back, paused or ended.
    add column reason text,
    add column valid_from timestamptz,
    -- Bit 0 is Monday.
    add column weekdays smallint not null default 127 constraint offer_weekdays check (weekdays between 1 and 127),
    -- Minutes of the civil day: from the first up to the second.
    add column from_minute smallint,
    add column to_minute smallint,
    add column blackout date[] not null default '{}' constraint offer_blackout check (cardinality(blackout) <= 60),
    add column per_day smallint constraint offer_per_day check (per_day > 0),
    add column per_week smallint constraint offer_per_week check (per_week > 0),
    add column audience text not null default 'anyone' constraint offer_audience check (
        audience in ('anyone', 'party_member', 'registered')),
    -- Of registered ones: with these communities; empty for any.
    add column communities text[] not null default '{}',
    -- For people of these ages, in whole years; who has no known birthday is not among them.
    add column min_age smallint,
    add column max_age smallint,
    add column budget uuid references budget,
    -- What the payer owes the merchant for a piece, and what the buyer adds at the till.
    add column settlement_fen bigint not null default 0 constraint offer_settlement check (settlement_fen >= 0),
    add column cash_fen bigint not null default 0 constraint offer_cash check (cash_fen >= 0),
    add column committed_fen bigint not null default 0 constraint offer_committed check (committed_fen >= 0),
    add constraint offer_hours check (
        (from_minute is null) = (to_minute is null)
        and (from_minute is null or 0 <= from_minute and from_minute < to_minute and to_minute <= 1440)),
    add constraint offer_ages check (
        (min_age is null or min_age between 1 and 120) and (max_age is null or max_age between 1 and 120)
        and (min_age is null or max_age is null or min_age <= max_age)),
    -- Without a payer the merchant bears it itself.
    add constraint offer_paid check (budget is not null or settlement_fen = 0 and committed_fen = 0),
    add constraint offer_uncommitted check (status not in ('draft', 'in_review') or committed_fen = 0);
update offer set created_at = published_at, created_by = published_by, valid_from = published_at;
alter table offer
    alter column created_at set not null,
    alter column valid_from set not null,
    alter column published_at drop not null,
    add constraint offer_published check (published_at is not null or status in ('draft', 'in_review', 'ended')),
    add constraint offer_validity check (valid_from < valid_until),
    add constraint offer_reviewed_by_another check (status in ('draft', 'in_review') or published_by is null
        or created_by is null or published_by <> created_by or published_at = created_at);
drop index offer_recent;
drop index offer_category;
-- The list, in each of its orders.
create index offer_recent on offer (published_at desc, id desc) where status = 'published';
create index offer_category on offer (category, published_at desc, id desc) where status = 'published';
create index offer_by_points on offer (points, id) where status = 'published';
create index offer_by_end on offer (valid_until, id) where status = 'published';
create index offer_merchant on offer (merchant, created_at desc, id desc);
create index offer_budget on offer (budget) where committed_fen > 0;

-- What was agreed with the payer does not change once it is published: another price is another offer.
create function offer_price_is_kept() returns trigger language plpgsql as $$
begin
    if old.published_at is not null
        and (old.merchant, old.category, old.points, old.settlement_fen, old.cash_fen, old.published_at)
            is distinct from (new.merchant, new.category, new.points, new.settlement_fen, new.cash_fen, new.published_at)
        or old.published_at is not null and old.budget is distinct from new.budget
    then
        raise exception 'the price of offer % is kept', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger offer_price_kept before update on offer for each row execute function offer_price_is_kept();

-- Stock comes in batches; what is taken back is free and stands here with a minus.
create table offer_batch (
    offer uuid not null references offer,
    n integer not null,
    pieces integer not null constraint offer_batch_pieces check (pieces <> 0),
    note text,
    added_by uuid references account,
    added_at timestamptz not null,
    primary key (offer, n)
);
insert into offer_batch (offer, n, pieces, added_by, added_at)
select id, 1, stock, published_by, published_at from offer;
create trigger offer_batch_append_only before update or delete on offer_batch
    for each row execute function row_is_append_only();
create trigger offer_batch_no_truncate before truncate on offer_batch
    for each statement execute function row_is_append_only();

-- A month that was settled, and each merchant's statement of it.
create table settlement_month (
    month date primary key constraint settlement_month_first check (extract(day from month) = 1),
    frozen_at timestamptz not null
);
create table settlement (
    id uuid primary key,
    version bigint not null default 1,
    merchant text not null references merchant,
    month date not null references settlement_month,
    status text not null default 'frozen' constraint settlement_status check (status in ('frozen', 'confirmed', 'paid')),
    -- Until then the merchant disputes lines.
    dispute_until timestamptz not null,
    confirmed_by uuid references account,
    confirmed_at timestamptz,
    paid_by uuid references account,
    paid_at timestamptz,
    document_no text,
    constraint settlement_once unique (merchant, month),
    constraint settlement_confirmed check (num_nulls(confirmed_by, confirmed_at) in (0, 2)),
    constraint settlement_confirmed_first check (status <> 'confirmed' or confirmed_by is not null),
    constraint settlement_paid check (num_nulls(paid_by, paid_at, document_no) = case when status = 'paid' then 0 else 3 end)
);
create index settlement_recent on settlement (month desc, id desc);
create table settlement_line (
    settlement uuid not null references settlement,
    n integer not null,
    kind text not null constraint settlement_line_kind check (kind in ('redemption', 'refund', 'correction')),
    -- The redemption that was verified or refunded; of a correction the one in dispute.
    redemption uuid not null references redemption,
    offer uuid not null references offer,
    budget uuid references budget,
    at timestamptz not null,
    points bigint not null,
    -- What the payer owes for it, less than nothing for what was refunded.
    fen bigint not null,
    cash_fen bigint not null,
    -- The dispute that it settles.
    dispute uuid,
    primary key (settlement, n),
    constraint settlement_line_correction check ((kind = 'correction') = (dispute is not null)),
    constraint settlement_line_sign check (kind = 'correction' or (kind = 'redemption' and fen >= 0 and points > 0)
        or (kind = 'refund' and fen <= 0 and points < 0))
);
-- Each redemption is settled once, and once taken back.
create unique index settlement_line_once on settlement_line (redemption, kind) where kind <> 'correction';
create unique index settlement_line_dispute on settlement_line (dispute);
create trigger settlement_line_append_only before update or delete on settlement_line
    for each row execute function row_is_append_only();
create trigger settlement_line_no_truncate before truncate on settlement_line
    for each statement execute function row_is_append_only();
create trigger settlement_month_append_only before update or delete on settlement_month
    for each row execute function row_is_append_only();
create trigger settlement_month_no_truncate before truncate on settlement_month
    for each statement execute function row_is_append_only();
create table settlement_dispute (
    id uuid primary key,
    settlement uuid not null,
    line integer not null,
    reason text not null,
    raised_by uuid not null references account,
    raised_at timestamptz not null,
    upheld boolean,
    -- What is settled beside the line, in the next statement.
    fen bigint,
    answer text,
    decided_by uuid references account,
    decided_at timestamptz,
    constraint settlement_dispute_line foreign key (settlement, line) references settlement_line (settlement, n),
    constraint settlement_dispute_once unique (settlement, line),
    constraint settlement_dispute_decided check (num_nulls(upheld, answer, decided_by, decided_at) in (0, 4)),
    constraint settlement_dispute_upheld check ((upheld is true) = (fen is not null) and fen <> 0),
    constraint settlement_dispute_not_by_oneself check (decided_by <> raised_by)
);
alter table settlement_line add constraint settlement_line_of_dispute foreign key (dispute) references settlement_dispute;
create index settlement_dispute_upheld_ones on settlement_dispute (decided_at) where upheld;
