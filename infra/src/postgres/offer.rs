//! Offers and the merchants that give them. A piece of an offer is a row of `offer_unit`.

use chrono::NaiveDate;
use domain::{
    id::{AccountId, BudgetId, OfferId, RedemptionId},
    offer::{
        Ages, Audience, Batch, Category, Conditions, Details, Funding, Hours, MerchantCode,
        NewOffer, Offer, Person, Status, Taken, Weekdays,
    },
    org::NodeCode,
    points,
    time::{self, Timestamp},
};
use uuid::Uuid;

use super::Connection;

pub mod budget;
pub mod read;
#[cfg(test)]
mod tests;

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its code.
    pub code: MerchantCode,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub address: Option<String>,
}

/// Adds merchants, or brings them up to date, and opens the account of each that is new. Answers
/// how many are new.
///
/// # Errors
/// The database's.
pub async fn upsert_merchants(
    conn: &mut Connection,
    merchants: &[Merchant],
    now: Timestamp,
) -> sqlx::Result<u64> {
    let codes: Vec<String> = merchants.iter().map(|one| one.code.as_str().to_owned()).collect();
    let names: Vec<String> = merchants.iter().map(|one| one.name.clone()).collect();
    let addresses: Vec<String> =
        merchants.iter().map(|one| one.address.clone().unwrap_or_default()).collect();
    let ids: Vec<Uuid> =
        merchants.iter().map(|_| crate::random::id::<domain::id::LedgerTxId>(now).0).collect();
    sqlx::query!(
        "insert into merchant (code, name, address, created_at)
         select code, name, nullif(address, ''), $4
         from unnest($1::text[], $2::text[], $3::text[]) as given (code, name, address)
         on conflict (code) do update set name = excluded.name, address = excluded.address",
        &codes,
        &names,
        &addresses,
        now,
    )
    .execute(&mut *conn)
    .await?;
    let opened = sqlx::query!(
        "insert into points_account (id, kind, merchant, opened_at)
         select id, 'merchant', code, $3 from unnest($1::uuid[], $2::text[]) as given (id, code)
         on conflict on constraint points_account_merchant do nothing",
        &ids,
        &codes,
        now,
    )
    .execute(conn)
    .await?;
    Ok(opened.rows_affected())
}

/// Whether a merchant is suspended; `None` where there is none. It stays so until the transaction
/// ends: whoever suspends it waits.
///
/// # Errors
/// The database's.
pub async fn suspended(conn: &mut Connection, code: &MerchantCode) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"select exists (select from merchant_suspension
               where merchant_suspension.merchant = merchant.code and lifted_at is null) as "suspended!"
           from merchant where code = $1 for share of merchant"#,
        code.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// An offer's id, where it stands, and who wrote it when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Its id.
    pub id: OfferId,
    /// Where it stands.
    pub status: Status,
    /// Who wrote it.
    pub by: Option<AccountId>,
    /// When.
    pub at: Timestamp,
}

/// Adds an offer with a row for each piece. `false` when there is one with this id. What it commits
/// of a budget is committed apart.
///
/// # Errors
/// The database's.
pub async fn insert(conn: &mut Connection, one: Written, offer: &NewOffer) -> sqlx::Result<bool> {
    let Details { description, conditions, funding, .. } = &offer.details;
    let published = one.status == Status::Published;
    let blackout = &conditions.blackout;
    let units = sqlx::query!(
        "with added as (
             insert into offer
                 (id, merchant, title, category, points, stock, per_person, valid_until, status,
                  description, created_at, created_by, valid_from, weekdays, from_minute, to_minute,
                  blackout, per_day, per_week, audience, communities, budget, settlement_fen, cash_fen,
                  published_at, published_by, min_age, max_age)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                  $20, $21, $22, $23, $24, $25, $26, $27, $28)
             on conflict (id) do nothing
             returning id, stock
         ), batch as (
             insert into offer_batch (offer, n, pieces, added_by, added_at)
             select id, 1, stock, $12, $11 from added where $25::timestamptz is not null
         )
         insert into offer_unit (offer, n) select id, generate_series(1, stock) from added",
        one.id.0,
        offer.merchant.as_str(),
        offer.title,
        offer.category.code(),
        offer.points,
        i32::try_from(offer.stock).unwrap_or(i32::MAX),
        offer.per_person,
        offer.valid_until,
        one.status.code(),
        description.as_deref(),
        one.at,
        one.by.map(|account| account.0),
        offer.valid_from(one.at),
        conditions.weekdays.bits(),
        conditions.hours.map(|hours| hours.from),
        conditions.hours.map(|hours| hours.to),
        blackout,
        conditions.per_day,
        conditions.per_week,
        conditions.audience.code(),
        &codes(&conditions.communities),
        funding.budget.map(|budget| budget.0),
        funding.settlement_fen,
        funding.cash_fen,
        published.then_some(one.at),
        one.by.filter(|_| published).map(|account| account.0),
        conditions.ages.min,
        conditions.ages.max,
    )
    .execute(conn)
    .await?;
    Ok(units.rows_affected() > 0)
}

