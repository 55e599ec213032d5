//! The register of personal data: opinions on the application, announcements, the guide of services.

use super::{
    Fate::{Gone, Kept, Marked},
    Table, Told,
    Why::{Code, Office},
};

/// The tables of this part.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "feedback",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (
                Kept(Code),
                "id number query_code_mac version kind status account_id app_version flagged \
                    submitted_at answered_at",
            ),
            (Marked, "text"),
            (Gone, "page contact_sealed"),
        ],
        told: Some(Told {
            word: "feedback",
            columns: "id number kind status text page app_version submitted_at answered_at",
            sealed: &[("contact_sealed", "contact", "feedback.contact/{id}")],
            only: None,
        }),
    },
    Table {
        name: "announcement",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version body kind audience status edition shown waiting approved created_at \
                    published_at",
            ),
            (Kept(Office), "reason"),
        ],
        told: None,
    },
    Table {
        name: "announcement_edition",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "announcement_id number areas pinned starts_at ends_at pictures made_by made_at",
            ),
            (Kept(Office), "title text"),
        ],
        told: None,
    },
    Table {
        name: "announcement_read",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "announcement_id reader_mac")],
        told: None,
    },
    Table {
        name: "guide",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id version unit status edition shown waiting created_at published_at warned \
                    review_told",
            ),
            (Kept(Office), "title reason"),
        ],
        told: None,
    },
    Table {
        name: "guide_edition",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "guide_id number term_days valid_from valid_until next_review made_by made_at",
            ),
            (
                Kept(Office),
                "title category eligible materials steps place hours phone fee link basis",
            ),
        ],
        told: None,
    },
    Table {
        name: "guide_vote",
        whose: Some("account_id = $1"),
        about: None,
        columns: &[
            (Kept(Code), "guide_id voter_mac account_id useful voted_at"),
            (Gone, "comment"),
        ],
        told: Some(Told {
            word: "guide_votes",
            columns: "guide_id useful comment voted_at",
            sealed: &[],
            only: None,
        }),
    },
];
