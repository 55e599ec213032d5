use domain::{
    identity::{Actor, Grant, Role},
    page::Limit,
};
use sqlx::PgPool;

use super::*;

fn now() -> Timestamp {
    "2026-11-24T00:30:00Z".parse().unwrap()
}

const PAGE: PageRequest = PageRequest { after: None, limit: Limit::DEFAULT };

/// A case with its people: reporter, follower (whose complaint is merged into it), clerk and head
/// of the unit on it, a clerk of another unit, a dispatcher, and a dispatcher who is disabled.
struct Town {
    case: Uuid,
    people: Vec<(&'static str, Uuid)>,
}

impl Town {
    async fn build(conn: &mut Connection, confidential: bool) -> Self {
        for (code, kind) in [
            ("140213", "district"),
            ("140213066004", "community"),
            ("housing", "department"),
            ("water", "department"),
        ] {
            sqlx::query(
                "insert into org_node (code, tree, kind, name) values ($1, 'admin', $2, $1)",
            )
            .bind(code)
            .bind(kind)
            .execute(&mut *conn)
            .await
            .unwrap();
        }
        let mut people = Vec::new();
        for (name, role, scope) in [
            ("reporter", "resident", "self"),
            ("follower", "resident", "self"),
            ("clerk", "department_clerk", "housing"),
            ("head", "department_head", "housing"),
            ("stranger", "department_clerk", "water"),
            ("dispatcher", "dispatcher", "140213"),
            ("disabled", "dispatcher", "140213"),
        ] {
            let id = random::id::<AccountId>(now()).0;
            sqlx::query(
                "insert into account (id, display_name, created_at, disabled_at)
                 values ($1, $2, $3, case when $2 = 'disabled' then $3 end)",
            )
            .bind(id)
            .bind(name)
            .bind(now())
            .execute(&mut *conn)
            .await
            .unwrap();
            sqlx::query(
                "insert into role_grant (id, account_id, role, scope, granted_at)
                 values ($1, $1, $2, $3, $4)",
            )
            .bind(id)
            .bind(role)
            .bind(scope)
            .bind(now())
            .execute(&mut *conn)
            .await
            .unwrap();
            people.push((name, id));
        }
        let mut town = Self { case: Uuid::nil(), people };
        town.case = town.complaint(conn, "reporter", None, confidential).await;
        town.complaint(conn, "follower", Some(town.case), false).await;
        sqlx::query(
            "insert into task (id, complaint_id, unit, role, line, status, urgency, dispatched_at,
                 acknowledge_by, reply_by, return_by)
             values ($1, $2, 'housing', 'lead', 0, 'pending', 'ordinary', $3, $3, $3, $3)",
        )
        .bind(random::id::<TaskId>(now()).0)
        .bind(town.case)
        .bind(now())
        .execute(&mut *conn)
        .await
        .unwrap();
        town
    }

