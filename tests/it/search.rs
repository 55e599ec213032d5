//! Every list and search that clerks live in is answered from an index: the plans of the very
//! statements that the requests send, by `auto_explain`, over a history of 20,000 complaints (or the
//! one that `cargo xtask generate --check` names).

use std::sync::{Arc, Mutex};

use api::config::Config;
use serde_json::Value;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::support::{App, GENERATED};

/// Tables that grow with the years: reading one from end to end is a fault.
const BIG: [&str; 6] =
    ["complaint", "task", "event", "evaluation", "sla_timer", "complaint_contact"];
/// Generated cases, and how often each is there.
const CASES: u64 = 2_000;
const TIMES: i32 = 10;

/// Keeps what PostgreSQL tells its clients.
#[derive(Clone, Default)]
struct Notices(Arc<Mutex<Vec<String>>>);

impl Subscriber for Notices {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::postgres::notice"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }

            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "message" {
                    value.clone_into(&mut self.0);
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push(message.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Notices {
    /// The plans since the last time, once that of a list is among them: PostgreSQL tells a plan
    /// when the statement is over, which the connection may read after the answer is out.
    async fn plans(&self) -> Vec<Value> {
        let since = std::time::Instant::now();
        let mut plans: Vec<Value> = Vec::new();
        while !plans.iter().any(is_of_list) {
            assert!(since.elapsed().as_secs() < 20, "no plan of a list came: {plans:?}");
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            let told = std::mem::take(&mut *self.0.lock().unwrap());
            let texts = told.iter().filter_map(|text| text.split_once("plan:"));
            plans.extend(texts.filter_map(|(_, json)| serde_json::from_str(json).ok()));
        }
        plans
    }
}

/// Whether a plan is that of one of the lists.
fn is_of_list(plan: &Value) -> bool {
    let text = plan["Query Text"].as_str().unwrap_or_default();
    [
        "from complaint c join org_node place",
        "order by t.dispatched_at desc",
        "from audit_entry e left join account",
    ]
    .iter()
    .any(|order| text.contains(order))
}

/// The big tables that a plan reads from end to end.
fn read_whole(node: &Value, found: &mut Vec<String>) {
    let table = node["Relation Name"].as_str().unwrap_or_default();
    // Of the trail's months those that are full: one with a few entries is read as it likes.
    let grows = BIG.contains(&table) || table.starts_with("audit_entry_2026_0");
    if node["Node Type"] == "Seq Scan" && grows {
        found.push(table.to_owned());
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        read_whole(child, found);
    }
}

async fn multiply(app: &App) {
    let sql = format!(
        "create temp table c as table complaint; create temp table t as table task;
         insert into complaint select made.* from c, generate_series(2, {TIMES}) n,
             lateral jsonb_populate_record(c, jsonb_build_object(
                 'id', md5(c.id::text || n)::uuid,
                 'number', left(c.number, 10) || lpad(nextval('complaint_number')::text, 6, '0'))) made;
         insert into task select made.* from t, generate_series(2, {TIMES}) n,
             lateral jsonb_populate_record(t, jsonb_build_object(
                 'id', md5(t.id::text || n)::uuid, 'rework_of', null,
                 'complaint_id', md5(t.complaint_id::text || n)::uuid)) made;
         drop table c, t; vacuum analyze"
    );
    let mut conn = app.db().acquire().await.unwrap();
    for part in sql.split(';') {
        sqlx::raw_sql(sqlx::AssertSqlSafe(part.to_owned())).execute(&mut *conn).await.unwrap();
    }
}

/// Connections that explain what they run.
fn explain(config: &mut Config) {
    let explain = "options[session_preload_libraries]=auto_explain\
        &options[auto_explain.log_min_duration]=0&options[auto_explain.log_format]=json\
        &options[auto_explain.log_level]=notice";
    let url = config.database.url.expose();
    let sign = if url.contains('?') { '&' } else { '?' };
    config.database.url = format!("{url}{sign}{explain}").as_str().into();
    // Few, so that each runs every statement more often than custom plans are tried.
    config.database.connections = 2;
}

/// A district's history on connections that explain what they run.
async fn explaining() -> App {
    let app = App::generated(CASES, explain).await;
    if std::env::var_os(GENERATED).is_none() {
        multiply(&app).await;
    }
    app
}

#[tokio::test]
async fn every_list_and_search_is_answered_from_an_index() {
    let notices = Notices::default();
    tracing::subscriber::set_global_default(notices.clone()).unwrap();
    let app = explaining().await;
    let number: String = sqlx::query_scalar("select number from complaint order by id limit 1")
        .fetch_one(app.db())
        .await
        .unwrap();
    let common = [
        "",
        "urgency=emergency",
        "kind=report",
        "kind=praise&urgency=hard",
        "unit=urban-management",
        "unit=tobacco&community_code=140213066004",
        "community_code=140213066",
        "community_code=140213066004&kind=grievance",
        "hot=true",
        "hot=false&urgency=utility",
        "overdue=true",
        "overdue=true&unit=housing",
        "due_before=2026-11-25T00:00:00Z",
        "due_before=2026-11-27T00:00:00Z&community_code=140213066&hot=true",
        "q=路灯",
        "q=电梯困人",
        "q=永安花园 暖气",
        "q=没有这样的词",
        "q=暖气&urgency=utility&community_code=140213066",
    ];
    let number = [format!("q={number}"), format!("q={}", &number[12..])];
    let complaints = ["status=submitted", "status=accepted,dispatched,handling", "status=archived"];
    let tasks =
        ["status=pending", "status=pending,acknowledged", "status=confirmed", "status=returned"];
    let mut faults = Vec::new();
    for who in ["dispatcher", "dept.housing", "subdistrict.140213066", "community.140213066004"] {
        for (list, statuses) in [("complaints", &complaints[..]), ("tasks", &tasks[..])] {
            let all = common.iter().chain(statuses).copied();
            for query in all.chain(number.iter().map(String::as_str)) {
                notices.0.lock().unwrap().clear();
                let path = format!("/{list}?{query}");
                let page = app.as_(who).get(&path).await.expect(200);
                let mut plans = notices.plans().await;
                if let Some(cursor) = page["next_cursor"].as_str() {
                    app.as_(who).get(&format!("{path}&cursor={cursor}")).await.expect(200);
                    plans.extend(notices.plans().await);
                }
                for plan in &plans {
                    let mut whole = Vec::new();
                    read_whole(&plan["Plan"], &mut whole);
                    faults
                        .extend(whole.iter().map(|table| format!("{who}: {path}: all of {table}")));
                }
            }
        }
    }
    assert!(faults.is_empty(), "read from end to end:\n  {}", faults.join("\n  "));
}

/// A year of the trail: entries of many people about many objects, in the tables of their months.
const TRAIL: &str = "
    select audit_make_month(to_char(m, 'YYYY-MM'), m at time zone 'Asia/Shanghai',
            (m + interval '1 month') at time zone 'Asia/Shanghai')
        from generate_series(timestamp '2026-01-01', timestamp '2026-10-01', interval '1 month') m;
    insert into audit_entry (id, seq, at, account_id, action, object, object_id, data)
    select gen_random_uuid(), 1000000 + n, timestamptz '2026-01-01' + n * interval '80 seconds',
        (array(select id from account order by id limit 40))[n % 40 + 1],
        (array['complaint.accept', 'complaint.dispatch', 'complaint.unmask', 'task.reply'])[n % 4 + 1],
        'complaint', md5((n % 50000)::text)::uuid::text, '{}'
    from generate_series(1, 300000) n;
    vacuum analyze";

#[tokio::test]
async fn every_search_of_the_audit_trail_is_answered_from_an_index() {
    let notices = Notices::default();
    tracing::subscriber::set_global_default(notices.clone()).unwrap();
    let app = App::with(explain).await;
    let mut conn = app.db().acquire().await.unwrap();
    for part in TRAIL.split(';') {
        sqlx::raw_sql(sqlx::AssertSqlSafe(part.to_owned())).execute(&mut *conn).await.unwrap();
    }
    let somebody: String = sqlx::query_scalar("select id::text from account order by id limit 1")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    let auditor = app.as_("auditor");
    auditor.token().await;
    let mut faults = Vec::new();
    for query in [
        String::new(),
        format!("account_id={somebody}"),
        "object=complaint&object_id=c4ca4238-a0b9-2382-0dcc-509a6f75849b".to_owned(),
        "action=complaint.unmask".to_owned(),
        "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z".to_owned(),
        format!("account_id={somebody}&action=complaint.accept&from=2026-06-01T00:00:00Z"),
    ] {
        notices.0.lock().unwrap().clear();
        let path = format!("/audit?{query}");
        let page = auditor.get(&path).await.expect(200);
        assert!(!page["items"].as_array().unwrap().is_empty(), "{path} finds nothing");
        for plan in notices.plans().await {
            let mut whole = Vec::new();
            read_whole(&plan["Plan"], &mut whole);
            faults.extend(whole.iter().map(|table| format!("{path}: all of {table}")));
        }
    }
    assert!(faults.is_empty(), "read from end to end:\n  {}", faults.join("\n  "));
}

#[tokio::test]
async fn a_task_holds_the_area_and_kind_of_its_case_and_cannot_differ_from_it() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let held = "select count(*) from task t join complaint c on c.id = t.complaint_id
        where (t.community_code, t.kind) = (c.community_code, c.kind) and c.id = $1::uuid";
    let count = || sqlx::query_scalar::<_, i64>(held).bind(&case.id).fetch_one(app.db());
    assert_eq!(count().await.unwrap(), 1);
    let other = "update task set kind = 'praise' where complaint_id = $1::uuid";
    let refused = sqlx::query(other).bind(&case.id).execute(app.db()).await.unwrap_err();
    assert_eq!(infra::postgres::violated(&refused), Some("task_complaint_facts"));
    let corrected =
        "update complaint set kind = 'praise', community_code = (select code from org_node
        where kind = 'community' and code <> community_code limit 1) where id = $1::uuid";
    sqlx::query(corrected).bind(&case.id).execute(app.db()).await.unwrap();
    assert_eq!(count().await.unwrap(), 1, "it follows a correction");
}
