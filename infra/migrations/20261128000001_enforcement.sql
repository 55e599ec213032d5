-- Enforcement (执法): powers as versions that no one can change, officers with certificates, and
-- acts that are part of a task.
create extension if not exists btree_gist;

create table power_list (
    id bigint generated always as identity primary key,
    unit text not null references org_node,
    version text not null constraint power_list_version_key unique,
    title text not null,
    valid_from date not null,
    valid_to date,
    constraint power_list_validity check (valid_to is null or valid_to > valid_from),
    -- Of one unit no two versions are valid on the same day.
    constraint power_list_no_overlap
        exclude using gist (unit with =, daterange(valid_from, valid_to) with &&),
    -- What an act of the unit refers to.
    constraint power_list_unit unique (id, unit)
);
create table power (
    list_id bigint not null references power_list,
    code text not null,
    kind text not null constraint power_kind check (kind in ('own', 'devolved')),
    name text not null,
    devolved_by text references org_node,
    basis text not null,
    primary key (list_id, code),
    constraint power_devolved check ((kind = 'devolved') = (devolved_by is not null))
);

-- A version may end, once; nothing else of it changes, and none is removed.
create function power_list_only_ends() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        -- As JSON, since a power has no such column: it never changes at all.
        if (to_jsonb(old) ->> 'valid_to') is null and (to_jsonb(new) ->> 'valid_to') is not null
            and (to_jsonb(new) - 'valid_to') = (to_jsonb(old) - 'valid_to')
        then
            return new;
        end if;
    end if;
    raise exception 'a version of a power list is immutable' using errcode = 'restrict_violation';
end $$;
create trigger power_list_only_ends before update or delete on power_list
    for each row execute function power_list_only_ends();
create trigger power_list_no_truncate before truncate on power_list
    for each statement execute function power_list_only_ends();
create trigger power_immutable before update or delete on power
    for each row execute function power_list_only_ends();
create trigger power_no_truncate before truncate on power
    for each statement execute function power_list_only_ends();

-- Powers come with their version, in its own transaction; later ones would change it.
create function power_comes_with_its_list() returns trigger language plpgsql as $$
begin
    if exists (
        select from added join power_list as list on list.id = added.list_id
        where list.xmin <> pg_current_xact_id()::xid
    ) then
        raise exception 'a version of a power list is immutable' using errcode = 'restrict_violation';
    end if;
    return null;
end $$;
create trigger power_with_list after insert on power referencing new table as added
    for each statement execute function power_comes_with_its_list();

-- The certificate of an officer (行政执法证).
create table certificate (
    id uuid primary key,
    number text not null constraint certificate_number_key unique,
    holder uuid not null references account,
    unit text not null references org_node,
    valid_from date not null,
    -- The last day, as it is printed on it.
    valid_until date not null,
    registered_by uuid not null references account,
    registered_at timestamptz not null,
    revoked_at timestamptz,
    revoked_by uuid references account,
    revoked_reason text,
    version bigint not null default 1,
    constraint certificate_validity check (valid_until >= valid_from),
    constraint certificate_revoked check (
        (revoked_at is null) = (revoked_by is null) and (revoked_at is null) = (revoked_reason is null)),
    -- One that was revoked leaves its time free.
    constraint certificate_no_overlap exclude using gist (
        holder with =, daterange(valid_from, valid_until, '[]') with &&) where (revoked_at is null),
    -- What an officer of the unit's act refers to.
    constraint certificate_unit unique (id, unit)
);
create index certificate_registered on certificate (registered_at desc, id desc);
create index certificate_of_unit on certificate (unit, registered_at desc, id desc);

