//! The hash chain over the trail: sealing blocks, and reading what verification compares.

use std::collections::BTreeSet;

use domain::{
    audit::chain::{Block, Digest, Head, ORIGIN, Standing},
    id::AuditId,
    time::{Month, Timestamp},
};
use futures::TryStreamExt;
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::super::Connection;

/// Entries of a block at most.
const LARGEST: i64 = 1000;
/// Blocks that one run seals at most; the next one goes on.
const AT_ONCE: usize = 200;
/// What a dropped month leaves in the trail.
pub const DROPPED: &str = "audit.drop_month";

/// An entry as it is hashed: every column but its place, which the block's order says.
struct Row {
    id: Uuid,
    seq: i64,
    at: Timestamp,
    account_id: Option<Uuid>,
    role: Option<String>,
    action: String,
    object: String,
    object_id: String,
    request_id: Option<String>,
    address: Option<String>,
    /// PostgreSQL's own text of the JSON, which has one form for one value.
    data: String,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

impl Row {
    /// Each column with its length before it, so that nothing can move from one to the next.
    fn digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(b"zhixiang audit entry 1");
        let mut add = |column: Option<&[u8]>| match column {
            None => hasher.update([0]),
            Some(bytes) => {
                hasher.update([1]);
                hasher.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
                hasher.update(bytes);
            }
        };
        add(Some(self.id.as_bytes()));
        add(Some(&self.at.timestamp_micros().to_be_bytes()));
        add(self.account_id.as_ref().map(|id| id.as_bytes().as_slice()));
        add(self.role.as_deref().map(str::as_bytes));
        for column in [&self.action, &self.object, &self.object_id] {
            add(Some(column.as_bytes()));
        }
        add(self.request_id.as_deref().map(str::as_bytes));
        add(self.address.as_deref().map(str::as_bytes));
        add(Some(self.data.as_bytes()));
        add(self.before.as_deref());
        add(self.after.as_deref());
        hasher.finalize().into()
    }

    fn standing(&self) -> Standing {
        Standing { seq: self.seq, id: AuditId(self.id), digest: self.digest() }
    }
}

/// The hash of a block, computed from what it lists.
pub fn hash(block: &Block) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(b"zhixiang audit block 1");
    hasher.update(block.no.to_be_bytes());
    hasher.update(block.sealed_at.timestamp_micros().to_be_bytes());
    hasher.update(block.to_seq.to_be_bytes());
    hasher.update(block.previous);
    for (id, digest) in &block.entries {
        hasher.update(id.0.as_bytes());
        hasher.update(digest);
    }
    hasher.finalize().into()
}

/// The last block's number, place and hash; where there is none, what comes before the first.
async fn end(conn: &mut Connection) -> sqlx::Result<(i64, i64, Digest)> {
    let last = sqlx::query!("select no, to_seq, hash from audit_block order by no desc limit 1")
        .fetch_optional(conn)
        .await?;
    last.map_or(Ok((0, 0, ORIGIN)), |last| Ok((last.no, last.to_seq, digest(&last.hash)?)))
}

fn digest(bytes: &[u8]) -> sqlx::Result<Digest> {
    bytes.try_into().map_err(|_| sqlx::Error::Decode("a digest without 32 bytes".into()))
}

/// Seals what nobody can add to any more, and marks what the next run seals; answers the heads of
/// the new blocks. An entry is sealed by the second run after its transaction, later while an older
/// transaction lasts.
///
/// # Errors
/// The database's.
pub async fn seal(conn: &mut Connection, now: Timestamp) -> sqlx::Result<Vec<Head>> {
    // A number from before a dump was restored elsewhere is above every number of this server.
    let mark = sqlx::query!(
        r#"select seq, below <= pg_snapshot_xmin(pg_current_snapshot())
            or below > pg_snapshot_xmax(pg_current_snapshot()) as "settled!"
        from audit_mark for update"#
    )
    .fetch_one(&mut *conn)
    .await?;
    if !mark.settled {
        return Ok(Vec::new());
    }
    let mut heads = Vec::new();
    let (mut no, mut place, mut previous) = end(conn).await?;
    while heads.len() < AT_ONCE {
        let rows = between(conn, place, mark.seq, LARGEST).await?;
        let Some(last) = rows.last() else { break };
        let full = i64::try_from(rows.len()).is_ok_and(|count| count == LARGEST);
        place = if full { last.seq } else { mark.seq };
        no += 1;
        let entries = rows.iter().map(|row| (AuditId(row.id), row.digest())).collect();
        let mut block =
            Block { no, sealed_at: now, to_seq: place, entries, previous, hash: ORIGIN };
        block.hash = hash(&block);
        insert(conn, &block).await?;
        previous = block.hash;
        heads.push(Head { no, sealed_at: now, hash: block.hash });
        if !full {
            break;
        }
    }
    if heads.len() < AT_ONCE {
        mark_anew(conn).await?;
    }
    Ok(heads)
}

