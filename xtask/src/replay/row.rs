//! A row of the file as it is sent: cleaned, dated, routed. Nothing that a person wrote is lost.

use std::path::Path;

use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::routing::{self, Route};
use crate::failure::{Context, Failure, Result};

/// The longest title that the product takes, in characters.
const TITLE_MAX: usize = 200;
/// How much of the content completes a title of one character.
const COMPLETION: usize = 20;

/// What the file says.
#[derive(Debug, Deserialize)]
struct Record {
    number: String,
    title: String,
    posted_at: String,
    content: String,
}

/// An appeal that can be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The idempotency key: the row's own number, so that sending the file again repeats nothing.
    pub key: String,
    /// The body of `POST /complaints`.
    pub body: Value,
    /// What the centre decides.
    pub route: Route,
}

/// Reads the whole file.
///
/// # Errors
/// The file cannot be read, or a row has no number, no time or no text; says which line.
pub fn read(file: &Path) -> Result<Vec<Row>> {
    let mut reader = csv::Reader::from_path(file).context(|| format!("打开 {}", file.display()))?;
    let mut rows = Vec::new();
    for record in reader.deserialize::<Record>() {
        let at = rows.len() + 1;
        let record = record.context(|| format!("{} 第 {at} 行数据", file.display()))?;
        rows.push(of(&record).map_err(|why| Failure::new(format!("第 {at} 行数据：{why}")))?);
    }
    Ok(rows)
}

fn of(record: &Record) -> std::result::Result<Row, String> {
    let number = record.number.trim();
    if number.is_empty() {
        return Err("没有编号".to_owned());
    }
    let posted_at =
        posted_at(&record.posted_at).ok_or_else(|| format!("读不懂时间“{}”", record.posted_at))?;
    let content = content(&record.content);
    let title = title(&record.title, &content);
    let route = routing::route(&title, &content, number);
    // The product stamps a complaint with the time at which it comes in; the old one stays with the
    // text.
    let from = posted_at.format("%Y年%-m月%-d日 %H:%M");
    let body = json!({
        "kind": route.kind,
        "channel": "phone",
        "title": title,
        "content": format!("{content}\n（转录：留言 {number}，{from}）"),
        "community_code": route.community,
    });
    Ok(Row { key: format!("replay-{number}"), body, route })
}

/// `2019/2/28 11:25:05` or `2019-02-28 11:25:05`.
fn posted_at(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    ["%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

/// One line, since a title is one; completed from the content where it says nothing.
fn title(given: &str, content: &str) -> String {
    let line = |text: &str| -> String {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let own = line(given);
    let whole = if own.chars().count() > 1 {
        own
    } else {
        line(content).chars().take(COMPLETION).collect()
    };
    whole.chars().take(TITLE_MAX).collect()
}

/// Tabs and line breaks stay, other control characters go, and so does white space around it.
fn content(given: &str) -> String {
    let kept: String =
        given.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(title: &str, content: &str) -> Record {
        Record {
            number: "188006".into(),
            title: title.into(),
            posted_at: "2019/2/28 11:25:05".into(),
            content: content.into(),
        }
    }

    #[test]
    fn both_date_formats_are_read() {
        let expected = "2019-02-08T09:05:07".parse().ok();
        assert_eq!(posted_at("2019/2/8 9:05:07"), expected);
        assert_eq!(posted_at(" 2019-02-08 09:05:07\t"), expected);
        for wrong in ["", "2019年2月", "2019/13/1 00:00:00", "2019-02-30 00:00:00"] {
            assert_eq!(posted_at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn stray_tabs_leave_the_title_but_not_the_content() {
        let row = of(&record("\t路灯\t不亮\r\n", "\t第一段\r\n\t第二段\u{0}\t\n")).unwrap();
        assert_eq!(row.body.pointer("/title").unwrap(), "路灯 不亮");
        let content = row.body.pointer("/content").unwrap().as_str().unwrap();
        assert_eq!(content, "第一段\r\n\t第二段\n（转录：留言 188006，2019年2月28日 11:25）");
    }

    #[test]
    fn a_title_of_one_character_is_completed() {
        let long = "字".repeat(30);
        let row = of(&record("）", &long)).unwrap();
        assert_eq!(row.body.pointer("/title").unwrap(), &"字".repeat(COMPLETION));
        assert_eq!(title("路灯", &long), "路灯", "two are enough");
        assert_eq!(title(&"题".repeat(300), "").chars().count(), TITLE_MAX);
    }

    #[test]
    fn masked_digits_and_rare_characters_are_kept() {
        let row = of(&record("𠮷野家㐂", "电话 138****1234，车牌 A·*****🚰")).unwrap();
        let content = row.body.pointer("/content").unwrap().as_str().unwrap();
        assert!(content.starts_with("电话 138****1234，车牌 A·*****🚰\n"));
    }

    #[test]
    fn the_key_is_the_rows_number_and_long_enough() {
        let row = of(&record("路灯不亮", "路灯不亮三天了")).unwrap();
        assert_eq!(row.key, "replay-188006");
        assert!(row.key.len() >= 8);
        assert_eq!(row, of(&record("路灯不亮", "路灯不亮三天了")).unwrap(), "the same each time");
    }

    #[test]
    fn a_row_without_a_number_or_a_time_is_named() {
        let record = Record { number: " ".into(), ..record("路灯", "路灯不亮") };
        assert!(of(&record).unwrap_err().contains("编号"));
        let record = Record { number: "1".into(), posted_at: "昨天".into(), ..record };
        assert!(of(&record).unwrap_err().contains("昨天"));
    }

    #[test]
    fn crlf_and_quoted_line_breaks_are_read() {
        let path = std::env::temp_dir().join(format!("xtask-replay-{}.csv", std::process::id()));
        let text = "number,author,title,posted_at,content,likes\r\n\
                    1,A,路灯不亮,2019/2/28 11:25:05,\"一\r\n二三四五\",0\r\n";
        std::fs::write(&path, text).unwrap();
        let rows = read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].body["content"].as_str().unwrap().starts_with("一\r\n二三四五\n"));
    }
}