fn codes(communities: &[NodeCode]) -> Vec<String> {
    communities.iter().map(ToString::to_string).collect()
}

/// Publishes an offer at once, with a row for each piece. `false` when there is one with this id.
///
/// # Errors
/// The database's.
pub async fn publish(
    conn: &mut Connection,
    id: OfferId,
    offer: &NewOffer,
    by: Option<AccountId>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    insert(conn, Written { id, status: Status::Published, by, at: now }, offer).await
}

struct Row {
    id: OfferId,
    merchant: String,
    version: i64,
    status: Status,
    suspended: bool,
    category: Category,
    points: i64,
    stock: i32,
    per_person: i16,
    valid_from: Timestamp,
    valid_until: Timestamp,
    weekdays: i16,
    from_minute: Option<i16>,
    to_minute: Option<i16>,
    blackout: Vec<NaiveDate>,
    per_day: Option<i16>,
    per_week: Option<i16>,
    audience: Audience,
    communities: Vec<NodeCode>,
    min_age: Option<i16>,
    max_age: Option<i16>,
    budget: Option<BudgetId>,
    settlement_fen: i64,
    cash_fen: i64,
    created_by: Option<AccountId>,
}

impl From<Row> for Offer {
    fn from(row: Row) -> Self {
        let hours = row.from_minute.zip(row.to_minute).map(|(from, to)| Hours { from, to });
        Self {
            id: row.id,
            merchant: MerchantCode::trusted(row.merchant),
            version: row.version,
            status: row.status,
            suspended: row.suspended,
            category: row.category,
            points: row.points,
            stock: row.stock,
            per_person: row.per_person,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            conditions: Conditions {
                weekdays: Weekdays::from_bits(row.weekdays),
                hours,
                blackout: row.blackout,
                per_day: row.per_day,
                per_week: row.per_week,
                audience: row.audience,
                communities: row.communities,
                ages: Ages { min: row.min_age, max: row.max_age },
            },
            funding: Funding {
                budget: row.budget,
                settlement_fen: row.settlement_fen,
                cash_fen: row.cash_fen,
            },
            created_by: row.created_by,
        }
    }
}

/// Locks an offer: whoever is just redeeming it is waited for, and nobody begins to.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: OfferId) -> sqlx::Result<Option<Offer>> {
    sqlx::query!("select id from offer where id = $1 for update", id.0)
        .fetch_optional(&mut *conn)
        .await?;
    rules(conn, &[id.0]).await.map(|mut found| found.pop())
}

/// Offers as their rules see them, in ascending id.
async fn rules(conn: &mut Connection, ids: &[Uuid]) -> sqlx::Result<Vec<Offer>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: OfferId", merchant, version, status as "status: Status", suspended,
               category as "category: Category", points, stock, per_person, valid_from, valid_until,
               weekdays, from_minute, to_minute, blackout, per_day, per_week,
               audience as "audience: Audience", communities as "communities: Vec<NodeCode>",
               min_age, max_age,
               budget as "budget: BudgetId", settlement_fen, cash_fen,
               created_by as "created_by: AccountId"
           from offer where id = any($1) order by id"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Offer::from).collect())
}

