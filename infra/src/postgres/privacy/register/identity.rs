//! The register of personal data: the account, its log-ins, and what is kept for it.

use super::{
    Fate::{Gone, Kept, Renamed, WithRow, WithRowIfNamed},
    Table, Told,
    Why::{Code, Law, Office, Public},
};

/// The tables of this part.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "account",
        whose: Some("id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id created_at disabled_at failed_logins locked_until password_set_at password_once_until",
            ),
            (Renamed, "display_name"),
            (Kept(Office), "disabled_reason"),
            (Gone, "password_hash"),
            (Kept(Office), "username"),
        ],
        told: Some(Told {
            word: "account",
            columns: "id display_name created_at",
            sealed: &[],
            only: None,
        }),
    },
    // Before `person`, by whose phone its rows are found.
    Table {
        name: "phone_code",
        whose: Some("phone_index = (select phone_index from person where account_id = $1)"),
        about: None,
        columns: &[(
            WithRow,
            "id phone_index phone_sealed created_at tries used_at sending_at outcome",
        )],
        told: None,
    },
    Table {
        name: "person",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(
            WithRow,
            "account_id open_id_index open_id_sealed phone_index phone_sealed name_sealed",
        )],
        told: Some(Told {
            word: "contact",
            columns: "",
            sealed: &[
                ("open_id_sealed", "open_id", "person.open_id"),
                ("phone_sealed", "phone", "person.phone"),
                ("name_sealed", "name", "person.name"),
            ],
            only: None,
        }),
    },
    // Staff alone, whose accounts are not erased; and no person is shown a hash.
    Table {
        name: "password_past",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(WithRow, "id account_id hash replaced_at")],
        told: None,
    },
    Table {
        name: "totp_recovery",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(WithRow, "account_id mac made_at used_at")],
        told: None,
    },
    Table {
        name: "totp",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(WithRow, "account_id secret_sealed started_at confirmed_at last_step")],
        told: None,
    },
    Table {
        name: "role_grant",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(Kept(Code), "id account_id role scope granted_at revoked_at")],
        told: Some(Told {
            word: "roles",
            columns: "role scope granted_at revoked_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "grant_proposal",
        whose: Some("account = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version status kind account role scope urgent proposed_by proposed_at \
                    expires_at decided_by decided_at",
            ),
            (Kept(Office), "username display_name reason note"),
        ],
        told: Some(Told {
            word: "role_proposals",
            columns: "kind role scope status reason proposed_at decided_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "session",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id account_id created_at expires_at ended_at end_reason network_refused_at means \
                    confirmed_at",
            ),
            (Gone, "user_agent address"),
        ],
        told: Some(Told {
            word: "sessions",
            columns: "id created_at expires_at ended_at end_reason means user_agent address",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "oidc_binding",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(WithRow, "account_id kind person_sealed person_index bound_by bound_at")],
        told: None,
    },
    Table {
        name: "oidc_used",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "hash expires_at")],
        told: None,
    },
    Table {
        name: "refresh_token",
        whose: Some("session_id in (select id from session where account_id = $1)"),
        about: None,
        columns: &[(WithRow, "hash session_id issued_at expires_at used_at")],
        told: None,
    },
    Table {
        name: "idempotency",
        whose: Some("caller = $1::text"),
        about: None,
        columns: &[(WithRow, "caller operation key command_hash status answer_sealed created_at")],
        told: None,
    },
    Table {
        name: "notification",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(WithRow, "id account_id subject_id seq created_at read_at xact")],
        told: Some(Told {
            word: "notifications",
            columns: "id subject_id created_at read_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "notification_template",
        whose: None,
        about: None,
        columns: &[(
            Kept(Public),
            "template channel version provider_id page fields long_term published_at",
        )],
        told: None,
    },
    Table {
        name: "subscription",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(WithRow, "account_id provider_id remaining long_term updated_at")],
        told: Some(Told {
            word: "subscriptions",
            columns: "provider_id remaining long_term updated_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "delivery_preference",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(
            WithRow,
            "account_id muted muted_sms digest quiet_from quiet_until updated_at",
        )],
        told: Some(Told {
            word: "notification_preferences",
            columns: "muted muted_sms digest quiet_from quiet_until updated_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "delivery",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(
            WithRow,
            "id notification_id account_id channel kind template template_version state reason \
                attempt failures created_at updated_at",
        )],
        told: Some(Told {
            word: "deliveries",
            columns: "channel kind state created_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "saved_view",
        whose: Some("account_id = $1"),
        // Somebody may have kept a search for the person.
        about: Some("account_id <> $1"),
        columns: &[(WithRow, "id account_id list created_at"), (WithRowIfNamed, "name query")],
        told: Some(Told {
            word: "saved_views",
            columns: "name list query created_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "export",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id account_id list filter unmask status done total cut created_at \
                    finished_at expires_at",
            ),
            (Kept(Office), "reason"),
        ],
        told: Some(Told {
            word: "exports",
            columns: "list status created_at expires_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "export_file",
        whose: Some("export_id in (select id from export where account_id = $1)"),
        about: None,
        columns: &[(WithRow, "export_id workbook")],
        told: None,
    },
    Table {
        name: "erasure",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(Kept(Code), "account_id asked_at cause erased_at")],
        told: None,
    },
    Table {
        name: "consent",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[(Kept(Code), "id account_id purpose version given_at withdrawn_at")],
        told: Some(Told {
            word: "consents",
            columns: "purpose version given_at withdrawn_at",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "privacy_notice",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "purpose version effective_from"), (Kept(Public), "title text")],
        told: None,
    },
    Table {
        name: "audit_entry",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id seq before after at account_id role action object object_id request_id",
            ),
            (Kept(Law), "address data"),
        ],
        told: Some(Told {
            word: "audit",
            columns: "at action object object_id",
            sealed: &[],
            only: None,
        }),
    },
    Table {
        name: "job",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "last_error id kind dedupe payload state run_at attempt max_attempts token \
                    lease_until created_at finished_at",
        )],
        told: None,
    },
    Table {
        name: "sla_timer",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "subject_id subject kind due_at state fired_at")],
        told: None,
    },
    Table {
        name: "audit_block",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "no sealed_at to_seq ids digests previous hash")],
        told: None,
    },
    Table {
        name: "audit_mark",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "one seq below")],
        told: None,
    },
];
