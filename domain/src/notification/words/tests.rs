use serde_json::{Value, json};

use super::*;
use crate::{event::Visibility, notification::TOLD};

const REPORTER: Viewer = Viewer { audience: Audience::Reporter, own: true, confidential: false };
const UNIT: Viewer = Viewer { audience: Audience::Unit, own: false, confidential: false };
const CENTRE: Viewer = Viewer { audience: Audience::Centre, own: false, confidential: true };

fn event(kind: EventKind, data: Value, note: Option<&str>) -> Event {
    Event {
        seq: 1,
        kind,
        at: "2026-11-24T00:30:00Z".parse().unwrap(),
        visibility: Visibility::Everyone,
        unit: None,
        unit_name: Some("市政管理中心".to_owned()),
        task: None,
        data,
        note: note.map(str::to_owned),
    }
}

#[test]
fn every_kind_of_event_has_one_line_in_the_table() {
    for kind in EventKind::ALL {
        let lines = TOLD.iter().filter(|(told, _)| told == kind).count();
        assert_eq!(lines, 1, "{kind}");
    }
}

#[test]
fn every_kind_of_event_has_a_sentence_of_its_own_without_any_data() {
    for kind in EventKind::ALL {
        for viewer in [REPORTER, UNIT, CENTRE] {
            let event = event(*kind, Value::Null, None);
            let facts = Facts { event: &event, viewer };
            let said = facts.case().or_else(|| facts.task()).or_else(|| facts.whistle());
            assert!(said.is_some(), "{kind}");
            let text = render(&event, viewer);
            assert!(text.ends_with('。') && text.chars().count() > 4, "{kind}: {text}");
        }
    }
}

#[test]
fn a_dispatch_says_who_has_it_and_by_when() {
    let data = json!({
        "role": "lead",
        "acknowledge_by": "2026-11-24T04:30:00Z",
        "contact_by": "2026-11-25T00:30:00Z",
        "reply_by": "2026-12-01T16:00:00Z",
    });
    let dispatched = event(EventKind::TaskDispatched, data, Some("请核实灯杆编号"));
    assert_eq!(
        render(&dispatched, REPORTER),
        "已交市政管理中心主办，11月25日 08:30 前会与您联系，12月1日 24:00 前答复。"
    );
    assert_eq!(
        render(&dispatched, UNIT),
        "已交市政管理中心主办，11月24日 12:30 前签收，11月25日 08:30 前联系反映人，\
         12月1日 24:00 前答复。派单说明：请核实灯杆编号"
    );
}

#[test]
fn a_no_says_why() {
    let data = json!({ "ground": "out_of_area" });
    let rejected = event(EventKind::Rejected, data, Some("请向云冈区反映"));
    assert_eq!(
        render(&rejected, REPORTER),
        "区中心不予受理：不属于本区管辖范围。说明：请向云冈区反映"
    );
}

#[test]
fn an_overdue_notice_names_the_step_and_the_instant() {
    let data = json!({ "mark": "acknowledge", "by": "2026-11-24T04:30:00Z" });
    assert_eq!(
        render(&event(EventKind::Overdue, data, None), UNIT),
        "市政管理中心未在 11月24日 12:30 前签收，已超时。"
    );
}

#[test]
fn the_words_of_a_confidential_reporter_reach_the_centre_alone() {
    let words = "我就住在3号楼2单元";
    let unit = Viewer { confidential: true, ..UNIT };
    let follower = Viewer { own: false, ..REPORTER };
    for kind in EventKind::ALL {
        let told = event(*kind, Value::Null, Some(words));
        if note_of(*kind).0 == Author::Reporter {
            assert!(!render(&told, unit).contains(words), "{kind}");
            assert!(!render(&told, follower).contains(words), "{kind}");
            assert!(render(&told, UNIT).contains(words), "{kind}");
            assert!(render(&told, REPORTER).contains(words), "{kind}");
        }
        assert!(render(&told, CENTRE).contains(words), "{kind}");
    }
}

#[test]
fn the_evaluation_is_told_with_both_answers() {
    let data = json!({ "solved": false, "satisfaction": 2 });
    assert_eq!(
        render(&event(EventKind::Evaluated, data, Some("还是不亮")), UNIT),
        "反映人已评价，问题未解决，不满意。意见：还是不亮"
    );
}

#[test]
fn data_of_the_wrong_shape_is_left_out() {
    for data in [json!([1]), json!("x"), json!({ "role": 7, "reply_by": "soon", "round": "two" })] {
        for kind in EventKind::ALL {
            assert!(render(&event(*kind, data.clone(), None), UNIT).ends_with('。'), "{kind}");
        }
    }
}
