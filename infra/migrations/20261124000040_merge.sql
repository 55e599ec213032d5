-- Repeats: the same reporter hands in the same words again within days. Nothing is refused and
-- nothing merged by itself; the later one is marked, for the centre alone.
create table complaint_repeat (
    complaint_id uuid primary key references complaint,
    -- The first of them.
    repeat_of uuid not null references complaint,
    constraint complaint_repeat_not_itself check (repeat_of <> complaint_id)
);
create index complaint_repeat_first on complaint_repeat (repeat_of);
