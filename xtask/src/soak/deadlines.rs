//! Many deadlines come at once while the worker is killed: each fires once.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::complaints::title;
use super::figures::Figures;
use super::ground::{Ground, complain, equal};
use crate::app::Part;
use crate::client::Call;
use crate::failure::{Context, Failure, Result};

const KILLS: usize = 3;
/// How late 99 of 100 may be.
const LIMIT: Duration = Duration::from_secs(5);
/// In a debug build ten thousand take their time.
const PATIENCE: Duration = Duration::from_secs(300);

/// `each` emergencies that nobody dispatches.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let original = emergency(ground).await?;
    // What the worker does meanwhile is on the original alone.
    ground.until("job where kind = 'notify' and state <> 'done'", 0, PATIENCE).await?;
    ground.query(&copies(&original, &title(ground), each))?;
    let since = Instant::now();
    for _ in 0..KILLS {
        sleep(ground.dice.millis(100, 900)).await;
        ground.app.crash(ground.running, Part::Worker).await?;
    }
    let ours = format!("(select id from complaint where title = '{} 份')", title(ground));
    let armed = format!("sla_timer where state = 'armed' and subject_id in {ours}");
    ground.until(&armed, 0, PATIENCE).await?;
    let waited = since.elapsed();
    let late = once_each(ground, &ours, each).await?;
    if late > ground.limit(LIMIT) {
        return Err(Failure::new(format!("p99 迟了 {late:?}，应 ≤ {LIMIT:?}")));
    }
    let figures = Figures::default().count("时限", each).count("kill -9", KILLS);
    Ok(figures.took("p99 迟到", late).took("全部触发", waited))
}

/// A complaint that was accepted as an emergency: ten minutes for its dispatch, by any calendar.
async fn emergency(ground: &mut Ground<'_>) -> Result<String> {
    let (resident, centre) = (ground.member(0).await?, ground.staff("dispatcher").await?);
    let submit = complain(&title(ground), &resident, &format!("{}-original", ground.tag));
    let receipt = ground.expect(&submit, 201).await?;
    let id = receipt.text("/id").to_owned();
    let body = json!({ "urgency": "emergency", "category": "城乡建设/路灯" });
    let accept = Call::post(format!("/complaints/{id}/accept"), body).by(&centre);
    ground.expect(&accept, 200).await?;
    Ok(id)
}

/// Copies with their events and timers, each moved back by the same time, so that every one of them
/// is due a second from now.
fn copies(original: &str, title: &str, each: usize) -> String {
    format!(
        "begin;
         create temp table copy on commit drop as
         select gen_random_uuid() as id, i, o.due_at - clock_timestamp() - interval '1 second' as back
         from generate_series(1, {each}) as i,
             (select min(due_at) as due_at from sla_timer
              where subject_id = '{original}' and state = 'armed') as o;
         insert into complaint
         select made.* from complaint o cross join copy cross join lateral
             jsonb_populate_record(o, jsonb_build_object('id', copy.id, 'title', '{title} 份',
                 'number', 'PC20200101' || lpad((copy.i + (select count(*) from complaint))::text, 6, '0'),
                 'submitted_at', o.submitted_at - back, 'clock_from', o.clock_from - back)) as made
         where o.id = '{original}';
         insert into event
         select made.* from event o cross join copy cross join lateral
             jsonb_populate_record(o, jsonb_build_object('subject_id', copy.id)) as made
         where o.subject_id = '{original}';
         insert into sla_timer
         select made.* from sla_timer o cross join copy cross join lateral
             jsonb_populate_record(o, jsonb_build_object('subject_id', copy.id,
                 'due_at', o.due_at - back)) as made
         where o.subject_id = '{original}' and o.state = 'armed';
         commit"
    )
}

/// How late the ninety-ninth of a hundred was.
async fn once_each(ground: &Ground<'_>, ours: &str, each: usize) -> Result<Duration> {
    let fired = format!("sla_timer where state = 'fired' and subject_id in {ours}");
    equal("触发的时限", ground.count(&fired)?, each)?;
    let events = format!("event where kind = 'centre_overdue' and subject_id in {ours}");
    equal("超时事件", ground.count(&events)?, each)?;
    let cases = format!("(select distinct subject_id from {events}) as once");
    equal("超时的诉求", ground.count(&cases)?, each)?;
    ground.until("job where kind = 'notify' and state <> 'done'", 0, PATIENCE).await?;
    let doubled = format!(
        "(select account_id, subject_id, seq from notification where subject_id in {ours}
          group by account_id, subject_id, seq having count(*) > 1) as doubled"
    );
    equal("重发的通知", ground.count(&doubled)?, 0)?;
    let told = format!(
        "(select distinct subject_id from notification where subject_id in {ours}) as told"
    );
    equal("通知到的诉求", ground.count(&told)?, each)?;
    let millis = ground.query(&format!(
        "select greatest(0, ceil(extract(epoch from
             percentile_disc(0.99) within group (order by fired_at - due_at)) * 1000))::bigint
         from {fired}"
    ))?;
    Ok(Duration::from_millis(millis.parse().context(|| millis.clone())?))
}
