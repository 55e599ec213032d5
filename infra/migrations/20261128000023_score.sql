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

-- The catalogue of the score book (积分管理手册): what gives or takes how many. Versions only come.
create table score_catalogue (
    version text primary key,
    title text not null,
    -- The first day of the first quarter that it is for.
    valid_from date not null constraint score_catalogue_begins unique,
    added_by uuid references account,
    added_at timestamptz not null,
    constraint score_catalogue_quarter check (valid_from = date_trunc('quarter', valid_from)::date)
);
create table score_item (
    version text not null references score_catalogue,
    code text not null,
    name text not null,
    points integer not null constraint score_item_points check (points <> 0 and points between -100 and 100),
    -- What the item counts at most in a quarter, without its sign; null for no bound.
    cap integer constraint score_item_cap check (cap >= abs(points)),
    primary key (version, code)
);
create trigger score_catalogue_append_only before update or delete on score_catalogue
    for each row execute function row_is_append_only();
create trigger score_catalogue_no_truncate before truncate on score_catalogue
    for each statement execute function row_is_append_only();
create trigger score_item_append_only before update or delete on score_item
    for each row execute function row_is_append_only();
create trigger score_item_no_truncate before truncate on score_item
    for each statement execute function row_is_append_only();
-- The first version, until the district brings its own.
insert into score_catalogue (version, title, valid_from, added_at)
    values ('score-2026.1', '党员积分管理手册（默认）', '2000-01-01', '2026-11-28 00:00+08');
insert into score_item (version, code, name, points, cap) values
    ('score-2026.1', 'meeting', '参加支部组织生活', 2, 12),
    ('score-2026.1', 'duties', '按时交纳党费、完成支部交办的工作', 2, 10),
    ('score-2026.1', 'service', '参加志愿服务、双报到服务', 2, 20),
    ('score-2026.1', 'household', '包联困难家庭、调解邻里矛盾', 3, 15),
    ('score-2026.1', 'honour', '受到表彰', 10, 20),
    ('score-2026.1', 'absence', '无故不参加组织生活', -2, 12),
    ('score-2026.1', 'conduct', '违反公序良俗、受到群众批评经查属实', -5, 20);

-- A quarter of a branch: proposed, in public notice, locked.
create table score_settlement (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    branch_code text not null references org_node,
    community_code text not null references org_node,
    quarter date not null constraint score_settlement_quarter check (quarter = date_trunc('quarter', quarter)::date),
    status text not null constraint score_settlement_status check (status in ('draft', 'notice', 'sent_back', 'locked')),
    proposed_by uuid not null references account,
    proposed_at timestamptz not null,
    decided_by uuid references account,
    decided_at timestamptz,
    reason text,
    notice_until timestamptz,
    locked_at timestamptz,
    constraint score_settlement_decided check (
        (status = 'draft') = (decided_at is null) and (decided_by is null) = (decided_at is null)),
    constraint score_settlement_by_another check (decided_by <> proposed_by),
    constraint score_settlement_noticed check ((status in ('notice', 'locked')) = (notice_until is not null)),
    constraint score_settlement_sent_back check ((status = 'sent_back') = (reason is not null)),
    constraint score_settlement_locked check (
        (status = 'locked') = (locked_at is not null) and (locked_at is null or locked_at >= notice_until))
);
create unique index score_settlement_once on score_settlement (branch_code, quarter) where status <> 'sent_back';
create index score_settlement_list on score_settlement (proposed_at desc, id desc);
create index score_settlement_due on score_settlement (notice_until) where status = 'notice';

-- An entry of somebody's book. A suggestion from outside the branch names a person in words until
-- whoever accepts it has found the member.
create table score_entry (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    member_id uuid references party_member,
    named_sealed bytea,
    branch_code text references org_node,
    community_code text not null references org_node,
    quarter date not null constraint score_entry_quarter check (quarter = date_trunc('quarter', quarter)::date),
    inlet text not null constraint score_entry_inlet check (inlet in (
        'branch_record', 'declaration', 'suggestion', 'review', 'organisation')),
    catalogue text,
    item text,
    points integer constraint score_entry_points check (points <> 0 and points between -100 and 100),
    happened_on date not null,
    words_sealed bytea not null,
    status text not null constraint score_entry_status check (status in ('submitted', 'accepted', 'refused', 'settled')),
    submitted_by uuid not null references account,
    submitted_at timestamptz not null,
    decided_by uuid references account,
    decided_at timestamptz,
    reason text,
    -- The settled entry of an earlier quarter that this one corrects.
    corrects uuid,
    settlement_id uuid references score_settlement,
    foreign key (catalogue, item) references score_item (version, code),
    constraint score_entry_of_member unique (id, member_id),
    constraint score_entry_corrects foreign key (corrects, member_id) references score_entry (id, member_id),
    constraint score_entry_whole check (status in ('submitted', 'refused')
        or num_nulls(member_id, branch_code, catalogue, item, points) = 0),
    constraint score_entry_decided check ((status = 'submitted') = (decided_at is null)
        and (decided_by is null) = (decided_at is null)),
    constraint score_entry_by_another check (decided_by <> submitted_by),
    constraint score_entry_refused check (status <> 'refused' or reason is not null),
    constraint score_entry_settled check ((status = 'settled') = (settlement_id is not null)),
    constraint score_entry_happened check (date_trunc('quarter', happened_on)::date = quarter)
);
create unique index score_entry_corrected_once on score_entry (corrects) where status <> 'refused';
create index score_entry_branch on score_entry (branch_code, quarter);
create index score_entry_member on score_entry (member_id, quarter);
create index score_entry_by on score_entry (submitted_by, submitted_at desc, id desc);
create index score_entry_list on score_entry (submitted_at desc, id desc);

