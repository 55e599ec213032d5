//! The audit trail (审计): who did what to which object, from where. What is searched by, what the
//! auditor sees of an entry, how long entries are kept, and what tells tampering ([`chain`]).

use chrono::{Datelike, Months};
use serde_json::Value;

use crate::{
    id::AccountId,
    identity::Role,
    personal::{PersonName, Phone},
    refusal::{Faults, FieldError, Invalid},
    text,
    time::{Month, Timestamp},
};

pub mod chain;

/// How long entries are kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Months after a month's end until its entries may be dropped; at least 12 (互联网政务应用安全
    /// 管理规定: at least a year).
    pub keep_months: u32,
    /// The folder outside the database in which heads of the chain are kept; empty for none.
    pub heads: String,
}

impl Default for Rules {
    fn default() -> Self {
        Self { keep_months: LEAST_MONTHS, heads: String::new() }
    }
}

/// The law's least.
pub const LEAST_MONTHS: u32 = 12;

impl Rules {
    /// Whether the law's least is kept.
    pub const fn is_lawful(&self) -> bool {
        self.keep_months >= LEAST_MONTHS
    }

    /// Whether a month is over for so long that its entries may be dropped.
    ///
    /// # Errors
    /// It is not.
    pub fn droppable(&self, month: Month, now: Timestamp) -> Result<(), FieldError> {
        let (_, end) = month.bounds();
        let from = end.checked_add_months(Months::new(self.keep_months));
        if from.is_some_and(|from| from <= now) {
            return Ok(());
        }
        let reason =
            format!("{month} 的审计记录要在当月结束后保留满 {} 个月才能清除", self.keep_months);
        Err(FieldError::new("month", reason))
    }
}

/// What entries are searched by; each further part narrows.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Search {
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// What kind of object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Which object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// What was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Not before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// The longest code of an action or an object, and the longest name of an object.
const CODE_LENGTH: usize = 100;

fn code(field: &str, given: &str) -> Result<String, FieldError> {
    let fits =
        (1..=CODE_LENGTH).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        Ok(given.to_owned())
    } else {
        Err(FieldError::new(field, "只能是 1–100 个字母、数字和符号，例如 complaint.unmask"))
    }
}

impl Search {
    /// Checks what somebody searches by.
    ///
    /// # Errors
    /// A code has another form than codes have, or the time ends before it begins.
    pub fn check(self) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        for (field, given) in [("object", &self.object), ("action", &self.action)] {
            if let Some(given) = given {
                faults.take(code(field, given));
            }
        }
        // Some objects have names: the source of an import, a merchant's code.
        if let Some(given) = &self.object_id {
            faults.take(text::line("object_id", given, 1, CODE_LENGTH));
        }
        for (field, given) in [("from", self.from), ("to", self.to)] {
            if given.is_some_and(|at| !(2000..=2100).contains(&at.year())) {
                faults.add(field, "年份只能是 2000–2100");
            }
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            faults.add("to", "结束时间要晚于开始时间");
        }
        faults.check()?;
        Ok(self)
    }
}

/// An address as the auditor sees it: whole for the staff, whose place of work it tells; of everybody
/// else the network alone.
pub fn address(address: &str, role: Option<Role>) -> String {
    if role.is_some_and(Role::is_staff) {
        return address.to_owned();
    }
    if let Some((network, _)) = address.rsplit_once('.') {
        return format!("{network}.*");
    }
    let groups: Vec<&str> = address.split(':').take(3).collect();
    format!("{}:*", groups.join(":"))
}

/// An account's name as the auditor sees it.
pub fn name(display_name: &str) -> String {
    PersonName::trusted(display_name.to_owned()).masked()
}

/// Codes as they are, and in what a person wrote (such as the reason of an unmasking) every
/// telephone and ID number masked.
#[must_use]
pub fn masked(data: Value) -> Value {
    match data {
        Value::String(text) => Value::String(masked_text(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(masked).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, masked(value))).collect())
        }
        other => other,
    }
}

fn masked_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') => run.push(c),
            other => {
                shown.push_str(&masked_run(&std::mem::take(&mut run)));
                shown.extend(other);
            }
        }
    }
    shown
}

/// A run of letters, digits and hyphens, masked where it can only be a mobile or an ID number.
fn masked_run(run: &str) -> String {
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    let mobile = run.len() == 11 && digits == 11 && run.starts_with('1');
    let id_number = run.len() == 18
        && digits >= 17
        && run.ends_with(|c: char| c.is_ascii_digit() || matches!(c, 'X' | 'x'));
    let landline = run.starts_with('0') && run.contains('-') && digits + 1 == run.len();
    if mobile || landline {
        Phone::trusted(run.to_owned()).masked()
    } else if id_number {
        crate::personal::IdNumber::trusted(run.to_owned()).masked()
    } else {
        run.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_month_is_kept_for_at_least_a_year() {
        let rules = Rules::default();
        let month = Month::parse("2026-11").unwrap();
        // The month ends at 16:00 UTC on 30 November.
        assert!(rules.droppable(month, "2027-11-30T16:00:00Z".parse().unwrap()).is_ok());
        let early = rules.droppable(month, "2027-11-30T15:59:59Z".parse().unwrap());
        assert!(early.unwrap_err().reason.contains("12 个月"));
        let longer = Rules { keep_months: 36, ..Rules::default() };
        assert!(longer.droppable(month, "2029-11-30T15:59:59Z".parse().unwrap()).is_err());
        assert!(longer.droppable(month, "2029-11-30T16:00:00Z".parse().unwrap()).is_ok());
        assert!(rules.is_lawful() && !Rules { keep_months: 11, ..Rules::default() }.is_lawful());
    }

    #[test]
    fn a_search_is_checked_whole() {
        let search = Search {
            object: Some("诉求".to_owned()),
            object_id: Some("a\tb".to_owned()),
            action: Some(String::new()),
            from: Some("2026-11-24T00:00:00Z".parse().unwrap()),
            to: Some("2026-11-24T00:00:00Z".parse().unwrap()),
            account_id: None,
        };
        let fields: Vec<String> =
            search.check().unwrap_err().0.into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["object", "action", "object_id", "to"]);
        let search = Search { action: Some("party.unmask".to_owned()), ..Search::default() };
        assert!(search.check().is_ok());
    }

    #[test]
    fn what_people_wrote_is_masked_and_codes_are_not() {
        let id = "01938d1c-7a00-7000-8000-0123456789ab";
        let data = json!({
            "reason": "回访 13800001234，证号 11010519491231002X，座机 0352-5012345",
            "community": "140213066004",
            "id": id,
            "number": "PC20261124000123",
            "list": ["12345", {"hash": "5e884898da28047151d0e56f8dc62927"}],
            "count": 13800001234_i64,
        });
        assert_eq!(
            masked(data),
            json!({
                "reason": "回访 138****1234，证号 1****************X，座机 035*****2345",
                "community": "140213066004",
                "id": id,
                "number": "PC20261124000123",
                "list": ["12345", {"hash": "5e884898da28047151d0e56f8dc62927"}],
                "count": 13800001234_i64,
            })
        );
    }

    #[test]
    fn a_resident_s_address_is_a_network() {
        assert_eq!(address("203.0.113.9", Some(Role::Resident)), "203.0.113.*");
        assert_eq!(address("203.0.113.9", None), "203.0.113.*");
        assert_eq!(address("2001:db8:1:2::9", None), "2001:db8:1:*");
        assert_eq!(address("10.1.2.3", Some(Role::Dispatcher)), "10.1.2.3");
        assert_eq!(name("演示居民 li"), "演******");
    }
}
