use sqlx::PgPool;

use super::*;

fn code(text: &str) -> NodeCode {
    NodeCode::parse("code", text).unwrap()
}

fn node(at: &str, kind: NodeKind, parent: Option<&str>) -> Node {
    Node {
        code: code(at),
        kind,
        name: at.to_owned(),
        parent: parent.map(code),
        management_mode: None,
        boundary: None,
        division: None,
    }
}

fn district() -> Vec<Node> {
    vec![
        // The child before its parent: one statement takes both.
        node("140213066004", NodeKind::Community, Some("140213066")),
        node("140213066", NodeKind::Subdistrict, Some("140213")),
        node("140213", NodeKind::District, None),
        node("housing", NodeKind::Department, Some("140213")),
        Node {
            boundary: Some(vec![
                [113.34, 40.08],
                [113.35, 40.08],
                [113.35, 40.09],
                [113.34, 40.08],
            ]),
            ..node("140213066004901", NodeKind::Grid, Some("140213066004"))
        },
    ]
}

#[sqlx::test(migrations = "./migrations")]
async fn writing_twice_changes_nothing_and_a_change_is_taken_over(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut nodes = district();
    assert_eq!(upsert(&mut conn, &nodes).await.unwrap(), 5);
    assert_eq!(upsert(&mut conn, &nodes).await.unwrap(), 0);
    nodes[0].name = "文兴社区".to_owned();
    assert_eq!(upsert(&mut conn, &nodes).await.unwrap(), 1);
    assert_eq!(name(&mut conn, &code("140213066004")).await.unwrap().unwrap(), "文兴社区");
}

#[sqlx::test(migrations = "./migrations")]
async fn only_active_units_can_be_given_tasks(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    upsert(&mut conn, &district()).await.unwrap();
    let asked =
        ["140213", "140213066", "140213066004", "140213066004901", "housing", "none"].map(code);
    let found: Vec<String> =
        units(&mut conn, &asked).await.unwrap().iter().map(|unit| unit.code.to_string()).collect();
    assert_eq!(found, ["140213066", "140213066004", "housing"]);
    assert!(community_exists(&mut conn, &code("140213066004")).await.unwrap());
    assert!(!community_exists(&mut conn, &code("140213066")).await.unwrap());

    sqlx::query("update org_node set active = false where code <> '140213'")
        .execute(&mut *conn)
        .await
        .unwrap();
    assert!(unit(&mut conn, &code("housing")).await.unwrap().is_none());
    assert!(!community_exists(&mut conn, &code("140213066004")).await.unwrap());
    assert_eq!(names(&mut conn, &asked).await.unwrap().len(), 5);
}

#[sqlx::test(migrations = "./migrations")]
async fn the_directory_goes_down_level_by_level(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    upsert(&mut conn, &district()).await.unwrap();
    let below = |parent: Option<&'static str>| {
        let pool = pool.clone();
        async move {
            let mut conn = pool.acquire().await.unwrap();
            let parent = parent.map(code);
            let found = read::divisions(&mut conn, parent.as_ref()).await.unwrap();
            found.into_iter().map(|e| (e.code.to_string(), e.has_children)).collect::<Vec<_>>()
        }
    };
    assert_eq!(below(None).await, [("140213".to_owned(), true)]);
    assert_eq!(below(Some("140213")).await, [("140213066".to_owned(), true)]);
    assert_eq!(below(Some("140213066004")).await, [("140213066004901".to_owned(), false)]);
    assert!(below(Some("housing")).await.is_empty());
    let departments = read::departments(&mut conn).await.unwrap();
    assert_eq!(departments.len(), 1);
}
