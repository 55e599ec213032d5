//! The register of personal data: points, redemptions, offers and merchants.

use super::{
    Fate::{Blank, Gone, Kept, Marked, Scrubbed, Sealed},
    Table, Told,
    Why::{Code, Office, Public, Register},
};

/// The tables of this part.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "points_account",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(Kept(Code), "id kind account_id merchant posted held opened_at community")],
        told: Some(Told {
            word: "points_account",
            columns: "posted held opened_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "ledger_entry",
        whose: Some("account = $1"),
        about: None,
        columns: &[(Kept(Code), "tx seq account amount at")],
        told: Some(Told {
            word: "points_entries",
            columns: "tx amount at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "point_lot",
        whose: Some("account = $1"),
        about: None,
        columns: &[(Kept(Code), "id account granted remaining held expires_at given_by")],
        told: Some(Told {
            word: "points_lots",
            columns: "granted remaining held expires_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "hold",
        whose: Some("account = $1"),
        about: None,
        columns: &[(
            Kept(Code),
            "id account offer client_key slot points state created_at expires_at ended_at",
        )],
        told: Some(Told {
            word: "redemptions",
            columns: "id offer points state created_at expires_at ended_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "donation",
        whose: Some("given_by = $1"),
        about: None,
        columns: &[
            (Kept(Code), "id tx from_account to_account household points given_by bound_by at"),
            (Gone, "reason"),
        ],
        told: Some(Told {
            word: "donations",
            columns: "to_account household points reason at",
            sealed: &[],
            only: Some("from_account = $1"),
        }),
    },
    Table {
        name: "points_notice",
        whose: Some("account = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version account source points cause counted_on rule_version data \
                    expires_at community_code noticed_at ends_at status decided_by decided_at tx",
            ),
            (Kept(Office), "note"),
        ],
        told: Some(Told {
            word: "points_notices",
            columns: "source points counted_on noticed_at ends_at status",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "points_objection",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(Kept(Code), "id notice account_id at"), (Marked, "reason")],
        told: Some(Told {
            word: "points_objections",
            columns: "notice reason at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "points_adjustment",
        whose: Some("account = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version account points status proposed_by proposed_at decided_by \
                    decided_at tx",
            ),
            (Kept(Office), "reason document note"),
        ],
        told: Some(Told {
            word: "points_adjustments",
            columns: "points status proposed_at decided_at",
            sealed: &[],
            only: Some("status = 'posted' or tx is not null"),
        }),
    },
    Table {
        name: "points_warning",
        whose: Some("account = $1"),
        about: None,
        columns: &[(Kept(Code), "account expires_at days points warned_at")],
        told: None,
    },
    Table {
        name: "points_debt",
        whose: Some("account = $1"),
        about: None,
        columns: &[(Kept(Code), "reversal account amount remaining")],
        told: Some(Told {
            word: "points_debts",
            columns: "amount remaining",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "ledger_reason",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "tx given_by given_at"), (Kept(Office), "reason document")],
        told: None,
    },
    Table {
        name: "points_rule",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version terms valid_from status proposed_by proposed_at decided_by \
                    decided_at",
            ),
            (Kept(Public), "name reason note"),
        ],
        told: None,
    },
    Table {
        name: "fairness_flag",
        whose: Some("account_id = $1"),
        about: Some("account_id = $1"),
        columns: &[
            (
                Kept(Code),
                "id version last_seq kind cause account_id parties merchant redemptions \
                    claims facts status raised_at reviewed_by reviewed_at appealed_at decided_by \
                    decided_at",
            ),
            (Marked, "appeal"),
            (Scrubbed, "reason decision"),
        ],
        told: Some(Told {
            word: "fairness_flags",
            columns: "kind status raised_at appeal appealed_at",
            sealed: &[],
            only: Some("status <> 'open' and status <> 'cleared'"),
        }),
    },
    Table {
        name: "merchant_application",
        whose: Some("applicant = $1"),
        about: Some("applicant = $1"),
        columns: &[
            (
                Kept(Code),
                "id version last_seq applicant status submitted_at decided_by decided_at \
                    merchant",
            ),
            (Sealed("merchant.licence"), "licence_sealed"),
            (Sealed("merchant.contact_name"), "contact_name_sealed"),
            (Sealed("merchant.contact_phone"), "contact_phone_sealed"),
            (Blank, "licence_index"),
            (Marked, "name address"),
            (Gone, "intro lng lat"),
            (Scrubbed, "reason"),
        ],
        told: Some(Told {
            word: "merchant_applications",
            columns: "status name address intro submitted_at decided_at reason",
            sealed: &[
                ("licence_sealed", "licence", "merchant.licence"),
                ("contact_name_sealed", "contact_name", "merchant.contact_name"),
                ("contact_phone_sealed", "contact_phone", "merchant.contact_phone"),
            ],
            only: None,
        }),
    },
    Table {
        name: "merchant",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "code created_at version lng lat"),
            (
                Kept(Register),
                "name address intro opening shop_phone licence_index licence_sealed \
                    contact_name_sealed contact_phone_sealed",
            ),
        ],
        told: None,
    },
    Table {
        name: "invitation",
        whose: Some("used_by = $1"),
        about: None,
        columns: &[(
            Kept(Code),
            "id scope role code_index created_by created_at expires_at used_by used_at",
        )],
        told: Some(Told {
            word: "invitations",
            columns: "scope role used_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "merchant_suspension",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "id merchant suspended_by suspended_at lifted_by lifted_at"),
            (Kept(Office), "reason lift_reason"),
        ],
        told: None,
    },
    Table {
        name: "redemption",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id code_index code_sealed verified_by refunded_at merchant digits_index \
                    digits_sealed digits_open verified_at undone_by last_seq",
            ),
            (Kept(Office), "undone_reason"),
        ],
        told: None,
    },
    Table {
        name: "voucher",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "redemption community_code account_id issued_by issued_at checked prints \
                    printed_at revoked_by revoked_at",
            ),
            (Kept(Office), "revoked_reason"),
        ],
        told: Some(Told {
            word: "vouchers",
            columns: "community_code issued_at printed_at revoked_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "offer",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id merchant category points stock per_person valid_until published_at \
                    published_by version status suspended created_at created_by valid_from \
                    weekdays from_minute to_minute blackout per_day per_week audience \
                    communities min_age max_age budget settlement_fen cash_fen committed_fen",
            ),
            (Kept(Public), "title description reason"),
        ],
        told: None,
    },
    Table {
        name: "offer_batch",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "offer n pieces added_by added_at"), (Kept(Office), "note")],
        told: None,
    },
    Table {
        name: "budget",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "id version payer cap_fen committed_fen created_by created_at"),
            (Kept(Public), "name"),
        ],
        told: None,
    },
    Table {
        name: "settlement_dispute",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "id settlement line raised_by raised_at upheld fen decided_by decided_at"),
            (Kept(Office), "reason answer"),
        ],
        told: None,
    },
    Table {
        name: "ledger_tx",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "id kind cause source at counted_on rule_version data reverses")],
        told: None,
    },
    Table {
        name: "ledger_block",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "subject_id subject rule since")],
        told: None,
    },
    Table {
        name: "hold_lot",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "hold lot amount")],
        told: None,
    },
    Table {
        name: "offer_unit",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "offer n hold")],
        told: None,
    },
    Table {
        name: "settlement",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "id version merchant month status dispute_until confirmed_by confirmed_at \
                    paid_by paid_at document_no",
        )],
        told: None,
    },
    Table {
        name: "settlement_line",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "settlement n kind redemption offer budget at points fen cash_fen dispute",
        )],
        told: None,
    },
    Table {
        name: "settlement_month",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "month frozen_at")],
        told: None,
    },
    Table {
        name: "till_attempt",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "subject misses since locked_until")],
        told: None,
    },
];
