//! The sheet as HTML: A4, black on white, styled by CSS alone.

use domain::{
    event::EventKind,
    notification,
    scope::Audience,
    time::{Timestamp, written},
};
use infra::postgres::complaint::read::{Facts, Reporter};

use super::Sheet;
use crate::http::{
    complaint::view::{ComplaintView, ContactView},
    printed::{escaped, table},
};

const STYLE: &str = "@page{size:A4;margin:15mm}body{font:10.5pt/1.5 'Noto Serif CJK SC',\
    'Source Han Serif SC',SimSun,serif;max-width:180mm;margin:0 auto;color:#000}\
    h1{text-align:center;font-size:18pt;margin:0 0 2mm}h2{font-size:12pt;margin:5mm 0 1mm;\
    break-after:avoid}table{border-collapse:collapse;width:100%}th,td{border:.3mm solid #000;\
    padding:1mm 2mm;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
    th{font-weight:600;white-space:nowrap}.facts th{width:24mm}td{white-space:pre-line}\
    tr{break-inside:avoid}thead{display:table-header-group}.note{color:#333;margin:1mm 0}\
    .sign td{height:14mm;width:33%}";

fn maybe(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "—".to_owned(), written)
}

/// A deadline and whether it was kept: “时限 …／实际 …”; nothing where there is no such deadline.
fn mark(by: Option<Timestamp>, done: Option<Timestamp>) -> String {
    match (by, done) {
        (None, None) => "—".to_owned(),
        (None, Some(done)) => format!("实际 {}", written(done)),
        (Some(by), None) => format!("时限 {}", written(by)),
        (Some(by), Some(done)) => {
            let late = if done > by { "（超时）" } else { "" };
            format!("时限 {}\n实际 {}{late}", written(by), written(done))
        }
    }
}

fn spoken_contact(contact: Option<&ContactView>) -> String {
    contact.map_or_else(
        || "不显示".to_owned(),
        |contact| [contact.name.as_deref().unwrap_or_default(), &contact.phone].join(" "),
    )
}

/// What the sheet's reader may know of where the complaint came from.
fn source(sheet: &Sheet) -> Vec<(&'static str, String)> {
    match &sheet.complaint {
        ComplaintView::Reporter(_) => Vec::new(),
        ComplaintView::Unit(view) => vec![("联系人", spoken_contact(view.contact.as_ref()))],
        ComplaintView::Centre(view) => {
            let Reporter { channel, taken_in_by, on_behalf, .. } = &view.reporter;
            let mut words = channel.label().to_owned();
            if let Some(clerk) = taken_in_by {
                words.push_str(&format!("，{clerk}登记"));
            }
            if *on_behalf {
                words.push_str("，代他人反映");
            }
            let excluded =
                if view.excluded { "已剔除，不计入三率" } else { "计入三率" };
            vec![
                ("渠道", words),
                ("联系人", spoken_contact(view.contact.as_ref())),
                ("考核", excluded.to_owned()),
            ]
        }
    }
}

fn facts_of(sheet: &Sheet) -> &Facts {
    match &sheet.complaint {
        ComplaintView::Reporter(view) => &view.facts,
        ComplaintView::Unit(view) => &view.facts,
        ComplaintView::Centre(view) => &view.facts,
    }
}

