-- Since when every task of a whistle is confirmed: from then on a silent blower's time runs.
alter table whistle add column settled_at timestamptz;
-- The watch over a month's whistles.
create index whistle_blown on whistle (blown_at) where blown_at is not null;
create index appraisal_recent on appraisal (at);
-- The public counter of 随手拍.
create index complaint_photo on complaint (channel) where channel in ('photo', 'patrol');
