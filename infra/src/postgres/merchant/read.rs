//! Merchants as residents and their own people see them; applications as applicants and organisers do.

use domain::{
    id::{AccountId, ApplicationId},
    identity::Role,
    merchant::Status,
    offer::MerchantCode,
    page::{Cursor, KeyRequest, PageRequest},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Connection;

/// 商户
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MerchantView {
    /// 商户代码
    #[schema(example = "wenxing")]
    pub code: String,
    /// 名称
    #[schema(example = "文兴示范商户")]
    pub name: String,
    /// 地址
    pub address: Option<String>,
    /// 介绍
    pub intro: Option<String>,
    /// 营业时间
    #[schema(example = "每天 7:00–21:00")]
    pub opening: Option<String>,
    /// 店铺电话
    pub shop_phone: Option<String>,
    /// 经度（GCJ-02）
    pub lng: Option<f64>,
    /// 纬度（GCJ-02）
    pub lat: Option<f64>,
    /// 现在可以兑换的优惠有几项
    #[schema(example = 6)]
    pub offers: i64,
    /// 暂停合作的时间；没有暂停为空
    #[schema(value_type = Option<String>, format = DateTime)]
    pub suspended_at: Option<Timestamp>,
    /// 版本
    pub version: i64,
}

/// Which merchants.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The one with this code.
    pub code: Option<String>,
    /// With these words in the name or address, in small letters.
    pub words: Option<String>,
}

/// Merchants in the order of their codes, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn merchants(
    conn: &mut Connection,
    filter: &Filter,
    page: &KeyRequest,
    now: Timestamp,
) -> sqlx::Result<Vec<MerchantView>> {
    sqlx::query_as!(
        MerchantView,
        r#"select code, name, address, intro, opening, shop_phone, lng, lat,
               (select count(*) from offer where offer.merchant = merchant.code and status = 'published'
                   and not suspended and valid_from <= $5 and valid_until > $5) as "offers!",
               (select suspended_at from merchant_suspension
                   where merchant_suspension.merchant = merchant.code and lifted_at is null) as suspended_at,
               version
           from merchant
           where ($1::text is null or code = $1)
               and ($2::text is null or strpos(lower(name), $2) > 0 or strpos(lower(address), $2) > 0)
               and ($3::text is null or code > $3)
           order by code limit $4"#,
        filter.code.as_deref(),
        filter.words.as_deref(),
        page.after.as_deref(),
        page.probe(),
        now,
    )
    .fetch_all(conn)
    .await
}

/// One merchant.
///
/// # Errors
/// The database's.
pub async fn merchant(
    conn: &mut Connection,
    code: &MerchantCode,
    now: Timestamp,
) -> sqlx::Result<Option<MerchantView>> {
    let filter = Filter { code: Some(code.as_str().to_owned()), words: None };
    let one = KeyRequest { after: None, limit: domain::page::Limit::DEFAULT };
    Ok(merchants(conn, &filter, &one, now).await?.pop())
}

/// Who is behind a merchant, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The licence.
    pub licence: Option<Vec<u8>>,
    /// Whom to call.
    pub contact_name: Option<Vec<u8>>,
    /// By which number.
    pub contact_phone: Option<Vec<u8>>,
}

/// Who is behind a merchant.
///
/// # Errors
/// The database's.
pub async fn behind(conn: &mut Connection, code: &MerchantCode) -> sqlx::Result<Option<Behind>> {
    sqlx::query_as!(
        Behind,
        "select licence_sealed as licence, contact_name_sealed as contact_name,
             contact_phone_sealed as contact_phone
         from merchant where code = $1",
        code.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// 为商户工作的人
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonView {
    /// 账号编号
    pub account_id: AccountId,
    /// 显示的名字
    #[schema(example = "文兴示范商户店员")]
    pub display_name: String,
    /// 身份
    pub role: Role,
    /// 从什么时候起
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    #[serde(skip)]
    #[schema(ignore)]
    grant: uuid::Uuid,
}

impl PersonView {
    /// Where they stand in the list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.since, id: self.grant }
    }
}

/// Who works for a merchant, the latest first, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn people(
    conn: &mut Connection,
    code: &MerchantCode,
    page: PageRequest,
) -> sqlx::Result<Vec<PersonView>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        PersonView,
        r#"select account_id as "account_id: AccountId", display_name, role as "role: Role",
               granted_at as since, role_grant.id as "grant"
           from role_grant join account on account.id = account_id
           where scope = $1 and revoked_at is null and role in ('merchant_clerk', 'merchant_manager')
               and ($2::timestamptz is null or (granted_at, role_grant.id) < ($2, $3::uuid))
           order by granted_at desc, role_grant.id desc limit $4"#,
        code.as_str(),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// An application, with what is sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Its id.
    pub id: ApplicationId,
    /// Who asks.
    pub applicant: AccountId,
    /// Grows by one with each save.
    pub version: i64,
    /// Where it stands.
    pub status: Status,
    /// The shop's name.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// What it is.
    pub intro: Option<String>,
    /// Longitude.
    pub lng: Option<f64>,
    /// Latitude.
    pub lat: Option<f64>,
    /// The licence, sealed.
    pub licence_sealed: Vec<u8>,
    /// Whom to call, sealed.
    pub contact_name_sealed: Vec<u8>,
    /// By which number, sealed.
    pub contact_phone_sealed: Vec<u8>,
    /// When it was handed in last.
    pub submitted_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Why it was sent back or refused.
    pub reason: Option<String>,
    /// What it became.
    pub merchant: Option<String>,
}

/// Which applications.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which {
    /// The one with this id.
    pub id: Option<ApplicationId>,
    /// Of this applicant.
    pub applicant: Option<AccountId>,
    /// That stand so.
    pub status: Option<Status>,
}

/// Applications, the latest first, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn applications(
    conn: &mut Connection,
    which: Which,
    page: PageRequest,
) -> sqlx::Result<Vec<Applied>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        Applied,
        r#"select id as "id: ApplicationId", applicant as "applicant: AccountId", version,
               status as "status: Status", name, address, intro, lng, lat, licence_sealed,
               contact_name_sealed, contact_phone_sealed, submitted_at, decided_at, reason, merchant
           from merchant_application
           where ($1::uuid is null or id = $1)
               and ($2::uuid is null or applicant = $2)
               and ($3::text is null or status = $3)
               and ($4::timestamptz is null or (submitted_at, id) < ($4, $5::uuid))
           order by submitted_at desc, id desc limit $6"#,
        which.id.map(|id| id.0),
        which.applicant.map(|id| id.0),
        which.status.map(Status::code),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
