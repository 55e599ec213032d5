-- What a task's case is about stands in the task as well, so that its list is answered from an index
-- by area and by kind; whoever inserts a task need not know it.
alter table task add column community_code text, add column kind text;
update task set community_code = complaint.community_code, kind = complaint.kind
    from complaint where complaint.id = task.complaint_id;
update task set community_code = whistle.community_code
    from whistle where whistle.id = task.whistle_id;

create function task_takes_facts() returns trigger language plpgsql as $$
begin
    if new.complaint_id is not null then
        select community_code, kind into new.community_code, new.kind
        from complaint where id = new.complaint_id;
    else
        select community_code, null into new.community_code, new.kind
        from whistle where id = new.whistle_id;
    end if;
    return new;
end
$$;
create trigger task_facts before insert on task for each row execute function task_takes_facts();

-- They stay what the case says: a task cannot differ from it, and follows if the case is corrected.
alter table task alter column community_code set not null,
    add constraint task_kind_of_complaint check ((kind is null) = (complaint_id is null));
create unique index complaint_facts on complaint (id, community_code, kind);
create unique index whistle_facts on whistle (id, community_code);
alter table task
    add constraint task_complaint_facts foreign key (complaint_id, community_code, kind)
        references complaint (id, community_code, kind) on update cascade,
    add constraint task_whistle_facts foreign key (whistle_id, community_code)
        references whistle (id, community_code) on update cascade;

create index task_community on task (community_code text_pattern_ops, dispatched_at desc, id desc);
create index task_kind on task (kind, urgency, dispatched_at desc, id desc) where kind is not null;
comment on column task.community_code is 'The case''s, by the trigger task_facts and the foreign keys task_*_facts.';
comment on column task.kind is 'The complaint''s, by the trigger task_facts and the foreign key task_complaint_facts; null for a whistle.';

-- While a complaint is suspended the centre's clocks stand still: few are, and the month's figures ask
-- it of each.
create index event_suspended on event (subject_id, seq) where kind in ('suspended', 'resumed');
