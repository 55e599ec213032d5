//! Hours that were served on another volunteer platform (外部平台时长): brought as a sheet, matched
//! with the register by name and last six characters together, counted like one's own services, and
//! without points.

use std::collections::HashMap;

use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;

use crate::{
    edition::{RefusedRow, shortened},
    id::AccountId,
    import,
    party::Identity,
    refusal::{FieldError, Invalid, Kind, Refusal},
    text,
    time::{self, Timestamp},
};

codes! {
    /// The columns of the sheet.
    pub enum Column {
        /// The record's number on its platform.
        Record = "record_no", "记录编号";
        /// The name.
        Name = "name", "姓名";
        /// The last six characters of the ID number.
        Number = "id_number_last6", "证件号码后六位";
        /// When it began.
        Started = "started_at", "开始时间";
        /// How many minutes.
        Minutes = "minutes", "时长（分钟）";
        /// What was done.
        Title = "title", "服务内容";
    }
}

/// What is configured of imported hours, **\[default\]** throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Minutes of a day that count at most, own services included.
    pub minutes_per_day: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { minutes_per_day: 480 }
    }
}

/// The longest service, in minutes: a day.
const LONGEST: i32 = 24 * 60;
/// How long ago a service may lie, in days.
const PAST_DAYS: i64 = 400;

/// A row of the sheet, well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub line: u64,
    /// The record's number on its platform.
    pub record: String,
    /// Who.
    pub identity: Identity,
    /// When it began.
    pub started_at: Timestamp,
    /// How many minutes.
    pub minutes: i32,
    /// What was done.
    pub title: String,
}

impl Row {
    /// When it was over.
    pub fn ended_at(&self) -> Timestamp {
        self.started_at + TimeDelta::minutes(self.minutes.into())
    }

    fn refused(&self, column: Column, reason: impl Into<String>) -> RefusedRow {
        refused(self.line, &self.record, vec![FieldError::new(column.code(), reason)])
    }
}

fn refused(line: u64, record: &str, fields: Vec<FieldError>) -> RefusedRow {
    let label = |field: &str| {
        let column = field.rsplit('.').next().and_then(|code| code.parse::<Column>().ok());
        column.map_or("这一行", Column::label)
    };
    RefusedRow::of(line, record, fields, label)
}

/// Reads a row; `cell` answers what stands in a column.
///
/// # Errors
/// Every cell at fault, with its reason.
pub fn parse(
    line: u64,
    cell: &impl Fn(Column) -> String,
    now: Timestamp,
) -> Result<Row, RefusedRow> {
    let mut faults = Vec::new();
    let record = cell(Column::Record);
    let number = text::line(Column::Record.code(), &record, 1, 64);
    let identity = Identity::parse("row", &cell(Column::Name), &cell(Column::Number));
    let started_at = import::moment(Column::Started.code(), &cell(Column::Started));
    let minutes = cell(Column::Minutes).trim().trim_end_matches(".0").parse::<i32>().ok();
    let minutes = minutes.filter(|minutes| (1..=LONGEST).contains(minutes));
    let title = text::line(Column::Title.code(), &cell(Column::Title), 2, 100);
    if minutes.is_none() {
        let reason = format!("时长应为 1–{LONGEST} 的整数分钟");
        faults.push(FieldError::new(Column::Minutes.code(), reason));
    }
    if let (Ok(started_at), Some(minutes)) = (&started_at, minutes) {
        let over = *started_at + TimeDelta::minutes(minutes.into());
        if over > now {
            faults.push(FieldError::new(Column::Started.code(), "服务还没有结束，不能导入"));
        } else if now - *started_at > TimeDelta::days(PAST_DAYS) {
            let reason = format!("只能导入 {PAST_DAYS} 天以内的服务");
            faults.push(FieldError::new(Column::Started.code(), reason));
        }
    }
    match (number, identity, started_at, minutes, title) {
        (Ok(record), Ok(identity), Ok(started_at), Some(minutes), Ok(title))
            if faults.is_empty() =>
        {
            Ok(Row { line, record, identity, started_at, minutes, title })
        }
        (number, identity, started_at, _, title) => {
            faults.extend(number.err());
            faults.extend(identity.err().into_iter().flat_map(|invalid| invalid.0));
            faults.extend(started_at.err());
            faults.extend(title.err());
            Err(refused(line, &record, faults))
        }
    }
}

/// What the register says of a row's person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One member, registered within the importer's scope.
    Member(AccountId),
    /// Nobody.
    Nobody,
    /// Several of the name and the six characters.
    Several,
    /// On the register, and not registered with a community.
    Unregistered,
    /// Registered with a community outside the importer's scope.
    Elsewhere,
}

/// What stands already of a person's time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the person served or is to serve.
    pub busy: Vec<(Timestamp, Timestamp)>,
    /// The minutes that count already, by day.
    pub days: HashMap<NaiveDate, i64>,
}

