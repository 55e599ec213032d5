-- Final replies (最终答复): the unit's last word on a matter that was handled, replied to and looked
-- at again. Proposed with evidence, signed by the unit's head, in force once the centre confirms.
create table final_reply (
    id uuid primary key,
    complaint_id uuid not null references complaint,
    -- The lead's task whose reply it makes final.
    task_id uuid not null references task,
    unit text not null references org_node,
    version bigint not null default 1,
    status text not null constraint final_reply_status check (status in ('proposed', 'signed', 'in_force', 'refused', 'revoked')),
    -- What later appeals are answered with.
    text text not null,
    legal_basis text not null,
    -- What shows it; for the unit and the centre.
    evidence text not null,
    valid_days integer not null constraint final_reply_validity check (valid_days between 30 and 1095),
    proposed_by uuid not null references account,
    proposed_at timestamptz not null,
    signed_by uuid references account,
    signed_at timestamptz,
    confirmed_by uuid references account,
    confirmed_at timestamptz,
    valid_until timestamptz,
    -- Refused or revoked.
    ended_by uuid references account,
    ended_at timestamptz,
    reason text,
    constraint final_reply_signed check (num_nulls(signed_by, signed_at) in (0, 2)),
    constraint final_reply_signed_first check (status not in ('signed', 'in_force', 'revoked') or signed_by is not null),
    constraint final_reply_signed_by_another check (signed_by <> proposed_by),
    constraint final_reply_confirmed check (
        num_nulls(confirmed_by, confirmed_at, valid_until) = case when status in ('in_force', 'revoked') then 0 else 3 end),
    constraint final_reply_ended check (
        num_nulls(ended_by, ended_at, reason) = case when status in ('refused', 'revoked') then 0 else 3 end)
);
-- One waits at a time; one in force that is still valid stands in the way of another by the rule.
create unique index final_reply_live on final_reply (complaint_id) where status in ('proposed', 'signed');
create index final_reply_complaint on final_reply (complaint_id, proposed_at desc);
create index final_reply_unit on final_reply (unit, proposed_at desc, id desc);
create index final_reply_recent on final_reply (proposed_at desc, id desc);

-- Appeals that were answered with one.
create table final_reply_citation (
    complaint_id uuid primary key references complaint,
    final_reply_id uuid not null references final_reply,
    cited_by uuid not null references account,
    cited_at timestamptz not null
);
create index final_reply_citation_of on final_reply_citation (final_reply_id);
