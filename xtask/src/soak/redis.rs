//! Whatever happens to Redis, complaints are taken and their jobs done soon after.

use std::time::Duration;

use super::complaints::{Written, settled, title};
use super::figures::Figures;
use super::ground::{Ground, complain, in_parallel};
use crate::failure::Result;

/// From the last acceptance until every job is done.
const LIMIT: Duration = Duration::from_secs(5);

/// What happens, and how it ends.
const MISHAPS: [(&str, &str, Option<&str>); 5] = [
    ("清空", "FLUSHALL", None),
    ("裁剪", "XTRIM zhixiang:jobs MAXLEN 0", None),
    ("丢组", "XGROUP DESTROY zhixiang:jobs workers", None),
    // All of it stands still, so that nobody can end the pause early.
    ("停顿", "CLIENT PAUSE 3000 ALL", Some("PING")),
    ("内存满", "CONFIG SET maxmemory 1", Some("CONFIG SET maxmemory 0")),
];

/// Each mishap once, in the middle of `each` complaints.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let tag = ground.tag.clone();
    let mut figures = Figures::default();
    for (n, (name, happens, ends)) in MISHAPS.into_iter().enumerate() {
        ground.tag = format!("{tag}-{n}");
        let mut written = Written::default();
        accepted(ground, &mut written, each / 2).await?;
        // A stream or group that is gone already, which it refuses to lose, is as good as lost.
        ground.redis.ask(happens)?;
        let outcome = async {
            accepted(ground, &mut written, each - each / 2).await?;
            settled(ground, &written, ground.limit(LIMIT)).await
        };
        let outcome = outcome.await;
        if let Some(ends) = ends {
            ground.tell_redis(ends)?;
        }
        figures = figures.and(&outcome?).count(name, 1);
    }
    Ok(figures)
}

/// So many more, each taken at its first try.
async fn accepted(ground: &mut Ground<'_>, written: &mut Written, more: usize) -> Result {
    let (token, client) = (ground.member(0).await?, ground.client.clone());
    let (title, tag, before) = (title(ground), ground.tag.clone(), written.keys);
    let ids = in_parallel(more, 4, |n| {
        let call = complain(&title, &token, &format!("{tag}-{:06}", before + n));
        let client = client.clone();
        async move {
            let answer = super::ground::expected(client.send(&call).await?, 201)?;
            Ok(answer.text("/id").to_owned())
        }
    })
    .await?;
    written.keys += ids.len();
    written.ids.extend(ids);
    Ok(())
}
