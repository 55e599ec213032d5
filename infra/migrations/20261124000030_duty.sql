-- Duty lists as versions that no one can change, and proposals for the next version.
create extension if not exists btree_gist;

-- Of one list no two versions are valid on the same day.
alter table duty_list add constraint duty_list_no_overlap exclude using gist (
    kind with =, coalesce(division_code, '') with =, daterange(valid_from, valid_to) with &&
);
-- The district has one 属地 list; every other list is somebody's own.
alter table duty_list add constraint duty_list_division
    check ((kind = 'territorial') = (division_code is null));

-- A version may end, once; nothing else of it changes, and none is removed.
create function duty_list_only_ends() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if old.valid_to is null and new.valid_to is not null
            and (new.id, new.kind, new.version, new.title, new.division_code, new.valid_from)
                is not distinct from
                (old.id, old.kind, old.version, old.title, old.division_code, old.valid_from)
        then
            return new;
        end if;
    end if;
    raise exception 'a version of a duty list is immutable' using errcode = 'restrict_violation';
end $$;
create trigger duty_list_only_ends before update or delete on duty_list
    for each row execute function duty_list_only_ends();
create trigger duty_list_no_truncate before truncate on duty_list
    for each statement execute function duty_list_only_ends();

create function duty_item_is_immutable() returns trigger language plpgsql as $$
begin
    raise exception 'an item of a duty list is immutable' using errcode = 'restrict_violation';
end $$;
create trigger duty_item_immutable before update or delete on duty_item
    for each row execute function duty_item_is_immutable();
create trigger duty_item_no_truncate before truncate on duty_item
    for each statement execute function duty_item_is_immutable();

-- Items come with their version, in its own transaction; later ones would change it.
create function duty_item_comes_with_its_list() returns trigger language plpgsql as $$
begin
    if exists (
        select from added join duty_list as list on list.id = added.list_id
        where list.xmin <> pg_current_xact_id()::xid
    ) then
        raise exception 'a version of a duty list is immutable' using errcode = 'restrict_violation';
    end if;
    return null;
end $$;
create trigger duty_item_with_list after insert on duty_item referencing new table as added
    for each statement execute function duty_item_comes_with_its_list();

-- What somebody wants otherwise in the next version of a list.
create table duty_proposal (
    id uuid primary key,
    -- The version that the objection is to, and its item.
    list_id bigint not null,
    item text not null,
    -- What should stand there instead.
    text text not null,
    lead_unit text references org_node,
    -- Of which return it came.
    from_task uuid references task,
    -- The unit that objects; null for the district's centre.
    unit text references org_node,
    made_by uuid not null references account,
    made_at timestamptz not null,
    status text not null default 'open' constraint duty_proposal_status
        check (status in ('open', 'adopted', 'declined', 'settled')),
    decided_by uuid references account,
    decided_at timestamptz,
    note text,
    -- The version that took it in.
    settled_in bigint references duty_list,
    version bigint not null default 1,
    constraint duty_proposal_item foreign key (list_id, item) references duty_item (list_id, code),
    constraint duty_proposal_decided check ((status = 'open') = (decided_at is null)),
    constraint duty_proposal_not_by_oneself check (decided_by <> made_by),
    constraint duty_proposal_settled check ((status = 'settled') = (settled_in is not null))
);
-- A unit has one open objection to an item: a double tap makes no second.
create unique index duty_proposal_open on duty_proposal (list_id, item, coalesce(unit, ''))
    where status = 'open';
create index duty_proposal_made on duty_proposal (made_at desc, id desc);
create index duty_proposal_adopted on duty_proposal (list_id) where status = 'adopted';
