use domain::calendar::{WorkingCalendar, WorkingHours};
use sqlx::PgPool;

use super::*;

fn now() -> Timestamp {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

fn draft(year: i32) -> Notice {
    Notice {
        year,
        source: "测试".to_owned(),
        published_at: None,
        provisional: true,
        days: vec![Day {
            date: NaiveDate::from_ymd_opt(year, 1, 1).unwrap(),
            name: "元旦".to_owned(),
            working: false,
        }],
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn the_tables_begin_with_what_the_program_begins_with(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let kept = versions(&mut conn, None).await.unwrap();
    let notices: Vec<&Notice> = kept.iter().map(|version| &version.notice).collect();
    let read = WorkingCalendar::of(&notices, WorkingHours::default());
    assert_eq!(read, WorkingCalendar::embedded());
    assert_eq!(stamp(&mut conn).await.unwrap(), 3);
}

#[sqlx::test(migrations = "./migrations")]
async fn versions_are_counted_within_the_year_and_come_newest_first(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    for year in [2027, 2028, 2027] {
        insert(&mut conn, &draft(year), None, now()).await.unwrap();
    }
    let of: Vec<i32> =
        versions(&mut conn, Some(2027)).await.unwrap().iter().map(|one| one.version).collect();
    assert_eq!(of, [2, 1]);
    assert_eq!(stamp(&mut conn).await.unwrap(), 6);
    let empty = Notice { days: Vec::new(), ..draft(2030) };
    insert(&mut conn, &empty, None, now()).await.unwrap();
    assert!(versions(&mut conn, Some(2030)).await.unwrap()[0].notice.days.is_empty());
}

#[sqlx::test(migrations = "./migrations")]
async fn a_year_is_warned_of_once(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(warned(&mut conn, 2027).await.unwrap(), None);
    assert!(warn(&mut conn, 2027, now()).await.unwrap());
    assert!(!warn(&mut conn, 2027, now() + chrono::TimeDelta::days(1)).await.unwrap());
    assert_eq!(warned(&mut conn, 2027).await.unwrap(), Some(now()));
}