fn facts(sheet: &Sheet) -> String {
    let facts = facts_of(sheet);
    let place = match &facts.address {
        Some(address) => format!("{} {address}", facts.community_name),
        None => facts.community_name.clone(),
    };
    let item = facts.duty_item.as_deref().map(|item| match &facts.duty_list {
        Some(version) => format!("{item}（{version}）"),
        None => item.to_owned(),
    });
    let closed = facts.closed_at.map(|at| match facts.closed_as {
        Some(how) => format!("{}（{}）", written(at), how.label()),
        None => written(at),
    });
    let secrecy = facts.confidential.then(|| "保密：不得泄露反映人信息".to_owned());
    let rows = [
        ("类型", Some(facts.kind.label().to_owned())),
        ("状态", Some(facts.status_text.to_owned())),
        ("紧急程度", facts.urgency.map(|urgency| urgency.label().to_owned())),
        ("保密", secrecy),
        ("标题", Some(facts.title.clone())),
        ("内容", Some(facts.content.clone())),
        ("地点", Some(place)),
        ("类别", facts.category.clone()),
        ("清单事项", item),
        ("提交", Some(written(facts.created_at))),
        ("受理", facts.accepted_at.map(written)),
        ("派单", facts.dispatched_at.map(written)),
        ("答复", facts.replied_at.map(written)),
        ("挂起至", facts.suspended_until.map(written)),
        ("办结", closed),
        ("重办", (facts.reworks > 0).then(|| format!("{} 次", facts.reworks))),
        ("催办", (facts.urges > 0).then(|| format!("{} 次", facts.urges))),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    let cells: String = rows
        .chain(source(sheet))
        .map(|(name, value)| format!("<tr><th>{name}</th><td>{}</td></tr>", escaped(&value)))
        .collect();
    format!("<table class=\"facts\"><tbody>{cells}</tbody></table>")
}

/// Who has it, and by when. Of other units' tasks a reader knows what the complaint itself says.
fn units(sheet: &Sheet) -> String {
    let rows = facts_of(sheet).tasks.iter().map(|brief| {
        let own = sheet.tasks.iter().find(|task| task.id == brief.id);
        let unit = format!("{}（{}）", brief.unit_name, brief.role.label());
        let mut row = vec![unit, brief.status.label().to_owned()];
        row.extend(match own {
            Some(task) => [
                mark(Some(task.acknowledge_by), task.acknowledged_at),
                mark(task.contact_by, task.contacted_at),
                mark(task.arrive_by, task.arrived_at),
                mark(Some(task.reply_by), task.replied_at),
            ],
            None => {
                let none = || "—".to_owned();
                [none(), none(), none(), mark(Some(brief.reply_by), None)]
            }
        });
        row
    });
    let columns = ["承办单位", "状态", "签收", "先行联系", "到场", "答复"];
    table(&columns, rows, "还没有派单。")
}

fn happened(sheet: &Sheet) -> String {
    let rows = sheet.events.iter().map(|event| {
        vec![event.seq.to_string(), written(event.at), notification::render(event, sheet.viewer)]
    });
    table(&["序号", "时间", "办理经过"], rows, "还没有记录。")
}

fn replies(sheet: &Sheet) -> String {
    let answer = facts_of(sheet).answer.as_ref();
    let answer = answer.map(|text| vec!["给反映人的答复".to_owned(), text.clone()]);
    let of_units = sheet.tasks.iter().rev().filter_map(|task| {
        let reply = task.reply.as_ref().filter(|_| task.status.is_answered())?;
        let who = format!(
            "{}（{}）\n{}\n{}",
            task.unit_name,
            task.role.label(),
            reply.outcome.label(),
            maybe(task.replied_at)
        );
        let basis = reply.basis.as_deref().map(|basis| format!("\n依据：{basis}"));
        Some(vec![who, format!("{}{}", reply.text, basis.unwrap_or_default())])
    });
    table(&["单位", "答复内容"], of_units.chain(answer), "还没有答复。")
}

fn evaluations(sheet: &Sheet) -> String {
    let given = sheet.events.iter().filter(|event| event.kind == EventKind::Evaluated);
    let rows =
        given.map(|event| vec![written(event.at), notification::render(event, sheet.viewer)]);
    table(&["时间", "评价"], rows, "还没有评价。")
}

/// The page.
pub(super) fn html(sheet: &Sheet) -> String {
    let facts_of = facts_of(sheet);
    let sign = match sheet.viewer.audience {
        Audience::Reporter => "",
        Audience::Unit | Audience::Centre => {
            "<h2>签字</h2><table class=\"sign\"><tbody><tr><td>经办人：</td><td>负责人：</td>\
             <td>日期：</td></tr></tbody></table>"
        }
    };
    format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{number} 工单</title>\
         <style>{STYLE}</style></head><body><h1>平城区接诉即办工单</h1>\
         <p class=\"note\">编号 {number} · 打印于 {printed}</p>{facts}\
         <h2>承办单位和时限</h2>{units}<h2>办理经过</h2>{happened}<h2>答复</h2>{replies}\
         <h2>评价</h2>{evaluations}{sign}</body></html>",
        number = escaped(&facts_of.number),
        printed = written(sheet.printed_at),
        facts = facts(sheet),
        units = units(sheet),
        happened = happened(sheet),
        replies = replies(sheet),
        evaluations = evaluations(sheet),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_deadline_stands_beside_what_was_done() {
        let (by, early, late) =
            (at("2026-11-24T07:00:00Z"), at("2026-11-24T06:59:00Z"), at("2026-11-24T07:01:00Z"));
        assert_eq!(mark(None, None), "—");
        assert_eq!(mark(Some(by), None), "时限 2026年11月24日 15:00");
        assert_eq!(mark(None, Some(early)), "实际 2026年11月24日 14:59");
        assert_eq!(
            mark(Some(by), Some(by)),
            "时限 2026年11月24日 15:00\n实际 2026年11月24日 15:00"
        );
        assert!(!mark(Some(by), Some(early)).contains("超时"));
        assert!(mark(Some(by), Some(late)).contains("超时"));
    }
}