-- After the lock nothing of a quarter changes: what is settled or refused stays as it is, and no
-- entry is added to a quarter that is locked. A correction names a settled entry of an earlier one.
create function score_entry_is_final() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if old.status in ('settled', 'refused') or new.quarter <> old.quarter or new.inlet <> old.inlet
            or new.corrects is distinct from old.corrects or new.submitted_by <> old.submitted_by
        then
            raise exception 'score_entry is final' using errcode = 'restrict_violation';
        end if;
    end if;
    if exists (select from score_settlement s
        where s.branch_code = new.branch_code and s.quarter = new.quarter and s.status = 'locked')
    then
        raise exception 'the quarter is locked' using errcode = 'restrict_violation',
            constraint = 'score_entry_quarter_locked';
    end if;
    if tg_op = 'INSERT' and new.corrects is not null and not exists (select from score_entry e
        where e.id = new.corrects and e.status = 'settled' and e.quarter < new.quarter)
    then
        raise exception 'a correction names a settled entry of an earlier quarter'
            using errcode = 'restrict_violation', constraint = 'score_entry_correction';
    end if;
    return new;
end $$;
create trigger score_entry_final before insert or update on score_entry
    for each row execute function score_entry_is_final();
create trigger score_entry_append_only before delete on score_entry
    for each row execute function row_is_append_only();
create trigger score_entry_no_truncate before truncate on score_entry
    for each statement execute function row_is_append_only();
create function score_settlement_is_final() returns trigger language plpgsql as $$
begin
    if old.status in ('locked', 'sent_back') or new.quarter <> old.quarter or new.branch_code <> old.branch_code
        or new.proposed_by <> old.proposed_by
    then
        raise exception 'score_settlement is final' using errcode = 'restrict_violation';
    end if;
    if new.status = 'locked' and exists (select from score_objection o
        where o.settlement_id = new.id and o.decided_at is null)
    then
        raise exception 'an objection is open' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger score_settlement_final before update on score_settlement
    for each row execute function score_settlement_is_final();
create trigger score_settlement_append_only before delete on score_settlement
    for each row execute function row_is_append_only();
create trigger score_settlement_no_truncate before truncate on score_settlement
    for each statement execute function row_is_append_only();

-- What a locked quarter came to for each member.
create table score_line (
    settlement_id uuid not null references score_settlement,
    member_id uuid not null references party_member,
    points integer not null,
    entries integer not null,
    primary key (settlement_id, member_id)
);
create index score_line_member on score_line (member_id);
create trigger score_line_append_only before update or delete on score_line
    for each row execute function row_is_append_only();
create trigger score_line_no_truncate before truncate on score_line
    for each statement execute function row_is_append_only();

-- What somebody of the branch has against it, while it is in public notice.
create table score_objection (
    id uuid primary key,
    settlement_id uuid not null references score_settlement,
    entry_id uuid references score_entry,
    account_id uuid not null references account,
    words_sealed bytea not null,
    made_at timestamptz not null,
    decided_by uuid references account,
    decided_at timestamptz,
    upheld boolean,
    reason text,
    constraint score_objection_decided check (num_nulls(decided_by, decided_at, upheld, reason) in (0, 4)),
    constraint score_objection_by_another check (decided_by <> account_id)
);
create unique index score_objection_open on score_objection (settlement_id, account_id) where decided_at is null;
create index score_objection_settlement on score_objection (settlement_id, made_at, id);

-- Hours served on another volunteer platform. They count like one's own, without points; a wrong
-- record is withdrawn and stays to be seen.
create table imported_service (
    id uuid primary key,
    platform text not null,
    -- The record's number on its platform.
    record_no text not null,
    account_id uuid not null references account,
    during tstzrange not null,
    minutes integer not null,
    -- What counts of them, up to the day's cap.
    counted integer not null,
    title text not null,
    imported_by uuid not null references account,
    imported_at timestamptz not null,
    withdrawn_by uuid references account,
    withdrawn_at timestamptz,
    withdrawn_reason text,
    constraint imported_service_minutes check (minutes >= 1
        and minutes * interval '1 minute' = upper(during) - lower(during)),
    constraint imported_service_counted check (counted between 1 and minutes),
    constraint imported_service_withdrawn check (num_nulls(withdrawn_by, withdrawn_at, withdrawn_reason) in (0, 3)),
    -- Nobody is in two places at once.
    constraint imported_service_no_overlap exclude using gist (account_id with =, during with &&)
        where (withdrawn_at is null)
);
create unique index imported_service_record on imported_service (platform, record_no) where withdrawn_at is null;
create index imported_service_account on imported_service (account_id, imported_at desc);
create index imported_service_list on imported_service (imported_at desc, id desc);

create or replace view service_done as
select account_id, lower(during) as began_at, minutes
from claim where status = 'confirmed'
union all
select account_id, lower(during), counted
from imported_service where withdrawn_at is null;
