-- A person's own rights (个人信息保护法 44–47): consent with versions, and erasure.

-- Who asked to be erased. The account's row stays, without a name, because cases, ledger and audit
-- trail point to it; what else is of the person goes by the register in
-- infra/src/postgres/privacy/register.rs.
create table erasure (
    account_id uuid primary key references account,
    asked_at timestamptz not null,
    -- Asked by the person, or done again from the list of erased accounts after a restore.
    cause text not null constraint erasure_cause check (cause in ('asked', 'restore')),
    erased_at timestamptz,
    constraint erasure_order check (erased_at >= asked_at)
);
create index erasure_waiting on erasure (asked_at) where erased_at is null;

alter table session
    drop constraint session_end,
    add constraint session_end check (end_reason in ('logout', 'reuse', 'disabled', 'expired', 'erased'));

-- The words in place of what was erased; infra::postgres::privacy::MARK says the same.
create function erased_mark() returns text language sql immutable parallel safe
    as $$ select '（已按本人要求删除）' $$;

-- A text of somebody on duty, without the names and numbers of the person it is about.
create function scrubbed(given text, words text[]) returns text language plpgsql immutable parallel safe as $$
declare
    word text;
begin
    foreach word in array words loop
        given := replace(given, word, erased_mark());
    end loop;
    return given;
end
$$;

-- Only added to, but for the columns named in the trigger: what a person wrote in them can be
-- erased, which is nothing or the mark in its place, while everything else stays.
create function words_are_append_only() returns trigger language plpgsql as $$
declare
    before jsonb := to_jsonb(old);
    after jsonb;
    word text;
begin
    if tg_op = 'UPDATE' then
        after := to_jsonb(new);
        foreach word in array tg_argv loop
            if after->>word is null or after->>word = erased_mark() then
                before := before - word;
                after := after - word;
            end if;
        end loop;
        if before = after then
            return new;
        end if;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;
-- After the row, when what is generated from it stands in it.
drop trigger internal_note_append_only on internal_note;
create trigger internal_note_append_only after update or delete on internal_note
    for each row execute function words_are_append_only('text');
drop trigger points_objection_append_only on points_objection;
create trigger points_objection_append_only after update or delete on points_objection
    for each row execute function words_are_append_only('reason');
drop trigger donation_append_only on donation;
create trigger donation_append_only after update or delete on donation
    for each row execute function words_are_append_only('reason');

-- What an erasure looks for.
create index event_words_of on event (actor_id) where note is not null;
create index session_of on session (account_id);

-- The notice (个人信息处理告知) in its versions, for each purpose: the last one in effect counts.
create table privacy_notice (
    purpose text not null constraint privacy_notice_purpose check (purpose in ('service', 'location', 'message', 'party')),
    version integer not null constraint privacy_notice_version check (version > 0),
    title text not null,
    text text not null,
    effective_from timestamptz not null,
    primary key (purpose, version)
);
create trigger privacy_notice_append_only before update or delete on privacy_notice
    for each row execute function row_is_append_only();
create trigger privacy_notice_no_truncate before truncate on privacy_notice
    for each statement execute function row_is_append_only();
insert into privacy_notice (purpose, version, title, text, effective_from) values
    ('service', 1, '个人信息处理告知',
     '我们为受理、办理和回访您的诉求，处理您的微信标识，以及您自己填写的称呼、电话、地址和诉求内容。承办单位只在办理期间看到联系所需的信息；举报和要求保密的，承办单位看不到是谁。您可以随时查看、导出、更正或者注销删除。',
     '2024-01-01 00:00+08'),
    ('location', 1, '位置信息告知',
     '您在提交诉求或者服务签到时可以提供位置，只用来确定地点属于哪个社区、是否到场。不提供也可以用文字写明地点，或者由组织者确认。',
     '2024-01-01 00:00+08'),
    ('message', 1, '消息通知告知',
     '经您同意，我们通过微信订阅消息或者短信告诉您办理的进展。不同意也可以在“我的”里查看。',
     '2024-01-01 00:00+08'),
    ('party', 1, '党员报到信息告知',
     '党员报到时填写的姓名和身份证号码后六位属于敏感个人信息，加密保存，只用来与党员名册核对，由报到的社区党组织查看。',
     '2024-01-01 00:00+08');

-- Consent to a version of a notice, and its withdrawal. A person consents anew after withdrawing.
create table consent (
    id uuid primary key,
    account_id uuid not null references account,
    purpose text not null,
    version integer not null,
    given_at timestamptz not null,
    withdrawn_at timestamptz,
    foreign key (purpose, version) references privacy_notice,
    constraint consent_withdrawn check (withdrawn_at >= given_at)
);
create unique index consent_held on consent (account_id, purpose, version) where withdrawn_at is null;
create index consent_of on consent (account_id, given_at desc, id desc);
