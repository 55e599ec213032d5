//! The register of personal data: the organisation, its lists and its rosters.

use super::{
    Fate::Kept,
    Table,
    Why::{Code, Office, Public},
};

/// The tables of this part.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "org_node",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "code tree kind parent_code peer_group management_mode boundary division_code \
                    active",
            ),
            (Kept(Public), "name"),
        ],
        told: None,
    },
    Table {
        name: "duty_item",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "list_id code category lead_unit subdistrict_role photos_required"),
            (Kept(Public), "name department_duty subdistrict_duty basis"),
        ],
        told: None,
    },
    Table {
        name: "duty_list",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "id kind version division_code valid_from valid_to"),
            (Kept(Public), "title"),
        ],
        told: None,
    },
    Table {
        name: "duty_roster",
        whose: None,
        about: None,
        columns: &[
            (Kept(Code), "unit starts_at ends_at"),
            (Kept(Office), "name_sealed phone_sealed"),
        ],
        told: None,
    },
    Table {
        name: "power",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "list_id code kind"), (Kept(Public), "name devolved_by basis")],
        told: None,
    },
    Table {
        name: "power_list",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "id unit version valid_from valid_to"), (Kept(Public), "title")],
        told: None,
    },
    Table {
        name: "certificate",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id number holder unit valid_from valid_until registered_by registered_at \
                    revoked_at revoked_by version",
            ),
            (Kept(Office), "revoked_reason"),
        ],
        told: None,
    },
    Table {
        name: "calendar_day",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "calendar_id date working"), (Kept(Public), "name")],
        told: None,
    },
    Table {
        name: "calendar_year",
        whose: None,
        about: None,
        columns: &[(
            Kept(Code),
            "id year version source published_at provisional imported_at imported_by",
        )],
        told: None,
    },
    Table {
        name: "calendar_warning",
        whose: None,
        about: None,
        columns: &[(Kept(Code), "year warned_at")],
        told: None,
    },
    Table {
        name: "routing_rule",
        whose: None,
        about: None,
        columns: &[
            (
                Kept(Code),
                "id category urgency division_code lead assist priority valid_from valid_to \
                    created_at created_by",
            ),
            (Kept(Office), "note management_mode"),
        ],
        told: None,
    },
];