/// Writes where an offer stands, and why. One that is published begins to be so.
///
/// # Errors
/// The database's.
pub async fn save(
    conn: &mut Connection,
    id: OfferId,
    status: Status,
    reason: Option<&str>,
    (by, now): (AccountId, Timestamp),
) -> sqlx::Result<()> {
    sqlx::query!(
        "with moved as (
             update offer set version = version + 1, status = $2, reason = $3,
                 published_at = case when $2 = 'published' then coalesce(published_at, $5) else published_at end,
                 published_by = case when $2 = 'published' then coalesce(published_by, $4) else published_by end
             where id = $1
             returning id, stock, status
         )
         insert into offer_batch (offer, n, pieces, added_by, added_at)
         select id, 1, stock, $4, $5 from moved
         where moved.status = 'published' and not exists (select from offer_batch where offer = moved.id)",
        id.0,
        status.code(),
        reason,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes other words and conditions. The pieces of a draft are set apart.
///
/// # Errors
/// The database's.
pub async fn change(
    conn: &mut Connection,
    old: &Offer,
    new: &NewOffer,
    now: Timestamp,
) -> sqlx::Result<()> {
    let Details { description, conditions, funding, valid_from } = &new.details;
    let valid_from = valid_from.unwrap_or(old.valid_from.min(now));
    sqlx::query!(
        "update offer set version = version + 1, title = $2, category = $3, points = $4, per_person = $5,
             valid_until = $6, description = $7, valid_from = $8, weekdays = $9, from_minute = $10,
             to_minute = $11, blackout = $12, per_day = $13, per_week = $14, audience = $15,
             communities = $16, budget = $17, settlement_fen = $18, cash_fen = $19, min_age = $20,
             max_age = $21
         where id = $1",
        old.id.0,
        new.title,
        new.category.code(),
        new.points,
        new.per_person,
        new.valid_until,
        description.as_deref(),
        valid_from,
        conditions.weekdays.bits(),
        conditions.hours.map(|hours| hours.from),
        conditions.hours.map(|hours| hours.to),
        &conditions.blackout,
        conditions.per_day,
        conditions.per_week,
        conditions.audience.code(),
        &codes(&conditions.communities),
        funding.budget.map(|budget| budget.0),
        funding.settlement_fen,
        funding.cash_fen,
        conditions.ages.min,
        conditions.ages.max,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds rows for more pieces, or takes free ones away, of which there are as many: under the offer's
/// lock.
///
/// # Errors
/// The database's.
pub async fn restock(conn: &mut Connection, id: OfferId, pieces: i32) -> sqlx::Result<()> {
    if pieces >= 0 {
        sqlx::query!(
            "insert into offer_unit (offer, n)
             select $1, coalesce((select max(n) from offer_unit where offer = $1), 0) + step
             from generate_series(1, $2::int) as step",
            id.0,
            pieces,
        )
        .execute(&mut *conn)
        .await?;
    } else {
        sqlx::query!(
            "delete from offer_unit where offer = $1 and n = any (array(
                 select n from offer_unit where offer = $1 and hold is null
                 order by n desc limit -$2::int for update))",
            id.0,
            pieces,
        )
        .execute(&mut *conn)
        .await?;
    }
    sqlx::query!("update offer set stock = stock + $2 where id = $1", id.0, pieces)
        .execute(conn)
        .await?;
    Ok(())
}

/// Writes down a batch of pieces.
///
/// # Errors
/// The database's.
pub async fn batch(
    conn: &mut Connection,
    id: OfferId,
    batch: &Batch,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with moved as (update offer set version = version + 1 where id = $1)
         insert into offer_batch (offer, n, pieces, note, added_by, added_at)
         values ($1, (select coalesce(max(n), 0) + 1 from offer_batch where offer = $1), $2, $3, $4, $5)",
        id.0,
        batch.pieces,
        batch.note.as_deref(),
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many pieces are free.
///
/// # Errors
/// The database's.
pub async fn free(conn: &mut Connection, id: OfferId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "free!" from offer_unit where offer = $1 and hold is null"#,
        id.0,
    )
    .fetch_one(conn)
    .await
}

/// What redeeming an offer depends on, for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The offer.
    pub offer: Offer,
    /// What one gets.
    pub title: String,
    /// The merchant's code.
    pub merchant: String,
    /// The merchant's name.
    pub merchant_name: String,
    /// What is known of the person.
    pub person: Person,
    /// Pieces that the person took today and this week.
    pub taken: Taken,
    /// The person's slots in use.
    pub slots: Vec<i16>,
    /// The books of the person or of the offer do not add up.
    pub blocked: bool,
    /// Every piece is taken for good. While somebody is just taking the last one, this is false.
    pub sold_out: bool,
}

