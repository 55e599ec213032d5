-- The database role that `serve` and `worker` should run as in production. `migrate` runs as the
-- owner of the schema. Run this as the owner after each migration: psql -f infra/roles.sql
--
-- What is only added to (ledger, audit trail, events) can be changed by this role in no way; the
-- triggers refuse it to the owner as well.
do $$
begin
    if not exists (select from pg_roles where rolname = 'zhixiang_app') then
        create role zhixiang_app nologin;
    end if;
end
$$;
grant usage on schema public to zhixiang_app;
grant select, insert, update, delete on all tables in schema public to zhixiang_app;
grant usage, select on all sequences in schema public to zhixiang_app;
grant execute on all functions in schema public to zhixiang_app;
revoke update, delete on ledger_tx, ledger_entry, ledger_reason, points_objection, donation, hold_lot, event from zhixiang_app;
revoke update, delete on calendar_year, calendar_day from zhixiang_app;
revoke update, delete on rate_snapshot_case, rate_snapshot_centre, rate_snapshot_appraisal from zhixiang_app;
revoke update, delete on duty_item, power, enforcement_act_officer from zhixiang_app;
revoke update, delete on internal_note, reply_template_version from zhixiang_app;
revoke update, delete on announcement_edition, guide_edition from zhixiang_app;
revoke update, delete on household_visit from zhixiang_app;
revoke update, delete on service_year, service_result from zhixiang_app;
revoke update, delete on party_member_change from zhixiang_app;
revoke update, delete on offer_batch, settlement_month, settlement_line from zhixiang_app;
revoke update, delete on household_visit, score_catalogue, score_item, score_line from zhixiang_app;
revoke delete on score_entry, score_settlement from zhixiang_app;
revoke delete on hold, rate_snapshot, duty_list, power_list, enforcement_act from zhixiang_app;
revoke delete on voucher, fairness_flag from zhixiang_app;
-- The trail is added to by audit_append alone, and reached as a whole, never by its months.
revoke insert, update, delete on audit_entry from zhixiang_app;
revoke update, delete on audit_block from zhixiang_app;
revoke insert, delete on audit_mark from zhixiang_app;
do $$
declare
    part regclass;
begin
    for part in select inhrelid::regclass from pg_inherits where inhparent = 'audit_entry'::regclass
    loop
        execute format('revoke all on %s from zhixiang_app', part);
    end loop;
end
$$;
revoke update, delete on privacy_notice, notification_template from zhixiang_app;
do $$
begin
    if to_regclass('_sqlx_migrations') is not null then
        revoke insert, update, delete on _sqlx_migrations from zhixiang_app;
    end if;
end
$$;
-- What a person wrote can be erased from the stream, and nothing else of it.
grant update (note) on event to zhixiang_app;
grant update (reason) on points_objection, donation to zhixiang_app;
grant update (text) on internal_note to zhixiang_app;
