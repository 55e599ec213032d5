//! The migrations: from nothing, a second time, and the constraints whose names the code maps.

use std::{collections::BTreeSet, fs, path::Path};

use infra::postgres::{MIGRATIONS, Pool};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions,
};

use crate::support::App;

/// Constraints and unique indexes whose names are part of the contract: what they forbid is
/// refused by a rule first, and must stay forbidden when a rule is wrong.
const NAMED: &[(&str, &str)] = &[
    ("account", "account_username_key"),
    ("account", "account_password"),
    ("account", "account_password_staff"),
    ("totp", "totp_confirmed"),
    ("person", "person_open_id_key"),
    ("phone_code", "phone_code_outcome"),
    ("phone_code", "phone_code_sent"),
    ("phone_code", "phone_code_tries"),
    ("phone_code", "phone_code_used"),
    ("role_grant", "role_grant_held"),
    ("grant_proposal", "grant_proposal_status"),
    ("grant_proposal", "grant_proposal_kind"),
    ("grant_proposal", "grant_proposal_by_hand"),
    ("grant_proposal", "grant_proposal_new"),
    ("grant_proposal", "grant_proposal_account"),
    ("grant_proposal", "grant_proposal_urgent"),
    ("grant_proposal", "grant_proposal_decided"),
    ("grant_proposal", "grant_proposal_by_another"),
    ("grant_proposal", "grant_proposal_not_own"),
    ("grant_proposal", "grant_proposal_open"),
    ("grant_proposal", "grant_proposal_open_username"),
    ("oidc_binding", "oidc_binding_kind"),
    ("oidc_binding", "oidc_binding_person"),
    ("session", "session_ended"),
    ("session", "session_end"),
    ("session", "session_user_agent"),
    ("erasure", "erasure_cause"),
    ("erasure", "erasure_order"),
    ("privacy_notice", "privacy_notice_purpose"),
    ("consent", "consent_held"),
    ("consent", "consent_withdrawn"),
    ("duty_list", "duty_list_version_key"),
    ("duty_list", "duty_list_no_overlap"),
    ("duty_list", "duty_list_division"),
    ("duty_proposal", "duty_proposal_open"),
    ("duty_proposal", "duty_proposal_not_by_oneself"),
    ("power_list", "power_list_version_key"),
    ("power_list", "power_list_no_overlap"),
    ("power", "power_devolved"),
    ("certificate", "certificate_number_key"),
    ("certificate", "certificate_no_overlap"),
    ("certificate", "certificate_validity"),
    ("enforcement_act", "enforcement_act_document_no"),
    ("enforcement_act", "enforcement_act_once"),
    ("enforcement_act", "enforcement_act_withdrawn_once"),
    ("enforcement_act", "enforcement_act_amount"),
    ("enforcement_act", "enforcement_act_list"),
    ("enforcement_act_officer", "enforcement_act_officer_unit"),
    ("complaint", "complaint_number_key"),
    ("complaint", "complaint_number_form"),
    ("complaint", "complaint_status"),
    ("complaint", "complaint_merged"),
    ("complaint", "complaint_not_itself"),
    ("complaint", "complaint_closed"),
    ("complaint", "complaint_suspension"),
    ("complaint", "complaint_source"),
    ("task", "task_case"),
    ("task", "task_deadlines"),
    ("task", "task_return"),
    ("task", "task_extension"),
    ("task", "task_lead_line"),
    ("task", "task_ended"),
    ("task", "task_open_line"),
    ("task", "task_open_unit"),
    ("task", "task_kind_of_complaint"),
    ("task", "task_complaint_facts"),
    ("task", "task_whistle_facts"),
    ("calendar_year", "calendar_year_version"),
    ("calendar_year", "calendar_year_range"),
    ("consultation", "consultation_open"),
    ("consultation", "consultation_decided"),
    ("consultation_seat", "consultation_seat_stated"),
    ("attachment", "attachment_attached"),
    ("attachment", "attachment_measured"),
    ("attachment", "attachment_hidden"),
    ("attachment", "attachment_judged"),
    ("attachment", "attachment_bytes"),
    ("internal_note", "internal_note_case"),
    ("internal_note", "internal_note_corrects"),
    ("internal_note", "internal_note_corrected_once"),
    ("reply_template", "reply_template_name"),
    ("reply_template", "reply_template_current"),
    ("reply_template_version", "reply_template_version_pkey"),
    ("feedback", "feedback_number_key"),
    ("feedback", "feedback_number_form"),
    ("feedback", "feedback_kind"),
    ("feedback", "feedback_status"),
    ("feedback", "feedback_answered"),
    ("announcement", "announcement_status"),
    ("announcement", "announcement_shown"),
    ("announcement", "announcement_waiting"),
    ("announcement", "announcement_approved"),
    ("announcement", "announcement_approved_edition"),
    ("announcement", "announcement_current"),
    ("announcement", "announcement_public_edition"),
    ("announcement_edition", "announcement_edition_pkey"),
    ("announcement_edition", "announcement_edition_span"),
    ("announcement_edition", "announcement_edition_areas"),
    ("announcement_read", "announcement_read_pkey"),
    ("guide", "guide_title"),
    ("guide", "guide_status"),
    ("guide", "guide_shown"),
    ("guide", "guide_waiting"),
    ("guide", "guide_current"),
    ("guide", "guide_public_edition"),
    ("guide_edition", "guide_edition_pkey"),
    ("guide_edition", "guide_edition_valid"),
    ("guide_edition", "guide_edition_link"),
    ("guide_edition", "guide_edition_term"),
    ("guide_vote", "guide_vote_pkey"),
    ("routing_rule", "routing_rule_validity"),
    ("routing_rule", "routing_rule_lead_once"),
    ("routing_rule", "routing_rule_open"),
    ("evaluation", "evaluation_satisfaction"),
    ("event", "event_pkey"),
    ("job", "job_dedupe_key"),
    ("job", "job_state"),
    ("sla_timer", "sla_timer_pkey"),
    ("sla_timer", "sla_timer_fired"),
    ("idempotency", "idempotency_pkey"),
    ("idempotency", "idempotency_key_form"),
    ("notification", "notification_once"),
    ("delivery", "delivery_once"),
    ("delivery", "delivery_reason"),
    ("delivery", "delivery_failures"),
    ("notification_template", "notification_template_way"),
    ("delivery", "delivery_versioned"),
    ("subscription", "subscription_remaining"),
    ("delivery_preference", "delivery_preference_quiet"),
    ("delivery_preference", "delivery_preference_duty"),
    ("delivery_preference", "delivery_preference_digest"),
    ("event", "event_digest_once"),
    ("saved_view", "saved_view_name"),
    ("export", "export_unmask"),
    ("export", "export_finished"),
    ("whistle", "whistle_not_own_review"),
    ("task", "task_open_whistle_line"),
    ("supervision", "supervision_open"),
    ("supervision", "supervision_answered"),
    ("supervision", "supervision_coordination"),
    ("party_member", "party_member_account"),
    ("party_member", "party_member_id_number"),
    ("party_member", "party_member_match_once"),
    ("party_member", "party_member_removed"),
    ("party_floating", "party_floating_open"),
    ("party_floating", "party_floating_other"),
    ("party_transfer", "party_transfer_open"),
    ("party_transfer", "party_transfer_both_ends"),
    ("party_transfer", "party_transfer_decided"),
    ("registration", "registration_active"),
    ("registration", "registration_member"),
    ("registration", "registration_not_by_oneself"),
    ("registration", "registration_ended"),
    ("registration_change", "registration_change_open"),
    ("registration_change", "registration_change_exempt_once"),
    ("registration_change", "registration_change_released"),
    ("registration_change", "registration_change_decided"),
    ("registration_change", "registration_change_not_by_oneself"),
    ("work_unit", "work_unit_name"),
    ("work_unit", "work_unit_party_body"),
    ("unit_registration", "unit_registration_active"),
    ("unit_registration", "unit_registration_not_by_oneself"),
    ("receipt", "receipt_signed_once"),
    ("receipt", "receipt_change_once"),
    ("service_result", "service_result_once"),
    ("service_result", "service_result_required"),
    ("unit_report", "unit_report_once"),
    ("pairing", "pairing_active"),
    ("pairing_matter", "pairing_matter_once"),
    ("pairing_matter", "pairing_matter_complaint"),
    ("pairing_matter", "pairing_matter_whistle"),
    ("pairing_matter", "pairing_matter_not_by_oneself"),
    ("post", "post_not_overbooked"),
    ("claim", "claim_once"),
    ("claim", "claim_no_overlap"),
    ("claim", "claim_minutes"),
    ("claim", "claim_not_by_oneself"),
    ("household", "household_once"),
    ("household", "household_account"),
    ("household", "household_account_by"),
    ("household", "household_closed"),
    ("household_pairing", "household_pairing_open"),
    ("household_pairing", "household_pairing_answered"),
    ("household_pairing", "household_pairing_ended"),
    ("household_pairing", "household_pairing_not_by_oneself"),
    ("household_visit", "household_visit_past"),
    ("household_visit", "household_visit_corrects"),
    ("household_visit", "household_visit_corrected_once"),
    ("imported_service", "imported_service_record"),
    ("imported_service", "imported_service_no_overlap"),
    ("imported_service", "imported_service_counted"),
    ("imported_service", "imported_service_withdrawn"),
    ("score_catalogue", "score_catalogue_begins"),
    ("score_item", "score_item_cap"),
    ("score_settlement", "score_settlement_once"),
    ("score_settlement", "score_settlement_by_another"),
    ("score_settlement", "score_settlement_locked"),
    ("score_entry", "score_entry_corrected_once"),
    ("score_entry", "score_entry_corrects"),
    ("score_entry", "score_entry_by_another"),
    ("score_entry", "score_entry_settled"),
    ("score_entry", "score_entry_whole"),
    ("score_objection", "score_objection_open"),
    ("score_objection", "score_objection_by_another"),
    ("claim", "claim_settled"),
    ("claim", "claim_cancelled_late"),
    ("claim_dispute", "claim_dispute_once"),
    ("claim_dispute", "claim_dispute_open"),
    ("claim_dispute", "claim_dispute_by_another"),
    ("claim_dispute", "claim_dispute_no_party"),
    ("service_request", "service_request_declined"),
    ("service_request", "service_request_by_another"),
    ("post_invitation", "post_invitation_once"),
    ("service_pause", "service_pause_once"),
    ("service_pause", "service_pause_not_by_oneself"),
    ("points_account", "points_account_balance"),
    ("points_account", "points_account_total"),
    ("ledger_tx", "ledger_tx_cause"),
    ("ledger_tx", "ledger_tx_reversed_once"),
    ("ledger_entry", "ledger_entry_amount"),
    ("point_lot", "point_lot_balance"),
    ("points_account", "points_account_owner"),
    ("points_account", "points_account_community"),
    ("points_debt", "points_debt_balance"),
    ("points_rule", "points_rule_name"),
    ("points_rule", "points_rule_valid_from"),
    ("points_rule", "points_rule_by_another"),
    ("points_rule", "points_rule_decided"),
    ("points_adjustment", "points_adjustment_by_another"),
    ("points_adjustment", "points_adjustment_not_own"),
    ("points_adjustment", "points_adjustment_posted"),
    ("points_adjustment", "points_adjustment_tx"),
    ("points_notice", "points_notice_cause"),
    ("points_notice", "points_notice_posted"),
    ("points_notice", "points_notice_not_own"),
    ("points_objection", "points_objection_once"),
    ("donation", "donation_by_two"),
    ("donation", "donation_bound"),
    ("donation", "donation_tx"),
    ("donation", "donation_not_to_oneself"),
    ("points_warning", "points_warning_pkey"),
    ("ledger_reason", "ledger_reason_pkey"),
    ("offer", "offer_stock"),
    ("offer", "offer_hours"),
    ("offer", "offer_ages"),
    ("offer", "offer_paid"),
    ("offer", "offer_committed"),
    ("offer", "offer_published"),
    ("offer", "offer_validity"),
    ("offer", "offer_reviewed_by_another"),
    ("offer_batch", "offer_batch_pieces"),
    ("budget", "budget_not_exceeded"),
    ("budget", "budget_name"),
    ("merchant", "merchant_licence"),
    ("merchant", "merchant_sealed"),
    ("merchant_application", "merchant_application_open"),
    ("merchant_application", "merchant_application_not_by_oneself"),
    ("merchant_application", "merchant_application_decided"),
    ("merchant_application", "merchant_application_approved"),
    ("invitation", "invitation_code"),
    ("invitation", "invitation_not_by_oneself"),
    ("merchant_suspension", "merchant_suspension_open"),
    ("merchant_suspension", "merchant_suspension_lifted"),
    ("settlement", "settlement_once"),
    ("settlement", "settlement_paid"),
    ("settlement_line", "settlement_line_once"),
    ("settlement_line", "settlement_line_dispute"),
    ("settlement_line", "settlement_line_sign"),
    ("settlement_dispute", "settlement_dispute_once"),
    ("settlement_dispute", "settlement_dispute_not_by_oneself"),
    ("hold", "hold_client_key"),
    ("hold", "hold_slot_taken"),
    ("hold", "hold_ended"),
    ("offer_unit", "offer_unit_pkey"),
    ("offer_unit", "offer_unit_hold"),
    ("redemption", "redemption_code"),
    ("redemption", "redemption_digits_open"),
    ("redemption", "redemption_digits"),
    ("redemption", "redemption_verified"),
    ("redemption", "redemption_undone"),
    ("till_attempt", "till_attempt_misses"),
    ("voucher", "voucher_pkey"),
    ("voucher", "voucher_not_for_oneself"),
    ("voucher", "voucher_printed"),
    ("voucher", "voucher_revoked"),
    ("fairness_flag", "fairness_flag_cause"),
    ("fairness_flag", "fairness_flag_party"),
    ("fairness_flag", "fairness_flag_reviewed"),
    ("fairness_flag", "fairness_flag_appealed"),
    ("fairness_flag", "fairness_flag_decided"),
    ("fairness_flag", "fairness_flag_reviewer"),
    ("fairness_flag", "fairness_flag_decider"),
    ("task", "task_assignee"),
    ("task", "task_waiting_whole"),
    ("task", "task_waiting_open"),
    ("task", "task_approved_by_another"),
    ("reply_approval", "reply_approval_pkey"),
    ("screening", "screening_pkey"),
    ("screening", "screening_decided"),
    ("final_reply", "final_reply_live"),
    ("final_reply", "final_reply_signed_by_another"),
    ("final_reply", "final_reply_signed_first"),
    ("final_reply", "final_reply_confirmed"),
    ("final_reply", "final_reply_ended"),
    ("final_reply_citation", "final_reply_citation_pkey"),
    ("exclusion", "exclusion_pkey"),
    ("exclusion", "exclusion_decided"),
    ("exclusion", "exclusion_not_by_oneself"),
    ("follow_up_call", "follow_up_call_pkey"),
    ("evaluation_link", "evaluation_link_token"),
    ("evaluation_link", "evaluation_link_mac"),
    ("evaluation_link", "evaluation_link_round"),
    ("evaluation_link", "evaluation_link_evaluation"),
    ("evaluation_link", "evaluation_link_used"),
    ("audit_entry", "audit_entry_pkey"),
    ("audit_entry", "audit_entry_before"),
    ("audit_entry", "audit_entry_after"),
    ("audit_block", "audit_block_to_seq_key"),
    ("audit_block", "audit_block_entries"),
    ("audit_mark", "audit_mark_one"),
    ("rate_snapshot", "rate_snapshot_pkey"),
    ("rate_snapshot", "rate_snapshot_month"),
    ("rate_snapshot", "rate_snapshot_published"),
    ("rate_snapshot_case", "rate_snapshot_case_once"),
    ("rate_snapshot_centre", "rate_snapshot_centre_once"),
    ("rate_snapshot_appraisal", "rate_snapshot_appraisal_once"),
];

