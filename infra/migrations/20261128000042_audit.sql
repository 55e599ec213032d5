-- The audit trail in months, and its entries in the blocks of a hash chain.
--
-- Entries get their places from a sequence and commit in another order. A block may hold what lies
-- below a mark only once nobody can add to it any more: audit_append gives the transaction its
-- number before the entry its place, so that every transaction with a place up to the mark's had a
-- number below the mark's when the mark was set. Once all of those have ended, nothing is missing.
alter table audit_entry rename to audit_entry_before;
alter table audit_entry_before rename constraint audit_entry_pkey to audit_entry_before_pkey;
drop index audit_entry_object;

create sequence audit_seq;

create table audit_entry (
    id uuid not null,
    -- Its place in the trail.
    seq bigint not null constraint audit_entry_seq check (seq > 0),
    at timestamptz not null,
    account_id uuid,
    role text,
    action text not null,
    object text not null,
    object_id text not null,
    request_id text,
    address text,
    -- Codes and what goes with them; never prose, never personal data.
    data jsonb not null default 'null',
    -- SHA-256 of the object's row as its previous entry left it, and as it stands now; none where
    -- the object is no row.
    before bytea constraint audit_entry_before check (octet_length(before) = 32),
    after bytea constraint audit_entry_after check (octet_length(after) = 32),
    constraint audit_entry_pkey primary key (at, id)
) partition by range (at);
create index audit_entry_place on audit_entry (seq);
create index audit_entry_account on audit_entry (account_id, at, id);
create index audit_entry_action on audit_entry (action, at, id);
create index audit_entry_kind on audit_entry (object, at, id);
create index audit_entry_object on audit_entry (object_id, at, seq);

create trigger audit_append_only before update or delete on audit_entry
    for each row execute function row_is_append_only();
create trigger audit_no_truncate before truncate on audit_entry
    for each statement execute function row_is_append_only();

-- Makes a month's table, unless it is there. Whoever appends may do so without owning the tables.
create function audit_make_month(month text, since timestamptz, until timestamptz) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    part constant text := 'audit_entry_' || replace(month, '-', '_');
begin
    if to_regclass(part) is not null then
        return;
    end if;
    if month !~ '^\d{4}-\d{2}$' then
        raise exception '% is no month', month using errcode = 'invalid_parameter_value';
    end if;
    -- The lock that attaching takes anyway; unlike an advisory one it lets this session see what
    -- another has just made.
    lock table audit_entry in share update exclusive mode;
    if to_regclass(part) is not null then
        return;
    end if;
    execute format(
        'create table %I (like audit_entry including defaults including constraints)', part);
    -- A table of a month is emptied past the whole's own trigger.
    execute format(
        'create trigger audit_month_no_truncate before truncate on %I
             for each statement execute function row_is_append_only()', part);
    -- Attached rather than created in place: that waits for nobody who reads or appends.
    execute format(
        'alter table audit_entry attach partition %I for values from (%L) to (%L)',
        part, since, until);
end
$$;

-- SHA-256 of the row with this id in the table that the object is named after, without its nulls,
-- so that a later column changes no earlier print; null where there is none.
create function audit_fingerprint(object text, object_id text) returns bytea
    language plpgsql stable security definer
    set search_path = public, pg_temp set timezone = 'UTC' set bytea_output = 'hex' as $$
declare
    print bytea;
begin
    if object_id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' or not exists (
        select from pg_attribute
        where attrelid = to_regclass(quote_ident(object)) and attname = 'id'
            and atttypid = 'uuid'::regtype and not attisdropped
    ) then
        return null;
    end if;
    execute format(
        'select sha256(convert_to(jsonb_strip_nulls(to_jsonb(r))::text, ''UTF8''))
         from %I r where r.id = $1', object)
        into print using object_id::uuid;
    return print;
end
$$;

-- The one way into the trail; answers the entry's place.
create function audit_append(
    new_id uuid, at timestamptz, account_id uuid, role text, action text, object text,
    object_id text, request_id text, address text, data jsonb,
    month text, since timestamptz, until timestamptz
) returns bigint
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    print bytea;
    place bigint;
begin
    perform audit_make_month(month, since, until);
    select e.after into print from audit_entry e
        where e.object = audit_append.object and e.object_id = audit_append.object_id
        order by e.at desc, e.seq desc limit 1;
    -- First the number, then the place: see above.
    perform pg_current_xact_id();
    place := nextval('audit_seq');
    insert into audit_entry
        (id, seq, at, account_id, role, action, object, object_id, request_id, address, data,
         before, after)
    values
        (new_id, place, audit_append.at, audit_append.account_id, audit_append.role,
         audit_append.action, audit_append.object, audit_append.object_id,
         audit_append.request_id, audit_append.address, audit_append.data,
         print, audit_fingerprint(audit_append.object, audit_append.object_id));
    return place;
end
$$;
revoke execute on function audit_make_month, audit_fingerprint, audit_append from public;

-- A sealed piece of the trail: the entries with places above the block before it, up to to_seq.
create table audit_block (
    no bigint primary key constraint audit_block_no check (no > 0),
    sealed_at timestamptz not null,
    to_seq bigint not null constraint audit_block_to_seq_key unique,
    -- Its entries in their order, and 32 bytes of SHA-256 for each.
    ids uuid[] not null,
    digests bytea not null,
    -- The hash of the block before it, and its own over all of this.
    previous bytea not null constraint audit_block_previous check (octet_length(previous) = 32),
    hash bytea not null constraint audit_block_hash check (octet_length(hash) = 32),
    constraint audit_block_entries check (
        cardinality(ids) > 0 and octet_length(digests) = 32 * cardinality(ids))
);
create trigger audit_block_append_only before update or delete on audit_block
    for each row execute function row_is_append_only();
create trigger audit_block_no_truncate before truncate on audit_block
    for each statement execute function row_is_append_only();

-- Up to which place the next blocks go, once every transaction below has ended.
create table audit_mark (
    one boolean primary key default true constraint audit_mark_one check (one),
    seq bigint not null,
    below xid8 not null
);
insert into audit_mark (seq, below) values (0, pg_current_xact_id());

-- What is there already comes over, in the order of its time.
do $$
declare
    month timestamp;
    place bigint;
begin
    for month in
        select distinct date_trunc('month', at at time zone 'Asia/Shanghai')
        from audit_entry_before order by 1
    loop
        perform audit_make_month(
            to_char(month, 'YYYY-MM'), month at time zone 'Asia/Shanghai',
            (month + interval '1 month') at time zone 'Asia/Shanghai');
    end loop;
    insert into audit_entry
        (id, seq, at, account_id, role, action, object, object_id, request_id, address, data)
    select id, row_number() over (order by at, id), at, account_id, role, action, object,
        object_id, request_id, address, data
    from audit_entry_before;
    select max(seq) into place from audit_entry;
    if place is not null then
        perform setval('audit_seq', place);
    end if;
    if (select count(*) from audit_entry) <> (select count(*) from audit_entry_before) then
        raise exception 'the audit trail did not come over whole';
    end if;
end
$$;
drop table audit_entry_before;
drop function audit_is_append_only();
