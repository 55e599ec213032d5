-- Who works on a task inside its unit (转交), and a reply that waits for the unit's head (领导审签).
-- Both stand beside the state: the unit answers for the task as before, and its clocks run on.
alter table task
    add column officer uuid references account,
    add column body text references org_node,
    -- The reply that waits for the head; it is the unit's own until it is approved.
    add column waiting_text text,
    add column waiting_outcome text,
    add column waiting_basis text,
    add column waiting_by uuid references account,
    add column waiting_since timestamptz,
    -- Who wrote the reply that went out, and who approved it.
    add column drafted_by uuid references account,
    add column approved_by uuid references account,
    add constraint task_assignee check (num_nonnulls(officer, body) <= 1),
    add constraint task_body_below check (body <> unit),
    add constraint task_waiting_whole check (
        num_nulls(waiting_text, waiting_outcome, waiting_by, waiting_since) in (0, 4)),
    add constraint task_waiting_basis check (waiting_basis is null or waiting_text is not null),
    add constraint task_waiting_open check (
        waiting_since is null or status in ('acknowledged', 'arrived')),
    add constraint task_approved check ((drafted_by is null) = (approved_by is null)),
    add constraint task_approved_by_another check (approved_by <> drafted_by);
create index task_officer on task (officer, dispatched_at desc, id desc) where officer is not null;
create index task_body on task (body, dispatched_at desc, id desc) where body is not null;

-- Which replies of a unit need its head's approval: by outcome. No row: none does.
create table reply_approval (
    unit text not null references org_node,
    outcome text not null constraint reply_approval_outcome check (outcome in ('solved', 'partly', 'explained', 'refused')),
    set_by uuid not null references account,
    set_at timestamptz not null,
    primary key (unit, outcome)
);
