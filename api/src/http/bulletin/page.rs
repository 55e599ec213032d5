//! The bulletin as a page to print: everything in one file, charts as inline SVG, no scripts.

use std::fmt::Write as _;

use domain::{
    bulletin::{Comparison, Past},
    rates::{GroupRates, UnitRates},
    time,
};

use super::BulletinView;
use crate::http::printed::{self, escaped};

const STYLE: &str = "body{font:14px/1.6 'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',\
    sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}\
    h1{text-align:center;color:#a00}h2{border-bottom:2px solid #a00;margin-top:2rem}\
    table{border-collapse:collapse;width:100%}th,td{border:1px solid #bbb;padding:.2rem .5rem;\
    text-align:right}th:first-child,td:first-child,.text{text-align:left}th{background:#f4f1ee}\
    svg{width:100%;height:auto}.note{color:#555}@media print{body{margin:0}h2,svg,tr{break-inside:avoid}}";

fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "—".to_owned(), |rate| format!("{:.2}%", rate * 100.0))
}

fn number<T: ToString>(given: Option<T>) -> String {
    given.map_or_else(|| "—".to_owned(), |given| given.to_string())
}

/// How much more than before, in points of a hundred.
fn change(now: Option<f64>, past: Option<Past>) -> String {
    match (now, past.and_then(|past| past.composite)) {
        (Some(now), Some(before)) => format!("{:+.2}", (now - before) * 100.0),
        _ => "—".to_owned(),
    }
}

/// A table of escaped cells.
fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    printed::table(columns, rows, "本月没有。")
}

/// Bars from the left, each with its name and what stands beside it; `share` is 0–1 of the width.
fn bars(title: &str, bars: &[(String, f64, String)]) -> String {
    const LINE: f64 = 26.0;
    const NAMES: f64 = 220.0;
    const WIDTH: f64 = 480.0;
    if bars.is_empty() {
        return String::new();
    }
    let height = bars.iter().fold(8.0, |height, _| height + LINE);
    let mut svg = format!(
        "<svg viewBox=\"0 0 800 {height}\" role=\"img\" aria-label=\"{}\" font-size=\"14\">",
        escaped(title)
    );
    let mut top = 4.0;
    for (name, share, shown) in bars {
        let width = share.clamp(0.0, 1.0) * WIDTH;
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{NAMES}\" y=\"{top}\" width=\"{width:.1}\" height=\"18\" fill=\"#a00\"/>\
             <text x=\"{:.1}\" y=\"{}\">{}</text>",
            NAMES - 8.0,
            top + 14.0,
            escaped(name),
            NAMES + width + 6.0,
            top + 14.0,
            escaped(shown),
        );
        top += LINE;
    }
    svg.push_str("</svg>");
    svg
}

fn group(group: &GroupRates, comparison: &[Comparison]) -> String {
    let worked: Vec<&UnitRates> = group.rows.iter().filter(|row| row.tasks > 0).collect();
    let label = group.group.label();
    let composites: Vec<_> = worked
        .iter()
        .filter_map(|row| {
            row.composite.map(|composite| (row.name.clone(), composite, percent(Some(composite))))
        })
        .collect();
    let columns = [
        "单位",
        "排名",
        "排名得分",
        "综合得分",
        "评哨得分",
        "较上月",
        "较上年同月",
        "响应率",
        "解决率",
        "满意率",
        "主办",
        "有效评价",
        "超时率",
        "退单率",
    ];
    let rows = worked.iter().map(|row| {
        let past = comparison.iter().find(|one| one.unit == row.unit);
        vec![
            row.name.clone(),
            number(row.rank),
            percent(row.score.or(row.composite)),
            percent(row.composite),
            percent(row.appraisal),
            change(row.composite, past.and_then(|one| one.last_month)),
            change(row.composite, past.and_then(|one| one.last_year)),
            percent(row.response_rate),
            percent(row.solved_rate),
            percent(row.satisfied_rate),
            row.tasks.to_string(),
            row.sample.to_string(),
            percent(row.overdue_rate),
            percent(row.return_rate),
        ]
    });
    format!("<h2>{label}</h2>{}{}", bars(label, &composites), table(&columns, rows))
}

