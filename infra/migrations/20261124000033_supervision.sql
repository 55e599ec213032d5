-- Supervision (督办): a demand on a unit that must be answered in writing, climbing level by level
-- while it is not.
create table supervision (
    id uuid primary key,
    version bigint not null default 1,
    status text not null constraint supervision_status check (status in ('open', 'answered', 'coordination', 'accepted', 'lapsed')),
    level text not null constraint supervision_level check (level in ('letter', 'inspectorate', 'leader')),
    complaint_id uuid references complaint,
    whistle_id uuid references whistle,
    -- The unit's task when it was opened.
    task_id uuid not null references task,
    unit text not null references org_node,
    -- What is demanded; null where an overdue bulletin opened it, which says it all.
    demand text,
    opened_at timestamptz not null,
    -- Who opened it; null for the worker.
    opened_by uuid references account,
    answer_by timestamptz not null,
    answer text,
    answered_at timestamptz,
    -- By when the unit promises to have done it.
    promised_until timestamptz,
    send_backs smallint not null default 0,
    -- 挂牌: since when it stands on the public list of the district.
    listed_at timestamptz,
    ended_at timestamptz,
    constraint supervision_case check ((complaint_id is null) <> (whistle_id is null)),
    constraint supervision_answer check ((answer is null) = (answered_at is null)),
    constraint supervision_answered check (status not in ('answered', 'accepted') or answer is not null),
    constraint supervision_coordination check (status <> 'coordination' or level = 'leader'),
    constraint supervision_ended check ((status in ('accepted', 'lapsed')) = (ended_at is not null)),
    constraint supervision_unlisted check (ended_at is null or listed_at is null)
);
-- One at a time for a case and unit.
create unique index supervision_open on supervision (coalesce(complaint_id, whistle_id), unit) where ended_at is null;
create index supervision_recent on supervision (opened_at desc, id desc);
create index supervision_unit on supervision (unit, opened_at desc, id desc);

alter table sla_timer drop constraint sla_timer_subject;
alter table sla_timer add constraint sla_timer_subject check (subject in ('complaint', 'task', 'whistle', 'supervision'));

-- Who is on duty in a unit, and by which phone: for emergencies.
create table duty_roster (
    unit text not null references org_node,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    name_sealed bytea not null,
    phone_sealed bytea not null,
    primary key (unit, starts_at),
    constraint duty_roster_shift check (ends_at > starts_at)
);
