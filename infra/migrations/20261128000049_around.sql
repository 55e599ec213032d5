-- Around the house: opinions on the application itself (意见), announcements (社区公告), and the guide
-- of services (办事指南).

-- What people say of the application (国办函〔2026〕12号 demands the entry). The answers stand in the
-- stream of events under the row's id.
create sequence feedback_number cycle maxvalue 999999;
create table feedback (
    id uuid primary key,
    number text not null constraint feedback_number_key unique constraint feedback_number_form check (number ~ '^YJ[0-9]{14}$'),
    -- HMAC of the code by which a person without an account reads the answer.
    query_code_mac bytea not null,
    version bigint not null default 1,
    kind text not null constraint feedback_kind check (kind in ('fault', 'suggestion', 'burden', 'accessibility', 'praise')),
    status text not null constraint feedback_status check (status in ('submitted', 'answered', 'planned', 'done', 'declined')),
    -- Who wrote it, where they were logged in.
    account_id uuid references account,
    text text not null constraint feedback_text check (char_length(text) between 5 and 5000),
    -- Where in the application, and in which version of it.
    page text constraint feedback_page check (char_length(page) <= 200),
    app_version text constraint feedback_app_version check (char_length(app_version) <= 50),
    contact_sealed bytea,
    -- A word of the list of forbidden ones stands in it; it is handled all the same.
    flagged boolean not null,
    submitted_at timestamptz not null,
    answered_at timestamptz,
    constraint feedback_answered check ((status = 'submitted') = (answered_at is null))
);
create index feedback_list on feedback (submitted_at desc, id desc);
create index feedback_of on feedback (account_id, submitted_at desc, id desc) where account_id is not null;

-- What a body tells the people of its area. What it says is in its editions: `edition` is the latest,
-- `shown` the one that people read, `waiting` the one that another officer has to look at.
create table announcement (
    id uuid primary key,
    version bigint not null default 1,
    body text not null references org_node,
    kind text not null constraint announcement_kind check (kind in ('notice', 'outage', 'activity', 'policy')),
    audience text not null constraint announcement_audience check (audience in ('residents', 'staff')),
    status text not null constraint announcement_status check (
        status in ('draft', 'in_review', 'sent_back', 'published', 'ended', 'withdrawn')),
    edition integer not null default 1 constraint announcement_edition check (edition >= 1),
    shown integer,
    waiting integer,
    -- Why it was sent back or taken down.
    reason text constraint announcement_reason check (char_length(reason) between 2 and 500),
    created_at timestamptz not null,
    published_at timestamptz,
    constraint announcement_shown check (
        case when status in ('published', 'ended') then shown is not null
            when status = 'withdrawn' then true else shown is null end
        and (shown is null) = (published_at is null) and shown <= edition),
    constraint announcement_waiting check (
        waiting <= edition and status in ('in_review', 'published') and (status <> 'in_review' or waiting is not null)
        or waiting is null and status <> 'in_review')
);
create index announcement_public on announcement (published_at desc, id desc) where status in ('published', 'ended');
create index announcement_desk on announcement (body, created_at desc, id desc);
create index announcement_running on announcement (id) where status = 'published';

create table announcement_edition (
    announcement_id uuid not null references announcement,
    number integer not null,
    title text not null constraint announcement_edition_title check (char_length(title) between 2 and 100),
    text text not null constraint announcement_edition_text check (char_length(text) between 5 and 5000),
    -- Whom it concerns: divisions of the body's own.
    areas text[] not null constraint announcement_edition_areas check (cardinality(areas) between 1 and 50),
    pinned boolean not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    pictures uuid[] not null constraint announcement_edition_pictures check (cardinality(pictures) <= 9),
    made_by uuid not null references account,
    made_at timestamptz not null,
    primary key (announcement_id, number),
    constraint announcement_edition_span check (starts_at < ends_at)
);
create index announcement_edition_words on announcement_edition using gin (searched(title, text, null));
create trigger announcement_edition_append_only before update or delete on announcement_edition
    for each row execute function row_is_append_only();
create trigger announcement_edition_no_truncate before truncate on announcement_edition
    for each statement execute function row_is_append_only();
-- Deferred: both rows are made in one transaction.
alter table announcement
    add constraint announcement_current foreign key (id, edition)
        references announcement_edition (announcement_id, number) deferrable initially deferred,
    add constraint announcement_public_edition foreign key (id, shown)
        references announcement_edition (announcement_id, number) deferrable initially deferred;

-- How many have read it: a MAC for each, from which nobody finds out who.
create table announcement_read (
    announcement_id uuid not null references announcement,
    reader_mac bytea not null,
    primary key (announcement_id, reader_mac)
);

