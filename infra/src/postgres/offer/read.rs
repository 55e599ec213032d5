//! Offers as residents, the merchant and the organisers see them.

use chrono::NaiveDate;
use domain::{
    complaint::Location,
    id::{AccountId, AttachmentId, BudgetId, OfferId},
    offer::{Audience, Category, Hours, MerchantCode, Person, Status, Taken, Weekdays},
    org::NodeCode,
    page::{Cursor, PageRequest},
    redemption,
    refusal::Refusal,
    scope::Scope,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{super::Connection, Offer, periods, rules};

/// 优惠
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OfferView {
    /// 优惠编号
    pub id: OfferId,
    /// 名称
    #[schema(example = "幸福餐厅午餐一份")]
    pub title: String,
    /// 说明
    pub description: Option<String>,
    /// 种类
    pub category: Category,
    /// 一份要多少积分
    #[schema(example = 50)]
    pub points: i64,
    /// 总份数
    #[schema(example = 100)]
    pub stock: i32,
    /// 剩余份数
    #[schema(example = 37)]
    pub remaining: i64,
    /// 每人限兑几份
    #[schema(example = 2)]
    pub per_person: i16,
    /// 每人每天限兑几份
    pub per_day: Option<i16>,
    /// 每人每周限兑几份
    pub per_week: Option<i16>,
    /// 开始时间
    #[schema(value_type = String, format = DateTime)]
    pub valid_from: Timestamp,
    /// 截止时间
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
    /// 周几可以兑换，周一是 1
    #[schema(example = json!([1, 2, 3, 4, 5]))]
    pub weekdays: Vec<u8>,
    /// 每天从几点起
    #[schema(example = "11:00")]
    pub from_time: Option<String>,
    /// 到几点止
    #[schema(example = "13:30")]
    pub to_time: Option<String>,
    /// 不能兑换的日子
    #[schema(value_type = Vec<String>, example = json!(["2027-02-06"]))]
    pub blackout: Vec<NaiveDate>,
    /// 面向谁
    pub audience: Audience,
    /// 面向已报到的人时，限定的社区；空为不限
    #[schema(value_type = Vec<String>)]
    pub communities: Vec<NodeCode>,
    /// 最小年龄（周岁）；不限为空
    pub min_age: Option<i16>,
    /// 最大年龄（周岁）；不限为空
    pub max_age: Option<i16>,
    /// 到店另付多少分钱
    #[schema(example = 500)]
    pub cash_fen: i64,
    /// 付款预算；只给商户负责人和组织员看
    pub budget: Option<BudgetId>,
    /// 每份结算价，分；只给商户负责人和组织员看
    pub settlement_fen: Option<i64>,
    /// 商户代码
    #[schema(example = "wenxing")]
    pub merchant: String,
    /// 商户名称
    #[schema(example = "文兴幸福餐厅")]
    pub merchant_name: String,
    /// 商户地址
    pub address: Option<String>,
    /// 第一张照片的缩略图，不需要登录，十分钟内有效；没有照片的为空
    pub cover_url: Option<String>,
    /// The first picture, to which whoever answers makes the link.
    #[serde(skip)]
    pub cover: Option<AttachmentId>,
    /// 离给定位置多少米；没有给位置或商户没有位置的为空
    pub distance: Option<i64>,
    /// 状态
    pub status: Status,
    /// 退回、暂停或结束的原因
    pub reason: Option<String>,
    /// 发布时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Timestamp>,
    /// 版本
    pub version: i64,
    /// 我现在能不能兑换；不用积分的身份为空
    pub available: Option<bool>,
    /// 不能兑换的原因，程序看
    #[schema(example = "offer_not_today")]
    pub unavailable_code: Option<String>,
    /// 不能兑换的原因，给人看
    #[schema(example = "这份优惠现在不能兑换：只在周一兑换")]
    pub unavailable_reason: Option<String>,
}

/// Who looks, and from where.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Viewer {
    /// Who would redeem, with what is known of them; none for whoever uses no points.
    pub buyer: Option<Buyer>,
    /// From where distances are measured.
    pub near: Option<Location>,
    /// Whose prices are shown; a merchant's own and the organisers'.
    pub scope: Option<Scope>,
}

/// Who would redeem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buyer {
    /// The account.
    pub account: AccountId,
    /// What is known of the person.
    pub person: Person,
    /// Points that are free.
    pub points: i64,
}

