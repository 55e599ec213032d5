-- Registration through the year (双报到): work units and what they are told, changes of a member's
-- registration, the year's result, and leading cadres who are paired with communities (包联).

-- The work units whose members register, each with the party body that gets the receipts.
create table work_unit (
    code text primary key constraint work_unit_code check (code ~ '^[a-z0-9-]{2,40}$'),
    version bigint not null default 1,
    name text not null constraint work_unit_name unique,
    -- As the register of party members writes it.
    party_body text not null constraint work_unit_party_body unique,
    added_by uuid references account,
    added_at timestamptz not null,
    ended_at timestamptz
);

-- With which communities a unit is paired (结对); it registers with these alone.
create table work_unit_community (
    unit_code text not null references work_unit,
    community_code text not null references org_node,
    primary key (unit_code, community_code)
);
create index work_unit_community_of on work_unit_community (community_code);

-- A unit's own registration with a community (单位报到).
create table unit_registration (
    id uuid primary key,
    version bigint not null default 1,
    last_seq integer not null default 0,
    unit_code text not null references work_unit,
    community_code text not null references org_node,
    status text not null constraint unit_registration_status check (status in ('submitted', 'signed', 'refused', 'ended')),
    -- What the unit can do for the community.
    offers text not null,
    submitted_by uuid not null references account,
    submitted_at timestamptz not null,
    decided_by uuid references account,
    decided_at timestamptz,
    note text,
    ended_by uuid references account,
    ended_at timestamptz,
    end_reason text,
    -- One that waits may be taken back, and ends undecided.
    constraint unit_registration_decided check (
        num_nulls(decided_by, decided_at) = case status when 'submitted' then 2 when 'ended' then num_nulls(decided_by) * 2 else 0 end),
    constraint unit_registration_ended check (
        num_nulls(ended_by, ended_at, end_reason) = case when status = 'ended' then 0 else 3 end),
    constraint unit_registration_not_by_oneself check (decided_by <> submitted_by)
);
create unique index unit_registration_active on unit_registration (unit_code, community_code) where status in ('submitted', 'signed');
create index unit_registration_unit on unit_registration (unit_code, submitted_at desc, id desc);
create index unit_registration_community on unit_registration (community_code, submitted_at desc, id desc);

-- A member's registration: its unit as the register of units knows it, retirement, and its end.
alter table registration
    add column unit_code text references work_unit,
    add column retired_on date,
    add column ended_at timestamptz,
    drop constraint registration_status,
    drop constraint registration_signed,
    add constraint registration_status check (status in ('pending', 'signed', 'refused', 'ended')),
    add constraint registration_signed check ((status in ('signed', 'ended')) = (member_id is not null)),
    add constraint registration_ended check ((status = 'ended') = (ended_at is not null));
create index registration_unit on registration (unit_code, decided_at desc, id desc) where member_id is not null;
create index registration_member_since on registration (decided_at desc, id desc) where member_id is not null;

-- What a member wants changed. Rows are the history: a registration has one open at a time.
create table registration_change (
    id uuid primary key,
    registration_id uuid not null references registration,
    version bigint not null default 1,
    kind text not null constraint registration_change_kind check (kind in ('move', 'unit', 'retire', 'exempt', 'withdraw')),
    status text not null constraint registration_change_status check (status in ('asked', 'released', 'granted', 'refused', 'taken_back')),
    -- The community of the registration when it was asked.
    community_code text not null references org_node,
    to_community text references org_node,
    to_unit text references work_unit,
    year integer,
    ground text constraint registration_change_ground check (ground in ('illness', 'posted_away', 'other')),
    -- The person's words: they may speak of an illness.
    reason_sealed bytea not null,
    asked_by uuid not null references account,
    asked_at timestamptz not null,
    released_by uuid references account,
    released_at timestamptz,
    decided_by uuid references account,
    decided_at timestamptz,
    note text,
    constraint registration_change_move check ((kind = 'move') = (to_community is not null)),
    constraint registration_change_elsewhere check (to_community <> community_code),
    constraint registration_change_unit check ((kind = 'unit') = (to_unit is not null)),
    constraint registration_change_exempt check (
        (kind = 'exempt') = (year is not null) and (year is null) = (ground is null)),
    -- Only a move is released, and no community takes in whom another has not let go.
    constraint registration_change_released check (
        num_nulls(released_by, released_at) in (0, 2) and (kind = 'move' or released_by is null)
        and (status <> 'released' or released_by is not null)
        and (kind <> 'move' or status <> 'granted' or released_by is not null)),
    constraint registration_change_decided check (
        num_nulls(decided_by, decided_at) = case when status in ('granted', 'refused') then 0 else 2 end),
    constraint registration_change_not_by_oneself check (released_by <> asked_by and decided_by <> asked_by)
);
create unique index registration_change_open on registration_change (registration_id) where status in ('asked', 'released');
create unique index registration_change_exempt_once on registration_change (registration_id, year) where kind = 'exempt' and status = 'granted';
create index registration_change_of on registration_change (registration_id, asked_at desc, id desc);
create index registration_change_community on registration_change (community_code, asked_at desc, id desc);
create index registration_change_to on registration_change (to_community, asked_at desc, id desc) where released_at is not null;

-- What a unit is told of a member (回执): one for each event of a registration that concerns it.
create table receipt (
    id uuid primary key,
    unit_code text not null references work_unit,
    registration_id uuid not null references registration,
    cause text not null constraint receipt_cause check (cause in ('signed', 'moved', 'joined', 'left', 'retired', 'exempted', 'withdrawn')),
    community_code text not null references org_node,
    -- The change that it tells of.
    change_id uuid references registration_change,
    made_at timestamptz not null,
    acknowledged_by uuid references account,
    acknowledged_at timestamptz,
    constraint receipt_acknowledged check (num_nulls(acknowledged_by, acknowledged_at) in (0, 2)),
    constraint receipt_change check ((cause = 'signed') = (change_id is null))
);
create unique index receipt_signed_once on receipt (registration_id) where cause = 'signed';
create unique index receipt_change_once on receipt (change_id, unit_code);
create index receipt_unit on receipt (unit_code, made_at desc, id desc);

