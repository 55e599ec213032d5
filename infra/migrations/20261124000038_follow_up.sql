-- A unit asks that its case count in no rate (剔除), with evidence; a supervisor decides once.
create table exclusion (
    complaint_id uuid primary key references complaint,
    task_id uuid not null references task,
    unit text not null references org_node,
    ground text not null constraint exclusion_ground check (ground in ('unreasonable', 'out_of_scope')),
    evidence text not null,
    asked_by uuid not null references account,
    asked_at timestamptz not null,
    approved boolean,
    reason text,
    decided_by uuid references account,
    decided_at timestamptz,
    constraint exclusion_decided check (num_nulls(approved, reason, decided_by, decided_at) in (0, 4)),
    -- Nobody grants what he asked for.
    constraint exclusion_not_by_oneself check (decided_by <> asked_by)
);
create index exclusion_recent on exclusion (asked_at desc, complaint_id desc);

-- A caller of the centre has taken a case to telephone its reporter; until then nobody else does.
create table follow_up_call (
    complaint_id uuid primary key references complaint,
    caller_id uuid not null references account,
    taken_at timestamptz not null,
    until timestamptz not null,
    constraint follow_up_call_lease check (until > taken_at)
);
create index complaint_follow_up on complaint (clock_from, id) where status = 'follow_up';
