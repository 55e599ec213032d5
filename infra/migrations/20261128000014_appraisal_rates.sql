-- What blowers said of units (评哨) as part of the month's ranking: an appraisal counts once, in the
-- month in which it was given, and a frozen month keeps its own.
create table rate_snapshot_appraisal (
    period date not null,
    whistle_id uuid not null references whistle,
    -- The ranked unit.
    unit text not null references org_node,
    at timestamptz not null,
    speed smallint not null,
    handling smallint not null,
    result smallint not null,
    constraint rate_snapshot_appraisal_once primary key (period, whistle_id, unit)
);
create index rate_snapshot_appraisal_unit on rate_snapshot_appraisal (period, unit, at desc, whistle_id desc);
create trigger rate_snapshot_appraisal_immutable before insert or update or delete on rate_snapshot_appraisal
    for each row execute function rate_snapshot_is_immutable();
create trigger rate_snapshot_appraisal_no_truncate before truncate on rate_snapshot_appraisal
    for each statement execute function rate_snapshot_is_immutable();

-- The month's appraisals: as they were frozen, or as they stand. A month that was frozen before
-- appraisals were counted has none.
create function rate_appraisal(month date, begins timestamptz, ends timestamptz)
    returns setof rate_snapshot_appraisal
    language sql stable
    as $$
        select * from rate_snapshot_appraisal as kept where kept.period = month
        union all
        select month, given.whistle_id, given.unit, given.at, given.speed, given.handling, given.result
        from appraisal as given
        join org_node as ranked on ranked.code = given.unit and ranked.peer_group is not null
        where given.at >= begins and given.at < ends
            and not exists (select from rate_snapshot as frozen where frozen.period = month)
            and not exists (select from rate_snapshot_appraisal as kept where kept.period = month)
    $$;
