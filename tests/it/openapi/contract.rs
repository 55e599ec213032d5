//! The fixed part of the interface, as data: outside clients and acceptance checks rely on every
//! path, field, state and code that stands here. Adding to it is free, a change is not.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{document, operation_of};

/// An operation: the status of its answer; fields that its body takes, `?` before a parameter of its
/// query; fields of its answer, those of items after a dot; and codes that it may be refused with.
type Named = (&'static str, u16, &'static str, &'static str, &'static str);

const SESSION: &str =
    "access_token expires_in refresh_token account.id account.display_name account.roles";
const CASE: &str = "id number status version created_at";
const TASK: &str = "id complaint_id whistle_id unit role status acknowledge_by contact_by arrive_by reply_by version";
const TRACK: &str = "number query_code";
const STEP: &str = "version_mismatch";
const PAGE: &str = "?cursor ?limit";

const OPERATIONS: &[Named] = &[
    ("POST /auth/wechat", 200, "code", SESSION, ""),
    ("POST /auth/staff", 200, "username password totp", SESSION, ""),
    ("POST /auth/refresh", 200, "refresh_token", SESSION, ""),
    ("POST /auth/logout", 204, "", "", "unauthenticated"),
    ("GET /me", 200, "", "id display_name roles.role roles.scope", "unauthenticated"),
    (
        "POST /complaints",
        201,
        "kind title content community_code address location.lng location.lat confidential \
         attachment_ids channel contact.name contact.phone on_behalf",
        "id number query_code status version created_at",
        "idempotency_key_required idempotency_key_reused",
    ),
    ("GET /complaints/{id}", 200, "", CASE, "not_found forbidden unauthenticated"),
    (
        "GET /complaints/{id}/events",
        200,
        "",
        "items.seq items.kind items.at items.text",
        "not_found",
    ),
    (
        "GET /complaints",
        200,
        "?status ?community_code ?unit ?q ?cursor ?limit",
        "items.id next_cursor",
        "forbidden",
    ),
    ("GET /me/complaints", 200, PAGE, "items.id items.status next_cursor", ""),
    ("POST /track", 200, TRACK, "number status", "not_found"),
    (
        "POST /track/evaluate",
        200,
        "number query_code solved satisfaction",
        "number status",
        "not_found",
    ),
    ("POST /track/withdraw", 200, TRACK, "number status", "not_found"),
    ("POST /track/remind", 200, TRACK, "number status", "not_found"),
    ("POST /track/reopen", 200, "number query_code reason", "number status", "not_found"),
    ("POST /complaints/{id}/accept", 200, "urgency duty_item category", CASE, STEP),
    ("POST /complaints/{id}/reject", 200, "ground explanation", CASE, STEP),
    ("POST /complaints/{id}/answer", 200, "text", CASE, STEP),
    ("POST /complaints/{id}/merge", 200, "into", CASE, STEP),
    (
        "POST /complaints/{id}/dispatch",
        200,
        "lead assist duty_item note emergency_approver",
        CASE,
        "version_mismatch not_on_duty_list",
    ),
    ("POST /complaints/{id}/suspend", 200, "until reason", CASE, STEP),
    ("POST /complaints/{id}/resume", 200, "", CASE, STEP),
    ("POST /complaints/{id}/exclude", 200, "reason", CASE, STEP),
    ("POST /complaints/{id}/withdraw", 200, "", CASE, STEP),
    ("POST /complaints/{id}/remind", 200, "", CASE, STEP),
    ("POST /complaints/{id}/evaluate", 200, "solved satisfaction contacted comment", CASE, STEP),
    ("POST /complaints/{id}/reopen", 200, "reason", CASE, STEP),
    (
        "GET /tasks",
        200,
        "?status ?overdue ?complaint_id ?whistle_id",
        "items.id items.status items.unit items.role next_cursor",
        "forbidden",
    ),
    ("GET /tasks/{id}", 200, "", TASK, "not_found"),
    ("POST /tasks/{id}/acknowledge", 200, "", TASK, STEP),
    ("POST /tasks/{id}/contact", 200, "note channel outcome", TASK, STEP),
    ("POST /tasks/{id}/report-in", 200, "people.name people.post note location", TASK, STEP),
    (
        "POST /tasks/{id}/reply",
        200,
        "text outcome basis attachment_ids",
        TASK,
        "version_mismatch reply_not_substantive",
    ),
    (
        "POST /tasks/{id}/return",
        200,
        "ground basis suggested_unit",
        TASK,
        "version_mismatch return_limit_reached return_window_closed",
    ),
    ("POST /tasks/{id}/extend", 200, "until reason", TASK, STEP),
    ("POST /tasks/{id}/return/decide", 200, "approve to_unit final reply_by reason", TASK, STEP),
    ("POST /tasks/{id}/extend/decide", 200, "approve until reason", TASK, STEP),
    ("POST /tasks/{id}/confirm", 200, "", TASK, STEP),
    ("POST /tasks/{id}/send-back", 200, "reason", TASK, STEP),
    (
        "POST /whistles",
        201,
        "complaint_id kind level title content community_code lead assist",
        "id status version",
        "idempotency_key_required idempotency_key_reused",
    ),
    ("GET /whistles", 200, PAGE, "items.id items.status next_cursor", "forbidden"),
    ("GET /whistles/{id}", 200, "", "id status version", "not_found"),
    ("POST /whistles/{id}/review", 200, "approve note", "id status", STEP),
    ("POST /whistles/{id}/withdraw", 200, "reason", "id status", STEP),
    ("POST /whistles/{id}/appraise", 200, "unit speed handling result comment", "id status", STEP),
    ("POST /whistles/{id}/rate", 200, "needed clear comment", "id status", STEP),
    ("POST /whistles/{id}/stand-down", 200, "", "id status", "version_mismatch tasks_open"),
    (
        "GET /deadlines/preview",
        200,
        "?urgency ?from",
        "acknowledge_by contact_by arrive_by reply_by steps",
        "forbidden",
    ),
    (
        "GET /rates",
        200,
        "?period",
        "period groups.group groups.rows.unit groups.rows.name groups.rows.tasks \
         groups.rows.response_rate groups.rows.solved_rate groups.rows.satisfied_rate \
         groups.rows.composite groups.rows.rank groups.rows.sample",
        "forbidden",
    ),
    ("GET /ledger/reconciliation", 200, "", "checked_at violations", "forbidden"),
    ("GET /notifications", 200, PAGE, "items.id next_cursor", ""),
    ("GET /notifications/unread-count", 200, "", "count", ""),
    ("POST /notifications/{id}/read", 200, "", "", "not_found"),
    (
        "POST /registrations",
        201,
        "community_code party_member.name party_member.id_number_last6",
        "id status",
        "",
    ),
    ("POST /registrations/{id}/sign", 200, "accept note", "id status", "not_found"),
    (
        "POST /posts",
        201,
        "community_code kind title starts_at ends_at capacity",
        "id kind starts_at ends_at capacity",
        "forbidden",
    ),
    ("GET /posts", 200, PAGE, "items.id next_cursor", ""),
    ("POST /posts/{id}/claims", 201, "", "id status", "not_found"),
    ("POST /claims/{id}/check-in", 200, "code location", "id status", "not_found"),
    ("POST /claims/{id}/check-out", 200, "", "id status", "not_found"),
    ("POST /claims/{id}/cancel", 200, "", "id status", "not_found"),
    ("POST /claims/{id}/confirm", 200, "minutes comment", "id status", "not_found"),
    (
        "GET /me/service-year",
        200,
        "?year",
        "services hours required.services required.hours missing.services missing.hours",
        "",
    ),
    ("GET /me/points", 200, "", "available held expiring.points expiring.at", ""),
    (
        "GET /me/points/entries",
        200,
        PAGE,
        "items.id items.kind items.points items.text items.at next_cursor",
        "",
    ),
    (
        "POST /offers",
        201,
        "title category points stock per_person valid_until merchant",
        "id stock remaining",
        "forbidden",
    ),
    ("GET /offers", 200, PAGE, "items.id next_cursor", ""),
    (
        "POST /offers/{id}/redemptions",
        201,
        "",
        "id status code points expires_at",
        "idempotency_key_required idempotency_key_reused offer_sold_out points_insufficient \
         redemption_limit_reached",
    ),
    (
        "POST /redemptions/{id}/cancel",
        200,
        "",
        "id status",
        "redemption_already_verified redemption_ended",
    ),
    (
        "POST /redemptions/verify",
        200,
        "code",
        "id status",
        "redemption_already_verified redemption_ended",
    ),
    ("GET /me/redemptions", 200, PAGE, "items.id items.status next_cursor", ""),
    (
        "POST /attachments",
        201,
        "",
        "id media_type bytes width height url thumbnail_url",
        "idempotency_key_required attachment_too_large attachment_type_refused attachment_unreadable",
    ),
    ("GET /wechat/push", 200, "", "", ""),
    ("POST /wechat/push", 200, "", "", ""),
    ("GET /me/export", 200, "", "", "unauthenticated"),
    ("DELETE /me", 202, "", "", "unauthenticated"),
];

