//! Versions of a list (清单的版本) that come in whole, from a sheet whose every row is checked before
//! any is taken, and never change: what the duty lists and the registers of powers have in common.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;

use crate::{org::NodeCode, refusal::FieldError};

/// The departments and utilities that a sheet may name, by code and by name.
pub type Departments = HashMap<String, NodeCode>;

/// A version as it stands before a new one comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The version.
    pub version: String,
    /// The first day on which it is valid.
    pub valid_from: NaiveDate,
    /// The first day on which it is no longer; `None` while it has no end.
    pub valid_to: Option<NaiveDate>,
}

impl Standing {
    /// The first day on which a version may follow: not in the past, and after this one began.
    pub fn next_begins(&self, today: NaiveDate) -> NaiveDate {
        let began = self.valid_from.succ_opt().unwrap_or(NaiveDate::MAX);
        began.max(today).max(self.valid_to.unwrap_or(NaiveDate::MIN))
    }
}

/// A name of a version or an entry: it stands in addresses.
///
/// # Errors
/// It cannot be one.
pub fn name(field: &str, given: &str, max: usize) -> Result<String, FieldError> {
    let given = given.trim();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    if (2..=max).contains(&given.len()) && given.bytes().all(plain) {
        Ok(given.to_owned())
    } else {
        Err(FieldError::new(field, format!("要写成 2–{max} 位小写字母、数字、点或连字符")))
    }
}

/// A row that cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = DutyRefusedRow)]
pub struct RefusedRow {
    /// 在文件中的行号（表头是第 1 行）
    #[schema(example = 7)]
    pub line: u64,
    /// 这一行写的事项代码
    #[schema(example = "city-05")]
    pub code: String,
    /// 哪里不对
    pub faults: Vec<Fault>,
}

impl RefusedRow {
    /// A row with its faults, each of a field that `label` names as the file does.
    pub fn of(
        line: u64,
        code: &str,
        fields: Vec<FieldError>,
        label: impl Fn(&str) -> &'static str,
    ) -> Self {
        let fault =
            |one: FieldError| Fault { column: label(&one.field).to_owned(), reason: one.reason };
        Self { line, code: shortened(code), faults: fields.into_iter().map(fault).collect() }
    }

    /// Each fault as a field of its line.
    pub fn fields(&self) -> impl Iterator<Item = FieldError> + '_ {
        let name = |fault: &Fault| format!("第 {} 行·{}", self.line, fault.column);
        self.faults.iter().map(move |fault| FieldError::new(name(fault), &fault.reason))
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = DutyRowFault)]
pub struct Fault {
    /// 列名
    #[schema(example = "主管部门")]
    pub column: String,
    /// 原因
    #[schema(example = "没有“市政局”这个部门")]
    pub reason: String,
}

/// Which rows become entries, and which are refused; a code that stands twice is refused the second
/// time, by `refuse`.
pub fn sort<T>(
    rows: impl IntoIterator<Item = (u64, Result<T, RefusedRow>)>,
    code: fn(&T) -> &str,
    refuse: fn(u64, &str, Vec<FieldError>) -> RefusedRow,
) -> (Vec<T>, Vec<RefusedRow>) {
    let mut lines: HashMap<String, u64> = HashMap::new();
    let (mut entries, mut refusals) = (Vec::new(), Vec::new());
    for (line, row) in rows {
        match row {
            Err(row) => refusals.push(row),
            Ok(entry) => match lines.get(code(&entry)) {
                Some(first) => {
                    let reason = format!("代码与第 {first} 行重复");
                    let fault = FieldError::new("code", reason);
                    refusals.push(refuse(line, code(&entry), vec![fault]));
                }
                None => {
                    lines.insert(code(&entry).to_owned(), line);
                    entries.push(entry);
                }
            },
        }
    }
    (entries, refusals)
}

/// What a new version changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<T, C> {
    /// Entries that are new.
    pub added: Vec<T>,
    /// Entries that are gone.
    pub removed: Vec<T>,
    /// Entries that are otherwise.
    pub changed: Vec<C>,
    /// How many stay as they are.
    pub unchanged: usize,
}

impl<T, C> Difference<T, C> {
    /// What the trail keeps of an import: the version, the one that it replaces, how much it changes.
    pub fn told(&self, version: &str, replaces: Option<&Standing>) -> serde_json::Value {
        serde_json::json!({
            "version": version,
            "replaces": replaces.map(|standing| &standing.version),
            "added": self.added.len(),
            "removed": self.removed.len(),
            "changed": self.changed.len(),
        })
    }
}

/// Compares two versions by the entries' codes; `changed` says what is told of an entry that is
/// otherwise, before and after.
pub fn difference<T: Clone + PartialEq, C>(
    before: &[T],
    after: &[T],
    code: fn(&T) -> &str,
    changed: impl Fn(&T, &T) -> C,
) -> Difference<T, C> {
    let old: HashMap<&str, &T> = before.iter().map(|entry| (code(entry), entry)).collect();
    let new: HashSet<&str> = after.iter().map(code).collect();
    let gone = |entry: &&T| !new.contains(code(entry));
    let removed = before.iter().filter(gone).cloned().collect();
    let mut found = Difference { added: Vec::new(), removed, changed: Vec::new(), unchanged: 0 };
    for entry in after {
        match old.get(code(entry)).copied() {
            None => found.added.push(entry.clone()),
            Some(was) if was == entry => found.unchanged += 1,
            Some(was) => found.changed.push(changed(was, entry)),
        }
    }
    found
}

/// The beginning of what somebody wrote, to be repeated in a refusal.
pub(crate) fn shortened(given: &str) -> String {
    given.chars().take(30).collect()
}
