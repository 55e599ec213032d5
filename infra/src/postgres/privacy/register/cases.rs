//! The register of personal data: complaints, tasks, whistles and what is said on them.

use super::{
    FILES,
    Fate::{Forgotten, Gone, Kept, Marked, MarkedIfNamed, Scrubbed, WithRow},
    Table, Told,
    Why::{Code, Law, Office},
};

/// The tables of this part.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "complaint",
        whose: Some("reporter_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id number query_code_mac version last_seq status kind community_code channel \
                    confidential reachable reporter_id taken_in_by on_behalf submitted_at \
                    urgency duty_item duty_list category reported_unit accepted_at dispatched_at \
                    replied_at closed_at closed_as clock_from follow_up_round reworks appealed \
                    reopened urges urged_at suspended_at suspended_until merged_into excluded_at \
                    units source source_number",
            ),
            (Marked, "title content"),
            (Gone, "address lng lat"),
        ],
        told: Some(Told {
            word: "complaints",
            columns: "id number status kind title content community_code address lng lat channel \
                    confidential on_behalf submitted_at urgency category accepted_at \
                    dispatched_at replied_at closed_at closed_as",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "complaint_contact",
        whose: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        about: None,
        columns: &[(WithRow, "complaint_id name_sealed phone_sealed phone_index")],
        told: Some(Told {
            word: "complaint_contacts",
            columns: "complaint_id",
            sealed: &[
                ("name_sealed", "name", "complaint_contact/{complaint_id}"),
                ("phone_sealed", "phone", "complaint_contact/{complaint_id}"),
            ],
            only: None,
        }),
    },
    Table {
        name: "complaint_hot",
        whose: None,
        about: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        columns: &[(Kept(Code), "complaint_id marked_at marked_by"), (Scrubbed, "reason")],
        told: None,
    },
    Table {
        name: "task",
        whose: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        about: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        columns: &[
            (
                Kept(Code),
                "id complaint_id whistle_id unit role line status version urgency \
                    dispatched_at acknowledge_by contact_by arrive_by reply_by return_by \
                    acknowledged_at contacts contacted_at arrived_at replied_at reply_outcome \
                    confirmed_at ended_at returns final return_ground return_to return_asked_at \
                    status_before_return extensions extension_until extension_asked_at \
                    send_backs rework_of officer body waiting_outcome waiting_by waiting_since \
                    drafted_by approved_by community_code kind",
            ),
            (Scrubbed, "reply_text reply_basis waiting_text waiting_basis"),
        ],
        told: Some(Told {
            word: "replies",
            columns: "complaint_id unit replied_at reply_outcome reply_text reply_basis",
            sealed: &[],
            only: Some("role = 'lead' and status = 'confirmed'"),
        }),
    },
    Table {
        name: "task_draft",
        whose: Some("account_id = $1"),
        about: Some(
            "task_id in (select id from task where complaint_id in (select id from complaint \
                where reporter_id = $1))",
        ),
        columns: &[(Kept(Code), "task_id account_id outcome saved_at"), (Scrubbed, "text basis")],
        told: None,
    },
    Table {
        name: "evaluation",
        whose: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id complaint_id at round channel solved satisfaction contacted recorded_by",
            ),
            (Gone, "comment"),
        ],
        told: Some(Told {
            word: "evaluations",
            columns: "complaint_id at round channel solved satisfaction contacted comment",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "event",
        whose: Some(
            "(actor_id = $1 or subject_id in (select id from complaint where reporter_id = \
                $1) and kind in ('withdrawn', 'evaluated', 'reopened', 'appealed'))",
        ),
        about: Some(
            "subject_id in (select id from complaint where reporter_id = $1 union all select \
                id from claim where account_id = $1 union all select id from service_request \
                where account_id = $1 union all select id from feedback where account_id = $1)",
        ),
        columns: &[
            (Kept(Code), "subject_id seq kind at visibility unit task_id actor_id xact"),
            (Forgotten, "note"),
            (Kept(Office), "data"),
        ],
        told: Some(Told {
            word: "answers",
            columns: "subject_id kind at note",
            sealed: &[],
            only: Some(
                "kind in ('rejected', 'answered', 'withdrawn', 'evaluated', 'reopened', \
                'appealed', 'suspended', 'extension_granted') and visibility in ('everyone', \
                'reporter') and subject_id in (select id from complaint where reporter_id = $1)",
            ),
        }),
    },
    Table {
        name: "internal_note",
        whose: None,
        about: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        columns: &[
            (Kept(Code), "id complaint_id whistle_id case_id unit author_id corrects written_at"),
            (MarkedIfNamed, "text"),
        ],
        told: None,
    },
    Table {
        name: "consultation",
        whose: None,
        about: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        columns: &[
            (
                Kept(Code),
                "id complaint_id version status level cause opened_by opened_at decide_by \
                    decided_at decided_by lead assist reply_by",
            ),
            (Scrubbed, "question decision legal_basis"),
        ],
        told: None,
    },
    Table {
        name: "consultation_seat",
        whose: None,
        about: Some(
            "consultation_id in (select id from consultation where complaint_id in (select id \
                from complaint where reporter_id = $1))",
        ),
        columns: &[
            (Kept(Code), "consultation_id unit stated_at stated_by"),
            (Scrubbed, "statement"),
        ],
        told: None,
    },
    Table {
        name: "exclusion",
        whose: None,
        about: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        columns: &[
            (
                Kept(Code),
                "complaint_id task_id unit ground asked_by asked_at approved decided_by \
                    decided_at",
            ),
            (Scrubbed, "evidence reason"),
        ],
        told: None,
    },
    Table {
        name: "final_reply",
        whose: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        about: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        columns: &[
            (
                Kept(Code),
                "id complaint_id task_id unit version status valid_days proposed_by \
                    proposed_at signed_by signed_at confirmed_by confirmed_at valid_until \
                    ended_by ended_at",
            ),
            (Scrubbed, "text legal_basis evidence reason"),
        ],
        told: Some(Told {
            word: "final_replies",
            columns: "complaint_id unit text legal_basis signed_at valid_until",
            sealed: &[],
            only: Some("confirmed_at is not null"),
        }),
    },
    Table {
        name: "supervision",
        whose: None,
        about: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        columns: &[
            (
                Kept(Code),
                "id version status level complaint_id whistle_id task_id unit opened_at \
                    opened_by answer_by answered_at promised_until send_backs listed_at ended_at",
            ),
            (Scrubbed, "demand answer"),
        ],
        told: None,
    },
    Table {
        name: "whistle",
        whose: None,
        about: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        columns: &[
            (
                Kept(Code),
                "id version last_seq status complaint_id kind level community_code blower \
                    drafted_by drafted_at lead assist reviewed_by reviewed_at approved blown_at \
                    standing_down_at stood_down_at settled_at",
            ),
            (Scrubbed, "title content"),
        ],
        told: None,
    },
    Table {
        name: "appraisal",
        whose: None,
        about: Some(
            "whistle_id in (select id from whistle where complaint_id in (select id from \
                complaint where reporter_id = $1))",
        ),
        columns: &[
            (Kept(Code), "whistle_id unit speed handling result at account_id"),
            (Scrubbed, "comment"),
        ],
        told: None,
    },
    Table {
        name: "whistle_rating",
        whose: None,
        about: Some(
            "whistle_id in (select id from whistle where complaint_id in (select id from \
                complaint where reporter_id = $1))",
        ),
        columns: &[
            (Kept(Code), "whistle_id unit needed clear at account_id"),
            (Scrubbed, "comment"),
        ],
        told: None,
    },
    Table {
        name: "enforcement_act",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id task_id unit kind power_list_id power_code party_kind occurred_at \
                    document_no amount_fen recorded_by recorded_at withdraws withdrawn_by",
            ),
            (Kept(Law), "party_name_sealed place content_sealed reason"),
        ],
        told: None,
    },
    Table {
        name: "evaluation_link",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "id complaint_id leading_id replied_at token_mac token_sealed made_at used_at \
                    evaluation_id",
        )],
        told: None,
    },
    Table {
        name: "reply_template",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "id unit version created_at retired_at retired_by"),
            (Kept(Office), "name"),
        ],
        told: None,
    },
    Table {
        name: "reply_template_version",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "template_id version fields made_by made_at"),
            (Kept(Office), "name text"),
        ],
        told: None,
    },
    Table {
        name: "duty_proposal",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id list_id item lead_unit from_task unit made_by made_at status decided_by \
                    decided_at settled_in version",
            ),
            (Kept(Office), "text note"),
        ],
        told: None,
    },
    Table {
        name: "complaint_repeat",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "complaint_id repeat_of")],
        told: None,
    },
    Table {
        name: "lead_summary",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "complaint_id ordered_by ordered_at")],
        told: None,
    },
    Table {
        name: "follow_up_call",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "complaint_id caller_id taken_at until")],
        told: None,
    },
    Table {
        name: "reply_approval",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "unit outcome set_by set_at")],
        told: None,
    },
    Table {
        name: "reply_from_template",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "task_id digest template_id template_version made_by made_at")],
        told: None,
    },
    Table {
        name: "final_reply_citation",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "complaint_id final_reply_id cited_by cited_at")],
        told: None,
    },
    Table {
        name: "enforcement_act_officer",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "act_id certificate_id unit")],
        told: None,
    },
    Table {
        name: "rate_snapshot",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "period frozen_at rules_version rules figures contents published_at \
                    published_by",
        )],
        told: None,
    },
    Table {
        name: "rate_snapshot_case",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "period task_id complaint_id unit dispatched_at tasks contact_due \
                    contacted_in_time answers solved satisfied not_reached excluded reworked \
                    acknowledge_due on_time_acknowledge reply_due on_time_reply returned overdue \
                    confirmed one_pass handling_seconds",
        )],
        told: None,
    },
    Table {
        name: "rate_snapshot_centre",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "period complaint_id seq duty asked_at due_at done_at answered appealed",
        )],
        told: None,
    },
    Table {
        name: "rate_snapshot_appraisal",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "period whistle_id unit at speed handling result")],
        told: None,
    },
    Table {
        name: "attachment",
        whose: Some(FILES),
        about: None,
        // The files go with their rows, by a job that runs once that is committed.
        columns: &[(
            WithRow,
            "id owner_id media_type kind bytes sent_bytes width height milliseconds uploaded_at \
                place complaint_id task_id offer_id claim_id feedback_id announcement_id target_id position attached_at \
                superseded check_state judged_by judged_at hidden_reason",
        )],
        told: Some(Told {
            word: "attachments",
            columns: "id media_type bytes uploaded_at place complaint_id claim_id",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "screening",
        whose: None,
        about: Some("complaint_id in (select id from complaint where reporter_id = $1)"),
        columns: &[
            (Kept(Code), "complaint_id state reason label created_at judged_at judged_by"),
            (Scrubbed, "note"),
        ],
        told: None,
    },
    Table {
        name: "media_trace",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "trace_id attachment_id asked_at answered_at")],
        told: None,
    },
];
