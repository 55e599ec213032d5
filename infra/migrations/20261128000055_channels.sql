-- Notifications that leave the house by more than one way.

-- How often a delivery surely failed. `attempt` counts its jobs, of which a quiet hour and a person who
-- sends it again make further ones.
alter table delivery
    add column failures integer not null default 0
        constraint delivery_failures check (failures between 0 and 100);

-- Text messages beside WeChat's. Their templates have no first version here: a template is used from
-- when the administrator publishes it.
alter table notification_template
    drop constraint notification_template_word,
    add constraint notification_template_word
        check (template in ('progress', 'asked', 'service', 'points', 'duty', 'digest')),
    drop constraint notification_template_channel,
    add constraint notification_template_channel check (channel in ('subscribe', 'sms')),
    add constraint notification_template_way check (case channel
        when 'sms' then template in ('progress', 'asked', 'duty', 'digest')
            and page = '' and not long_term
        else template <> 'duty' end);
alter table delivery
    drop constraint delivery_channel,
    add constraint delivery_channel check (channel in ('subscribe', 'sms'));

-- What a person wants, for each channel. Whoever had switched a group off at WeChat wants no text
-- message of it either. What duty demands cannot be switched off. Staff get a summary of their tasks.
alter table delivery_preference
    add column muted_sms text[],
    add column digest text not null default 'daily'
        constraint delivery_preference_digest check (digest in ('daily', 'off'));
update delivery_preference
set muted_sms = array(select unnest(muted) intersect select unnest(array['progress', 'asked']));
alter table delivery_preference
    alter column muted_sms set not null,
    -- Servers of before, which run on until they are restarted, do not name it.
    alter column muted_sms set default '{}',
    add constraint delivery_preference_duty check ('duty' <> all (muted || muted_sms));

-- One summary for each person and day.
create unique index event_digest_once on event (subject_id, (data ->> 'day'))
    where kind = 'daily_digest';
