-- The month's figures, case by case: one row for each duty of a lead, with what it adds to each
-- figure. Live months are counted from the work itself (rate_duty), frozen ones from what was kept
-- when they were frozen; every sum and every drill-down reads rate_case, and so they cannot differ.
create table rate_snapshot (
    period date primary key,
    frozen_at timestamptz not null,
    -- The rules' own version, and the rules themselves: weights, minimum sample, residents.
    rules_version text not null,
    rules jsonb not null,
    -- All groups and the centre, as GET /rates answers.
    figures jsonb not null,
    -- What the bulletin says beside the figures.
    contents jsonb not null,
    published_at timestamptz,
    published_by uuid references account,
    constraint rate_snapshot_month check (extract(day from period) = 1),
    constraint rate_snapshot_published check ((published_at is null) = (published_by is null)),
    constraint rate_snapshot_order check (published_at >= frozen_at)
);

create table rate_snapshot_case (
    period date not null,
    task_id uuid not null references task,
    complaint_id uuid not null references complaint,
    -- The ranked unit: a community's duties count for its subdistrict.
    unit text not null references org_node,
    dispatched_at timestamptz not null,
    tasks integer not null,
    contact_due integer not null,
    contacted_in_time integer not null,
    answers integer not null,
    solved integer not null,
    satisfied integer not null,
    not_reached integer not null,
    excluded integer not null,
    reworked integer not null,
    acknowledge_due integer not null,
    on_time_acknowledge integer not null,
    reply_due integer not null,
    on_time_reply integer not null,
    returned integer not null,
    overdue integer not null,
    confirmed integer not null,
    one_pass integer not null,
    -- From submission to the last confirmed reply; null while the lead still works on it.
    handling_seconds bigint,
    constraint rate_snapshot_case_once primary key (period, task_id)
);
create index rate_snapshot_case_unit on rate_snapshot_case (period, unit, dispatched_at desc, task_id desc);

create table rate_snapshot_centre (
    period date not null,
    complaint_id uuid not null references complaint,
    -- The event that began the centre's clock.
    seq integer not null,
    duty text not null constraint rate_snapshot_centre_duty check (duty in ('dispatch', 'ruling', 'confirm')),
    asked_at timestamptz not null,
    due_at timestamptz not null,
    done_at timestamptz,
    -- It ended in a direct answer; and the answer was appealed against.
    answered boolean not null,
    appealed boolean not null,
    constraint rate_snapshot_centre_once primary key (period, complaint_id, seq)
);

create function rate_snapshot_is_immutable() returns trigger language plpgsql as $$
begin
    -- A frozen month is published once; nothing else of it ever changes.
    if tg_table_name = 'rate_snapshot' and tg_op = 'UPDATE' then
        if old.published_at is null and new.published_at is not null
            and (new.period, new.frozen_at, new.rules_version, new.rules, new.figures, new.contents)
                is not distinct from
                (old.period, old.frozen_at, old.rules_version, old.rules, old.figures, old.contents)
        then
            return new;
        end if;
    end if;
    if tg_op = 'INSERT' and not exists (select from rate_snapshot where period = new.period) then
        return new;
    end if;
    raise exception 'a frozen month is immutable' using errcode = 'restrict_violation';
end
$$;
create trigger rate_snapshot_immutable before update or delete on rate_snapshot
    for each row execute function rate_snapshot_is_immutable();
create trigger rate_snapshot_no_truncate before truncate on rate_snapshot
    for each statement execute function rate_snapshot_is_immutable();
-- Cases are kept before their month is: once it is frozen none is added.
create trigger rate_snapshot_case_immutable before insert or update or delete on rate_snapshot_case
    for each row execute function rate_snapshot_is_immutable();
create trigger rate_snapshot_case_no_truncate before truncate on rate_snapshot_case
    for each statement execute function rate_snapshot_is_immutable();
create trigger rate_snapshot_centre_immutable before insert or update or delete on rate_snapshot_centre
    for each row execute function rate_snapshot_is_immutable();
create trigger rate_snapshot_centre_no_truncate before truncate on rate_snapshot_centre
    for each statement execute function rate_snapshot_is_immutable();

