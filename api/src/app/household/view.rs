//! Households and visits as they are shown, opened or masked.

use chrono::NaiveDate;
use domain::{
    household::{Category, VisitKind},
    id::{ComplaintId, HouseholdId, PairingId, VisitId},
    org::NodeCode,
    page::Cursor,
    personal::{PersonName, Phone},
    time::Timestamp,
};
use infra::{
    crypto::Crypto,
    postgres::household::read::{PairingRow, Row, VisitRow},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;

/// What the parts of a household are sealed for.
pub(super) const NAME: &str = "household.name";
pub(super) const ADDRESS: &str = "household.address";
pub(super) const PHONE: &str = "household.phone";
pub(super) const SITUATION: &str = "household.situation";
pub(super) const NEEDED: &str = "household.needed";
pub(super) const DONE: &str = "household.done";

/// 困难家庭
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HouseholdView {
    /// 编号
    pub id: HouseholdId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 困难类别
    pub category: Category,
    /// 困难类别的中文
    pub category_text: &'static str,
    /// 姓名；列表里只显示姓
    #[schema(example = "王*")]
    pub name: String,
    /// 住址；列表里不显示
    pub address: Option<String>,
    /// 电话；列表里遮盖
    #[schema(example = "138****1234")]
    pub phone: Option<String>,
    /// 走访时需要知道的情况；列表里不显示
    pub situation: Option<String>,
    /// 是否显示全部内容；否则姓名、电话遮盖，住址和情况不显示
    pub whole: bool,
    /// 家里是否有人有账号（可以接收捐赠的积分）
    pub has_account: bool,
    /// 同意登记和走访的日期
    pub consented_on: NaiveDate,
    /// 登记时间
    #[schema(value_type = String, format = DateTime)]
    pub registered_at: Timestamp,
    /// 退出时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// 退出的原因
    pub close_reason: Option<String>,
    /// 正在包联的人数
    #[schema(example = 1)]
    pub paired: i64,
    /// 最近一次走访
    #[schema(value_type = Option<String>, format = DateTime)]
    pub visited_at: Option<Timestamp>,
    /// 约定的下次走访
    pub next_visit_on: Option<NaiveDate>,
}

impl HouseholdView {
    /// With everything in it, for the officer and for who looks after it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn whole(crypto: &Crypto, row: Row) -> Result<Self, Error> {
        let open = |context, sealed: &Option<Vec<u8>>| {
            sealed.as_deref().map(|sealed| crypto.open_text(context, sealed)).transpose()
        };
        let name = crypto.open_text(NAME, &row.name)?;
        let address = Some(crypto.open_text(ADDRESS, &row.address)?);
        let (phone, situation) = (open(PHONE, &row.phone)?, open(SITUATION, &row.situation)?);
        Ok(Self { address, situation, whole: true, ..Self::of(row, name, phone) })
    }

    /// For lists: who it is stays behind asterisks.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn masked(crypto: &Crypto, row: Row) -> Result<Self, Error> {
        let name = masked_name(crypto, &row.name)?;
        let phone =
            row.phone.as_deref().map(|sealed| crypto.open_text(PHONE, sealed)).transpose()?;
        let phone = phone.map(|phone| Phone::trusted(phone).masked());
        Ok(Self::of(row, name, phone))
    }

    fn of(row: Row, name: String, phone: Option<String>) -> Self {
        Self {
            id: row.id,
            version: row.version,
            community_code: row.community,
            community_name: row.community_name,
            category: row.category,
            category_text: row.category.label(),
            name,
            address: None,
            phone,
            situation: None,
            whole: false,
            has_account: row.account.is_some(),
            consented_on: row.consented_on,
            registered_at: row.registered_at,
            closed_at: row.closed_at,
            close_reason: row.close_reason,
            paired: row.paired,
            visited_at: row.visited_at,
            next_visit_on: row.next_visit_on,
        }
    }

    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.registered_at, id: self.id.0 }
    }
}

/// A household's name as its first character.
///
/// # Errors
/// It cannot be opened.
pub fn masked_name(crypto: &Crypto, sealed: &[u8]) -> Result<String, Error> {
    Ok(PersonName::trusted(crypto.open_text(NAME, sealed)?).masked())
}

/// The name of a pairing's household as its first character.
///
/// # Errors
/// It cannot be opened.
pub fn pairing_name(crypto: &Crypto, row: &PairingRow) -> Result<String, Error> {
    masked_name(crypto, &row.name)
}

/// 走访
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VisitView {
    /// 编号
    pub id: VisitId,
    /// 哪一次包联
    pub pairing_id: PairingId,
    /// 走访人
    pub person: String,
    /// 方式
    pub kind: VisitKind,
    /// 方式的中文
    pub kind_text: &'static str,
    /// 走访时间
    #[schema(value_type = String, format = DateTime)]
    pub visited_at: Timestamp,
    /// 需要什么
    pub needed: Option<String>,
    /// 做了什么
    pub done: String,
    /// 约定的下次走访
    pub next_visit_on: Option<NaiveDate>,
    /// 由此提交的诉求
    pub complaint_id: Option<ComplaintId>,
    /// 更正哪一条
    pub corrects: Option<VisitId>,
    /// 被哪一条更正；以那一条为准
    pub corrected_by: Option<VisitId>,
    /// 登记时间
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

impl VisitView {
    /// Opened, for who may read it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn of(crypto: &Crypto, row: VisitRow) -> Result<Self, Error> {
        let needed =
            row.needed.as_deref().map(|sealed| crypto.open_text(NEEDED, sealed)).transpose()?;
        Ok(Self {
            id: row.id,
            pairing_id: row.pairing,
            person: row.person,
            kind: row.kind,
            kind_text: row.kind.label(),
            visited_at: row.visited_at,
            needed,
            done: crypto.open_text(DONE, &row.done)?,
            next_visit_on: row.next_visit_on,
            complaint_id: row.complaint,
            corrects: row.corrects,
            corrected_by: row.corrected_by,
            recorded_at: row.recorded_at,
        })
    }

    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.visited_at, id: self.id.0 }
    }
}
