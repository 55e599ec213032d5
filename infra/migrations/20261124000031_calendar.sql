-- The working calendar as versioned data (工作日历): what the State Council announced for each year.
create table calendar_year (
    -- In the order of commit, since an import locks the table: the highest id names the whole
    -- calendar as it stands, and a process that knows it knows every version.
    id bigint generated always as identity primary key,
    year integer not null constraint calendar_year_range check (year between 2000 and 2100),
    version integer not null constraint calendar_year_version_form check (version > 0),
    -- The notice, by its number or address.
    source text not null,
    published_at date,
    -- A draft that the notice will replace: its days count, and what they touch is provisional.
    provisional boolean not null default false,
    imported_at timestamptz not null,
    imported_by uuid references account,
    constraint calendar_year_version unique (year, version)
);

-- The days on which a notice departs from the weekday, or confirms it.
create table calendar_day (
    calendar_id bigint not null references calendar_year,
    date date not null,
    name text not null,
    -- A make-up working day; else off.
    working boolean not null,
    primary key (calendar_id, date)
);

-- The years of whose missing notice the administrator has been warned: once for each.
create table calendar_warning (
    year integer primary key,
    warned_at timestamptz not null
);

create function calendar_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'calendar versions are append-only' using errcode = 'restrict_violation';
end
$$;
create trigger calendar_year_append_only before update or delete on calendar_year
    for each row execute function calendar_is_append_only();
create trigger calendar_year_no_truncate before truncate on calendar_year
    for each statement execute function calendar_is_append_only();
create trigger calendar_day_append_only before update or delete on calendar_day
    for each row execute function calendar_is_append_only();
create trigger calendar_day_no_truncate before truncate on calendar_day
    for each statement execute function calendar_is_append_only();

insert into calendar_year (year, version, source, published_at, imported_at) values
    (2024, 1, 'https://www.gov.cn/zhengce/zhengceku/202310/content_6911528.htm', '2023-10-25', '2026-11-24 00:00+08'),
    (2025, 1, 'https://www.gov.cn/zhengce/zhengceku/202411/content_6986383.htm', '2024-11-12', '2026-11-24 00:00+08'),
    (2026, 1, 'https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm', '2025-11-04', '2026-11-24 00:00+08');

