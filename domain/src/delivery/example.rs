//! Invented events (举例), one for each kind that is sent: what an administrator sees of a wording is
//! never anybody's.

use chrono::TimeDelta;
use serde_json::json;

use super::{Channel, ON_DUTY, OUTSIDE, TEXTED, Template};
use crate::{
    event::{Event, EventKind, Visibility},
    notification::Viewer,
    scope::Audience,
    time::Timestamp,
};

/// The kinds of events that are sent in a template by a channel, in the order of the tables.
pub fn kinds(template: Template, channel: Channel) -> Vec<EventKind> {
    let concerned = OUTSIDE
        .iter()
        .filter(|(kind, of, ..)| {
            *of == template && (channel == Channel::Subscribe || TEXTED.contains(kind))
        })
        .map(|(kind, ..)| *kind);
    let on_duty = ON_DUTY.iter().filter(|_| template == Template::Duty).map(|(kind, ..)| *kind);
    concerned.chain(on_duty).collect()
}

/// An invented event of a kind, and who reads it. What its sentence names is there; what another kind's
/// names is passed over.
pub fn example(kind: EventKind, template: Template, at: Timestamp) -> (Event, Viewer) {
    let later = |days| at + TimeDelta::days(days);
    let data = json!({
        "urgency": "ordinary", "ground": "out_of_area", "role": "lead", "as": "evaluated",
        "acknowledge_by": later(1), "contact_by": later(1), "reply_by": later(5),
        "until": later(10), "starts_at": later(3), "points": 120, "at": later(30),
        "marks": ["reply"], "by": at, "kind": "emergency", "level": "yellow",
        "new": 3, "due": 2, "overdue": 1, "waiting": 4,
    });
    let note = [EventKind::Answered, EventKind::Replied].contains(&kind);
    let unit = if template == Template::Service { "文兴社区" } else { "区城市管理局" };
    let event = Event {
        seq: 1,
        kind,
        at,
        visibility: Visibility::Everyone,
        unit: None,
        unit_name: Some(unit.to_owned()),
        task: None,
        data,
        note: note.then(|| "已更换两盏灯头，今晚恢复照明，请留意".to_owned()),
    };
    let audience = match template {
        Template::Duty => Audience::Unit,
        _ => Audience::Reporter,
    };
    (event, Viewer { audience, own: true, confidential: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::render;

    #[test]
    fn every_kind_that_is_sent_has_a_sentence_of_its_own_in_its_example() {
        let at: Timestamp = "2026-11-28T12:00:00+08:00".parse().unwrap();
        let mut seen = 0;
        for template in Template::ALL {
            for channel in template.channels() {
                let kinds = kinds(*template, *channel);
                assert!(!kinds.is_empty(), "{template} {channel}");
                for kind in kinds {
                    seen += 1;
                    let (event, viewer) = example(kind, *template, at);
                    let text = render(&event, viewer);
                    let bare = format!("{}：{}。", event.unit_name.unwrap(), kind.label());
                    assert!(text != bare && !text.contains("null"), "{kind}: {text}");
                }
            }
        }
        // The summary, which stands in `OUTSIDE` too, goes by text alone.
        assert_eq!(seen, OUTSIDE.len() - 1 + TEXTED.len() + ON_DUTY.len());
        let said = |kind, template| {
            let (event, viewer) = example(kind, template, at);
            render(&event, viewer)
        };
        assert!(said(EventKind::Rejected, Template::Progress).contains("不属于本区管辖范围"));
        assert!(said(EventKind::PointsExpiring, Template::Points).contains("120 分"));
        assert!(said(EventKind::TaskDispatched, Template::Progress).contains("前会与您联系"));
        assert!(said(EventKind::TaskDispatched, Template::Duty).contains("前签收"));
    }
}
