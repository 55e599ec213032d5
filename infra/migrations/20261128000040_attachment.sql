-- Attachments (附件): photos and voice. The bytes lie in the file store under a name made of the id;
-- the row is written after them, so that every row has its file. A file without a row is swept away.
create table attachment (
    id uuid primary key,
    owner_id uuid not null references account,
    media_type text not null constraint attachment_media_type check (media_type in (
        'image/jpeg', 'image/png', 'audio/aac', 'audio/mpeg', 'audio/amr', 'audio/wav')),
    kind text not null generated always as (split_part(media_type, '/', 1)) stored,
    -- As it is kept, and as it was sent: the quota counts the latter.
    bytes integer not null constraint attachment_bytes check (bytes between 1 and 10485760),
    sent_bytes integer not null constraint attachment_sent_bytes check (sent_bytes between 1 and 10485760),
    width integer constraint attachment_width check (width between 1 and 8192),
    height integer constraint attachment_height check (height between 1 and 8192),
    milliseconds integer constraint attachment_milliseconds check (milliseconds >= 0),
    uploaded_at timestamptz not null,
    -- What it belongs to, once it is attached; it stays there.
    place text constraint attachment_place check (
        place in ('complaint', 'report_in', 'reply', 'offer', 'claim')),
    complaint_id uuid references complaint,
    task_id uuid references task,
    offer_id uuid references offer,
    claim_id uuid references claim,
    target_id uuid generated always as (coalesce(complaint_id, task_id, offer_id, claim_id)) stored,
    position smallint constraint attachment_position check (position between 1 and 9),
    attached_at timestamptz,
    -- The reply was written again, or the pictures were chosen again, without it.
    superseded boolean not null default false,
    -- pending until the automatic check or a person has looked at it.
    check_state text not null default 'pending'
        constraint attachment_check check (check_state in ('pending', 'passed', 'hidden')),
    hidden_reason text constraint attachment_reason check (char_length(hidden_reason) between 2 and 200),
    -- The person who decided last; none for the automatic check.
    judged_by uuid references account,
    judged_at timestamptz,
    constraint attachment_measured check (
        case split_part(media_type, '/', 1)
            when 'image' then num_nonnulls(width, height) = 2 and milliseconds is null
            else num_nonnulls(width, height) = 0 and milliseconds is not null end),
    constraint attachment_attached check (
        num_nonnulls(complaint_id, task_id, offer_id, claim_id) = case when place is null then 0 else 1 end
        and num_nonnulls(position, attached_at) = case when place is null then 0 else 2 end
        and case place
            when 'complaint' then complaint_id is not null
            when 'offer' then offer_id is not null
            when 'claim' then claim_id is not null
            when 'report_in' then task_id is not null
            when 'reply' then task_id is not null
            else true end
        and (not superseded or place in ('reply', 'offer', 'claim'))),
    constraint attachment_hidden check ((check_state = 'hidden') = (hidden_reason is not null)),
    constraint attachment_judged check (judged_by is null or judged_at is not null)
);
create index attachment_of_target on attachment (target_id) where target_id is not null;
create index attachment_of_owner on attachment (owner_id, uploaded_at);
create index attachment_unattached on attachment (uploaded_at) where place is null;
create index attachment_judging on attachment (check_state, uploaded_at desc, id desc) where place is not null;

-- What was attached is evidence: it changes neither its owner, nor its bytes, nor its place.
create function attachment_stays() returns trigger language plpgsql as $$
begin
    if (new.id, new.owner_id, new.media_type, new.bytes, new.sent_bytes, new.uploaded_at)
            is distinct from (old.id, old.owner_id, old.media_type, old.bytes, old.sent_bytes, old.uploaded_at)
        or old.place is not null and (new.place, new.complaint_id, new.task_id, new.offer_id, new.claim_id)
            is distinct from (old.place, old.complaint_id, old.task_id, old.offer_id, old.claim_id) then
        raise exception 'an attachment stays where it is' using errcode = 'check_violation', constraint = 'attachment_stays';
    end if;
    return new;
end $$;
create trigger attachment_stays before update on attachment
    for each row execute function attachment_stays();
