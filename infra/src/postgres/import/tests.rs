use domain::{
    calendar::WorkingCalendar,
    complaint::Kind,
    id::ComplaintId,
    import::{Defaults, Field},
    sla::{Rules, Terms},
};
use sqlx::PgPool;

use super::*;

const CONTENT: &str = "𠮷祥路的路灯\t坏了，㐂乐小区门口很黑🚰";

fn now() -> Timestamp {
    "2026-11-24T00:30:00Z".parse().unwrap()
}

fn orders(range: std::ops::Range<u32>) -> Vec<PastOrder> {
    let community = NodeCode::parse("community", "140213066004").unwrap();
    let defaults = Defaults {
        community: Some(community),
        kind: Kind::Help,
        posted_at: None,
        places: Vec::new(),
    };
    range
        .map(|number| {
            let number = number.to_string();
            let cell = |field| match field {
                Field::Number => number.as_str(),
                Field::Title => "路灯不亮",
                Field::Content => CONTENT,
                Field::PostedAt => "2019/2/28 11:25:05",
                Field::Reply => "已更换灯泡",
                Field::RepliedAt => "2019/3/4 10:00:00",
                Field::Category => "城乡建设",
                Field::Kind | Field::Community => "",
            };
            PastOrder::parse(cell, &defaults, now()).unwrap()
        })
        .collect()
}

fn cases(orders: &[PastOrder]) -> Vec<PastCase<'_>> {
    let (calendar, rules) = (WorkingCalendar::embedded(), Rules::default());
    let terms = Terms { calendar: &calendar, rules: &rules };
    orders
        .iter()
        .map(|order| {
            let (case, events) = order.history(random::id::<ComplaintId>(now()), terms, now());
            PastCase { order, case, events }
        })
        .collect()
}

async fn town(conn: &mut Connection) {
    sqlx::query(
        "insert into org_node (code, tree, kind, name)
         values ('140213066004', 'admin', 'community', '文兴社区'),
             ('housing', 'admin', 'department', '住建局')",
    )
    .execute(conn)
    .await
    .unwrap();
}

async fn count(conn: &mut Connection, what: &'static str) -> i64 {
    sqlx::query_scalar(what).fetch_one(conn).await.unwrap()
}

#[sqlx::test(migrations = "./migrations")]
async fn the_same_rows_again_are_none(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    town(&mut conn).await;
    let given = orders(1..21);
    assert_eq!(insert(&mut conn, "旧热线", &cases(&given)).await.unwrap(), 20);
    assert_eq!(insert(&mut conn, "旧热线", &cases(&given)).await.unwrap(), 0);
    // A longer file of the same source brings what is new, another source brings its own numbers.
    assert_eq!(insert(&mut conn, "旧热线", &cases(&orders(11..31))).await.unwrap(), 10);
    assert_eq!(insert(&mut conn, "问政平台", &cases(&given)).await.unwrap(), 20);

    assert_eq!(count(&mut conn, "select count(*) from complaint").await, 50);
    assert_eq!(count(&mut conn, "select count(distinct number) from complaint").await, 50);
    assert_eq!(count(&mut conn, "select count(*) from event").await, 200);
    let numbers = ["20".to_owned(), "30".to_owned(), "99".to_owned()];
    let found = known(&mut conn, "旧热线", &numbers).await.unwrap();
    assert_eq!(found, HashSet::from(["20".to_owned(), "30".to_owned()]));
}

#[sqlx::test(migrations = "./migrations")]
async fn a_row_twice_in_one_statement_is_one(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    town(&mut conn).await;
    let twice = [orders(1..3), orders(2..4)].concat();
    assert_eq!(insert(&mut conn, "旧热线", &cases(&twice)).await.unwrap(), 3);
    assert_eq!(count(&mut conn, "select count(*) from event").await, 12);
}

#[sqlx::test(migrations = "./migrations")]
async fn history_is_kept_exactly_and_starts_nothing(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    town(&mut conn).await;
    insert(&mut conn, "旧热线", &cases(&orders(7..8))).await.unwrap();
    let row = sqlx::query!(
        "select number, status, content, category, closed_as, closed_at, replied_at, reachable,
             reporter_id, last_seq, source, source_number
         from complaint"
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert!(row.number.starts_with("PC20190228"), "{}", row.number);
    assert_eq!((row.status.as_str(), row.closed_as.as_deref()), ("archived", Some("imported")));
    assert_eq!((row.content.as_str(), row.category.as_deref()), (CONTENT, Some("城乡建设")));
    assert_eq!(row.closed_at, Some("2019-03-04T02:00:00Z".parse().unwrap()));
    assert_eq!(row.replied_at, row.closed_at);
    assert!(!row.reachable && row.reporter_id.is_none());
    assert_eq!((row.source.as_deref(), row.source_number.as_deref()), (Some("旧热线"), Some("7")));

    let told = sqlx::query!("select seq, kind, at, note from event order by seq")
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    let kinds: Vec<(i32, &str)> =
        told.iter().map(|event| (event.seq, event.kind.as_str())).collect();
    assert_eq!(kinds, [(1, "submitted"), (2, "replied"), (3, "closed"), (4, "archived")]);
    assert_eq!(row.last_seq, 4);
    assert_eq!(told[1].note.as_deref(), Some("已更换灯泡"));
    for nothing in [
        "select count(*) from sla_timer",
        "select count(*) from job",
        "select count(*) from notification",
        "select count(*) from task",
    ] {
        assert_eq!(count(&mut conn, nothing).await, 0, "{nothing}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn an_unknown_community_stops_the_statement_whole(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    assert!(insert(&mut conn, "旧热线", &cases(&orders(1..3))).await.is_err());
    assert_eq!(count(&mut conn, "select count(*) from complaint").await, 0);
    assert_eq!(count(&mut conn, "select count(*) from event").await, 0);
}

#[sqlx::test(migrations = "./migrations")]
async fn only_communities_are_places(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    town(&mut conn).await;
    let found = places(&mut conn).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "文兴社区");
}