/// First the place, then the number below which it was given: in this order, and in two statements,
/// since each sees what was when it began.
async fn mark_anew(conn: &mut Connection) -> sqlx::Result<()> {
    let place = sqlx::query_scalar!(
        r#"select case when is_called then last_value else 0 end as "place!" from audit_seq"#
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "update audit_mark set seq = $1, below = pg_snapshot_xmax(pg_current_snapshot())",
        place,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn between(
    conn: &mut Connection,
    above: i64,
    upto: i64,
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"select id, seq, at, account_id, role, action, object, object_id, request_id, address,
            data::text as "data!", before, after
        from audit_entry where seq > $1 and seq <= $2
        order by seq, id
        limit $3"#,
        above,
        upto,
        limit,
    )
    .fetch_all(conn)
    .await
}

async fn insert(conn: &mut Connection, block: &Block) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = block.entries.iter().map(|(id, _)| id.0).collect();
    let digests: Vec<u8> = block.entries.iter().flat_map(|(_, digest)| *digest).collect();
    sqlx::query!(
        "insert into audit_block (no, sealed_at, to_seq, ids, digests, previous, hash)
        values ($1, $2, $3, $4, $5, $6, $7)",
        block.no,
        block.sealed_at,
        block.to_seq,
        &ids,
        digests,
        block.previous.as_slice(),
        block.hash.as_slice(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The blocks after number `no`, in order, `limit` at most.
///
/// # Errors
/// The database's.
pub async fn blocks(conn: &mut Connection, no: i64, limit: i64) -> sqlx::Result<Vec<Block>> {
    let rows = sqlx::query!(
        "select no, sealed_at, to_seq, ids, digests, previous, hash from audit_block
        where no > $1 order by no limit $2",
        no,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let mut blocks = Vec::with_capacity(rows.len());
    for row in rows {
        let (digests, _) = row.digests.as_chunks::<32>();
        blocks.push(Block {
            no: row.no,
            sealed_at: row.sealed_at,
            to_seq: row.to_seq,
            entries: row.ids.iter().copied().map(AuditId).zip(digests.iter().copied()).collect(),
            previous: digest(&row.previous)?,
            hash: digest(&row.hash)?,
        });
    }
    Ok(blocks)
}

/// The heads after number `no`, in order.
///
/// # Errors
/// The database's.
pub async fn heads(conn: &mut Connection, no: i64) -> sqlx::Result<Vec<Head>> {
    let rows =
        sqlx::query!("select no, sealed_at, hash from audit_block where no > $1 order by no", no,)
            .fetch_all(conn)
            .await?;
    let mut heads = Vec::with_capacity(rows.len());
    for row in rows {
        heads.push(Head { no: row.no, sealed_at: row.sealed_at, hash: digest(&row.hash)? });
    }
    Ok(heads)
}

/// The entries that stand above one place and up to another, in their order.
///
/// # Errors
/// The database's.
pub async fn standing(conn: &mut Connection, above: i64, upto: i64) -> sqlx::Result<Vec<Standing>> {
    let rows = between(conn, above, upto, i64::MAX).await?;
    Ok(rows.iter().map(Row::standing).collect())
}

/// The months that were dropped on record.
///
/// # Errors
/// The database's.
pub async fn dropped(conn: &mut Connection) -> sqlx::Result<BTreeSet<Month>> {
    let months = sqlx::query_scalar!(
        "select object_id from audit_entry where action = $1 and object = 'audit_month'",
        DROPPED,
    )
    .fetch_all(conn)
    .await?;
    Ok(months.iter().filter_map(|month| Month::parse(month).ok()).collect())
}

/// Where the chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The last block, if there is one.
    pub head: Option<Head>,
    /// Entries that are not sealed yet.
    pub unsealed: i64,
    /// The time of the oldest of them.
    pub oldest: Option<Timestamp>,
}

/// Where the chain ends now.
///
/// # Errors
/// The database's.
pub async fn ends(conn: &mut Connection) -> sqlx::Result<End> {
    let (no, place, hash) = end(conn).await?;
    let rest = sqlx::query!(
        r#"select count(*) as "count!", min(at) as oldest,
            (select sealed_at from audit_block where no = $2) as sealed_at
        from audit_entry where seq > $1"#,
        place,
        no,
    )
    .fetch_one(conn)
    .await?;
    let head = rest.sealed_at.map(|sealed_at| Head { no, sealed_at, hash });
    Ok(End { head, unsealed: rest.count, oldest: rest.oldest })
}

/// Each transaction's reads from here on see one instant; the first statement of a transaction.
///
/// # Errors
/// The database's.
pub async fn hold_still(conn: &mut Connection) -> sqlx::Result<()> {
    sqlx::query!("set transaction isolation level repeatable read").execute(conn).await?;
    Ok(())
}

/// Writes a month's entries, one JSON object a line in their order, to `out`; answers how many, and
/// how many of them no block holds yet.
///
/// # Errors
/// The database's, or of writing.
pub async fn write_month(
    conn: &mut Connection,
    month: Month,
    out: &mut (dyn std::io::Write + Send),
) -> sqlx::Result<(i64, i64)> {
    let (_, place, _) = end(conn).await?;
    let (since, until) = month.bounds();
    let mut lines = sqlx::query!(
        r#"select seq, to_jsonb(e)::text as "line!" from audit_entry e
        where at >= $1 and at < $2 order by seq"#,
        since,
        until,
    )
    .fetch(conn);
    let (mut count, mut unsealed) = (0, 0);
    while let Some(row) = lines.try_next().await? {
        writeln!(out, "{}", row.line)?;
        count += 1;
        unsealed += i64::from(row.seq > place);
    }
    Ok((count, unsealed))
}

/// Drops the table of a month's entries. It takes the owner of the tables.
///
/// # Errors
/// The database's: there is no such month, or the role may not.
pub async fn drop_month(conn: &mut Connection, month: Month) -> sqlx::Result<()> {
    // A month has digits and one hyphen.
    let table = format!("audit_entry_{}", month.to_string().replace('-', "_"));
    let statement = format!("alter table audit_entry detach partition {table}; drop table {table}");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(conn).await?;
    Ok(())
}

/// Whether there is a table of a month's entries.
///
/// # Errors
/// The database's.
pub async fn has_month(conn: &mut Connection, month: Month) -> sqlx::Result<bool> {
    let table = format!("audit_entry_{}", month.to_string().replace('-', "_"));
    sqlx::query_scalar!(r#"select to_regclass($1) is not null as "there!""#, table)
        .fetch_one(conn)
        .await
}
