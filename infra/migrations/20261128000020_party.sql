-- Party registers (党员名册): the four ledgers, ranks, the facts of the five colours, transfers
-- between branches, floating members with both ends, and what changed when.
--
-- Names, numbers and telephones are sealed; what is searched by is a blind index. Rows from before
-- have the last six characters of the number only: the full number is filled in when it is known.
alter table party_member
    add column version bigint not null default 1,
    add column name_index bytea,
    add column id_number_sealed bytea,
    add column id_number_index bytea,
    add column phone_sealed bytea,
    add column phone_index bytea,
    add column sex text constraint party_member_sex check (sex in ('male', 'female')),
    add column born_on date,
    add column joined_on date,
    -- The building group or member household below the branch.
    add column group_code text references org_node,
    add column ledger text not null default 'employed'
        constraint party_member_ledger check (ledger in ('direct', 'retired', 'employed', 'floating')),
    add column rank text not null default 'none' constraint party_member_rank check (rank in (
        'none', 'clerk', 'section_deputy', 'section', 'division_deputy', 'division', 'bureau')),
    add column standing text not null default 'full'
        constraint party_member_standing check (standing in ('full', 'probationary')),
    add column health text not null default 'good'
        constraint party_member_health check (health in ('good', 'frail')),
    add column skills text[] not null default '{}'
        constraint party_member_skills check (cardinality(skills) <= 20),
    add column removed_as text constraint party_member_removed_as check (removed_as in (
        'moved_away', 'died', 'expelled', 'left', 'mistake')),
    add column removed_note text,
    add column removed_by uuid references account,
    add constraint party_member_full_number check ((id_number_sealed is null) = (id_number_index is null)),
    add constraint party_member_phone check ((phone_sealed is null) = (phone_index is null)),
    add constraint party_member_removed check (removed_as is null or removed_at is not null);

-- 科级及以下 was a flag; the rank says it now. Who was not bound stands above the section.
update party_member set rank = 'division_deputy' where not section_level_or_below;
alter table party_member drop column section_level_or_below;

create unique index party_member_id_number on party_member (id_number_index) where removed_at is null;
-- Two people may share a name and six characters; then their full numbers tell them apart.
create unique index party_member_match_once on party_member (match_index)
    where removed_at is null and id_number_index is null;
create index party_member_name on party_member (name_index) where removed_at is null;
create index party_member_phone_index on party_member (phone_index) where removed_at is null;
create index party_member_branch on party_member (branch_code, added_at desc, id desc);

-- A member works or lives elsewhere for a while: the branch of the register is one end, the other
-- one is a branch of ours or the name of somebody else's.
create table party_floating (
    id uuid primary key,
    member_id uuid not null references party_member,
    -- out: the register's branch is home; in: it is the host.
    direction text not null constraint party_floating_direction check (direction in ('out', 'in')),
    other_branch text references org_node,
    other_name text,
    place text not null,
    since date not null,
    contact_sealed bytea,
    -- The ledger to which the member comes back.
    ledger text not null constraint party_floating_ledger check (ledger in ('direct', 'retired', 'employed')),
    recorded_by uuid references account,
    recorded_at timestamptz not null,
    ended_on date,
    ended_by uuid references account,
    constraint party_floating_other check ((other_branch is null) <> (other_name is null)),
    constraint party_floating_dates check (ended_on >= since),
    constraint party_floating_ended check ((ended_on is null) = (ended_by is null))
);
create unique index party_floating_open on party_floating (member_id) where ended_on is null;
create index party_floating_branch on party_floating (other_branch) where ended_on is null;

-- A transfer between branches (组织关系转接): the register follows only when both ends agreed.
create table party_transfer (
    id uuid primary key,
    version bigint not null default 1,
    member_id uuid not null references party_member,
    from_branch text not null references org_node,
    to_branch text not null references org_node,
    to_group text references org_node,
    status text not null constraint party_transfer_status check (status in (
        'proposed', 'released', 'accepted', 'refused', 'withdrawn')),
    reason text not null,
    proposed_by uuid not null references account,
    proposed_at timestamptz not null,
    released_by uuid references account,
    released_at timestamptz,
    decided_by uuid references account,
    decided_at timestamptz,
    note text,
    constraint party_transfer_ends check (from_branch <> to_branch),
    constraint party_transfer_released check (
        (released_by is null) = (released_at is null)
        and (status not in ('released', 'accepted') or released_at is not null)
        and (status <> 'proposed' or released_at is null)),
    constraint party_transfer_decided check (
        (decided_by is null) = (decided_at is null)
        and (status in ('accepted', 'refused', 'withdrawn')) = (decided_at is not null)),
    constraint party_transfer_both_ends check (status <> 'accepted' or decided_by <> released_by)
);
create unique index party_transfer_open on party_transfer (member_id) where status in ('proposed', 'released');
create index party_transfer_list on party_transfer (proposed_at desc, id desc);
create index party_transfer_from on party_transfer (from_branch, proposed_at desc);
create index party_transfer_to on party_transfer (to_branch, proposed_at desc);

-- What happened to a row of the register, in codes: never a name, a number or a telephone.
create table party_member_change (
    id uuid primary key,
    member_id uuid not null references party_member,
    kind text not null constraint party_member_change_kind check (kind in (
        'added', 'imported', 'completed', 'changed', 'ledger_changed', 'floated', 'returned',
        'transferred', 'removed')),
    at timestamptz not null,
    by_id uuid references account,
    data jsonb not null
);
create index party_member_change_list on party_member_change (member_id, at desc, id desc);
create trigger party_member_change_append_only before update or delete on party_member_change
    for each row execute function row_is_append_only();
create trigger party_member_change_no_truncate before truncate on party_member_change
    for each statement execute function row_is_append_only();

-- The party bodies below these roots, and those of these divisions with all below them. The tree is
-- small, and a branch may move: its code says nothing of where it hangs.
create function party_reach(roots text[], areas text[]) returns setof text language sql stable as $$
    with recursive reach (code) as (
        select code from org_node
        where tree = 'party' and (code = any(roots) or division_code = any(areas))
        union
        select child.code from org_node child join reach on child.parent_code = reach.code
        where child.tree = 'party'
    )
    select code from reach
$$;
