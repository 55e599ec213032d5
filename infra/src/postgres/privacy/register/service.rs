//! The register of personal data: registration, the party register, service, households and the score book.

use super::{
    Fate::{Blank, Gone, Kept, Marked, Scrubbed, Sealed, WithRow},
    Table, Told,
    Why::{Code, Office, Public, Register},
};

/// The tables of this part.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "registration",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version last_seq account_id community_code status submitted_at decided_at \
                    decided_by member_id work_unit unit_code retired_on ended_at",
            ),
            (Sealed("registration.name"), "name_sealed"),
            (Blank, "match_index"),
            (Kept(Office), "note"),
        ],
        told: Some(Told {
            word: "registrations",
            columns: "id community_code status submitted_at decided_at work_unit ended_at",
            sealed: &[("name_sealed", "name", "registration.name")],
            only: None,
        }),
    },
    Table {
        name: "registration_change",
        whose: Some("asked_by = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id registration_id version kind status community_code to_community to_unit \
                    year ground asked_by asked_at released_by released_at decided_by decided_at",
            ),
            (Sealed("registration_change.reason"), "reason_sealed"),
            (Kept(Office), "note"),
        ],
        told: Some(Told {
            word: "registration_changes",
            columns: "kind status to_community year ground asked_at decided_at",
            sealed: &[("reason_sealed", "reason", "registration_change.reason")],
            only: None,
        }),
    },
    Table {
        name: "service_profile",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(WithRow, "account_id skills suggest changed_at")],
        told: Some(Told {
            word: "service_profile",
            columns: "skills suggest changed_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "service_request",
        whose: Some("account_id = $1"),
        about: Some("account_id = $1"),
        columns: &[
            (
                Kept(Code),
                "id version last_seq account_id community_code kind on_behalf wished_from \
                    wished_until status submitted_at decided_by ended_at satisfaction",
            ),
            (Sealed("service_request.name"), "name_sealed"),
            (Marked, "title content"),
            (Gone, "phone_sealed address_sealed comment"),
            (Scrubbed, "reason"),
        ],
        told: Some(Told {
            word: "service_requests",
            columns: "id community_code kind title content on_behalf wished_from wished_until \
                    status submitted_at ended_at satisfaction comment",
            sealed: &[
                ("name_sealed", "name", "service_request.name"),
                ("phone_sealed", "phone", "service_request.phone"),
                ("address_sealed", "address", "service_request.address"),
            ],
            only: None,
        }),
    },
    Table {
        name: "claim",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version last_seq post_id account_id status during claimed_at line \
                    checked_in_at checked_in_by checked_out_at minutes points settled_at \
                    settled_by wrong_codes short_notice cancelled_late checked_in_away \
                    check_in_oddities",
            ),
            (Gone, "comment"),
        ],
        told: Some(Told {
            word: "claims",
            columns: "id post_id status during claimed_at checked_in_at checked_out_at minutes \
                    points settled_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "claim_dispute",
        whose: Some("raised_by = $1"),
        about: Some("raised_by = $1"),
        columns: &[
            (
                Kept(Code),
                "id version claim_id raised_by raised_at status_before minutes_before \
                    points_before first_decider status decided_at decided_by minutes_after \
                    points_after",
            ),
            (Marked, "reason"),
            (Scrubbed, "decision"),
        ],
        told: Some(Told {
            word: "claim_disputes",
            columns: "claim_id raised_at reason status decided_at minutes_after points_after",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "imported_service",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id platform record_no account_id during minutes counted imported_by \
                    imported_at withdrawn_by withdrawn_at",
            ),
            (Kept(Office), "title withdrawn_reason"),
        ],
        told: Some(Told {
            word: "imported_services",
            columns: "platform record_no during minutes counted title imported_at withdrawn_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "service_pause",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id account_id claim_id no_shows lates began_at until_at lifted_at lifted_by",
            ),
            (Kept(Office), "lift_reason"),
        ],
        told: Some(Told {
            word: "service_pauses",
            columns: "began_at until_at lifted_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "service_result",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(
            Kept(Code),
            "year registration_id account_id community_code unit_code signed_at standing \
                    services minutes required_services required_minutes",
        )],
        told: Some(Told {
            word: "service_results",
            columns: "year community_code signed_at standing services minutes required_services \
                    required_minutes",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "post",
        whose: None,
        about: Some("request_id in (select id from service_request where account_id = $1)"),
        columns: &[
            (
                Kept(Code),
                "id version community_code kind lng lat starts_at ends_at during capacity \
                    taken skills factor_percent created_by created_at cancelled_at \
                    tolerance_metres reminded_at request_id series_id",
            ),
            (Scrubbed, "title description place"),
        ],
        told: None,
    },
    Table {
        name: "post_invitation",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(Kept(Code), "post_id account_id invited_at invited_by")],
        told: Some(Told {
            word: "post_invitations",
            columns: "post_id invited_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "household",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version community_code category consented_on registered_by registered_at \
                    account_by closed_by closed_at",
            ),
            (Gone, "account_id"),
            (
                Kept(Register),
                "name_sealed address_sealed phone_sealed situation_sealed match_index \
                    close_reason",
            ),
        ],
        told: Some(Told {
            word: "household",
            columns: "community_code category consented_on registered_at",
            sealed: &[
                ("name_sealed", "name", "household.name"),
                ("address_sealed", "address", "household.address"),
                ("phone_sealed", "phone", "household.phone"),
                ("situation_sealed", "situation", "household.situation"),
            ],
            only: None,
        }),
    },
    Table {
        name: "household_pairing",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version last_seq household_id account_id status until proposed_by \
                    proposed_at answered_at ended_at ended_by reminded_for",
            ),
            (Marked, "reason"),
        ],
        told: Some(Told {
            word: "household_pairings",
            columns: "id status until proposed_at answered_at ended_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "household_visit",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id household_id pairing_id kind visited_at next_visit_on complaint_id \
                    corrects recorded_by recorded_at",
            ),
            (Kept(Register), "needed_sealed done_sealed"),
        ],
        told: None,
    },
    Table {
        name: "party_member",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id branch_code work_unit added_at removed_at version group_code removed_as \
                    removed_by",
            ),
            (Gone, "account_id"),
            (
                Kept(Register),
                "name_sealed number_sealed match_index name_index id_number_sealed \
                    id_number_index phone_sealed phone_index sex born_on joined_on ledger rank \
                    standing health skills removed_note",
            ),
        ],
        told: Some(Told {
            word: "party_member",
            columns: "branch_code work_unit added_at sex born_on joined_on ledger rank standing \
                    health skills",
            sealed: &[
                ("name_sealed", "name", "party_member.name"),
                ("number_sealed", "id_number_last6", "party_member.number"),
                ("id_number_sealed", "id_number", "party_member.id_number"),
                ("phone_sealed", "phone", "party_member.phone"),
            ],
            only: Some("removed_at is null"),
        }),
    },
    Table {
        name: "party_floating",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id member_id direction other_branch since ledger recorded_by recorded_at \
                    ended_on ended_by",
            ),
            (Kept(Register), "other_name place contact_sealed"),
        ],
        told: None,
    },
    Table {
        name: "party_transfer",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version member_id from_branch to_branch to_group status proposed_by \
                    proposed_at released_by released_at decided_by decided_at",
            ),
            (Kept(Register), "reason note"),
        ],
        told: None,
    },
    Table {
        name: "score_entry",
        whose: Some("submitted_by = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version last_seq member_id branch_code community_code quarter inlet \
                    catalogue item points happened_on status submitted_by submitted_at \
                    decided_by decided_at corrects settlement_id",
            ),
            (Kept(Register), "named_sealed words_sealed reason"),
        ],
        told: Some(Told {
            word: "score_entries",
            columns: "quarter inlet happened_on points status submitted_at",
            sealed: &[("words_sealed", "words", "score_entry.words")],
            only: None,
        }),
    },
    Table {
        name: "score_objection",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id settlement_id entry_id account_id made_at decided_by decided_at upheld",
            ),
            (Kept(Register), "words_sealed reason"),
        ],
        told: Some(Told {
            word: "score_objections",
            columns: "settlement_id made_at decided_at upheld",
            sealed: &[("words_sealed", "words", "score_objection.words")],
            only: None,
        }),
    },
    Table {
        name: "score_settlement",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version last_seq branch_code community_code quarter status proposed_by \
                    proposed_at decided_by decided_at notice_until locked_at",
            ),
            (Kept(Register), "reason"),
        ],
        told: None,
    },
    Table {
        name: "score_catalogue",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "version valid_from added_by added_at"), (Kept(Public), "title")],
        told: None,
    },
    Table {
        name: "score_item",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "version code points cap"), (Kept(Public), "name")],
        told: None,
    },
    Table {
        name: "pairing",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version unit_code account_id community_code estate_code from_day \
                    until_day made_by made_at ended_by ended_at",
            ),
            (Kept(Office), "post end_reason"),
        ],
        told: None,
    },
    Table {
        name: "pairing_matter",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id pairing_id version status found_on complaint_id whistle_id logged_by \
                    logged_at solved_by solved_at judged_by judged_at",
            ),
            (Kept(Office), "title solution note"),
        ],
        told: None,
    },
    Table {
        name: "work_unit",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "code version added_by added_at ended_at"),
            (Kept(Public), "name party_body"),
        ],
        told: None,
    },
    Table {
        name: "unit_registration",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version last_seq unit_code community_code status submitted_by \
                    submitted_at decided_by decided_at ended_by ended_at",
            ),
            (Kept(Office), "offers note end_reason"),
        ],
        told: None,
    },
    Table {
        name: "party_branch_estate",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "branch_code estate_code")],
        told: None,
    },
    Table {
        name: "party_member_change",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "id member_id kind at by_id data")],
        told: None,
    },
    Table {
        name: "score_line",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "settlement_id member_id points entries")],
        told: None,
    },
    Table {
        name: "work_unit_community",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "unit_code community_code")],
        told: None,
    },
    Table {
        name: "unit_report",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "id last_seq unit_code kind year number until members missing made_at \
                    acknowledged_by acknowledged_at",
        )],
        told: None,
    },
    Table {
        name: "receipt",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "id unit_code registration_id cause community_code change_id made_at \
                    acknowledged_by acknowledged_at",
        )],
        told: None,
    },
    Table {
        name: "service_round",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "kind year number sent_at")],
        told: None,
    },
    Table {
        name: "service_year",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "year rules_version settled_at")],
        told: None,
    },
    Table {
        name: "post_series",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "id community_code weekdays until skip_holidays created_by created_at",
        )],
        told: None,
    },
];
