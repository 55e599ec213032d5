//! Templates: what fits together, and what is filled in.

use serde_json::json;

use super::*;

fn field(name: &str, kind: FieldKind, required: bool) -> Field {
    let options = match kind {
        FieldKind::Choice => vec!["已更换".to_owned(), "已修复".to_owned()],
        _ => Vec::new(),
    };
    Field { name: name.to_owned(), label: format!("{name}的说明"), kind, required, options }
}

fn lamp() -> Wording {
    let fields = [
        field("处理时间", FieldKind::Date, true),
        field("数量", FieldKind::Number, true),
        field("结果", FieldKind::Choice, true),
        field("补充", FieldKind::Text, false),
    ];
    let text = "{{处理时间}}到现场，路灯 {{ 数量 }} 盏{{结果}}。{{补充}}（{{处理时间}}）";
    Wording::parse(" 路灯维修 ", text, &fields).unwrap()
}

fn given(value: serde_json::Value) -> BTreeMap<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn faults(refused: Result<impl std::fmt::Debug, Invalid>) -> Vec<String> {
    let mut fields: Vec<String> =
        refused.unwrap_err().fields().into_iter().map(|fault| fault.field).collect();
    fields.sort();
    fields
}

#[test]
fn every_place_is_filled_once_from_left_to_right() {
    let values = json!({"处理时间": "2026-11-05", "数量": 3, "结果": "已更换", "补充": "{{数量}}另见{{结果}}"});
    assert_eq!(
        lamp().render(&given(values)).unwrap(),
        "2026年11月5日到现场，路灯 3 盏已更换。{{数量}}另见{{结果}}（2026年11月5日）",
        "what is written in a field is never a place"
    );
    for left_out in [json!(null), json!(" ")] {
        let values =
            json!({"处理时间": "2026-11-05", "数量": 2.5, "结果": "已修复", "补充": left_out});
        let text = lamp().render(&given(values)).unwrap();
        assert_eq!(text, "2026年11月5日到现场，路灯 2.5 盏已修复。（2026年11月5日）");
    }
}

#[test]
fn each_field_at_fault_is_named() {
    assert_eq!(
        faults(lamp().render(&BTreeMap::new())),
        ["fields.处理时间", "fields.数量", "fields.结果"]
    );
    let wrong =
        json!({"处理时间": "11月5日", "数量": "3", "结果": "已换", "补充": 1, "天气": "晴"});
    let expected = ["fields.处理时间", "fields.天气", "fields.数量", "fields.结果", "fields.补充"];
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(faults(lamp().render(&given(wrong))), expected);
    for (day, fits) in
        [("2026-02-28", true), ("2026-02-29", false), ("1999-12-31", false), ("", false)]
    {
        let values = json!({"处理时间": day, "数量": 1, "结果": "已修复"});
        assert_eq!(lamp().render(&given(values)).is_ok(), fits, "{day}");
    }
}

/// Every kind against every kind of value: it takes its own alone.
#[test]
fn a_field_takes_its_own_kind() {
    let values =
        [json!("已修复"), json!("2026-11-05"), json!(3), json!(true), json!([1]), json!({})];
    for kind in FieldKind::ALL {
        let asked = [field("值", *kind, true)];
        let wording = Wording::parse("一项", "这一项的值是：{{值}}。完。", &asked).unwrap();
        let taken: Vec<bool> = values
            .iter()
            .map(|value| wording.render(&given(json!({"值": value}))).is_ok())
            .collect();
        let expected = match kind {
            FieldKind::Text => [true, true, false, false, false, false],
            FieldKind::Date => [false, true, false, false, false, false],
            FieldKind::Number => [false, false, true, false, false, false],
            FieldKind::Choice => [true, false, false, false, false, false],
        };
        assert_eq!(taken, expected, "{kind}");
    }
}

#[test]
fn a_wording_fits_together() {
    let one = |name: &str| [field(name, FieldKind::Text, true)];
    let parse = |text: &str, fields: &[Field]| Wording::parse("路灯维修", text, fields);
    assert!(parse("没有要填的项目，也是模板。", &[]).is_ok());
    assert_eq!(faults(parse("{{时间}}到现场查看了情况", &[])), ["text"], "not declared");
    assert_eq!(
        faults(parse("今天到现场查看了情况。", &one("时间"))),
        ["fields.0.name"],
        "no place"
    );
    assert_eq!(faults(parse("{{时间到现场查看了情况。", &one("时间"))), ["text"], "not closed");
    let twice = [one("时间"), one("时间")].concat();
    assert_eq!(faults(parse("{{时间}}到现场查看了情况", &twice)), ["fields.1.name"]);
    for bad in ["", "处理 时间", "a{b", &"长".repeat(21)] {
        let fields = one(bad);
        assert!(
            faults(parse("到现场查看了情况，已修复。", &fields))
                .contains(&"fields.0.name".to_owned())
        );
    }
    let mut choice = field("结果", FieldKind::Choice, true);
    choice.options = vec!["好".to_owned()];
    assert_eq!(faults(parse("结果如下：{{结果}}。完。", &[choice.clone()])), ["fields.0.options"]);
    choice.options = vec!["好".to_owned(), "好".to_owned()];
    assert_eq!(
        faults(parse("结果如下：{{结果}}。完。", &[choice.clone()])),
        ["fields.0.options.1"]
    );
    let odd = Field { kind: FieldKind::Number, ..choice };
    assert_eq!(faults(parse("结果如下：{{结果}}。完。", &[odd])), ["fields.0.options"]);
    assert_eq!(faults(Wording::parse("一", "太短", &[])), ["name", "text"]);
    let many: Vec<Field> =
        (0..21).map(|n| field(&format!("第{n}项"), FieldKind::Text, true)).collect();
    assert!(faults(parse("到现场查看了情况，已修复。", &many)).contains(&"fields".to_owned()));
}

#[test]
fn words_are_ones_own_or_a_templates() {
    let id: TemplateId = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071".parse().unwrap();
    let none = BTreeMap::new;
    assert_eq!(
        Words::parse(Some("好".to_owned()), None, None).unwrap(),
        Words::Own("好".to_owned())
    );
    let filled = Words::Filled { template: id, fields: none() };
    assert_eq!(Words::parse(None, Some(id), None).unwrap(), filled);
    assert_eq!(faults(Words::parse(None, None, Some(none()))), ["text"]);
    assert_eq!(faults(Words::parse(Some("好".to_owned()), Some(id), None)), ["text"]);
    assert_eq!(faults(Words::parse(Some("好".to_owned()), None, Some(none()))), ["fields"]);
}