/// Who would redeem, as they stand now.
///
/// # Errors
/// The database's.
pub async fn buyer(conn: &mut Connection, scope: &Scope) -> sqlx::Result<Buyer> {
    let balance = super::super::points::read::balance(conn, scope).await?;
    let account = scope.account();
    let person = super::person(conn, account).await?;
    Ok(Buyer { account, person, points: balance.posted - balance.held })
}

/// Which offers.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of one kind.
    pub category: Option<Category>,
    /// Of one merchant.
    pub merchant: Option<String>,
    /// With these words in the title or in the merchant's name.
    pub words: Option<String>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Order {
    /// The latest first.
    #[default]
    Newest,
    /// The cheapest first.
    Points,
    /// Those that end first.
    Ending,
    /// The nearest first.
    Near(Location),
}

/// The place of a row in the list: whatever the order is by, as an instant.
type Key = (OfferId, Cursor);

/// A number as the instant that stands for it in a cursor, and back.
fn as_instant(number: i64) -> Timestamp {
    Timestamp::from_timestamp(number, 0).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A page of the offers that are published and valid at `now`, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn page(
    conn: &mut Connection,
    filter: &Filter,
    order: Order,
    page: PageRequest,
    now: Timestamp,
) -> sqlx::Result<Vec<Key>> {
    match order {
        Order::Newest => newest(conn, filter, page, now).await,
        Order::Ending => ending(conn, filter, page, now).await,
        Order::Points => cheapest(conn, filter, page, now).await,
        Order::Near(from) => nearest(conn, filter, from, page, now).await,
    }
}

fn key(id: OfferId, at: Timestamp) -> Key {
    (id, Cursor { at, id: id.0 })
}

async fn newest(
    conn: &mut Connection,
    filter: &Filter,
    page: PageRequest,
    now: Timestamp,
) -> sqlx::Result<Vec<Key>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query!(
        r#"select offer.id as "id: OfferId", published_at as "at!"
           from offer join merchant on merchant.code = offer.merchant
           where status = 'published' and valid_until > $1
               and ($2::text is null or category = $2)
               and ($3::text is null or merchant = $3)
               and ($4::text is null or strpos(lower(title), $4) > 0 or strpos(lower(merchant.name), $4) > 0)
               and ($5::timestamptz is null or (published_at, offer.id) < ($5, $6::uuid))
           order by published_at desc, offer.id desc limit $7"#,
        now,
        filter.category.map(Category::code),
        filter.merchant.as_deref(),
        filter.words.as_deref(),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| key(row.id, row.at)).collect())
}

async fn ending(
    conn: &mut Connection,
    filter: &Filter,
    page: PageRequest,
    now: Timestamp,
) -> sqlx::Result<Vec<Key>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query!(
        r#"select offer.id as "id: OfferId", valid_until as at
           from offer join merchant on merchant.code = offer.merchant
           where status = 'published' and valid_until > $1
               and ($2::text is null or category = $2)
               and ($3::text is null or merchant = $3)
               and ($4::text is null or strpos(lower(title), $4) > 0 or strpos(lower(merchant.name), $4) > 0)
               and ($5::timestamptz is null or (valid_until, offer.id) > ($5, $6::uuid))
           order by valid_until, offer.id limit $7"#,
        now,
        filter.category.map(Category::code),
        filter.merchant.as_deref(),
        filter.words.as_deref(),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| key(row.id, row.at)).collect())
}

async fn cheapest(
    conn: &mut Connection,
    filter: &Filter,
    page: PageRequest,
    now: Timestamp,
) -> sqlx::Result<Vec<Key>> {
    let after = page.after.map(|Cursor { at, id }| (at.timestamp(), id)).unzip();
    let rows = sqlx::query!(
        r#"select offer.id as "id: OfferId", points
           from offer join merchant on merchant.code = offer.merchant
           where status = 'published' and valid_until > $1
               and ($2::text is null or category = $2)
               and ($3::text is null or merchant = $3)
               and ($4::text is null or strpos(lower(title), $4) > 0 or strpos(lower(merchant.name), $4) > 0)
               and ($5::bigint is null or (points, offer.id) > ($5, $6::uuid))
           order by points, offer.id limit $7"#,
        now,
        filter.category.map(Category::code),
        filter.merchant.as_deref(),
        filter.words.as_deref(),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| key(row.id, as_instant(row.points))).collect())
}