/// What stands of a platform's record already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Whose.
    pub account: AccountId,
    /// When it began.
    pub started_at: Timestamp,
    /// Its minutes.
    pub minutes: i32,
}

/// A row that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The row.
    pub row: Row,
    /// Whose.
    pub account: AccountId,
    /// The minutes that count, up to the day's cap.
    pub counted: i32,
}

/// What becomes of a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// Rows that count.
    pub accepted: Vec<Accepted>,
    /// Rows that stand already, unchanged.
    pub unchanged: usize,
    /// Rows that cannot be taken in.
    pub refused: Vec<RefusedRow>,
}

/// Judges the rows in their order: each sees what the earlier ones took.
pub fn judge(
    rows: Vec<Row>,
    found: &impl Fn(&Row) -> Found,
    known: &HashMap<String, Known>,
    standing: &mut HashMap<AccountId, Standing>,
    rules: &Rules,
) -> Judged {
    let mut judged = Judged::default();
    let mut records: HashMap<String, u64> = HashMap::new();
    for row in rows {
        if let Some(first) = records.insert(row.record.clone(), row.line) {
            let reason = format!("记录编号与第 {first} 行重复");
            judged.refused.push(row.refused(Column::Record, reason));
            continue;
        }
        let account = match found(&row) {
            Found::Member(account) => account,
            other => {
                judged.refused.push(row.refused(Column::Name, unknown(&other)));
                continue;
            }
        };
        if let Some(known) = known.get(&row.record) {
            let same = known.account == account
                && known.started_at == row.started_at
                && known.minutes == row.minutes;
            if same {
                judged.unchanged += 1;
            } else {
                let reason = "这个记录编号已经导入过，内容不同；请核对，需要改的先撤销原来的记录";
                judged.refused.push(row.refused(Column::Record, reason));
            }
            continue;
        }
        match counted(&row, standing.entry(account).or_default(), rules) {
            Ok(counted) => judged.accepted.push(Accepted { row, account, counted }),
            Err(refused) => judged.refused.push(refused),
        }
    }
    judged
}

const fn unknown(found: &Found) -> &'static str {
    match found {
        Found::Several => "名册上有多人与姓名和证件号码后六位相符，请先核对名册",
        Found::Unregistered => "这名党员还没有到社区报到，报到以后才能计入",
        Found::Elsewhere => "这名党员不在本社区报到，请由其报到的社区导入",
        Found::Nobody | Found::Member(_) => "名册上没有与姓名和证件号码后六位相符的党员",
    }
}

/// The minutes of a row that count, and takes its time.
fn counted(row: &Row, standing: &mut Standing, rules: &Rules) -> Result<i32, RefusedRow> {
    let (from, to) = (row.started_at, row.ended_at());
    if standing.busy.iter().any(|(begins, ends)| *begins < to && from < *ends) {
        let reason = "与这名党员同一时间的其他服务重叠，同一时间只能计一次";
        return Err(row.refused(Column::Started, reason));
    }
    let day = standing.days.entry(time::date(from)).or_default();
    let left = (rules.minutes_per_day - *day).clamp(0, row.minutes.into());
    let counted = i32::try_from(left).unwrap_or(row.minutes);
    if counted == 0 {
        let reason = format!("当天已计满 {} 分钟，不能再计", rules.minutes_per_day);
        return Err(row.refused(Column::Minutes, reason));
    }
    *day += i64::from(counted);
    standing.busy.push((from, to));
    Ok(counted)
}

/// The name of a platform, one line of 2–40 characters.
///
/// # Errors
/// Another form.
pub fn platform(given: &str) -> Result<String, FieldError> {
    text::line("platform", given, 2, 40)
}

/// Why imported hours are withdrawn, 2–200 characters.
///
/// # Errors
/// Another form.
pub fn reason(given: &str) -> Result<String, Invalid> {
    Ok(text::text("reason", given, 2, 200)?)
}

/// Why a sheet is not taken in, or a record not withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A column is missing or stands twice, or there is no row.
    #[error("表格不能导入：{0}")]
    Sheet(String),
    /// Rows are refused; nothing was taken in.
    #[error("时长记录有 {} 行不能导入，一行也没有写入；请先试运行，改好后再导入", .0.len())]
    Rows(Vec<RefusedRow>),
    /// The same records came twice at once.
    #[error("同样的记录正在由另一次导入写入，请稍后再试，已经写入的不会重复")]
    AtOnce,
    /// Withdrawn already.
    #[error("这条时长已经撤销")]
    Withdrawn,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Sheet(_) => "hours_sheet_refused",
            Self::Rows(_) => "hours_rows_refused",
            Self::AtOnce => "hours_at_once",
            Self::Withdrawn => "hours_withdrawn",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Sheet(_) | Self::Rows(_) => Kind::Invalid,
            Self::AtOnce | Self::Withdrawn => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Rows(rows) => rows.iter().flat_map(RefusedRow::fields).collect(),
            _ => Vec::new(),
        }
    }
}