/// The first instants of the day and of the calendar week.
pub(super) fn periods(now: Timestamp) -> (Timestamp, Timestamp) {
    let today = time::date(now);
    (time::start_of(today), time::start_of(points::week(today).0))
}

/// Reads an offer for one person. Under the person's account lock the slots stand still, and the
/// offer itself until the transaction ends: whoever pauses or changes it waits.
///
/// # Errors
/// The database's.
pub async fn terms(
    conn: &mut Connection,
    id: OfferId,
    account: AccountId,
    now: Timestamp,
) -> sqlx::Result<Option<Terms>> {
    // The lock first, in a statement of its own: what is read after it is what it waited for.
    sqlx::query!("select id from offer where id = $1 for key share", id.0)
        .fetch_optional(&mut *conn)
        .await?;
    let Some(offer) = rules(conn, &[id.0]).await?.pop() else { return Ok(None) };
    let (day, week) = periods(now);
    let row = sqlx::query!(
        r#"select title, offer.merchant, merchant.name as merchant_name,
               array(select slot from hold
                     where hold.offer = offer.id and hold.account = $2 and slot is not null) as "slots!",
               (select count(*) from hold where hold.offer = offer.id and hold.account = $2
                     and slot is not null and created_at >= $3) as "day!",
               (select count(*) from hold where hold.offer = offer.id and hold.account = $2
                     and slot is not null and created_at >= $4) as "week!",
               exists (select from ledger_block where subject_id in ($1, $2)) as "blocked!",
               not exists (select from offer_unit where offer_unit.offer = offer.id and hold is null)
                   as "sold_out!"
           from offer join merchant on merchant.code = offer.merchant
           where id = $1"#,
        id.0,
        account.0,
        day,
        week,
    )
    .fetch_one(&mut *conn)
    .await?;
    Ok(Some(Terms {
        offer,
        title: row.title,
        merchant: row.merchant,
        merchant_name: row.merchant_name,
        person: person(conn, account).await?,
        taken: Taken { day: row.day, week: row.week },
        slots: row.slots,
        blocked: row.blocked,
        sold_out: row.sold_out,
    }))
}

/// What is known of a person who would have an offer.
///
/// # Errors
/// The database's.
pub(super) async fn person(conn: &mut Connection, account: AccountId) -> sqlx::Result<Person> {
    sqlx::query_as!(
        Person,
        r#"select exists (select from party_member where account_id = $1 and removed_at is null)
                   as "party_member!",
               (select community_code from registration where account_id = $1 and status = 'signed')
                   as "registered: NodeCode",
               (select born_on from party_member
                   where account_id = $1 and removed_at is null) as born_on"#,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// Takes a free piece for a hold; `false` when every piece is taken for good or by others who have
/// it now. Pieces that somebody is just taking are passed over first; when there are no others,
/// their outcome is waited for, so that "sold out" is never said too early.
///
/// # Errors
/// The database's.
pub async fn claim_unit(
    conn: &mut Connection,
    offer: OfferId,
    hold: RedemptionId,
) -> sqlx::Result<bool> {
    loop {
        let claimed = sqlx::query!(
            "update offer_unit set hold = $2
             where offer = $1 and n = (
                 select n from offer_unit where offer = $1 and hold is null
                 order by n limit 1 for update skip locked
             )",
            offer.0,
            hold.0,
        )
        .execute(&mut *conn)
        .await?;
        if claimed.rows_affected() > 0 {
            return Ok(true);
        }
        let waiting = sqlx::query_scalar!(
            "select n from offer_unit where offer = $1 and hold is null limit 1",
            offer.0,
        )
        .fetch_optional(&mut *conn)
        .await?;
        let Some(n) = waiting else { return Ok(false) };
        sqlx::query!("select n from offer_unit where offer = $1 and n = $2 for update", offer.0, n)
            .fetch_optional(&mut *conn)
            .await?;
    }
}

/// Gives the piece of a hold back.
///
/// # Errors
/// The database's.
pub async fn free_unit(conn: &mut Connection, hold: RedemptionId) -> sqlx::Result<()> {
    sqlx::query!("update offer_unit set hold = null where hold = $1", hold.0).execute(conn).await?;
    Ok(())
}