/// What lies nowhere comes last. A district is small: a degree is taken as flat, which errs by a few
/// metres in a kilometre.
async fn nearest(
    conn: &mut Connection,
    filter: &Filter,
    from: Location,
    page: PageRequest,
    now: Timestamp,
) -> sqlx::Result<Vec<Key>> {
    let after = page.after.map(|Cursor { at, id }| (at.timestamp(), id)).unzip();
    let rows = sqlx::query!(
        r#"select id as "id: OfferId", away as "away!" from (
               select offer.id, coalesce(round(111195 * sqrt(
                   power(merchant.lat - $9::float8, 2)
                   + power((merchant.lng - $8::float8) * cos(radians($9::float8)), 2)))::bigint, 100000000) as away
               from offer join merchant on merchant.code = offer.merchant
               where status = 'published' and valid_until > $1
                   and ($2::text is null or category = $2)
                   and ($3::text is null or merchant = $3)
                   and ($4::text is null or strpos(lower(title), $4) > 0 or strpos(lower(merchant.name), $4) > 0)
           ) as found
           where $5::bigint is null or (away, id) > ($5, $6::uuid)
           order by away, id limit $7"#,
        now,
        filter.category.map(Category::code),
        filter.merchant.as_deref(),
        filter.words.as_deref(),
        after.0,
        after.1,
        page.probe(),
        from.lng,
        from.lat,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| key(row.id, as_instant(row.away))).collect())
}

/// A page of a merchant's offers, whatever their state, the latest first.
///
/// # Errors
/// The database's.
pub async fn of_shop(
    conn: &mut Connection,
    merchant: &str,
    status: Option<Status>,
    page: PageRequest,
) -> sqlx::Result<Vec<Key>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query!(
        r#"select id as "id: OfferId", created_at from offer
           where merchant = $1 and ($2::text is null or status = $2)
               and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
           order by created_at desc, id desc limit $5"#,
        merchant,
        status.map(Status::code),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| key(row.id, row.created_at)).collect())
}

/// Offers waiting for the organiser, the oldest first.
///
/// # Errors
/// The database's.
pub async fn in_review(conn: &mut Connection, page: PageRequest) -> sqlx::Result<Vec<Key>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query!(
        r#"select id as "id: OfferId", created_at from offer
           where status = 'in_review' and ($1::timestamptz is null or (created_at, id) > ($1, $2::uuid))
           order by created_at, id limit $3"#,
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| key(row.id, row.created_at)).collect())
}

/// What a view says beside its rules.
struct Beside {
    id: OfferId,
    title: String,
    description: Option<String>,
    reason: Option<String>,
    published_at: Option<Timestamp>,
    remaining: i64,
    merchant_name: String,
    address: Option<String>,
    cover: Option<AttachmentId>,
    lng: Option<f64>,
    lat: Option<f64>,
    slots: i64,
    day: i64,
    week: i64,
}

/// Offers for a viewer, in the order of their ids as given.
///
/// # Errors
/// The database's.
pub async fn views(
    conn: &mut Connection,
    ids: &[OfferId],
    viewer: &Viewer,
    now: Timestamp,
) -> sqlx::Result<Vec<OfferView>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let (day, week) = periods(now);
    let mut rows = sqlx::query_as!(
        Beside,
        r#"select offer.id as "id: OfferId", title, description, reason, published_at,
               (select count(*) from offer_unit where offer_unit.offer = offer.id and hold is null)
                   as "remaining!",
               (select picture.id from attachment picture
                   where picture.target_id = offer.id and not picture.superseded
                       and picture.check_state <> 'hidden'
                   order by picture.position limit 1) as "cover: AttachmentId",
               merchant.name as merchant_name, merchant.address, merchant.lng, merchant.lat,
               (select count(*) from hold where hold.offer = offer.id and hold.account = $2
                   and slot is not null) as "slots!",
               (select count(*) from hold where hold.offer = offer.id and hold.account = $2
                   and slot is not null and hold.created_at >= $3) as "day!",
               (select count(*) from hold where hold.offer = offer.id and hold.account = $2
                   and slot is not null and hold.created_at >= $4) as "week!"
           from offer join merchant on merchant.code = offer.merchant
           where offer.id = any($1) order by offer.id"#,
        &ids,
        viewer.buyer.as_ref().map(|buyer| buyer.account.0),
        day,
        week,
    )
    .fetch_all(&mut *conn)
    .await?;
    let offers = rules(conn, &ids).await?;
    // Both are in ascending id and of the same offers: none is ever deleted.
    let mut views: Vec<OfferView> = rows
        .drain(..)
        .zip(offers)
        .map(|(beside, offer)| view(beside, offer, viewer, now))
        .collect();
    views.sort_by_key(|one| ids.iter().position(|id| *id == one.id.0));
    Ok(views)
}

