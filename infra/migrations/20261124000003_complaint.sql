-- Complaints, their tasks, and the stream of events that tells both.
-- Letters are taken apart once: substr() would walk from the start for each of them.
create function bigrams(given text) returns text[]
    language sql immutable strict parallel safe
    as $$
        with folded as materialized (
            select string_to_array(lower(regexp_replace(given, '\s+', '', 'g')), null) as letters
        )
        select array(
            select distinct one || two
            from folded, unnest(letters, letters[2:]) as pair (one, two)
            where two is not null
        )
    $$;
comment on function bigrams is
    'Chinese has no spaces: two-character windows make words of two characters and more findable by GIN.';

create sequence complaint_number cycle maxvalue 999999;

create table complaint (
    id uuid primary key,
    number text not null constraint complaint_number_key unique constraint complaint_number_form check (number ~ '^PC[0-9]{14}$'),
    -- HMAC of the query code by which a person without an account tracks the complaint.
    query_code_mac bytea not null,
    version bigint not null default 1,
    last_seq integer not null default 0,
    status text not null constraint complaint_status check (status in (
        'submitted', 'accepted', 'rejected', 'answered', 'merged', 'withdrawn', 'dispatched',
        'handling', 'replied', 'follow_up', 'closed', 'archived')),
    kind text not null,
    title text not null,
    content text not null,
    community_code text not null references org_node,
    address text,
    lng double precision,
    lat double precision,
    channel text not null,
    -- Nobody outside the centre may learn who reported: asked for, or a 举报.
    confidential boolean not null,
    -- A person to contact is known: by account or by phone.
    reachable boolean not null,
    reporter_id uuid references account,
    taken_in_by uuid references account,
    on_behalf boolean not null default false,
    submitted_at timestamptz not null,
    urgency text,
    duty_item text,
    duty_list text,
    category text,
    -- The unit that a 举报 is about; it never handles it.
    reported_unit text references org_node,
    accepted_at timestamptz,
    dispatched_at timestamptz,
    replied_at timestamptz,
    closed_at timestamptz,
    closed_as text constraint complaint_closed_as check (closed_as in ('evaluated', 'not_reached', 'imported')),
    -- When the status last changed in a way that a clock of the centre or of the case runs from.
    clock_from timestamptz not null,
    follow_up_round smallint not null default 0 constraint complaint_rounds check (follow_up_round between 0 and 2),
    reworks smallint not null default 0,
    appealed boolean not null default false,
    reopened smallint not null default 0,
    urges smallint not null default 0,
    urged_at timestamptz,
    suspended_at timestamptz,
    suspended_until timestamptz,
    merged_into uuid references complaint,
    excluded_at timestamptz,
    -- The units that have or had a task: the scope of units reads by it.
    units text[] not null default '{}',
    -- Where an imported work order came from; repeating an import finds it again.
    source text,
    source_number text,
    constraint complaint_location check ((lng is null) = (lat is null)),
    constraint complaint_suspension check ((suspended_at is null) = (suspended_until is null)),
    constraint complaint_merged check ((status = 'merged') = (merged_into is not null)),
    constraint complaint_not_itself check (merged_into <> id),
    constraint complaint_closed check ((status in ('closed', 'archived')) = (closed_at is not null))
);
create unique index complaint_source on complaint (source, source_number) where source is not null;
create index complaint_recent on complaint (submitted_at desc, id desc);
create index complaint_community on complaint (community_code text_pattern_ops, submitted_at desc);
create index complaint_reporter on complaint (reporter_id, submitted_at desc, id desc) where reporter_id is not null;
create index complaint_open on complaint (status, submitted_at desc) where status not in ('closed', 'archived');
create index complaint_units on complaint using gin (units);
create index complaint_children on complaint (merged_into) where merged_into is not null;
create index complaint_words on complaint using gin (bigrams(title || ' ' || content));

-- Who to call, where it is not the account's own phone; sealed, and destroyed with the person.
create table complaint_contact (
    complaint_id uuid primary key references complaint,
    name_sealed bytea,
    phone_sealed bytea not null,
    phone_index bytea not null
);
create index complaint_contact_phone on complaint_contact (phone_index);

