//! What must hold in the database after a replay on private services, whatever happened on the way.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::console::say;
use crate::failure::{Failure, Result};
use crate::services::Services;
use crate::services::postgres::Postgres;

const DATABASE: &str = "zhixiang";
/// A crashed worker's jobs wait for the end of their lease, a minute, before another takes them.
const PATIENCE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(500);

const BACKLOG: &str = "select count(*) from job where state in ('ready', 'running')";

/// A query and what it counts; each row of the file must count once, or nothing may be found.
struct Rule {
    name: &'static str,
    query: &'static str,
    once_a_row: bool,
}

const RULES: [Rule; 10] = [
    once("诉求", "select count(*) from complaint"),
    once("提交的幂等键", "select count(*) from idempotency where operation = 'complaint.submit'"),
    once("已答复的任务", "select count(*) from task where status = 'replied'"),
    once("任务", "select count(*) from task"),
    // A machine that is slow enough sees reminders and overdue marks; they are no steps.
    none(
        "步骤不全、重复或次序不对的诉求",
        "select count(*) from complaint c where (
             select array_agg(kind order by seq) from event
             where subject_id = c.id and kind not in ('reminder', 'overdue', 'centre_overdue')
         ) is distinct from
             array['submitted', 'accepted', 'task_dispatched', 'task_acknowledged', 'task_replied']",
    ),
    none(
        "事件编号有缺口的诉求",
        "select count(*) from complaint c
         where last_seq <> (select count(*) from event where subject_id = c.id)",
    ),
    none("没有做完的作业", "select count(*) from job where state <> 'done'"),
    // Every save of a case enqueues one job, and every save is one version.
    none(
        "通知作业与保存次数之差",
        "select (select count(*) from job where kind = 'notify')
              - (select sum(version) from complaint)",
    ),
    // The unit's clerk is told of the task, the dispatcher of the reply.
    none(
        "通知漏发或重发的诉求",
        "select count(*) from complaint c where (
             select array_agg(e.kind order by e.seq)
             from notification n join event e on e.subject_id = n.subject_id and e.seq = n.seq
             where n.subject_id = c.id and e.kind not in ('reminder', 'overdue', 'centre_overdue')
         ) is distinct from array['task_dispatched', 'task_replied']",
    ),
    none(
        "审计条目与保存次数之差",
        "select (select count(*) from audit_entry
                 where object = 'complaint' and action <> 'complaint.contact_seen')
              - (select sum(version) from complaint)",
    ),
];

const fn once(name: &'static str, query: &'static str) -> Rule {
    Rule { name, query, once_a_row: true }
}

const fn none(name: &'static str, query: &'static str) -> Rule {
    Rule { name, query, once_a_row: false }
}

/// Waits until the workers are done, and checks every rule.
///
/// # Errors
/// The rules that do not hold.
pub async fn prove(services: &Services, rows: usize) -> Result {
    let Some(postgres) = services.postgres() else {
        return Err(Failure::new("只能在独立的数据库上核对"));
    };
    drained(postgres).await?;
    let mut broken = Vec::new();
    for rule in &RULES {
        let wanted = if rule.once_a_row { rows } else { 0 };
        let found = postgres.psql(DATABASE, &["-c", rule.query])?;
        say(format!("  {found:>6}  {}（应为 {wanted}）", rule.name));
        if found != wanted.to_string() {
            broken.push(rule.name);
        }
    }
    if broken.is_empty() {
        say("库里逐项核对无误：没有丢失，没有重复");
        Ok(())
    } else {
        Err(Failure::new(format!("库里核对不符：{}", broken.join("；"))))
    }
}

async fn drained(postgres: &Postgres) -> Result {
    let since = Instant::now();
    loop {
        let left = postgres.psql(DATABASE, &["-c", BACKLOG])?;
        if left == "0" {
            say(format!("积压的作业全部办完（又等了 {:.1} 秒）", since.elapsed().as_secs_f64()));
            return Ok(());
        }
        if since.elapsed() > PATIENCE {
            return Err(Failure::new(format!("{left} 个作业在 3 分钟内没有办完")));
        }
        sleep(POLL).await;
    }
}
