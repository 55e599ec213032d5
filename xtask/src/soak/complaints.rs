//! People who submit complaints one after the other, whatever happens to the server, and what must
//! be in the database afterwards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::figures::Figures;
use super::ground::{Ground, complain, equal};
use crate::client::Client;
use crate::failure::{Failure, Result};

/// How many people submit at the same time.
const WRITERS: usize = 4;
/// How long the server may be away.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(30);

/// A load that goes on until it is told to end.
pub struct Load {
    ending: Arc<AtomicBool>,
    writers: JoinSet<Result<Written>>,
}

/// What was acknowledged.
#[derive(Debug, Default)]
pub struct Written {
    /// The complaints' ids.
    pub ids: BTreeSet<String>,
    /// Keys that were answered with 201.
    pub keys: usize,
    /// Requests that had to be sent again.
    pub again: usize,
}

/// The title of a round's complaints.
pub fn title(ground: &Ground<'_>) -> String {
    format!("压测 {}", ground.tag)
}

impl Load {
    /// Begins; each complaint of the round has the same title.
    ///
    /// # Errors
    /// Somebody cannot log in.
    pub async fn begin(ground: &mut Ground<'_>) -> Result<Self> {
        let ending = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (client, token) = (ground.client.clone(), ground.member(writer).await?);
            let (ending, title) = (ending.clone(), title(ground));
            let tag = format!("{}-{writer}", ground.tag);
            writers.spawn(async move { write(&client, &token, &title, &tag, &ending).await });
        }
        Ok(Self { ending, writers })
    }

    /// Lets everybody get the answer that they wait for, and ends.
    ///
    /// # Errors
    /// Somebody was refused, or got no answer at all.
    pub async fn end(mut self) -> Result<Written> {
        self.ending.store(true, Ordering::Relaxed);
        let mut all = Written::default();
        while let Some(one) = self.writers.join_next().await {
            let one = one??;
            all.ids.extend(one.ids);
            all.keys += one.keys;
            all.again += one.again;
        }
        Ok(all)
    }
}

/// Sends under one key until it is answered, then under the next one.
async fn write(
    client: &Client,
    token: &str,
    title: &str,
    tag: &str,
    ending: &AtomicBool,
) -> Result<Written> {
    let mut written = Written::default();
    while !ending.load(Ordering::Relaxed) {
        let call = complain(title, token, &format!("{tag}-{:06}", written.keys));
        let since = Instant::now();
        let id = loop {
            let last = match client.send(&call).await {
                Ok(answer) if answer.status == 201 => break answer.text("/id").to_owned(),
                // Restarting, or its database is.
                Ok(answer) if answer.status >= 500 => format!("{} {}", answer.status, answer.body),
                Ok(answer) => {
                    let told = format!("提交被拒：{} {}", answer.status, answer.body);
                    return Err(Failure::new(told));
                }
                Err(error) => error.to_string(),
            };
            if since.elapsed() > PATIENCE {
                return Err(Failure::new(format!("一直没有答复：{last}")));
            }
            written.again += 1;
            sleep(PAUSE).await;
        };
        written.ids.insert(id);
        written.keys += 1;
    }
    Ok(written)
}

/// Checks that every acknowledged complaint is there, none twice, and waits until each one's job is
/// done within `patience`; how long that took.
///
/// # Errors
/// What is lost, doubled or left undone.
pub async fn settled(
    ground: &Ground<'_>,
    written: &Written,
    patience: Duration,
) -> Result<Figures> {
    let since = Instant::now();
    equal("不同的编号", written.ids.len(), written.keys)?;
    let ours = format!("complaint where title = '{}'", title(ground));
    let ids: Vec<String> = written.ids.iter().map(|id| format!("'{id}'")).collect();
    let ids = if ids.is_empty() { "null".to_owned() } else { ids.join(",") };
    let there = ground.count(&format!("{ours} and id in ({ids})"))?;
    equal("答复过并在库里的诉求", there, written.keys)?;
    equal("库里的诉求", ground.count(&ours)?, written.keys)?;
    let of_ours = format!("in (select id from {ours})");
    let told = format!("notification where subject_id {of_ours}");
    ground.until(&told, written.keys, patience).await?;
    let waited = since.elapsed();
    let undone = "job where kind = 'notify' and state <> 'done'";
    ground.until(undone, 0, patience).await?;
    equal("通知", ground.count(&told)?, written.keys)?;
    let once = format!("(select distinct subject_id from {told}) as once");
    equal("通知到的诉求", ground.count(&once)?, written.keys)?;
    for (what, table) in [
        ("首个事件", "event where kind = 'submitted' and subject_id"),
        ("时限", "sla_timer where subject_id"),
    ] {
        equal(what, ground.count(&format!("{table} {of_ours}"))?, written.keys)?;
    }
    Ok(Figures::default()
        .count("答复过的写入", written.keys)
        .count("重发", written.again)
        .took("作业办完", waited))
}
