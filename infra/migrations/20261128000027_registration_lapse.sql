-- A registration ends with the membership: the work unit has a receipt of it, which no change brought.
alter table receipt
    drop constraint receipt_cause,
    drop constraint receipt_change,
    add constraint receipt_cause check (cause in (
        'signed', 'moved', 'joined', 'left', 'retired', 'exempted', 'withdrawn', 'removed')),
    add constraint receipt_change check ((cause in ('signed', 'removed')) = (change_id is null));
create unique index receipt_removed_once on receipt (registration_id) where cause = 'removed';

-- A request whose resident said nothing of what was served is taken for done, without a mark.
alter table service_request
    drop constraint service_request_done,
    add constraint service_request_done check (satisfaction is null or status = 'done');
