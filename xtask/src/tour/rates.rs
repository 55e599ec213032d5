//! The three rates of the month, as a table.

use serde_json::Value;

use super::guide::{Guide, OK};
use crate::client::Call;
use crate::console::say;
use crate::failure::{Failure, Result};

/// How many units of a group the table shows.
const SHOWN: usize = 5;

const GROUPS: [(&str, &str); 3] =
    [("subdistrict", "街道"), ("department", "部门"), ("utility", "公用事业单位")];

/// Plays the chapter.
pub async fn play(guide: &mut Guide) -> Result {
    let supervisor = guide.staff("督查登录", "supervisor").await?;
    let month = Call::get("/rates").by(&supervisor);
    let rates = guide.step("督查看本月三率", month, OK).await?;
    let found: Vec<&str> = rates
        .items("/groups")
        .iter()
        .filter_map(|group| group.pointer("/group").and_then(Value::as_str))
        .collect();
    if found != GROUPS.map(|(code, _)| code) {
        return Err(Failure::new(format!("三率应有三组，实为 {found:?}")));
    }
    say(format!("      {}", rates.text("/period")));
    say("      响应率  解决率  满意率    综合  任务  单位");
    for (group, (_, name)) in rates.items("/groups").iter().zip(GROUPS) {
        let rows = group.pointer("/rows").and_then(Value::as_array);
        let rows: Vec<&Value> = rows.into_iter().flatten().filter(|row| has_tasks(row)).collect();
        say(format!("      —— {name}：{} 个单位有任务", rows.len()));
        for row in rows.iter().take(SHOWN) {
            say(format!("      {}", line(row)));
        }
    }
    Ok(())
}

fn has_tasks(row: &Value) -> bool {
    row.pointer("/tasks").and_then(Value::as_u64) > Some(0)
}

fn line(row: &Value) -> String {
    let rate = |key| percent(row.pointer(key).and_then(Value::as_f64));
    format!(
        "{}  {}  {}  {}  {:>4}  {}",
        rate("/response_rate"),
        rate("/solved_rate"),
        rate("/satisfied_rate"),
        rate("/composite"),
        row.pointer("/tasks").and_then(Value::as_u64).unwrap_or_default(),
        row.pointer("/name").and_then(Value::as_str).unwrap_or_default(),
    )
}

/// A rate in six columns; one with an empty denominator is a dash.
fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "     —".to_owned(), |rate| format!("{:>5.1}%", rate * 100.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rate_without_answers_is_a_dash() {
        assert_eq!(percent(Some(1.0)), "100.0%");
        assert_eq!(percent(Some(0.0666)), "  6.7%");
        assert_eq!(percent(None), "     —");
    }

    #[test]
    fn a_row_shows_what_it_has() {
        let row = json!({
            "unit": "water", "name": "区水务局", "tasks": 3, "response_rate": 0.5,
            "solved_rate": null, "satisfied_rate": null, "composite": null,
        });
        assert_eq!(line(&row), " 50.0%       —       —       —     3  区水务局");
        assert!(has_tasks(&row));
        assert!(!has_tasks(&json!({ "tasks": 0 })));
    }
}