/// An empty database of this test's own.
struct Empty {
    name: String,
    admin: PgConnection,
}

impl Empty {
    async fn create() -> Self {
        let server: PgConnectOptions = std::env::var("TEST_DATABASE_URL").unwrap().parse().unwrap();
        let mut admin = server.connect().await.unwrap();
        let token = u64::from_be_bytes(infra::random::bytes());
        let name = format!("zxt_{}_empty_{token:016x}", std::process::id());
        let create = format!("create database {name} template template0");
        admin.execute(AssertSqlSafe(create)).await.unwrap();
        Self { name, admin }
    }

    fn pool(&self) -> Pool {
        let server: PgConnectOptions = std::env::var("TEST_DATABASE_URL").unwrap().parse().unwrap();
        infra::postgres::pool(server.database(&self.name).to_url_lossy().as_str(), 2).unwrap()
    }

    async fn drop(mut self, pool: Pool) {
        pool.close().await;
        let drop = format!("drop database {} with (force)", self.name);
        self.admin.execute(AssertSqlSafe(drop)).await.unwrap();
        self.admin.close().await.unwrap();
    }
}

/// Every column, constraint, index, function and trigger of the schema, as text.
async fn schema(pool: &Pool) -> BTreeSet<String> {
    let rows: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default)
             from information_schema.columns where table_schema = 'public'
         union select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
             from pg_constraint where connamespace = 'public'::regnamespace
         union select 'index ' || indexdef from pg_indexes where schemaname = 'public'
         union select 'function ' || pg_get_functiondef(oid)
             from pg_proc where pronamespace = 'public'::regnamespace
         union select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn they_build_the_schema_from_nothing_and_are_done_the_second_time() {
    let empty = Empty::create().await;
    let pool = empty.pool();
    assert!(api::http::operations::applied(&pool).await.unwrap().is_empty(), "nothing is applied");
    MIGRATIONS.run(&pool).await.unwrap();
    let built = schema(&pool).await;
    assert!(built.iter().any(|row| row.starts_with("column complaint number ")), "{built:?}");
    let versions: Vec<i64> = MIGRATIONS.iter().map(|one| one.version).collect();
    assert_eq!(api::http::operations::applied(&pool).await.unwrap(), versions);

    MIGRATIONS.run(&pool).await.unwrap();
    assert_eq!(schema(&pool).await, built, "a second run changes nothing");
    empty.drop(pool).await;
}