fn view(beside: Beside, offer: Offer, viewer: &Viewer, now: Timestamp) -> OfferView {
    let refused = viewer.buyer.as_ref().map(|buyer| why_not(&beside, &offer, buyer, now).err());
    let (from_time, to_time) = offer.conditions.hours.map(Hours::written).unzip();
    let shown =
        viewer.scope.as_ref().is_some_and(|scope| scope.reads_shop(offer.merchant.as_str()));
    let place = beside.lng.zip(beside.lat).map(|(lng, lat)| Location { lng, lat });
    let distance = viewer.near.zip(place).map(|(near, place)| near.whole_metres(place));
    let told = refused.as_ref().and_then(Option::as_ref);
    OfferView {
        id: beside.id,
        title: beside.title,
        description: beside.description,
        category: offer.category,
        points: offer.points,
        stock: offer.stock,
        remaining: beside.remaining,
        per_person: offer.per_person,
        per_day: offer.conditions.per_day,
        per_week: offer.conditions.per_week,
        valid_from: offer.valid_from,
        valid_until: offer.valid_until,
        weekdays: Weekdays::days(offer.conditions.weekdays),
        from_time,
        to_time,
        blackout: offer.conditions.blackout,
        audience: offer.conditions.audience,
        communities: offer.conditions.communities,
        min_age: offer.conditions.ages.min,
        max_age: offer.conditions.ages.max,
        cash_fen: offer.funding.cash_fen,
        budget: offer.funding.budget.filter(|_| shown),
        settlement_fen: shown.then_some(offer.funding.settlement_fen),
        merchant: MerchantCode::as_str(&offer.merchant).to_owned(),
        merchant_name: beside.merchant_name,
        address: beside.address,
        cover_url: None,
        cover: beside.cover,
        distance,
        status: offer.status,
        reason: beside.reason.filter(|_| shown),
        published_at: beside.published_at,
        version: offer.version,
        available: refused.as_ref().map(Option::is_none),
        unavailable_code: told.map(|refusal| refusal.code().to_owned()),
        unavailable_reason: told.map(ToString::to_string),
    }
}

/// Why a buyer cannot have a piece now, in the order in which redeeming it would say so.
fn why_not(
    beside: &Beside,
    offer: &Offer,
    buyer: &Buyer,
    now: Timestamp,
) -> Result<(), Box<dyn Refusal>> {
    let refuse =
        |refused| -> Result<(), Box<dyn Refusal>> { Err(Box::<redemption::Refused>::new(refused)) };
    if offer.valid_until <= now {
        return refuse(redemption::Refused::OfferEnded { at: offer.valid_until });
    }
    let taken = Taken { day: beside.day, week: beside.week };
    if let Err(refused) = offer.judge(&buyer.person, taken, now) {
        return Err(Box::new(refused));
    }
    if beside.slots >= i64::from(offer.per_person) {
        return refuse(redemption::Refused::LimitReached { limit: offer.per_person });
    }
    if buyer.points < offer.points {
        let (needed, available) = (offer.points, buyer.points);
        return refuse(redemption::Refused::PointsInsufficient { needed, available });
    }
    if beside.remaining == 0 {
        return refuse(redemption::Refused::SoldOut);
    }
    Ok(())
}

/// One offer, whatever its state. The caller has made sure that it may be shown.
///
/// # Errors
/// The database's.
pub async fn find(conn: &mut Connection, id: OfferId) -> sqlx::Result<Option<OfferView>> {
    let mut found = views(conn, &[id], &Viewer::default(), Timestamp::UNIX_EPOCH).await?;
    Ok(found.pop())
}

/// 一批份数
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BatchView {
    /// 第几批
    #[schema(example = 2)]
    pub n: i32,
    /// 份数；负数为减少
    #[schema(example = 50)]
    pub pieces: i32,
    /// 说明
    pub note: Option<String>,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub added_at: Timestamp,
}

/// The batches of an offer, the first first.
///
/// # Errors
/// The database's.
pub async fn batches(conn: &mut Connection, id: OfferId) -> sqlx::Result<Vec<BatchView>> {
    sqlx::query_as!(
        BatchView,
        "select n, pieces, note, added_at from offer_batch where offer = $1 order by n",
        id.0,
    )
    .fetch_all(conn)
    .await
}
