-- Whistles (吹哨报到): what a community cannot solve alone, and who must come.
create table whistle (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    status text not null constraint whistle_status check (status in (
        'draft', 'rejected', 'withdrawn', 'blown', 'answered', 'handling', 'standing_down', 'stood_down')),
    -- The complaint that waits for it, if it came from one.
    complaint_id uuid references complaint,
    kind text not null constraint whistle_kind check (kind in ('routine', 'hard', 'emergency')),
    level text not null constraint whistle_level check (level in ('blue', 'yellow', 'red')),
    title text not null,
    content text not null,
    community_code text not null references org_node,
    -- The community or subdistrict in whose name it is blown.
    blower text not null references org_node,
    drafted_by uuid not null references account,
    drafted_at timestamptz not null,
    -- Who must come, as drafted; the tasks are made from it when it is blown.
    lead text not null references org_node,
    assist text[] not null default '{}',
    reviewed_by uuid references account,
    reviewed_at timestamptz,
    -- What the review said; an emergency is blown whatever it says.
    approved boolean,
    blown_at timestamptz,
    standing_down_at timestamptz,
    stood_down_at timestamptz,
    constraint whistle_review check ((reviewed_at is null) = (approved is null) and (reviewed_at is null) = (reviewed_by is null)),
    constraint whistle_not_own_review check (reviewed_by <> drafted_by),
    constraint whistle_blown check (status in ('draft', 'rejected', 'withdrawn') or blown_at is not null),
    constraint whistle_stood_down check ((status = 'stood_down') = (stood_down_at is not null))
);
create index whistle_recent on whistle (drafted_at desc, id desc);
create index whistle_community on whistle (community_code text_pattern_ops, drafted_at desc);
create index whistle_complaint on whistle (complaint_id) where complaint_id is not null;

alter table task add constraint task_whistle foreign key (whistle_id) references whistle;
create index task_of_whistle on task (whistle_id, line) where whistle_id is not null;
create unique index task_open_whistle_line on task (whistle_id, line) where ended_at is null and whistle_id is not null;

-- 评哨: the community scores each unit that came, once.
create table appraisal (
    whistle_id uuid not null references whistle,
    unit text not null references org_node,
    speed smallint not null constraint appraisal_speed check (speed between 1 and 5),
    handling smallint not null constraint appraisal_handling check (handling between 1 and 5),
    result smallint not null constraint appraisal_result check (result between 1 and 5),
    comment text,
    at timestamptz not null,
    account_id uuid not null references account,
    primary key (whistle_id, unit)
);

-- And each unit says whether the whistle was needed and clear, once.
create table whistle_rating (
    whistle_id uuid not null references whistle,
    unit text not null references org_node,
    needed smallint not null constraint whistle_rating_needed check (needed between 1 and 5),
    clear smallint not null constraint whistle_rating_clear check (clear between 1 and 5),
    comment text,
    at timestamptz not null,
    account_id uuid not null references account,
    primary key (whistle_id, unit)
);
