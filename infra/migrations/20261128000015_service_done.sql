-- What counts towards a year of service (一年的次数与时长), whoever asks: a person's own list, the
-- year's result, the receipt to the work unit.
create view service_done as
select account_id, lower(during) as began_at, minutes
from claim where status = 'confirmed';
