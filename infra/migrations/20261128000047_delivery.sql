-- Notifications that leave the house: templates in versions, consent by count, what a person wants,
-- and a row for each notification that is sent out.

-- What stands in a message, in versions; the highest is in use. `provider_id` is the template's id
-- at WeChat. Long-term consent (政务民生 templates) is not used up.
create table notification_template (
    template text not null
        constraint notification_template_word check (template in ('progress', 'asked', 'service', 'points')),
    channel text not null constraint notification_template_channel check (channel in ('subscribe')),
    version integer not null constraint notification_template_version check (version > 0),
    provider_id text not null constraint notification_template_provider check (provider_id <> ''),
    page text not null,
    fields jsonb not null constraint notification_template_fields check (jsonb_typeof(fields) = 'object'),
    long_term boolean not null,
    published_at timestamptz not null,
    primary key (template, channel, version)
);
create trigger notification_template_append_only before update or delete on notification_template
    for each row execute function row_is_append_only();
create trigger notification_template_no_truncate before truncate on notification_template
    for each statement execute function row_is_append_only();
insert into notification_template
    (template, channel, version, provider_id, page, fields, long_term, published_at) values
    ('progress', 'subscribe', 1, 'demo-progress', 'pages/notifications/index',
     '{"thing1": "{title}", "character_string2": "{number}", "phrase3": "{phrase}", "thing4": "{text}", "time5": "{time}"}',
     true, '2024-01-01 00:00+08'),
    ('asked', 'subscribe', 1, 'demo-asked', 'pages/notifications/index',
     '{"thing1": "{title}", "phrase2": "{phrase}", "thing3": "{text}", "time4": "{time}"}',
     false, '2024-01-01 00:00+08'),
    ('service', 'subscribe', 1, 'demo-service', 'pages/notifications/index',
     '{"thing1": "{title}", "phrase2": "{phrase}", "thing3": "{text}", "time4": "{time}"}',
     false, '2024-01-01 00:00+08'),
    ('points', 'subscribe', 1, 'demo-points', 'pages/notifications/index',
     '{"phrase1": "{phrase}", "thing2": "{text}", "time3": "{time}"}',
     false, '2024-01-01 00:00+08');

-- How often a person may still be sent a template: WeChat counts each consent once.
create table subscription (
    account_id uuid not null references account,
    provider_id text not null,
    remaining integer not null constraint subscription_remaining check (remaining between 0 and 1000),
    long_term boolean not null,
    updated_at timestamptz not null,
    primary key (account_id, provider_id)
);

-- What a person wants to be sent. Without a row: everything, in the house's quiet hours.
create table delivery_preference (
    account_id uuid primary key references account,
    muted text[] not null,
    quiet_from smallint,
    quiet_until smallint,
    updated_at timestamptz not null,
    constraint delivery_preference_quiet check (
        (quiet_from is null) = (quiet_until is null)
        and quiet_from between 0 and 23 and quiet_until between 0 and 23)
);

-- A notification that is sent out by a channel. It goes when its notification goes.
create table delivery (
    id uuid primary key,
    notification_id uuid not null references notification on delete cascade,
    account_id uuid not null references account,
    channel text not null constraint delivery_channel check (channel in ('subscribe')),
    kind text not null,
    template text not null,
    template_version integer,
    state text not null constraint delivery_state
        check (state in ('waiting', 'sending', 'sent', 'failed', 'dropped', 'unknown')),
    reason text,
    attempt integer not null constraint delivery_attempt check (attempt >= 0),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint delivery_once unique (notification_id, channel),
    constraint delivery_reason check ((reason is not null) = (state in ('failed', 'dropped'))),
    constraint delivery_versioned check (template_version is not null or state not in ('sending', 'sent', 'failed', 'unknown')),
    foreign key (template, channel, template_version) references notification_template
);
create index delivery_listed on delivery (created_at desc, id desc);
create index delivery_of on delivery (account_id);
-- The administrator looks for what did not arrive.
create index delivery_state on delivery (state, created_at desc, id desc);
