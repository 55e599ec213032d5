//! SIGKILL at named points. The product has no switches for this: each point is held open by the
//! services themselves, and the database says that it is reached.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::complaints::title;
use super::figures::Figures;
use super::ground::{Ground, complain, equal};
use crate::app::Part;
use crate::failure::{Failure, Result};

/// A point may be missed, when something else takes the job first.
const TRIES: usize = 20;
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);
/// Writes to Redis wait, reads do not.
const PAUSE: &str = "CLIENT PAUSE 20000 WRITE";

/// Each point `each` times.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let tag = ground.tag.clone();
    let mut figures = Figures::default();
    for n in 0..each {
        for point in ["committed", "effect", "done"] {
            let mut missed = 0;
            loop {
                ground.tag = format!("{tag}-{point}-{n}-{missed}");
                let reached = match point {
                    "committed" => before_the_answer(ground).await,
                    "effect" => before_done(ground).await,
                    _ => before_xack(ground).await,
                };
                if reached? {
                    break;
                }
                missed += 1;
                if missed == TRIES {
                    return Err(Failure::new(format!("{TRIES} 次都没有停在 {point}")));
                }
            }
            figures = figures.count(point, 1).count("没有停住再来", missed);
        }
    }
    Ok(figures)
}

/// After the commit, before the answer: the hint to Redis stands between the two.
async fn before_the_answer(ground: &mut Ground<'_>) -> Result<bool> {
    let token = ground.member(0).await?;
    let call = complain(&title(ground), &token, &format!("{}-key", ground.tag));
    ground.tell_redis(PAUSE)?;
    let (client, first) = (ground.client.clone(), call.clone());
    let asking = tokio::spawn(async move { client.send(&first).await });
    let committed = until_there(ground, &submitted(ground)).await;
    let crashed = ground.app.crash(ground.running, Part::Serve).await;
    ground.tell_redis("CLIENT UNPAUSE")?;
    committed?;
    crashed?;
    let unanswered = asking.await?.is_err();
    let answer = ground.expect(&call, 201).await?;
    let stored = ground.query(&format!("select id from {}", submitted(ground)))?;
    equal("重发得到的编号", answer.text("/id"), stored.as_str())?;
    once(ground).await?;
    Ok(unanswered)
}

/// After the effect, before the job is marked done: the effect waits for a lock on its table until
/// the job is claimed, then the mark waits for a lock on the job.
async fn before_done(ground: &mut Ground<'_>) -> Result<bool> {
    let table = ground.hold("lock table notification in share mode")?;
    submit(ground).await?;
    until_there(ground, &waiting("insert into notification")).await?;
    let job = ground.hold(&format!("select id from {} for update", job_of(ground)))?;
    table.release()?;
    until_there(ground, &waiting("update job set state = 'done'")).await?;
    let effect = ground.count(&told(ground))?;
    ground.app.crash(ground.running, Part::Worker).await?;
    job.release()?;
    equal("提交之前看得见的效果", effect, 0)?;
    once(ground).await?;
    let again = ground.count(&format!("{} and attempt > 1", job_of(ground)))?;
    equal("由另一个 worker 重做的作业", again, 1)?;
    Ok(true)
}

/// After the job is done, before its hint is acknowledged.
async fn before_xack(ground: &mut Ground<'_>) -> Result<bool> {
    // Hints that earlier crashes have left say nothing about this one.
    ground.tell_redis("XTRIM zhixiang:jobs MAXLEN 0")?;
    let table = ground.hold("lock table notification in share mode")?;
    submit(ground).await?;
    until_there(ground, &waiting("insert into notification")).await?;
    ground.tell_redis(PAUSE)?;
    table.release()?;
    let done = until_there(ground, &format!("{} and state = 'done'", job_of(ground))).await;
    let crashed = ground.app.crash(ground.running, Part::Worker).await;
    ground.tell_redis("CLIENT UNPAUSE")?;
    done?;
    crashed?;
    // Its hint is still there, unless the scan had been quicker than the hint.
    let left = ground.tell_redis("XLEN zhixiang:jobs")? != ":0";
    once(ground).await?;
    equal("做过两次的作业", ground.count(&format!("{} and attempt > 1", job_of(ground)))?, 0)?;
    Ok(left)
}

async fn submit(ground: &mut Ground<'_>) -> Result {
    let token = ground.member(0).await?;
    let call = complain(&title(ground), &token, &format!("{}-key", ground.tag));
    ground.expect(&call, 201).await.map(drop)
}

fn submitted(ground: &Ground<'_>) -> String {
    format!("complaint where title = '{}'", title(ground))
}

fn job_of(ground: &Ground<'_>) -> String {
    format!(
        "job where kind = 'notify' and dedupe like '%' || (select id from {}) || '%'",
        submitted(ground)
    )
}

fn told(ground: &Ground<'_>) -> String {
    format!("notification where subject_id in (select id from {})", submitted(ground))
}

/// Somebody's statement that waits for a lock.
fn waiting(statement: &str) -> String {
    let pattern = statement.replace('\'', "''");
    format!(
        "pg_stat_activity where wait_event_type = 'Lock' and application_name <> 'psql' \
         and query like '%{pattern}%'"
    )
}

async fn until_there(ground: &Ground<'_>, of: &str) -> Result {
    let since = Instant::now();
    while ground.count(of)? == 0 {
        if since.elapsed() > PATIENCE {
            return Err(Failure::new(format!("没有等到：{of}")));
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// One complaint, one job that is done, one notification.
async fn once(ground: &Ground<'_>) -> Result {
    ground.until(&format!("{} and state = 'done'", job_of(ground)), 1, PATIENCE).await?;
    equal("诉求", ground.count(&submitted(ground))?, 1)?;
    equal("通知", ground.count(&told(ground))?, 1)
}
