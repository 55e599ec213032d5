//! Every sealed column of the database with the context it is sealed in, and every stored blind
//! index with what it is made of: what sealing anew ([`super::rekey`]) goes along. A test compares
//! it with the database.

use serde_json::{Map, Value};

/// A sealed column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// What it is sealed for; `{column}` stands for a value of the row.
    pub context: &'static str,
}

/// By which of the keys an index is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// `Crypto::index`.
    Index,
    /// `Crypto::mac`.
    Mac,
}

/// A stored blind index or MAC whose value can be made anew from what is sealed beside it.
#[derive(Debug, Clone, Copy)]
pub struct Index {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// How it is made.
    pub by: By,
    /// What it is made for.
    pub purpose: &'static str,
    /// The columns that it is made of, in this order: sealed ones opened, others as they are.
    pub of: &'static [&'static str],
    /// How their values become one text.
    pub joined: fn(&[String]) -> String,
    /// A column elsewhere that holds the same index without what it was made of.
    pub follows: Option<(&'static str, &'static str)>,
}

const fn sealed(table: &'static str, column: &'static str, context: &'static str) -> Sealed {
    Sealed { table, column, context }
}

const fn plain(
    table: &'static str,
    column: &'static str,
    purpose: &'static str,
    of: &'static [&'static str],
) -> Index {
    Index { table, column, by: By::Index, purpose, of, joined: whole, follows: None }
}

fn whole(parts: &[String]) -> String {
    parts.concat()
}

fn pair(parts: &[String], join: fn(&str, &str) -> String) -> String {
    match parts {
        [one, other] => join(one, other),
        _ => whole(parts),
    }
}

/// The sealed columns.
pub const SEALED: &[Sealed] = &[
    sealed("complaint_contact", "name_sealed", "complaint_contact/{complaint_id}"),
    sealed("complaint_contact", "phone_sealed", "complaint_contact/{complaint_id}"),
    sealed("duty_roster", "name_sealed", "duty_roster/{unit}"),
    sealed("duty_roster", "phone_sealed", "duty_roster/{unit}"),
    sealed("enforcement_act", "party_name_sealed", "enforcement_act.party_name"),
    sealed("enforcement_act", "content_sealed", "enforcement_act.content"),
    sealed("evaluation_link", "token_sealed", "evaluation_link/{id}"),
    sealed("feedback", "contact_sealed", "feedback.contact/{id}"),
    sealed("household", "name_sealed", "household.name"),
    sealed("household", "address_sealed", "household.address"),
    sealed("household", "phone_sealed", "household.phone"),
    sealed("household", "situation_sealed", "household.situation"),
    sealed("household_visit", "needed_sealed", "household.needed"),
    sealed("household_visit", "done_sealed", "household.done"),
    sealed("idempotency", "answer_sealed", "idempotency/{caller}/{operation}/{key}"),
    sealed("merchant", "licence_sealed", "merchant.licence"),
    sealed("merchant", "contact_name_sealed", "merchant.contact_name"),
    sealed("merchant", "contact_phone_sealed", "merchant.contact_phone"),
    sealed("merchant_application", "licence_sealed", "merchant.licence"),
    sealed("merchant_application", "contact_name_sealed", "merchant.contact_name"),
    sealed("merchant_application", "contact_phone_sealed", "merchant.contact_phone"),
    sealed("party_floating", "contact_sealed", "party_floating.contact"),
    sealed("party_member", "name_sealed", "party_member.name"),
    sealed("party_member", "number_sealed", "party_member.number"),
    sealed("party_member", "id_number_sealed", "party_member.id_number"),
    sealed("party_member", "phone_sealed", "party_member.phone"),
    sealed("person", "open_id_sealed", "person.open_id"),
    sealed("person", "phone_sealed", "person.phone"),
    sealed("person", "name_sealed", "person.name"),
    sealed("phone_code", "phone_sealed", "person.phone"),
    sealed("redemption", "code_sealed", "redemption/{id}"),
    sealed("redemption", "digits_sealed", "redemption.digits/{id}"),
    sealed("registration", "name_sealed", "registration.name"),
    sealed("registration_change", "reason_sealed", "registration_change.reason"),
    sealed("score_entry", "named_sealed", "score_entry.named"),
    sealed("score_entry", "words_sealed", "score_entry.words"),
    sealed("score_objection", "words_sealed", "score_objection.words"),
    sealed("service_request", "name_sealed", "service_request.name"),
    sealed("service_request", "phone_sealed", "service_request.phone"),
    sealed("service_request", "address_sealed", "service_request.address"),
    sealed("totp", "secret_sealed", "totp.secret"),
];

