-- What streams resume from: events and notifications in an order in which nothing appears later
-- behind a place that was read.
--
-- The order is that of the transactions' numbers, read only below the oldest one that still runs
-- (pg_snapshot_xmin): every number below has ended, and no later transaction gets one. So no mark and no
-- sequence are needed; within a transaction subject and number tell the rows apart.
--
-- Rows from before stay without a transaction: no stream began before them. The column gets its default
-- afterwards, so that no row is written anew.
alter table event add column xact xid8;
alter table event alter column xact set default pg_current_xact_id();
create index event_live on event (xact, subject_id, seq) where xact is not null;

alter table notification add column xact xid8;
alter table notification alter column xact set default pg_current_xact_id();
create index notification_live on notification (xact, id) where xact is not null;

-- The place of an event is as fixed as the rest of it.
create or replace function event_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.note is null
        and (new.subject_id, new.seq, new.kind, new.at, new.visibility, new.data)
            is not distinct from (old.subject_id, old.seq, old.kind, old.at, old.visibility, old.data)
        and (new.unit, new.task_id, new.actor_id, new.xact)
            is not distinct from (old.unit, old.task_id, old.actor_id, old.xact)
    then
        return new;
    end if;
    raise exception 'event is append-only' using errcode = 'restrict_violation';
end
$$;
