-- Reply templates (答复模板): a unit's own, or the centre's for all of them.
create table reply_template (
    id uuid primary key,
    -- Whose it is; none for the centre's, which every unit may use.
    unit text references org_node,
    -- The current version's name; of those in use an owner has each name once.
    name text not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    retired_at timestamptz,
    retired_by uuid references account,
    constraint reply_template_retired check ((retired_at is null) = (retired_by is null))
);
create unique index reply_template_name on reply_template (coalesce(unit, ''), name) where retired_at is null;
create index reply_template_list on reply_template (created_at, id);

-- What a template said and asked for, version by version. Replies refer to versions, so that one is
-- never changed.
create table reply_template_version (
    template_id uuid not null references reply_template,
    version bigint not null constraint reply_template_version_number check (version >= 1),
    name text not null,
    text text not null,
    -- [{name, label, kind, required, options}]
    fields jsonb not null constraint reply_template_version_fields check (jsonb_typeof(fields) = 'array'),
    made_by uuid not null references account,
    made_at timestamptz not null,
    primary key (template_id, version)
);
-- The current version is always there. Deferred: the two rows are made in one transaction.
alter table reply_template add constraint reply_template_current
    foreign key (id, version) references reply_template_version (template_id, version) deferrable initially deferred;

create trigger reply_template_version_append_only before update or delete on reply_template_version
    for each row execute function row_is_append_only();
create trigger reply_template_version_no_truncate before truncate on reply_template_version
    for each statement execute function row_is_append_only();

-- Which version rendered which text for a task. The reply itself is the text; whether it waits for
-- an approval first is no matter here, since the text's digest is what the two have in common.
create table reply_from_template (
    task_id uuid not null references task,
    digest bytea not null constraint reply_from_template_digest check (octet_length(digest) = 32),
    template_id uuid not null,
    template_version bigint not null,
    made_by uuid not null references account,
    made_at timestamptz not null,
    primary key (task_id, digest),
    foreign key (template_id, template_version) references reply_template_version (template_id, version)
);

-- Cases whose lead sums up for the reporter what the assists replied (牵头单位综合答复): the centre
-- asked for it when it dispatched, and the lead's reply waits for theirs.
create table lead_summary (
    complaint_id uuid primary key references complaint,
    ordered_by uuid not null references account,
    ordered_at timestamptz not null
);
