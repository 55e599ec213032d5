use domain::org::NodeKind;
use sqlx::PgPool;

use super::*;
use crate::postgres::org::{self, Node};

fn code(text: &str) -> NodeCode {
    NodeCode::parse("code", text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn item(code: &str, duty: Duty) -> Item {
    Item {
        code: code.to_owned(),
        category: "城市管理".to_owned(),
        name: "路灯损坏".to_owned(),
        lead_unit: Some(self::code("urban-management")),
        department_duty: "维修".to_owned(),
        duty,
        grassroots_duty: String::new(),
        photos_required: false,
        basis: "《城市照明管理规定》".to_owned(),
    }
}

fn list(kind: ListKind, version: &str, division: Option<&str>, items: Vec<Item>) -> List {
    List {
        kind,
        version: version.to_owned(),
        title: kind.label().to_owned(),
        division: division.map(code),
        valid_from: day("2025-01-01"),
        valid_to: None,
        items,
    }
}

async fn district(conn: &mut Connection) {
    let nodes: Vec<Node> = [
        ("140213", NodeKind::District, None),
        ("140213066", NodeKind::Subdistrict, Some("140213")),
        ("140213067", NodeKind::Subdistrict, Some("140213")),
        ("140213066004", NodeKind::Community, Some("140213066")),
        ("urban-management", NodeKind::Department, Some("140213")),
    ]
    .map(|(at, kind, parent)| Node {
        code: code(at),
        kind,
        name: at.to_owned(),
        parent: parent.map(code),
        management_mode: None,
        boundary: None,
        division: None,
    })
    .to_vec();
    org::upsert(conn, &nodes).await.unwrap();
}

#[sqlx::test(migrations = "./migrations")]
async fn each_unit_sees_the_lists_that_are_its_own(pool: PgPool) {
    let mut conn = pool.begin().await.unwrap();
    district(&mut conn).await;
    let lists = [
        list(ListKind::Territorial, "t-1", None, vec![item("light", Duty::None)]),
        list(ListKind::Recalled, "r-66", Some("140213066"), vec![item("light", Duty::None)]),
        list(ListKind::Cooperate, "c-66", Some("140213066"), vec![]),
        list(ListKind::Community, "own", Some("140213066004"), vec![item("light", Duty::Lead)]),
    ];
    assert_eq!(insert_lists(&mut conn, &lists).await.unwrap(), 4);
    let units = ["140213066", "140213067", "140213066004", "urban-management"].map(code);
    let found = valid(&mut conn, &units, Some("light"), day("2026-11-24")).await.unwrap();
    let seen = |unit: &str| -> Vec<(&str, Option<Duty>)> {
        found[&code(unit)].iter().map(|list| (list.version.as_str(), list.duty)).collect()
    };
    let district = ("t-1", Some(Duty::None));
    let recalled = ("r-66", Some(Duty::None));
    assert_eq!(seen("140213066"), [("c-66", None), recalled, district]);
    assert_eq!(seen("140213067"), [district]);
    assert_eq!(seen("140213066004"), [("own", Some(Duty::Lead)), recalled, district]);
    assert_eq!(seen("urban-management"), [district]);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_version_counts_from_its_first_day_to_the_day_before_its_last(pool: PgPool) {
    let mut conn = pool.begin().await.unwrap();
    district(&mut conn).await;
    let old = List {
        valid_from: day("2024-01-01"),
        valid_to: Some(day("2025-01-01")),
        ..list(ListKind::Territorial, "t-old", None, vec![item("light", Duty::Assist)])
    };
    let new = list(ListKind::Territorial, "t-new", None, vec![item("light", Duty::None)]);
    insert_lists(&mut conn, &[old, new]).await.unwrap();
    for (on, versions) in [
        ("2023-12-31", &[][..]),
        ("2024-01-01", &["t-old"]),
        ("2025-01-01", &["t-new"]),
        ("2025-07-01", &["t-new"]),
    ] {
        let unit = code("140213066");
        let found = valid(&mut conn, std::slice::from_ref(&unit), None, day(on)).await.unwrap();
        let found = found.get(&unit).map_or(&[][..], Vec::as_slice);
        let found: Vec<&str> = found.iter().map(|list| list.version.as_str()).collect();
        assert_eq!(found, versions, "{on}");
    }
    assert_eq!(item_of(&mut conn, "t-old", "light").await.unwrap().unwrap().duty, Duty::Assist);
    let today = super::item(&mut conn, "light", day("2026-11-24")).await.unwrap().unwrap();
    assert_eq!(today.duty, Duty::None);
    assert!(super::item(&mut conn, "lamp", day("2026-11-24")).await.unwrap().is_none());
}

#[sqlx::test(migrations = "./migrations")]
async fn a_version_that_is_there_is_never_changed(pool: PgPool) {
    let mut conn = pool.begin().await.unwrap();
    district(&mut conn).await;
    let first = list(ListKind::Territorial, "t-1", None, vec![item("light", Duty::None)]);
    let other = list(ListKind::Territorial, "t-1", None, vec![item("light", Duty::Lead)]);
    assert_eq!(insert_lists(&mut conn, std::slice::from_ref(&first)).await.unwrap(), 1);
    assert_eq!(insert_lists(&mut conn, &[other]).await.unwrap(), 0);
    let kept = item_of(&mut conn, "t-1", "light").await.unwrap().unwrap();
    assert_eq!(kept, first.items[0]);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_look_up_takes_the_strongest_list(pool: PgPool) {
    let mut conn = pool.begin().await.unwrap();
    district(&mut conn).await;
    let lists = [
        list(
            ListKind::Territorial,
            "t-1",
            None,
            vec![item("light", Duty::None), item("lid", Duty::Assist)],
        ),
        list(ListKind::Cooperate, "c-66", Some("140213066"), vec![item("light", Duty::Assist)]),
        list(ListKind::Community, "own", Some("140213066004"), vec![item("pact", Duty::Lead)]),
    ];
    insert_lists(&mut conn, &lists).await.unwrap();
    type Found = &'static [(&'static str, &'static str)];
    let cases: [(Option<&str>, Option<&str>, Found); 6] = [
        (None, None, &[("lid", "t-1"), ("light", "t-1")]),
        (None, Some("140213066"), &[("lid", "t-1"), ("light", "c-66")]),
        (None, Some("140213066004"), &[("pact", "own")]),
        (None, Some("urban-management"), &[("lid", "t-1"), ("light", "t-1")]),
        (Some("lig"), None, &[("light", "t-1")]),
        (Some("%"), None, &[]),
    ];
    for (words, unit, expected) in cases {
        let unit = unit.map(code);
        let found = read::items(&mut conn, words, unit.as_ref(), day("2026-11-24")).await.unwrap();
        let found: Vec<(&str, &str)> =
            found.iter().map(|entry| (entry.code.as_str(), entry.version.as_str())).collect();
        assert_eq!(found, expected, "{words:?} {unit:?}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn the_database_itself_keeps_a_version_as_it_is(pool: PgPool) {
    let mut conn = pool.begin().await.unwrap();
    district(&mut conn).await;
    let first = list(ListKind::Territorial, "t-1", None, vec![item("light", Duty::None)]);
    insert_lists(&mut conn, std::slice::from_ref(&first)).await.unwrap();
    conn.commit().await.unwrap();
    let add = "insert into duty_item (list_id, code, category, name, subdistrict_role, basis)
        select id, 'late', 'x', 'x', 'none', 'x' from duty_list";
    for statement in [
        "update duty_list set title = 'x'",
        "update duty_list set valid_to = date '2027-01-01', title = 'x'",
        "delete from duty_list",
        "truncate duty_list cascade",
        "update duty_item set basis = 'x'",
        "delete from duty_item",
        add,
    ] {
        let refused = sqlx::query(statement).execute(&pool).await.expect_err(statement);
        assert!(refused.to_string().contains("immutable"), "{statement}: {refused}");
    }
    // It may end, and once.
    let end = "update duty_list set valid_to = date '2027-01-01'";
    sqlx::query(end).execute(&pool).await.unwrap();
    sqlx::query(end).execute(&pool).await.expect_err("it has ended");

    let mut conn = pool.begin().await.unwrap();
    let overlapping =
        List { valid_from: day("2026-12-31"), ..list(ListKind::Territorial, "t-2", None, vec![]) };
    let refused = insert_lists(&mut conn, &[overlapping]).await.unwrap_err();
    assert_eq!(crate::postgres::violated(&refused), Some("duty_list_no_overlap"));
}