#[tokio::test]
async fn what_an_index_calls_needs_no_search_path() {
    let app = App::spawn().await;
    app.submitted().await;
    // As autovacuum and pg_restore do it.
    let mut conn = app.db().acquire().await.unwrap();
    for statement in ["set search_path = ''", "analyze", "reindex schema public"] {
        conn.execute(statement).await.unwrap();
    }
    conn.close().await.unwrap();
}

#[tokio::test]
async fn two_that_start_at_once_do_not_disturb_each_other() {
    let empty = Empty::create().await;
    let (one, other) = (empty.pool(), empty.pool());
    let (first, second) = tokio::join!(MIGRATIONS.run(&one), MIGRATIONS.run(&other));
    first.unwrap();
    second.unwrap();
    other.close().await;
    empty.drop(one).await;
}

#[tokio::test]
async fn the_named_constraints_exist() {
    let app = App::spawn().await;
    let names: Vec<(String, String)> = sqlx::query_as(
        "select conrelid::regclass::text, conname::text from pg_constraint where conrelid <> 0
         union select tablename::text, indexname::text from pg_indexes
             where indexdef like 'CREATE UNIQUE INDEX%'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    let there = |table: &str, name: &str| names.iter().any(|(t, n)| t == table && n == name);
    let missing: Vec<_> = NAMED.iter().filter(|(table, name)| !there(table, name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for mapped in mapped() {
        assert!(names.iter().any(|(_, name)| *name == mapped), "the code maps {mapped}");
    }
}

/// The names that the code maps to refusals, or names in a statement.
fn mapped() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root.join("api/src/app"), root.join("infra/src/postgres")];
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code = fs::read_to_string(path).unwrap();
            for rest in code.split("violated(").skip(1) {
                let arms = rest.lines().take(8).flat_map(|line| line.split("Some(\"").skip(1));
                names.extend(arms.filter_map(|arm| arm.split('"').next()).map(str::to_owned));
            }
            for rest in code.split("on constraint ").skip(1) {
                names.extend(rest.split_whitespace().next().map(str::to_owned));
            }
        }
    }
    assert!(names.len() >= 2, "what this test looks for has moved: {names:?}");
    names
}