/// The indexes that can be made anew.
pub const INDEXES: &[Index] = &[
    plain("complaint_contact", "phone_index", "phone", &["phone_sealed"]),
    Index {
        by: By::Mac,
        ..plain("evaluation_link", "token_mac", "evaluation-link", &["token_sealed"])
    },
    Index {
        joined: |parts| pair(parts, domain::household::key),
        ..plain("household", "match_index", "household.match", &["name_sealed", "address_sealed"])
    },
    plain("merchant", "licence_index", "merchant.licence", &["licence_sealed"]),
    plain("merchant_application", "licence_index", "merchant.licence", &["licence_sealed"]),
    plain("party_member", "id_number_index", "party_member.id_number", &["id_number_sealed"]),
    Index {
        joined: |parts| pair(parts, domain::party::key),
        // What was handed in and matches nobody on the register is handed in again.
        follows: Some(("registration", "match_index")),
        ..plain(
            "party_member",
            "match_index",
            "party_member.match",
            &["name_sealed", "number_sealed"],
        )
    },
    plain("party_member", "name_index", "party_member.name", &["name_sealed"]),
    plain("party_member", "phone_index", "party_member.phone", &["phone_sealed"]),
    plain("person", "open_id_index", "person.open_id", &["open_id_sealed"]),
    plain("person", "phone_index", "person.phone", &["phone_sealed"]),
    plain("redemption", "code_index", "redemption.code", &["code_sealed"]),
    Index {
        joined: |parts| pair(parts, |merchant, digits| format!("{merchant}/{digits}")),
        ..plain("redemption", "digits_index", "redemption.digits", &["merchant", "digits_sealed"])
    },
];

/// Bytes that are neither sealed nor made anew, each with the reason.
pub const OTHERS: &[(&str, &str, &str)] = &[
    ("announcement_read", "reader_mac", "counts a reader once, who counts anew"),
    ("audit_block", "digests", "the audit chain is SHA-256 for good"),
    ("audit_block", "hash", "the same"),
    ("audit_block", "previous", "the same"),
    ("audit_entry", "after", "the same"),
    ("audit_entry", "before", "the same"),
    ("complaint", "query_code_mac", "the code is kept nowhere; MACs of every key are good"),
    ("export_file", "workbook", "a workbook of a day"),
    ("feedback", "query_code_mac", "the code is kept nowhere; MACs of every key are good"),
    ("guide_vote", "voter_mac", "counts a voter once, who counts anew"),
    ("idempotency", "command_hash", "compared for a day"),
    ("merchant_invitation", "code_index", "the code is kept nowhere; good for minutes"),
    ("phone_code", "phone_index", "codes are good for minutes and counted for a day"),
    ("refresh_token", "hash", "the token is kept nowhere; log-ins end"),
    ("registration", "match_index", "follows party_member.match_index"),
    ("reply_from_template", "digest", "of a text that is no secret"),
    ("totp_recovery", "mac", "the code is kept nowhere; its owner makes ten new ones"),
];

/// What a sealed column is sealed for; none for a column that is not sealed.
pub fn context(table: &str, column: &str) -> Option<&'static str> {
    let found = SEALED.iter().find(|one| one.table == table && one.column == column);
    found.map(|one| one.context)
}

/// The columns that a context names.
pub fn named(context: &str) -> impl Iterator<Item = &str> {
    context.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// A context with the row's values in place of each `{column}`.
pub fn filled(context: &str, row: &Map<String, Value>) -> String {
    let (mut text, mut rest) = (String::new(), context);
    while let Some((head, (column, tail))) =
        rest.split_once('{').and_then(|(head, tail)| Some((head, tail.split_once('}')?)))
    {
        text.push_str(head);
        text.push_str(row.get(column).and_then(Value::as_str).unwrap_or_default());
        rest = tail;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_context_is_filled_from_its_row() {
        let Value::Object(row) = json!({"caller": "{key}", "operation": "o", "key": "k"}) else {
            unreachable!("an object")
        };
        assert_eq!(filled("person.phone", &row), "person.phone");
        assert_eq!(filled("duty_roster/{operation}", &row), "duty_roster/o");
        assert_eq!(filled("a/{caller}/{key}", &row), "a/{key}/k", "a value is no template");
        assert_eq!(named("a/{operation}/{key}").collect::<Vec<_>>(), ["operation", "key"]);
    }

    #[test]
    fn every_index_is_made_of_columns_that_are_known() {
        for index in INDEXES {
            let sealed = index.of.iter().filter(|of| context(index.table, of).is_some()).count();
            assert!(sealed > 0, "{}.{}", index.table, index.column);
        }
    }
}