-- What a unit does for people (办事指南); editions as above.
create table guide (
    id uuid primary key,
    version bigint not null default 1,
    unit text not null references org_node,
    -- The latest edition's; of those that are not withdrawn a unit has each title once.
    title text not null,
    status text not null constraint guide_status check (
        status in ('draft', 'in_review', 'sent_back', 'published', 'ended', 'withdrawn')),
    edition integer not null default 1 constraint guide_edition check (edition >= 1),
    shown integer,
    waiting integer,
    reason text constraint guide_reason check (char_length(reason) between 2 and 500),
    created_at timestamptz not null,
    published_at timestamptz,
    -- What the owner was told of the edition that is shown: 1 that it will run out, 2 that it did.
    warned smallint not null default 0 constraint guide_warned check (warned between 0 and 2),
    -- The owner was told that it is time to look through it.
    review_told boolean not null default false,
    constraint guide_shown check (
        case when status in ('published', 'ended') then shown is not null
            when status = 'withdrawn' then true else shown is null end
        and (shown is null) = (published_at is null) and shown <= edition),
    constraint guide_waiting check (
        waiting <= edition and status in ('in_review', 'published') and (status <> 'in_review' or waiting is not null)
        or waiting is null and status <> 'in_review')
);
create unique index guide_title on guide (unit, title) where status <> 'withdrawn';
create index guide_public on guide (published_at desc, id desc) where status = 'published';
create index guide_desk on guide (unit, created_at desc, id desc);

create table guide_edition (
    guide_id uuid not null references guide,
    number integer not null,
    title text not null constraint guide_edition_title check (char_length(title) between 2 and 100),
    category text not null,
    -- Who may apply.
    eligible text not null,
    materials text[] not null constraint guide_edition_materials check (cardinality(materials) <= 30),
    steps text[] not null constraint guide_edition_steps check (cardinality(steps) <= 30),
    place text,
    hours text,
    phone text,
    fee text,
    -- Working days; 0 is at once.
    term_days smallint constraint guide_edition_term check (term_days between 0 and 365),
    link text constraint guide_edition_link check (link like 'https://%'),
    basis text,
    valid_from date not null,
    -- The last day on which it holds.
    valid_until date,
    next_review date,
    made_by uuid not null references account,
    made_at timestamptz not null,
    primary key (guide_id, number),
    constraint guide_edition_valid check (valid_from <= valid_until)
);
create index guide_edition_words on guide_edition using gin (searched(title, category || ' ' || eligible, place));
create trigger guide_edition_append_only before update or delete on guide_edition
    for each row execute function row_is_append_only();
create trigger guide_edition_no_truncate before truncate on guide_edition
    for each statement execute function row_is_append_only();
alter table guide
    add constraint guide_current foreign key (id, edition)
        references guide_edition (guide_id, number) deferrable initially deferred,
    add constraint guide_public_edition foreign key (id, shown)
        references guide_edition (guide_id, number) deferrable initially deferred;

-- 有用没用: one voice for each account, or for each address and day where nobody is logged in.
create table guide_vote (
    guide_id uuid not null references guide,
    voter_mac bytea not null,
    account_id uuid references account,
    useful boolean not null,
    comment text constraint guide_vote_comment check (char_length(comment) between 1 and 500),
    voted_at timestamptz not null,
    primary key (guide_id, voter_mac)
);
create index guide_vote_of on guide_vote (account_id) where account_id is not null;
create index guide_vote_comments on guide_vote (guide_id, voted_at desc) where not useful and comment is not null;

-- Photos of what is wrong with the application, and pictures of announcements.
alter table attachment
    add column feedback_id uuid references feedback,
    add column announcement_id uuid references announcement,
    drop constraint attachment_place,
    drop constraint attachment_attached,
    drop column target_id;
alter table attachment
    add column target_id uuid generated always as (
        coalesce(complaint_id, task_id, offer_id, claim_id, feedback_id, announcement_id)) stored,
    add constraint attachment_place check (
        place in ('complaint', 'report_in', 'reply', 'offer', 'claim', 'feedback', 'announcement')),
    add constraint attachment_attached check (
        num_nonnulls(complaint_id, task_id, offer_id, claim_id, feedback_id, announcement_id)
            = case when place is null then 0 else 1 end
        and num_nonnulls(position, attached_at) = case when place is null then 0 else 2 end
        and case place
            when 'complaint' then complaint_id is not null
            when 'offer' then offer_id is not null
            when 'claim' then claim_id is not null
            when 'report_in' then task_id is not null
            when 'reply' then task_id is not null
            when 'feedback' then feedback_id is not null
            when 'announcement' then announcement_id is not null
            else true end
        and (not superseded or place in ('reply', 'offer', 'claim')));
create index attachment_of_target on attachment (target_id) where target_id is not null;
create or replace function attachment_stays() returns trigger language plpgsql as $$
begin
    if (new.id, new.owner_id, new.media_type, new.bytes, new.sent_bytes, new.uploaded_at)
            is distinct from (old.id, old.owner_id, old.media_type, old.bytes, old.sent_bytes, old.uploaded_at)
        or old.place is not null
            and (new.place, new.complaint_id, new.task_id, new.offer_id, new.claim_id, new.feedback_id, new.announcement_id)
            is distinct from
            (old.place, old.complaint_id, old.task_id, old.offer_id, old.claim_id, old.feedback_id, old.announcement_id) then
        raise exception 'an attachment stays where it is' using errcode = 'check_violation', constraint = 'attachment_stays';
    end if;
    return new;
end $$;