    async fn complaint(
        &self,
        conn: &mut Connection,
        reporter: &str,
        into: Option<Uuid>,
        confidential: bool,
    ) -> Uuid {
        let id = random::id::<ComplaintId>(now()).0;
        let number = format!("PC2026112400{:04}", u16::from_be_bytes(random::bytes()) % 10_000);
        sqlx::query(
            "insert into complaint (id, number, query_code_mac, status, kind, title, content,
                 community_code, channel, confidential, reachable, reporter_id, submitted_at,
                 clock_from, merged_into, units)
             values ($1, $2, '', case when $3::uuid is null then 'dispatched' else 'merged' end,
                 'help', '路灯不亮', '路灯坏了三天', '140213066004', 'mini_program', $4, true, $5,
                 $6, $6, $3, '{housing}')",
        )
        .bind(id)
        .bind(number)
        .bind(into)
        .bind(confidential)
        .bind(self.who(reporter))
        .bind(now())
        .execute(conn)
        .await
        .unwrap();
        id
    }

    fn who(&self, name: &str) -> Uuid {
        self.people.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// Appends an event and tells everyone; answers the names of those who were told.
    async fn told(
        &self,
        conn: &mut Connection,
        seq: i32,
        kind: EventKind,
        visibility: Visibility,
        by: &str,
        unit: Option<&str>,
    ) -> Vec<&'static str> {
        sqlx::query(
            "insert into event (subject_id, seq, kind, at, visibility, unit, actor_id, note)
             values ($1, $2, $3, $4, $5, $6, $7, '三单元的住户说')",
        )
        .bind(self.case)
        .bind(seq)
        .bind(kind)
        .bind(now())
        .bind(visibility)
        .bind(unit)
        .bind(self.who(by))
        .execute(&mut *conn)
        .await
        .unwrap();
        let added = tell(conn, self.case, seq, seq, now()).await.unwrap();
        assert_eq!(
            tell(conn, self.case, seq, seq, now()).await.unwrap(),
            0,
            "a repeat tells nobody"
        );
        let told: Vec<Uuid> =
            sqlx::query_scalar("select account_id from notification where seq = $1")
                .bind(seq)
                .fetch_all(conn)
                .await
                .unwrap();
        assert_eq!(u64::try_from(told.len()).unwrap(), added);
        self.people.iter().filter(|(_, id)| told.contains(id)).map(|(name, _)| *name).collect()
    }

    fn scope(&self, name: &str, role: Role, scope: &str) -> Scope {
        let grants = vec![Grant { role, scope: scope.to_owned() }];
        Scope::of(&Actor { account: AccountId(self.who(name)), grants })
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn each_event_reaches_those_concerned_and_nobody_else(pool: PgPool) {
    use EventKind::{Evaluated, Overdue, OverdueNotice, Submitted, TaskDispatched, Urged};
    use Visibility::{Centre, Everyone, Unit};
    let conn = &mut *pool.acquire().await.unwrap();
    let town = Town::build(conn, false).await;
    type Case<'c> = (EventKind, Visibility, &'c str, Option<&'c str>, &'c [&'c str]);
    let cases: [Case<'_>; 7] = [
        (Submitted, Everyone, "reporter", None, &["follower", "dispatcher"]),
        (
            TaskDispatched,
            Everyone,
            "dispatcher",
            Some("housing"),
            &["reporter", "follower", "clerk"],
        ),
        (Overdue, Unit, "dispatcher", Some("housing"), &["clerk"]),
        (OverdueNotice, Unit, "dispatcher", Some("housing"), &["clerk", "head"]),
        (Urged, Everyone, "reporter", None, &["clerk", "dispatcher"]),
        (Evaluated, Centre, "reporter", None, &["dispatcher"]),
        (TaskDispatched, Unit, "dispatcher", Some("water"), &["stranger"]),
    ];
    for (seq, (kind, visibility, by, unit, expected)) in (1..).zip(cases) {
        let told = town.told(conn, seq, kind, visibility, by, unit).await;
        assert_eq!(told, expected, "{seq} {kind}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn the_inbox_is_the_owners_and_is_read_once(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let town = Town::build(conn, false).await;
    for (seq, kind) in [(1, EventKind::TaskDispatched), (2, EventKind::Suspended)] {
        town.told(conn, seq, kind, Visibility::Everyone, "dispatcher", Some("housing")).await;
    }
    let mine = town.scope("reporter", Role::Resident, "self");
    let theirs = town.scope("follower", Role::Resident, "self");

    let inbox = list(conn, &mine, PAGE).await.unwrap();
    let seqs: Vec<i32> = inbox.iter().map(|entry| entry.event.seq).collect();
    assert_eq!(seqs, [2, 1]);
    let cursor = Cursor { at: inbox[0].created_at, id: inbox[0].id.0 };
    let next = PageRequest { after: Some(cursor), limit: Limit::new(1).unwrap() };
    assert_eq!(list(conn, &mine, next).await.unwrap()[0].event.seq, 1);

    let (id, later) = (inbox[0].id, now() + chrono::TimeDelta::hours(1));
    assert_eq!(unread(conn, mine.account()).await.unwrap(), 2);
    assert!(!mark_read(conn, theirs.account(), id, now()).await.unwrap(), "another's");
    assert!(find(conn, &theirs, id).await.unwrap().is_none());
    assert!(mark_read(conn, mine.account(), id, now()).await.unwrap());
    assert!(mark_read(conn, mine.account(), id, later).await.unwrap());
    assert_eq!(find(conn, &mine, id).await.unwrap().unwrap().read_at, Some(now()));
    assert_eq!(unread(conn, mine.account()).await.unwrap(), 1);
}

#[sqlx::test(migrations = "./migrations")]
async fn who_reads_decides_what_is_shown(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let town = Town::build(conn, true).await;
    town.told(
        conn,
        1,
        EventKind::TaskDispatched,
        Visibility::Everyone,
        "dispatcher",
        Some("housing"),
    )
    .await;
    town.told(conn, 2, EventKind::Urged, Visibility::Everyone, "reporter", None).await;

    let clerk = town.scope("clerk", Role::DepartmentClerk, "housing");
    let urged = list(conn, &clerk, PAGE).await.unwrap().remove(0);
    let viewer = urged.viewer.unwrap();
    assert_eq!((viewer.audience, viewer.confidential), (Audience::Unit, true));
    let text = domain::notification::render(&urged.event, viewer);
    assert!(!text.contains("住户"), "{text}");

    let follower = town.scope("follower", Role::Resident, "self");
    let dispatched = list(conn, &follower, PAGE).await.unwrap().remove(0);
    assert_eq!(dispatched.viewer.map(|viewer| viewer.own), Some(false));

    let moved = town.scope("clerk", Role::DepartmentClerk, "water");
    assert!(list(conn, &moved, PAGE).await.unwrap().iter().all(|entry| entry.viewer.is_none()));
}