/// The beginning of a platform's name, for the trail.
pub fn told(platform: &str) -> String {
    shortened(platform)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, id, tuesday};

    fn row(line: u64, record: &str, started: &str, minutes: i32) -> Row {
        let identity = Identity::parse("row", "演示党员1", "100001").unwrap();
        let (record, title) = (record.to_owned(), "清洁家园".to_owned());
        Row { line, record, identity, started_at: at(started), minutes, title }
    }

    fn judged(rows: Vec<Row>, known: &HashMap<String, Known>) -> Judged {
        let mut standing = HashMap::from([(
            id(1),
            Standing {
                busy: vec![(at("2026-11-20 09:00"), at("2026-11-20 11:00"))],
                days: HashMap::from([("2026-11-20".parse().unwrap(), 120)]),
            },
        )]);
        judge(rows, &|_| Found::Member(id(1)), known, &mut standing, &Rules::default())
    }

    fn columns(judged: &Judged) -> Vec<(u64, &str)> {
        let of = |row: &RefusedRow| (row.line, row.faults[0].column.clone());
        let all: Vec<(u64, String)> = judged.refused.iter().map(of).collect();
        let label =
            |column: &str| Column::ALL.iter().find(|it| it.label() == column).unwrap().label();
        all.iter().map(|(line, column)| (*line, label(column))).collect()
    }

    #[test]
    fn overlaps_are_refused_also_within_the_sheet() {
        let rows = vec![
            row(2, "A1", "2026-11-20 10:30", 60),
            row(3, "A2", "2026-11-20 11:00", 60),
            row(4, "A3", "2026-11-20 11:30", 60),
            row(5, "A2", "2026-11-21 11:30", 60),
        ];
        let judged = judged(rows, &HashMap::new());
        assert_eq!(judged.accepted.len(), 1);
        assert_eq!(columns(&judged), [(2, "开始时间"), (4, "开始时间"), (5, "记录编号")]);
    }

    #[test]
    fn a_day_counts_up_to_its_cap() {
        let rows = vec![
            row(2, "A1", "2026-11-20 12:00", 300),
            row(3, "A2", "2026-11-20 17:00", 120),
            row(4, "A3", "2026-11-20 20:00", 60),
            row(5, "A4", "2026-11-21 09:00", 600),
        ];
        let judged = judged(rows, &HashMap::new());
        let counted: Vec<i32> = judged.accepted.iter().map(|one| one.counted).collect();
        assert_eq!(counted, [300, 60, 480], "120 of the day were one's own");
        assert_eq!(columns(&judged), [(4, "时长（分钟）")]);
    }

    #[test]
    fn a_record_that_stands_is_not_taken_twice() {
        let known = |minutes| {
            let one = Known { account: id(1), started_at: at("2026-11-21 09:00"), minutes };
            HashMap::from([("A1".to_owned(), one)])
        };
        let rows = || vec![row(2, "A1", "2026-11-21 09:00", 60)];
        assert_eq!(judged(rows(), &known(60)).unchanged, 1);
        assert_eq!(columns(&judged(rows(), &known(90))), [(2, "记录编号")]);
    }

    #[test]
    fn a_person_who_is_not_found_is_said_so() {
        for found in [Found::Nobody, Found::Several, Found::Unregistered, Found::Elsewhere] {
            let rows = vec![row(2, "A1", "2026-11-21 09:00", 60)];
            let answer = found.clone();
            let judged = judge(
                rows,
                &|_| answer.clone(),
                &HashMap::new(),
                &mut HashMap::new(),
                &Rules::default(),
            );
            assert_eq!(judged.refused[0].faults[0].column, "姓名", "{found:?}");
            assert_eq!(judged.refused[0].faults[0].reason, unknown(&found));
        }
    }

    #[test]
    fn a_row_names_every_cell_at_fault() {
        let cells = |cells: [&'static str; 6]| {
            move |column: Column| {
                let place = Column::ALL.iter().position(|it| *it == column).unwrap();
                cells[place].to_owned()
            }
        };
        let good = cells(["A1", "演示党员1", "100001", "2026-11-20 09:00", "60.0", "清洁家园"]);
        assert_eq!(parse(2, &good, tuesday()).unwrap().minutes, 60);
        let bad = cells(["", "", "1", "何时", "0", ""]);
        let refused = parse(3, &bad, tuesday()).unwrap_err();
        let mut named: Vec<&str> =
            refused.faults.iter().map(|fault| fault.column.as_str()).collect();
        named.sort_unstable();
        let mut all: Vec<&str> = Column::ALL.iter().map(|column| column.label()).collect();
        all.sort_unstable();
        assert_eq!(named, all);
        let future = cells(["A1", "演示党员1", "100001", "2026-11-24 08:30", "60", "清洁家园"]);
        assert_eq!(parse(2, &future, tuesday()).unwrap_err().faults[0].column, "开始时间");
    }
}