-- A year's result, kept as it was settled: later corrections do not rewrite it.
create table service_year (
    year integer primary key constraint service_year_range check (year between 2000 and 2100),
    rules_version text not null,
    settled_at timestamptz not null
);
create table service_result (
    year integer not null references service_year,
    registration_id uuid not null references registration,
    account_id uuid not null references account,
    community_code text not null references org_node,
    unit_code text references work_unit,
    signed_at timestamptz not null,
    standing text not null constraint service_result_standing check (standing in ('bound', 'unbound', 'exempt')),
    services bigint not null constraint service_result_services check (services >= 0),
    minutes bigint not null constraint service_result_minutes check (minutes >= 0),
    required_services bigint not null,
    required_minutes bigint not null,
    constraint service_result_required check (
        required_services >= 0 and required_minutes >= 0
        and (standing = 'bound' or (required_services = 0 and required_minutes = 0))),
    primary key (year, registration_id),
    constraint service_result_once unique (year, account_id)
);
create index service_result_community on service_result (year, community_code, signed_at desc, registration_id desc);
create index service_result_unit on service_result (year, unit_code, signed_at desc, registration_id desc);
create trigger service_year_append_only before update or delete on service_year
    for each row execute function row_is_append_only();
create trigger service_year_no_truncate before truncate on service_year
    for each statement execute function row_is_append_only();
create trigger service_result_append_only before update or delete on service_result
    for each row execute function row_is_append_only();
create trigger service_result_no_truncate before truncate on service_result
    for each statement execute function row_is_append_only();

-- Which rounds of reminders (by month) and of feedback (by quarter) have gone out: each once.
create table service_round (
    kind text not null constraint service_round_kind check (kind in ('reminder', 'quarter')),
    year integer not null,
    number integer not null,
    sent_at timestamptz not null,
    primary key (kind, year, number)
);

-- What a unit gets about all its members: a reminder's summary, a quarter's feedback, the year's
-- certificate.
create table unit_report (
    id uuid primary key,
    last_seq integer not null default 0,
    unit_code text not null references work_unit,
    kind text not null constraint unit_report_kind check (kind in ('reminder', 'quarter', 'year')),
    year integer not null,
    -- The month of a reminder, the number of a quarter, 0 for the year.
    number integer not null,
    -- Up to when services count.
    until timestamptz not null,
    members bigint not null,
    missing bigint not null,
    made_at timestamptz not null,
    acknowledged_by uuid references account,
    acknowledged_at timestamptz,
    constraint unit_report_number check (case kind
        when 'reminder' then number between 1 and 12 when 'quarter' then number between 1 and 4 else number = 0 end),
    constraint unit_report_counts check (missing between 0 and members),
    constraint unit_report_acknowledged check (num_nulls(acknowledged_by, acknowledged_at) in (0, 2)),
    constraint unit_report_once unique (unit_code, year, kind, number)
);
create index unit_report_unit on unit_report (unit_code, made_at desc, id desc);

-- Leading cadres paired with communities and estates (包联): by post and unit, with the account
-- where they have one.
create table pairing (
    id uuid primary key,
    version bigint not null default 1,
    post text not null,
    unit_code text not null references work_unit,
    account_id uuid references account,
    community_code text not null references org_node,
    estate_code text references org_node,
    from_day date not null,
    until_day date not null,
    made_by uuid not null references account,
    made_at timestamptz not null,
    ended_by uuid references account,
    ended_at timestamptz,
    end_reason text,
    constraint pairing_term check (from_day <= until_day),
    constraint pairing_ended check (num_nulls(ended_by, ended_at, end_reason) in (0, 3))
);
create unique index pairing_active on pairing (unit_code, post, community_code, coalesce(estate_code, '')) where ended_at is null;
create index pairing_recent on pairing (made_at desc, id desc);
create index pairing_community on pairing (community_code, made_at desc, id desc);
create index pairing_unit on pairing (unit_code, made_at desc, id desc);

-- What a cadre took on and solved; it counts once the community confirms it.
create table pairing_matter (
    id uuid primary key,
    pairing_id uuid not null references pairing,
    version bigint not null default 1,
    status text not null constraint pairing_matter_status check (status in ('logged', 'solved', 'confirmed', 'sent_back')),
    title text not null,
    found_on date not null,
    complaint_id uuid references complaint,
    whistle_id uuid references whistle,
    solution text,
    logged_by uuid not null references account,
    logged_at timestamptz not null,
    solved_by uuid references account,
    solved_at timestamptz,
    judged_by uuid references account,
    judged_at timestamptz,
    note text,
    constraint pairing_matter_solved check (
        num_nulls(solution, solved_by, solved_at) = case when status = 'logged' then 3 else 0 end),
    constraint pairing_matter_judged check (
        num_nulls(judged_by, judged_at) in (0, 2)
        and (status not in ('confirmed', 'sent_back') or judged_by is not null)),
    constraint pairing_matter_not_by_oneself check (judged_by <> solved_by)
);
-- The second tap finds the first.
create unique index pairing_matter_once on pairing_matter (pairing_id, title, found_on);
create unique index pairing_matter_complaint on pairing_matter (pairing_id, complaint_id);
create unique index pairing_matter_whistle on pairing_matter (pairing_id, whistle_id);
create index pairing_matter_of on pairing_matter (pairing_id, logged_at desc, id desc);
