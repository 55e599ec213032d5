//! A year's notice as a file: a sheet with the columns 日期, 节日, 上班, or the JSON in which the
//! lists on the net come (`{year, papers, days: [{name, date, isOffDay}]}`).

use std::path::Path;

use chrono::NaiveDate;
use domain::{
    calendar::{DayForm, Notice, NoticeForm, Year},
    refusal::{FieldError, Invalid},
};
use serde::Deserialize;

use crate::{
    error::Error,
    sheet::{self, Table},
};

/// What the command line says beside the file.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The year; a JSON file says it itself.
    pub year: Option<Year>,
    /// The notice, by number or address; a JSON file may name it.
    pub source: Option<String>,
    /// When it was published.
    pub published_at: Option<NaiveDate>,
    /// Only a draft.
    pub provisional: bool,
}

#[derive(Deserialize)]
struct Listed {
    year: i32,
    #[serde(default)]
    papers: Vec<String>,
    days: Vec<ListedDay>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedDay {
    name: String,
    date: NaiveDate,
    is_off_day: bool,
}

/// Reads a file.
///
/// # Errors
/// It cannot be opened or read, or what it says is no notice.
pub fn read(path: &Path, about: About) -> Result<(Year, Notice), Error> {
    let bytes = std::fs::read(path)
        .map_err(|why| Invalid::field("file", format!("打不开 {}：{why}", path.display())))?;
    parse(bytes, about)
}

fn parse(bytes: Vec<u8>, about: About) -> Result<(Year, Notice), Error> {
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let (year, papers, days) = if is_json {
        let listed: Listed = serde_json::from_slice(&bytes)
            .map_err(|why| Invalid::field("file", format!("JSON 读不出来：{why}")))?;
        let year = Year::try_from(listed.year)
            .map_err(|reason| FieldError::new("year", reason.to_string()))?;
        let day =
            |day: ListedDay| DayForm { date: day.date, name: day.name, working: !day.is_off_day };
        (Some(year), listed.papers.join(" "), listed.days.into_iter().map(day).collect())
    } else {
        let table =
            sheet::read(bytes).map_err(|refused| Invalid::field("file", refused.to_string()))?;
        (None, String::new(), rows(&table)?)
    };
    let year = match (about.year, year) {
        (Some(said), Some(found)) if said != found => {
            return Err(Invalid::field("year", format!("文件是 {} 年的", found.get())).into());
        }
        (said, found) => said.or(found),
    };
    let missing = || Invalid::field("year", "请用 --year 写明是哪一年的安排");
    let year = year.ok_or_else(missing)?;
    let source = about.source.unwrap_or(papers);
    let form = NoticeForm {
        source: &source,
        published_at: about.published_at,
        provisional: about.provisional,
        days,
        csv: None,
    };
    Ok((year, Notice::parse(year, form)?))
}

/// The rows of a sheet with the columns date, name, working, in whatever order and language.
fn rows(table: &Table) -> Result<Vec<DayForm>, Invalid> {
    let column = |chinese: &str, english: &str| {
        let found = table.columns.iter().position(|column| column == chinese || column == english);
        found.ok_or_else(|| Invalid::field("file", format!("缺少“{chinese}”列（{english}）")))
    };
    let (date, name, work) =
        (column("日期", "date")?, column("节日", "name")?, column("上班", "working")?);
    let read = |row: &sheet::Row| {
        let cell = |at: usize| row.cells.get(at).map_or("", |cell| cell.trim());
        let working = match cell(work) {
            "是" | "上班" | "working" | "true" => Some(true),
            "否" | "放假" | "off" | "false" => Some(false),
            _ => None,
        };
        let day = cell(date).parse().ok().zip(working);
        let day = day.map(|(date, working)| DayForm { date, name: cell(name).to_owned(), working });
        day.ok_or_else(|| {
            let reason = format!("第 {} 行：日期写成 2027-01-01，上班写 是 或 否", row.line);
            Invalid::field("file", reason)
        })
    };
    table.rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(year: Option<&str>) -> About {
        let year = year.map(|year| year.parse().unwrap());
        About { year, source: Some("测试".to_owned()), ..About::default() }
    }

    #[test]
    fn a_sheet_and_a_list_say_the_same() {
        let sheet =
            "日期,节日,上班\n2027-01-01,元旦,否\n2027-10-01,国庆节,否\n2027-10-09,国庆节,是\n";
        let list = r#"{"year": 2027, "papers": ["https://www.gov.cn/x"], "days": [
            {"name": "元旦", "date": "2027-01-01", "isOffDay": true},
            {"name": "国庆节", "date": "2027-10-01", "isOffDay": true},
            {"name": "国庆节", "date": "2027-10-09", "isOffDay": false}]}"#;
        let (_, one) = parse(sheet.into(), about(Some("2027"))).unwrap();
        let (_, two) = parse(list.into(), About::default()).unwrap();
        assert!(one.says_the_same(&two));
        assert_eq!(two.source, "https://www.gov.cn/x");
        assert!(parse(sheet.into(), about(None)).is_err(), "a sheet does not say its year");
        assert!(parse(list.into(), about(Some("2026"))).is_err(), "it is 2027's");
        assert!(parse("日期,节日\n2027-01-01,元旦".into(), about(Some("2027"))).is_err());
        assert!(parse(sheet.replace('是', "?").into(), about(Some("2027"))).is_err());
    }
}
