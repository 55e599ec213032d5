//! The lead waits for its assists, in every state that they can be in.

use crate::{
    event::EventKind,
    task::{Refused, Role, Status, Task, waiver},
    testing::*,
};

fn assist_in(status: Status) -> Task {
    Task { role: Role::Assist, line: 1, unit: code("housing"), ..task_in(status) }
}

#[test]
fn a_lead_waits_for_every_assist_that_has_not_replied() {
    let lead = task_in(Status::Acknowledged);
    for status in Status::ALL {
        let tasks = [lead.clone(), assist_in(*status)];
        let out = !matches!(
            status,
            Status::Replied | Status::Confirmed | Status::Returned | Status::Cancelled
        );
        let awaited = lead.awaited(&tasks);
        assert_eq!(!awaited.is_empty(), out, "{status}");
        assert!(assist_in(Status::Acknowledged).awaited(&tasks).is_empty(), "an assist waits not");
    }
}

#[test]
fn a_reply_that_is_out_is_waived_with_a_reason_alone() {
    let lead = task_in(Status::Acknowledged);
    let awaited = [(code("housing"), "住建局".to_owned()), (code("water"), "水务局".to_owned())];
    assert_eq!(lead.sum_up(&[], None).unwrap(), None);
    assert_eq!(lead.sum_up(&[], Some("不等了")).unwrap(), None, "nothing is waived");
    let refused = lead.sum_up(&awaited, None).unwrap_err();
    assert_eq!(refused, Refused::AssistsOut("住建局、水务局".to_owned()));
    let event = lead.sum_up(&awaited, Some("管线图本周才能调出")).unwrap().unwrap();
    assert_eq!(event.kind, EventKind::AssistsWaived);
    assert_eq!(event.data, serde_json::json!({"units": ["housing", "water"]}));
    assert_eq!(event.note.as_deref(), Some("管线图本周才能调出"));
    assert!(waiver("不").is_err() && waiver(&"长".repeat(501)).is_err());
}
