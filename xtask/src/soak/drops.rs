//! Clients that hang up in the middle of their request: no transaction stays open, the next request
//! is sane, and what was dropped can be sent again.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::complaints::{Written, settled, title};
use super::figures::Figures;
use super::ground::{Ground, complain, complaint, expected, in_parallel};
use crate::failure::Result;

const AT_A_TIME: usize = 10;
const PATIENCE: Duration = Duration::from_secs(10);
/// Transactions that somebody has left open, or that still run.
const OPEN: &str = "pg_stat_activity where datname = current_database() \
    and pid <> pg_backend_pid() and application_name <> 'psql' \
    and (state like 'idle in transaction%' or xact_start is not null)";

/// When a client hangs up.
#[derive(Debug, Clone, Copy)]
enum Drop {
    /// Inside its request, after so many hundredths of it.
    Inside(u64),
    /// So long after its request.
    After(Duration),
    /// When the answer begins to come.
    Answered,
}

/// `each` clients.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let token = ground.member(0).await?;
    let (title, tag) = (title(ground), ground.tag.clone());
    let key = |n: usize| format!("{tag}-{n:06}");
    let body = complaint(&title).to_string();
    let address = ground.app.base_url().trim_start_matches("http://").to_owned();
    let dice = &mut ground.dice;
    in_parallel(each, AT_A_TIME, |n| {
        let drop = match dice.below(5) {
            0 => Drop::Inside(dice.below(100)),
            1 => Drop::Answered,
            _ => Drop::After(Duration::from_micros(dice.below(25_600))),
        };
        hang_up(address.clone(), request(&token, &key(n), &body), drop)
    })
    .await?;
    let waited = ground.until(OPEN, 0, PATIENCE).await?;
    // The next request, and all of those again.
    let client = ground.client.clone();
    let ids = in_parallel(each + 1, AT_A_TIME, |n| {
        let (client, call) = (client.clone(), complain(&title, &token, &key(n)));
        async move { Ok(expected(client.send(&call).await?, 201)?.text("/id").to_owned()) }
    })
    .await?;
    let written = Written { keys: ids.len(), ids: ids.into_iter().collect(), again: 0 };
    let figures = settled(ground, &written, PATIENCE).await?;
    Ok(figures.count("断开", each).took("事务收尾", waited))
}

fn request(token: &str, key: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/complaints HTTP/1.1\r\nhost: soak\r\nauthorization: Bearer {token}\r\n\
         idempotency-key: {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn hang_up(address: String, request: Vec<u8>, drop: Drop) -> Result {
    let mut stream = TcpStream::connect(&address).await?;
    let sent = match drop {
        Drop::Inside(hundredths) => request.len() * usize::try_from(hundredths)? / 100,
        Drop::After(_) | Drop::Answered => request.len(),
    };
    stream.write_all(request.get(..sent).unwrap_or_default()).await?;
    match drop {
        Drop::Inside(_) => {}
        Drop::After(time) => sleep(time).await,
        Drop::Answered => {
            stream.read_u8().await?;
        }
    }
    // A reset, not a polite end.
    stream.set_zero_linger()?;
    Ok(())
}
