-- Keys: what is only added to can be sealed anew by whoever owns the tables (`zhixiang admin rekey`),
-- and nothing else of it can change. The owner could switch a trigger off as well; the setting
-- makes sure that it is meant.

-- Whether a change of a row is nothing but sealing anew: the same columns are empty, and all that is
-- not sealed stays.
create function is_resealed(of_table oid, before jsonb, after jsonb) returns boolean
    language sql stable set search_path = public, pg_temp as $$
    select coalesce(current_setting('zhixiang.resealing', true), '') = 'on'
        and (select pg_has_role(current_user, relowner, 'member') from pg_class where oid = of_table)
        and (select bool_and(case when name like '%\_sealed'
                then (before->>name is null) = (after->>name is null)
                else before->name is not distinct from after->name end)
            from jsonb_object_keys(before || after) as name)
$$;

create or replace function row_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and tg_level = 'ROW' then
        if is_resealed(tg_relid, to_jsonb(old), to_jsonb(new)) then
            return new;
        end if;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create or replace function enforcement_act_is_only_withdrawn() returns trigger language plpgsql as $$
begin
    if old.withdrawn_by is null and new.withdrawn_by is not null
        and (to_jsonb(new) - 'withdrawn_by') = (to_jsonb(old) - 'withdrawn_by')
        or is_resealed(tg_relid, to_jsonb(old), to_jsonb(new))
    then
        return new;
    end if;
    raise exception 'enforcement_act is append-only' using errcode = 'restrict_violation';
end $$;

create or replace function score_entry_is_final() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if is_resealed(tg_relid, to_jsonb(old), to_jsonb(new)) then
            return new;
        end if;
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
