-- What people wrote, looked at before the public may see it (内容核验). A complaint without a row is
-- not shown to the public.
create table screening (
    complaint_id uuid primary key references complaint,
    state text not null constraint screening_state check (state in ('pending', 'shown', 'hidden', 'waiting')),
    reason text not null constraint screening_reason check (reason in ('staff', 'word', 'machine', 'unchecked', 'decided', 'before')),
    -- What the machine found, by WeChat's number.
    label bigint,
    created_at timestamptz not null,
    judged_at timestamptz,
    -- The person who decided, and why; none for the machine.
    judged_by uuid references account,
    note text constraint screening_note check (char_length(note) between 2 and 200),
    constraint screening_decided check (
        (reason = 'decided') = (judged_by is not null)
        and (judged_by is null) = (note is null)
        and (judged_by is null or state in ('shown', 'hidden') and judged_at is not null))
);
create index screening_queue on screening (created_at, complaint_id) where state <> 'shown';

-- What is there was shown until now.
insert into screening (complaint_id, state, reason, created_at)
select id, 'shown', 'before', submitted_at from complaint;

-- What a person decided, only a person changes: no machine's answer that comes late.
create function screening_decision_stays() returns trigger language plpgsql as $$
begin
    if old.judged_by is not null and new.judged_by is null then
        raise exception 'a person decided' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger screening_decision_stays before update on screening
    for each row execute function screening_decision_stays();

-- Which answer of WeChat's check belongs to which file. It is pushed once or twice, late, or never.
create table media_trace (
    trace_id text primary key constraint media_trace_id check (char_length(trace_id) between 1 and 128),
    attachment_id uuid not null references attachment on delete cascade,
    asked_at timestamptz not null,
    answered_at timestamptz
);
create index media_trace_attachment on media_trace (attachment_id);