fn centre(view: &BulletinView) -> String {
    let centre = &view.centre;
    let rows = [
        ("按时受理派单率", percent(centre.on_time_dispatch_rate)),
        ("按时裁定率", percent(centre.on_time_ruling_rate)),
        ("按时确认率", percent(centre.on_time_confirm_rate)),
        ("直接答复被申请复核比例", percent(centre.appealed_share)),
        ("直接答复时长中位数（分钟）", number(centre.handling_median_minutes)),
    ];
    let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]);
    format!("<h2>区中心</h2>{}", table(&["指标", "数值"], rows))
}

fn topics(view: &BulletinView) -> String {
    let most = view.topics.iter().map(|topic| topic.complaints).max().unwrap_or(0).max(1);
    let shown: Vec<_> = view
        .topics
        .iter()
        .map(|topic| {
            let share = f64::from(topic.complaints) / f64::from(most);
            (topic.name.clone(), share, format!("{} 件", topic.complaints))
        })
        .collect();
    let none = if shown.is_empty() { "<p class=\"note\">本月没有。</p>" } else { "" };
    format!("<h2>热点事项</h2>{}{none}", bars("热点事项", &shown))
}

fn areas(view: &BulletinView) -> String {
    let rows = view.areas.iter().map(|area| {
        let per_10k = area.per_10k.map(|per| format!("{per:.2}"));
        vec![area.name.clone(), area.complaints.to_string(), number(per_10k)]
    });
    format!("<h2>各街道诉求量</h2>{}", table(&["区划", "件数", "每万人件数"], rows))
}

fn unsolved(view: &BulletinView) -> String {
    let rows = view.unsolved.iter().map(|one| {
        let basis = one.basis.as_deref().map(|basis| format!("（{basis}）")).unwrap_or_default();
        let reason = format!("{}{basis}", one.reason);
        vec![one.number.clone(), one.unit_name.clone(), one.topic.clone(), reason]
    });
    format!("<h2>未解决的诉求</h2>{}", table(&["编号", "单位", "事项", "原因"], rows))
}

/// The page.
pub fn html(view: &BulletinView) -> String {
    let published = view
        .published_at
        .map_or_else(|| "未发布".to_owned(), |at| format!("{} 发布", time::spoken(at)));
    let groups: String = view.groups.iter().map(|one| group(one, &view.comparison)).collect();
    let rules = &view.rules;
    format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{period} 接诉即办通报</title>\
         <style>{STYLE}</style></head><body><h1>平城区接诉即办月度通报</h1>\
         <p class=\"note\">{period} · {frozen} 冻结 · {published} · 规则版本 {version}：响应率 {response}、\
         解决率 {solved}、满意率 {satisfied}（权重），有效评价不足 {sample} 件的不排名。</p>\
         {groups}{centre}{topics}{areas}{unsolved}</body></html>",
        period = escaped(&view.period),
        frozen = escaped(&time::spoken(view.frozen_at)),
        published = escaped(&published),
        version = escaped(&rules.version),
        response = rules.response_weight,
        solved = rules.solved_weight,
        satisfied = rules.satisfied_weight,
        sample = rules.min_sample,
        centre = centre(view),
        topics = topics(view),
        areas = areas(view),
        unsolved = unsolved(view),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_never_markup() {
        let hostile = "<script>alert('1')</script>&\"";
        let shown = table(&["事项"], std::iter::once(vec![hostile.to_owned()]))
            + &bars(hostile, &[(hostile.to_owned(), 2.0, hostile.to_owned())]);
        assert!(!shown.contains("<script") && !shown.contains("alert('"), "{shown}");
        assert!(shown.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"));
        assert!(shown.contains("width=\"480.0\""), "a bar ends at its full width: {shown}");
    }

    #[test]
    fn a_change_needs_both_months() {
        let past = |composite| Some(Past { composite, rank: None });
        assert_eq!(change(Some(0.9), past(Some(0.85))), "+5.00");
        assert_eq!(change(Some(0.9), past(Some(0.95))), "-5.00");
        assert_eq!(change(None, past(Some(0.85))), "—");
        assert_eq!(change(Some(0.9), None), "—");
    }
}
