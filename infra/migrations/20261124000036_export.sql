-- Lists taken away as workbooks, made in the background.
create table export (
    id uuid primary key,
    account_id uuid not null references account,
    list text not null constraint export_list check (list in ('complaints', 'tasks')),
    -- The filters as they were understood when it was asked for.
    filter jsonb not null,
    -- Telephone numbers in full, and why.
    unmask boolean not null,
    reason text,
    status text not null constraint export_status check (status in ('queued', 'running', 'done', 'failed')),
    -- Rows so far, and rows in all once that is known.
    done integer not null default 0,
    total integer,
    -- There were more rows than a workbook may have.
    cut boolean not null default false,
    created_at timestamptz not null,
    finished_at timestamptz,
    -- It is deleted then, with its file.
    expires_at timestamptz not null,
    constraint export_unmask check (not unmask or reason is not null),
    constraint export_finished check ((status in ('done', 'failed')) = (finished_at is not null))
);
create index export_account on export (account_id, created_at desc);
create index export_expiry on export (expires_at);

-- Apart, so that a look at the progress does not read the workbook.
create table export_file (
    export_id uuid primary key references export on delete cascade,
    workbook bytea not null
);