-- An act of enforcement (执法行为). The name of whom it is against, and what was found, are sealed.
create table enforcement_act (
    id uuid primary key,
    task_id uuid not null references task,
    unit text not null,
    kind text not null constraint enforcement_act_kind check (kind in (
        'persuasion', 'inspection', 'order_to_correct', 'on_the_spot_penalty', 'case_filed',
        'penalty', 'withdrawal')),
    power_list_id bigint not null,
    power_code text not null,
    party_kind text constraint enforcement_act_party_kind check (party_kind in ('person', 'organisation')),
    party_name_sealed bytea,
    place text,
    content_sealed bytea,
    occurred_at timestamptz not null,
    document_no text,
    amount_fen bigint,
    recorded_by uuid not null references account,
    recorded_at timestamptz not null,
    -- The act that this one withdraws, and why.
    withdraws uuid constraint enforcement_act_withdrawn_once unique references enforcement_act,
    reason text,
    -- The act that withdrew this one: set once, the one thing that changes.
    withdrawn_by uuid references enforcement_act,
    constraint enforcement_act_unit unique (id, unit),
    -- The power is on a list of the unit.
    constraint enforcement_act_list foreign key (power_list_id, unit) references power_list (id, unit),
    constraint enforcement_act_power foreign key (power_list_id, power_code) references power (list_id, code),
    constraint enforcement_act_withdrawal check (
        (kind = 'withdrawal') = (withdraws is not null) and (kind = 'withdrawal') = (reason is not null)
        and (kind <> 'withdrawal' or withdrawn_by is null)),
    constraint enforcement_act_whole check (kind = 'withdrawal' or (
        party_kind is not null and party_name_sealed is not null and place is not null
        and content_sealed is not null)),
    constraint enforcement_act_document check (
        document_no is not null
        or kind not in ('order_to_correct', 'on_the_spot_penalty', 'case_filed', 'penalty')),
    -- 行政处罚法 第五十一条: on the spot at most 200 yuan for a person, 3,000 for an organisation.
    constraint enforcement_act_amount check (amount_fen is null or (
        amount_fen > 0 and kind in ('on_the_spot_penalty', 'penalty')
        and (kind = 'penalty' or amount_fen <= case party_kind when 'person' then 20000 else 300000 end))),
    constraint enforcement_act_past check (occurred_at <= recorded_at)
);
create index enforcement_act_of_task on enforcement_act (task_id, recorded_at, id);
-- A double tap makes no second act.
create unique index enforcement_act_document_no on enforcement_act (unit, document_no)
    where withdrawn_by is null;
create unique index enforcement_act_once on enforcement_act (task_id, kind, power_code, occurred_at)
    where withdrawn_by is null and kind <> 'withdrawal';

create table enforcement_act_officer (
    act_id uuid not null,
    certificate_id uuid not null,
    unit text not null,
    primary key (act_id, certificate_id),
    constraint enforcement_act_officer_act foreign key (act_id, unit) references enforcement_act (id, unit),
    constraint enforcement_act_officer_unit foreign key (certificate_id, unit) references certificate (id, unit)
);

-- For every table whose rows are only added.
create function row_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
-- An act may be withdrawn, once; nothing else of it changes.
create function enforcement_act_is_only_withdrawn() returns trigger language plpgsql as $$
begin
    if old.withdrawn_by is null and new.withdrawn_by is not null
        and (to_jsonb(new) - 'withdrawn_by') = (to_jsonb(old) - 'withdrawn_by')
    then
        return new;
    end if;
    raise exception 'enforcement_act is append-only' using errcode = 'restrict_violation';
end $$;
create trigger enforcement_act_only_withdrawn before update on enforcement_act
    for each row execute function enforcement_act_is_only_withdrawn();
create trigger enforcement_act_append_only before delete on enforcement_act
    for each row execute function row_is_append_only();
create trigger enforcement_act_no_truncate before truncate on enforcement_act
    for each statement execute function row_is_append_only();
create trigger enforcement_act_officer_append_only before update or delete on enforcement_act_officer
    for each row execute function row_is_append_only();
create trigger enforcement_act_officer_no_truncate before truncate on enforcement_act_officer
    for each statement execute function row_is_append_only();

-- Officers come with their act, in its own transaction; later ones were not there.
create function enforcement_officers_come_with_their_act() returns trigger language plpgsql as $$
begin
    if exists (
        select from added join enforcement_act as act on act.id = added.act_id
        where act.xmin <> pg_current_xact_id()::xid
    ) then
        raise exception 'enforcement_act_officer is append-only' using errcode = 'restrict_violation';
    end if;
    return null;
end $$;
create trigger enforcement_act_officer_with_act after insert on enforcement_act_officer
    referencing new table as added
    for each statement execute function enforcement_officers_come_with_their_act();

-- At the commit an act has its officers (行政处罚法 第四十二条: two holders), and is its task's unit's.
create function enforcement_act_is_whole() returns trigger language plpgsql as $$
declare
    holders integer;
begin
    select count(distinct holder) into holders
    from enforcement_act_officer join certificate on certificate.id = certificate_id
    where act_id = new.id;
    if holders < (case when new.kind in ('persuasion', 'withdrawal') then 1 else 2 end) then
        raise exception 'an act has too few officers' using errcode = 'check_violation',
            constraint = 'enforcement_act_officers';
    end if;
    if not exists (select from task where task.id = new.task_id and task.unit = new.unit) then
        raise exception 'an act is of its task''s unit' using errcode = 'check_violation',
            constraint = 'enforcement_act_task_unit';
    end if;
    return null;
end $$;
create constraint trigger enforcement_act_is_whole after insert on enforcement_act
    deferrable initially deferred for each row execute function enforcement_act_is_whole();