/// Follows references into the document.
fn resolved(mut schema: &Value) -> &Value {
    while let Some(reference) = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#')) {
        schema = document().pointer(reference).expect("the reference leads somewhere");
    }
    schema
}

/// Whether a schema has a field, such as `groups.rows.unit`: through lists, and in any of the forms
/// that it may take.
fn has(schema: &Value, field: &str) -> bool {
    let schema = resolved(schema);
    if schema["items"].is_object() {
        return has(&schema["items"], field);
    }
    let (first, rest) = field.split_once('.').unwrap_or((field, ""));
    let here = schema["properties"].get(first);
    let forms = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|form| schema[form].as_array());
    here.is_some_and(|found| rest.is_empty() || has(found, rest))
        || forms.flatten().any(|form| has(form, field))
}

#[test]
fn what_the_contract_names_is_there() {
    let mut missing = Vec::new();
    for (named, status, asked, answered, codes) in OPERATIONS {
        let (method, path) = named.split_once(' ').unwrap();
        let path = format!("/api/v1{path}");
        let found = operation_of(method, &path).filter(|found| found.path == path);
        let Some(found) = found else {
            missing.push((*named).to_owned());
            continue;
        };
        for field in asked.split_whitespace() {
            let there = match field.strip_prefix('?') {
                Some(name) => found.json["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|it| it["in"] == "query" && it["name"] == name),
                None => found.body().is_some_and(|(schema, _)| has(schema, field)),
            };
            if !there {
                missing.push(format!("{named}: takes no {field}"));
            }
        }
        let answer = &found.json["responses"][status.to_string()];
        if answer.is_null() {
            missing.push(format!("{named}: no {status}"));
        }
        let schema = &answer["content"]["application/json"]["schema"];
        for field in answered.split_whitespace().filter(|field| !has(schema, field)) {
            missing.push(format!("{named}: answers no {field}"));
        }
        let may = |code: &&str| found.problems.iter().any(|it| it == code);
        for code in codes.split_whitespace().filter(|code| !may(code)) {
            missing.push(format!("{named}: never {code}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_state_and_kind_that_the_contract_names_is_one() {
    use domain::{complaint, points, redemption, service, sla, task, whistle};
    macro_rules! codes {
        ($of:ty) => {
            <$of>::ALL.iter().map(|one| one.code()).collect::<BTreeSet<&str>>()
        };
    }
    for (known, named) in [
        (
            codes!(complaint::Status),
            "submitted accepted rejected answered merged withdrawn dispatched handling replied \
             follow_up closed archived",
        ),
        (codes!(complaint::Kind), "inquiry help grievance report suggestion praise"),
        (codes!(complaint::Channel), "mini_program h5 terminal phone visit patrol photo"),
        (
            codes!(complaint::Ground),
            "out_of_area other_channel emergency_line secret unlawful repeated too_vague",
        ),
        (codes!(sla::Urgency), "emergency utility ordinary inquiry hard"),
        (
            codes!(task::Status),
            "pending acknowledged arrived replied confirmed sent_back return_requested returned \
             cancelled",
        ),
        (codes!(task::Role), "lead assist"),
        (codes!(task::ContactChannel), "phone visit message relay"),
        (codes!(task::ContactOutcome), "reached not_reached"),
        (codes!(task::Outcome), "solved partly explained refused"),
        (codes!(task::ReturnGround), "area duty overlap unclear"),
        (
            codes!(whistle::Status),
            "draft rejected withdrawn blown answered handling standing_down stood_down",
        ),
        (codes!(whistle::Kind), "routine hard emergency"),
        (codes!(whistle::Level), "blue yellow red"),
        (
            codes!(service::Status),
            "claimed waitlisted checked_in checked_out confirmed cancelled no_show rejected",
        ),
        (
            codes!(service::Kind),
            "policy employment security legal medical civility elderly environment other",
        ),
        (codes!(points::EntryKind), "earn redeem expire reverse adjust"),
        (codes!(redemption::Status), "held verified cancelled expired refunded"),
        (codes!(domain::offer::Category), "dining entertainment medical shop class"),
    ] {
        for code in named.split_whitespace() {
            assert!(known.contains(code), "{code} is not among {known:?}");
        }
    }
}