insert into calendar_day (calendar_id, date, name, working)
select calendar_year.id, given.date, given.name, given.working
from (values
    (date '2024-01-01', '元旦', false),
    (date '2024-02-04', '春节', true),
    (date '2024-02-10', '春节', false),
    (date '2024-02-11', '春节', false),
    (date '2024-02-12', '春节', false),
    (date '2024-02-13', '春节', false),
    (date '2024-02-14', '春节', false),
    (date '2024-02-15', '春节', false),
    (date '2024-02-16', '春节', false),
    (date '2024-02-17', '春节', false),
    (date '2024-02-18', '春节', true),
    (date '2024-04-04', '清明节', false),
    (date '2024-04-05', '清明节', false),
    (date '2024-04-06', '清明节', false),
    (date '2024-04-07', '清明节', true),
    (date '2024-04-28', '劳动节', true),
    (date '2024-05-01', '劳动节', false),
    (date '2024-05-02', '劳动节', false),
    (date '2024-05-03', '劳动节', false),
    (date '2024-05-04', '劳动节', false),
    (date '2024-05-05', '劳动节', false),
    (date '2024-05-11', '劳动节', true),
    (date '2024-06-10', '端午节', false),
    (date '2024-09-14', '中秋节', true),
    (date '2024-09-15', '中秋节', false),
    (date '2024-09-16', '中秋节', false),
    (date '2024-09-17', '中秋节', false),
    (date '2024-09-29', '国庆节', true),
    (date '2024-10-01', '国庆节', false),
    (date '2024-10-02', '国庆节', false),
    (date '2024-10-03', '国庆节', false),
    (date '2024-10-04', '国庆节', false),
    (date '2024-10-05', '国庆节', false),
    (date '2024-10-06', '国庆节', false),
    (date '2024-10-07', '国庆节', false),
    (date '2024-10-12', '国庆节', true),
    (date '2025-01-01', '元旦', false),
    (date '2025-01-26', '春节', true),
    (date '2025-01-28', '春节', false),
    (date '2025-01-29', '春节', false),
    (date '2025-01-30', '春节', false),
    (date '2025-01-31', '春节', false),
    (date '2025-02-01', '春节', false),
    (date '2025-02-02', '春节', false),
    (date '2025-02-03', '春节', false),
    (date '2025-02-04', '春节', false),
    (date '2025-02-08', '春节', true),
    (date '2025-04-04', '清明节', false),
    (date '2025-04-05', '清明节', false),
    (date '2025-04-06', '清明节', false),
    (date '2025-04-27', '劳动节', true),
    (date '2025-05-01', '劳动节', false),
    (date '2025-05-02', '劳动节', false),
    (date '2025-05-03', '劳动节', false),
    (date '2025-05-04', '劳动节', false),
    (date '2025-05-05', '劳动节', false),
    (date '2025-05-31', '端午节', false),
    (date '2025-06-01', '端午节', false),
    (date '2025-06-02', '端午节', false),
    (date '2025-09-28', '国庆节、中秋节', true),
    (date '2025-10-01', '国庆节、中秋节', false),
    (date '2025-10-02', '国庆节、中秋节', false),
    (date '2025-10-03', '国庆节、中秋节', false),
    (date '2025-10-04', '国庆节、中秋节', false),
    (date '2025-10-05', '国庆节、中秋节', false),
    (date '2025-10-06', '国庆节、中秋节', false),
    (date '2025-10-07', '国庆节、中秋节', false),
    (date '2025-10-08', '国庆节、中秋节', false),
    (date '2025-10-11', '国庆节、中秋节', true),
    (date '2026-01-01', '元旦', false),
    (date '2026-01-02', '元旦', false),
    (date '2026-01-03', '元旦', false),
    (date '2026-01-04', '元旦', true),
    (date '2026-02-14', '春节', true),
    (date '2026-02-15', '春节', false),
    (date '2026-02-16', '春节', false),
    (date '2026-02-17', '春节', false),
    (date '2026-02-18', '春节', false),
    (date '2026-02-19', '春节', false),
    (date '2026-02-20', '春节', false),
    (date '2026-02-21', '春节', false),
    (date '2026-02-22', '春节', false),
    (date '2026-02-23', '春节', false),
    (date '2026-02-28', '春节', true),
    (date '2026-04-04', '清明节', false),
    (date '2026-04-05', '清明节', false),
    (date '2026-04-06', '清明节', false),
    (date '2026-05-01', '劳动节', false),
    (date '2026-05-02', '劳动节', false),
    (date '2026-05-03', '劳动节', false),
    (date '2026-05-04', '劳动节', false),
    (date '2026-05-05', '劳动节', false),
    (date '2026-05-09', '劳动节', true),
    (date '2026-06-19', '端午节', false),
    (date '2026-06-20', '端午节', false),
    (date '2026-06-21', '端午节', false),
    (date '2026-09-20', '国庆节', true),
    (date '2026-09-25', '中秋节', false),
    (date '2026-09-26', '中秋节', false),
    (date '2026-09-27', '中秋节', false),
    (date '2026-10-01', '国庆节', false),
    (date '2026-10-02', '国庆节', false),
    (date '2026-10-03', '国庆节', false),
    (date '2026-10-04', '国庆节', false),
    (date '2026-10-05', '国庆节', false),
    (date '2026-10-06', '国庆节', false),
    (date '2026-10-07', '国庆节', false),
    (date '2026-10-10', '国庆节', true)
) as given (date, name, working)
join calendar_year on calendar_year.year = extract(year from given.date);
