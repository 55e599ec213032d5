-- Consultations (会商): several units confer on one complaint, and the centre decides bindingly.
create table consultation (
    id uuid primary key,
    complaint_id uuid not null references complaint,
    version bigint not null default 1,
    status text not null constraint consultation_status check (status in ('open', 'decided', 'lapsed')),
    level text not null constraint consultation_level check (level in ('centre', 'deputy_head', 'coordination')),
    cause text not null constraint consultation_cause check (cause in ('overlap', 'rework', 'hard')),
    question text not null,
    -- None where two reworks in vain opened it.
    opened_by uuid references account,
    opened_at timestamptz not null,
    decide_by timestamptz not null,
    decided_at timestamptz,
    decided_by uuid references account,
    decision text,
    legal_basis text,
    lead text references org_node,
    assist text[] not null default '{}',
    -- The date that the ruling names for the resident, if it names one.
    reply_by timestamptz,
    constraint consultation_decided check (
        (status = 'decided') = (decided_at is not null and decision is not null and lead is not null))
);
-- A complaint is conferred on once at a time.
create unique index consultation_open on consultation (complaint_id) where status = 'open';
create index consultation_complaint on consultation (complaint_id, opened_at desc);
create index consultation_recent on consultation (opened_at desc, id desc);

-- A unit that was invited, and what it says: one statement each, replaced until it is decided.
create table consultation_seat (
    consultation_id uuid not null references consultation,
    unit text not null references org_node,
    statement text,
    stated_at timestamptz,
    stated_by uuid references account,
    primary key (consultation_id, unit),
    constraint consultation_seat_stated check ((statement is null) = (stated_at is null))
);
create index consultation_seat_unit on consultation_seat (unit, consultation_id);

-- Whose timers there are is the closed list of `infra::postgres::timer::Subject`; the column only
-- keeps its form, so that a new word needs no new list here.
alter table sla_timer drop constraint sla_timer_subject;
alter table sla_timer add constraint sla_timer_subject check (subject in ('complaint', 'task', 'whistle', 'supervision', 'consultation'));
-- Cases that went to and fro (退单) are found by their returned tasks.
create index task_returned on task (complaint_id, ended_at) where status = 'returned' and complaint_id is not null;
