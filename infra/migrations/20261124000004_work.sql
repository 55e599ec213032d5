-- Work that outlives a request: jobs, deadlines, idempotency keys, notifications, the audit trail.
create table job (
    id uuid primary key,
    kind text not null,
    -- One effect, one job: a second enqueue with the same key is the same job.
    dedupe text not null constraint job_dedupe_key unique,
    -- Ids and codes only, no personal data.
    payload jsonb not null,
    state text not null default 'ready' constraint job_state check (state in ('ready', 'running', 'done', 'dead')),
    run_at timestamptz not null,
    attempt integer not null default 0,
    max_attempts integer not null default 10,
    -- The fencing token of the worker that holds the lease.
    token uuid,
    lease_until timestamptz,
    last_error text,
    created_at timestamptz not null,
    finished_at timestamptz,
    constraint job_lease check ((state = 'running') = (token is not null and lease_until is not null))
);
create index job_ready on job (run_at, id) where state = 'ready';
create index job_running on job (lease_until) where state = 'running';
create index job_dead on job (finished_at desc, id desc) where state = 'dead';
create index job_done on job (finished_at) where state = 'done';

create table sla_timer (
    subject_id uuid not null,
    -- complaint or task: whose rule decides what its firing means.
    subject text not null constraint sla_timer_subject check (subject in ('complaint', 'task', 'whistle')),
    kind text not null,
    due_at timestamptz not null,
    state text not null default 'armed' constraint sla_timer_state check (state in ('armed', 'fired', 'cancelled')),
    fired_at timestamptz,
    primary key (subject_id, kind, due_at),
    constraint sla_timer_fired check ((state = 'fired') = (fired_at is not null))
);
create index sla_timer_due on sla_timer (due_at) where state = 'armed';

create table idempotency (
    -- The account's id, or 'anonymous'.
    caller text not null,
    operation text not null,
    key text not null constraint idempotency_key_form check (char_length(key) between 8 and 100),
    command_hash bytea not null,
    status smallint not null,
    -- The answer, sealed: it may hold a query code.
    answer_sealed bytea not null,
    created_at timestamptz not null,
    primary key (caller, operation, key)
);
create index idempotency_age on idempotency (created_at);

create table notification (
    id uuid primary key,
    account_id uuid not null references account,
    subject_id uuid not null,
    seq integer not null,
    created_at timestamptz not null,
    read_at timestamptz,
    foreign key (subject_id, seq) references event,
    constraint notification_once unique (account_id, subject_id, seq)
);
create index notification_inbox on notification (account_id, created_at desc, id desc);
create index notification_unread on notification (account_id) where read_at is null;

create table audit_entry (
    id uuid primary key,
    at timestamptz not null,
    account_id uuid,
    role text,
    action text not null,
    object text not null,
    object_id text not null,
    request_id text,
    address text,
    -- Codes and hashes of before and after; never prose, never personal data.
    data jsonb not null default 'null'
);
create index audit_entry_object on audit_entry (object, object_id, at);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_entry is append-only' using errcode = 'restrict_violation';
end
$$;
create trigger audit_append_only before update or delete on audit_entry
    for each row execute function audit_is_append_only();
create trigger audit_no_truncate before truncate on audit_entry
    for each statement execute function audit_is_append_only();