create table task (
    id uuid primary key,
    complaint_id uuid references complaint,
    whistle_id uuid,
    unit text not null references org_node,
    role text not null constraint task_role check (role in ('lead', 'assist')),
    -- The lead line is 0, assist lines are 1…; a returned task's successor keeps its line.
    line smallint not null,
    status text not null constraint task_status check (status in (
        'pending', 'acknowledged', 'arrived', 'replied', 'confirmed', 'sent_back',
        'return_requested', 'returned', 'cancelled')),
    version bigint not null default 1,
    urgency text not null,
    dispatched_at timestamptz not null,
    acknowledge_by timestamptz not null,
    contact_by timestamptz,
    arrive_by timestamptz,
    reply_by timestamptz not null,
    -- Return it until; who misses that keeps it (首接负责).
    return_by timestamptz not null,
    acknowledged_at timestamptz,
    contacts smallint not null default 0,
    -- The first contact that reached the reporter, or was relayed.
    contacted_at timestamptz,
    arrived_at timestamptz,
    replied_at timestamptz,
    reply_text text,
    reply_outcome text,
    reply_basis text,
    confirmed_at timestamptz,
    -- Ended: confirmed, returned or cancelled.
    ended_at timestamptz,
    -- Returns on this line so far, this task's predecessors included.
    returns smallint not null default 0,
    -- The centre ruled finally: the unit cannot return it.
    final boolean not null default false,
    return_ground text,
    return_to text,
    return_asked_at timestamptz,
    status_before_return text,
    extensions smallint not null default 0,
    extension_until timestamptz,
    extension_asked_at timestamptz,
    send_backs smallint not null default 0,
    rework_of uuid references task,
    constraint task_case check ((complaint_id is null) <> (whistle_id is null)),
    constraint task_deadlines check (
        acknowledge_by <= coalesce(contact_by, acknowledge_by)
        and coalesce(contact_by, acknowledge_by) <= coalesce(arrive_by, contact_by, reply_by)
        and coalesce(arrive_by, contact_by, acknowledge_by) <= reply_by),
    constraint task_return check ((status = 'return_requested') = (status_before_return is not null)),
    constraint task_extension check ((extension_until is null) = (extension_asked_at is null)),
    constraint task_lead_line check ((role = 'lead') = (line = 0)),
    constraint task_ended check ((status in ('confirmed', 'returned', 'cancelled')) = (ended_at is not null))
);
-- One open task for each line of a complaint, and one for each unit on it.
create unique index task_open_line on task (complaint_id, line) where ended_at is null;
create unique index task_open_unit on task (complaint_id, unit) where ended_at is null;
create index task_complaint on task (complaint_id, line, dispatched_at);
create index task_unit on task (unit, dispatched_at desc, id desc);
create index task_recent on task (dispatched_at desc, id desc);

create table evaluation (
    id uuid primary key,
    complaint_id uuid not null references complaint,
    -- Which person it stands for: the reporter of this complaint (a merged child's is its own).
    at timestamptz not null,
    round smallint not null,
    channel text not null,
    solved boolean not null,
    satisfaction smallint not null constraint evaluation_satisfaction check (satisfaction between 1 and 5),
    contacted boolean,
    comment text,
    recorded_by uuid references account
);
create index evaluation_complaint on evaluation (complaint_id, at desc);

-- The stream of a case. Append-only: what a person wrote (note) may be erased, nothing else changes.
create table event (
    subject_id uuid not null,
    seq integer not null,
    kind text not null,
    at timestamptz not null,
    visibility text not null constraint event_visibility check (visibility in ('everyone', 'reporter', 'unit', 'centre')),
    unit text references org_node,
    task_id uuid,
    actor_id uuid references account,
    data jsonb not null default 'null',
    note text,
    primary key (subject_id, seq)
);

create function event_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.note is null
        and (new.subject_id, new.seq, new.kind, new.at, new.visibility, new.data)
            is not distinct from (old.subject_id, old.seq, old.kind, old.at, old.visibility, old.data)
        and (new.unit, new.task_id, new.actor_id)
            is not distinct from (old.unit, old.task_id, old.actor_id)
    then
        return new;
    end if;
    raise exception 'event is append-only' using errcode = 'restrict_violation';
end
$$;
create trigger event_append_only before update or delete on event
    for each row execute function event_is_append_only();
create trigger event_no_truncate before truncate on event
    for each statement execute function event_is_append_only();
