-- A clerk's reply that is not finished: one for each account and task, seen by nobody else.
create table task_draft (
    task_id uuid not null references task,
    account_id uuid not null references account,
    text text not null,
    outcome text constraint task_draft_outcome check (outcome in ('solved', 'partly', 'explained', 'refused')),
    basis text,
    saved_at timestamptz not null,
    primary key (task_id, account_id)
);