/// The trail that was there before it was kept in months comes over whole, in the order of its time.
#[tokio::test]
async fn the_audit_trail_comes_over_whole() {
    const AUDIT: i64 = 20_261_128_000_042;
    let empty = Empty::create().await;
    let pool = empty.pool();
    let (before, after): (Vec<_>, Vec<_>) = MIGRATIONS.iter().partition(|one| one.version < AUDIT);
    for one in before {
        sqlx::raw_sql(AssertSqlSafe(one.sql.as_str().to_owned())).execute(&pool).await.unwrap();
    }
    sqlx::query(
        "insert into audit_entry (id, at, action, object, object_id, request_id, address, data)
         select gen_random_uuid(), at, 'case.step', 'case', n::text, 'r' || n, '10.0.0.1',
             jsonb_build_object('n', n)
         from generate_series('2026-09-30T15:00:00Z'::timestamptz, '2026-11-02', '7 hours')
             with ordinality as series (at, n) order by random()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let all = "select coalesce(jsonb_agg(to_jsonb(e) - array['seq', 'before', 'after'] order by id), '[]')
        from audit_entry e";
    let stood: serde_json::Value = sqlx::query_scalar(all).fetch_one(&pool).await.unwrap();
    let count = i64::try_from(stood.as_array().unwrap().len()).unwrap();
    assert!(count > 100, "{count}");
    let mut conn = pool.acquire().await.unwrap();
    for one in after {
        let mut tx = conn.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(one.sql.as_str().to_owned())).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    let stands: serde_json::Value = sqlx::query_scalar(all).fetch_one(&mut *conn).await.unwrap();
    assert_eq!(stands, stood);
    let ordered: bool = sqlx::query_scalar(
        "select array_agg(seq order by at, id) = array_agg(seq order by seq) from audit_entry",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert!(ordered, "the places follow the time");
    let next: i64 =
        sqlx::query_scalar("select nextval('audit_seq')").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(next, count + 1);
    let months: Vec<String> = sqlx::query_scalar(
        "select inhrelid::regclass::text from pg_inherits
         where inhparent = 'audit_entry'::regclass order by 1",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    assert_eq!(months, ["audit_entry_2026_09", "audit_entry_2026_10", "audit_entry_2026_11"]);
    drop(conn);
    empty.drop(pool).await;
}

#[tokio::test]
async fn records_are_only_added_to() {
    let app = App::spawn().await;
    app.closed().await;
    for table in ["event", "audit_entry"] {
        assert!(app.count(table).await > 0, "{table} is empty");
        let column = if table == "event" { "kind" } else { "action" };
        for statement in [
            format!("update {table} set {column} = 'x'"),
            format!("delete from {table}"),
            format!("truncate {table} cascade"),
        ] {
            let refused = sqlx::query(AssertSqlSafe(statement.clone())).execute(app.db()).await;
            let refused = refused.expect_err(&statement).to_string();
            assert!(refused.contains("append-only"), "{statement}: {refused}");
        }
    }
    // What a person wrote can be erased, and nothing beside it.
    sqlx::query("update event set note = null where note is not null")
        .execute(app.db())
        .await
        .unwrap();
}

/// What the triggers refuse to everybody, the product's role has no right to either.
#[tokio::test]
async fn the_products_role_has_no_right_to_what_is_only_added_to() {
    let app = App::spawn().await;
    let roles = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/roles.sql");
    let roles = fs::read_to_string(roles).unwrap();
    sqlx::raw_sql(AssertSqlSafe(roles)).execute(app.db()).await.unwrap();
    let held: Vec<String> = sqlx::query_scalar(
        "select distinct kept.tgrelid::regclass || ': ' || what from pg_trigger kept
         join pg_proc on pg_proc.oid = kept.tgfoid
         cross join unnest(array['delete', 'update', 'truncate']) as what
         where not kept.tgisinternal
             and (kept.tgname like '%\\_no\\_truncate' and what <> 'update'
                 or proname like '%\\_append\\_only' and what = 'update' and kept.tgtype & 16 > 0)
             and has_table_privilege('zhixiang_app', kept.tgrelid, what)",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    assert!(held.is_empty(), "infra/roles.sql leaves rights: {held:?}");
    let guarded = app.count("pg_trigger where tgname like '%\\_no\\_truncate'").await;
    assert!(guarded > 15, "what this test looks for has moved: {guarded}");
}