-- What each duty of a lead that was dispatched in [begins, ends) adds to the month's figures as they
-- stand at as_of. The definitions are explained at infra::postgres::rates::read.
create function rate_duty(month date, begins timestamptz, ends timestamptz, as_of timestamptz)
    returns setof rate_snapshot_case
    language sql stable
    as $$
        with first as (
            -- until: when the centre gave the complaint to the next lead.
            -- clock: while a complaint is suspended its units' clocks stand still.
            select task.*, ranked.code as ranked_unit, complaint.closed_as, complaint.submitted_at,
                complaint.excluded_at is not null as is_excluded,
                least(as_of, complaint.suspended_at) as clock, (
                    select min(next.dispatched_at) from task as next
                    where next.complaint_id = task.complaint_id and next.line = 0
                        and next.rework_of is null and next.status not in ('returned', 'cancelled')
                        and next.dispatched_at > task.dispatched_at
                ) as until
            from task
            join complaint on complaint.id = task.complaint_id
            join org_node as own on own.code = task.unit
            join org_node as ranked on ranked.peer_group is not null
                and ranked.code = case when own.peer_group is null then own.parent_code else own.code end
            where task.dispatched_at >= begins and task.dispatched_at < ends
                and task.role = 'lead' and task.rework_of is null and task.status <> 'cancelled'
                and complaint.status <> 'merged'
        ), duty as (
            select first.*, first.status <> 'returned' as kept,
                first.status <> 'returned' and not is_excluded as rated,
                coalesce(closed_as = 'not_reached' and until is null, false) as is_not_reached,
                chain.is_reworked, chain.is_overdue, chain.all_ended, chain.confirmed_last
            from first
            cross join lateral (
                select coalesce(bool_or(part.rework_of is not null), false) as is_reworked,
                    coalesce(bool_or(
                        coalesce(part.acknowledged_at, part.ended_at, first.clock) > part.acknowledge_by
                        or coalesce(part.contacted_at, part.ended_at, first.clock) > part.contact_by
                        or coalesce(part.arrived_at, part.ended_at, first.clock) > part.arrive_by
                        or case when part.status = 'sent_back' then first.clock
                            else coalesce(part.replied_at, part.ended_at, first.clock) end > part.reply_by
                    ), false) as is_overdue,
                    bool_and(part.ended_at is not null) as all_ended,
                    max(part.confirmed_at) as confirmed_last
                from task as part
                where part.complaint_id = first.complaint_id and part.line = 0
                    and (part.id = first.id or (part.rework_of is not null
                        and part.dispatched_at >= first.dispatched_at
                        and (first.until is null or part.dispatched_at < first.until)))
            ) as chain
        ), answer as (
            select distinct on (duty.id, speaker.id) duty.id as duty_id,
                speaker.id = duty.complaint_id as own, evaluation.solved, evaluation.satisfaction,
                evaluation.contacted
            from duty
            join complaint as speaker
                on speaker.id = duty.complaint_id or speaker.merged_into = duty.complaint_id
            join evaluation on evaluation.complaint_id = speaker.id
                and evaluation.at >= duty.dispatched_at
                and (duty.until is null or evaluation.at < duty.until)
            where duty.rated
                -- What a child said before it was merged was about its own lead.
                and (speaker.id = duty.complaint_id or not exists (
                    select from event where event.subject_id = speaker.id
                        and event.kind = 'merged' and event.at > evaluation.at))
                and not (speaker.id = duty.complaint_id and duty.is_not_reached)
            order by duty.id, speaker.id, evaluation.at desc, evaluation.id desc
        ), told as (
            select duty_id, count(*) as answers, count(*) filter (where solved) as solved,
                count(*) filter (where satisfaction >= 3) as satisfied,
                coalesce(bool_or(own and not contacted), false) as says_nobody_called
            from answer group by duty_id
        ), counted as (
            select duty.*, coalesce(told.answers, 0) as answers, coalesce(told.solved, 0) as solved,
                coalesce(told.satisfied, 0) as satisfied,
                rated and contact_by is not null and not is_not_reached as must_contact,
                coalesce(contacted_at <= contact_by, false)
                    and not coalesce(told.says_nobody_called, false) as in_contact
            from duty left join told on told.duty_id = duty.id
        )
        select month, id, complaint_id, ranked_unit, dispatched_at,
            kept::int, must_contact::int, (must_contact and in_contact)::int,
            answers::int, solved::int, satisfied::int,
            (rated and is_not_reached)::int, (kept and is_excluded)::int, (rated and is_reworked)::int,
            (rated and (acknowledged_at is not null or acknowledge_by <= clock))::int,
            (rated and coalesce(acknowledged_at <= acknowledge_by, false))::int,
            (rated and (replied_at is not null or reply_by <= clock))::int,
            (rated and coalesce(replied_at <= reply_by, false)
                and not (status = 'sent_back' and reply_by <= clock))::int,
            (not kept)::int, (rated and is_overdue)::int, (rated and status = 'confirmed')::int,
            (rated and status = 'confirmed' and send_backs = 0 and not is_reworked)::int,
            case when rated and all_ended
                then extract(epoch from confirmed_last - submitted_at)::bigint end
        from counted
    $$;

-- The month case by case: as it was frozen, or as it stands.
create function rate_case(month date, begins timestamptz, ends timestamptz, as_of timestamptz)
    returns setof rate_snapshot_case
    language sql stable
    as $$
        select * from rate_snapshot_case as kept where kept.period = month
        union all
        select * from rate_duty(month, begins, ends, as_of)
        where not exists (select from rate_snapshot as frozen where frozen.period = month)
            and not exists (select from rate_snapshot_case as kept where kept.period = month)
    $$;

-- What begins a clock of the centre, by its instant: a month of them without reading all history.
create index event_centre on event (at)
    where kind in ('submitted', 'appealed', 'unmerged', 'return_requested', 'extension_requested', 'task_replied');
