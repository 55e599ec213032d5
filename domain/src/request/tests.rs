use super::*;
use crate::{
    refusal::Refusal,
    testing::{at, id},
};

fn form() -> RequestForm<'static> {
    RequestForm {
        community_code: "140213066004",
        kind: Kind::Elderly,
        title: "陪母亲去医院复查",
        content: "母亲腿脚不便，周三上午要去三医院复查，需要有人陪同。",
        name: Some("王秀英"),
        phone: Some("13800000001"),
        address: Some("文兴小区 3 号楼"),
        wished: (Some(at("2026-11-25 08:00")), Some(at("2026-11-25 12:00"))),
    }
}

fn now() -> Timestamp {
    at("2026-11-24 09:00")
}

fn submitted() -> Request {
    Request::submit(id(1), id(2), &form().parse(now()).unwrap()).state
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    assert_eq!(TRANSITIONS.iter().map(|(step, ..)| *step).collect::<Vec<_>>(), Step::ALL);
    let served = Served::parse(5, None).unwrap();
    for (step, from, to) in TRANSITIONS {
        for status in Status::ALL {
            let before = Request { status: *status, ..submitted() };
            let done = match step {
                Step::Order => before.order(id(3), now()),
                Step::Decline => before.decline(&Decline::parse("暂时没有合适的人手").unwrap()),
                Step::Cancel => before.cancel(),
                Step::Confirm => before.confirm(&served, true),
                Step::Return => before.lapse(false),
                Step::Settle => before.lapse(true),
            };
            match done {
                Ok(after) => {
                    assert!(from.contains(status) && to.contains(&after.state.status), "{step}");
                    assert_eq!(after.events[0].data["account"], json!(before.account));
                    assert_eq!(after.events[0].unit.as_ref(), Some(&before.community));
                }
                Err(refused) => {
                    assert!(!from.contains(status), "{step} from {status}");
                    assert_eq!(refused.code(), "request_step_refused");
                }
            }
        }
    }
}

#[test]
fn nothing_personal_stands_in_an_event() {
    let wish = form().parse(now()).unwrap();
    let told = format!("{:?}", Request::submit(id(1), id(2), &wish).events);
    for secret in ["王秀英", "13800000001", "3 号楼"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn nobody_was_served_before_anything_began() {
    let ordered = submitted().order(id(3), now()).unwrap().state;
    let served = Served::parse(4, Some("很满意")).unwrap();
    assert_eq!(ordered.confirm(&served, false).err(), Some(Refused::NotServed));
    assert!(ordered.confirm(&served, true).is_ok());
    for odd in [0, 6, -1, i64::MAX] {
        assert!(Served::parse(odd, None).is_err(), "{odd}");
    }
}

#[test]
fn a_form_names_all_its_faults() {
    let wrong = RequestForm {
        community_code: "文兴",
        title: "陪",
        content: "无",
        name: Some(" "),
        phone: Some("110"),
        wished: (Some(now()), None),
        ..form()
    };
    let faults = wrong.parse(now()).unwrap_err().0;
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    let expected = ["community_code", "title", "content", "name", "phone", "wished_from"];
    assert_eq!(fields, expected);
    let past = RequestForm { wished: (Some(at("2026-11-23 08:00")), Some(now())), ..form() };
    assert_eq!(past.parse(now()).unwrap_err().0[0].field, "wished_until");
    let plain =
        RequestForm { name: None, phone: None, address: None, wished: (None, None), ..form() };
    assert!(plain.parse(now()).is_ok());
}
