//! The register as people see it: masked in lists, the name in full for whoever keeps the row, the
//! number and the telephone in full with a reason alone.

use chrono::NaiveDate;
use domain::{
    id::MemberId,
    identity::Permission,
    org::NodeCode,
    page::{Cursor, Page, PageRequest},
    party::{
        Health, Identity, Ledger, Rank, RemovedAs, Sex, Standing,
        colour::{Colour, Facts, Group},
        entry::Number,
        floating::Direction,
    },
    personal::{IdNumber, PersonName, Phone},
    refusal::Basic,
    scope::Scope,
    time::{self, Timestamp},
};
use infra::{
    crypto::Crypto,
    postgres::{
        Connection,
        party::read::{self, Filter, Listed},
    },
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{CONTACT, ID_NUMBER, NAME, PHONE, Personal};
use crate::{
    app::{case::Ask, registration::match_index, transact},
    error::Error,
    state::State,
};

/// 党组织的代码和名称
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PartyBodyName)]
pub struct BodyName {
    /// 代码
    #[schema(example = "party-140213066004-01")]
    pub code: NodeCode,
    /// 名称
    #[schema(example = "文兴花园小区党支部")]
    pub name: String,
}

/// 流动党员的另一端
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PartyFloatingView)]
pub struct FloatingView {
    /// 名册上的支部是哪一端：out 支部是家、人在外；in 人在支部、家在外
    pub direction: Direction,
    /// 方向的中文
    pub direction_text: &'static str,
    /// 另一端是本区党支部时的代码
    pub other_branch: Option<NodeCode>,
    /// 另一端党组织的名称
    #[schema(example = "北京市朝阳区流动党支部")]
    pub other_name: String,
    /// 流动到哪里，或从哪里来
    pub place: String,
    /// 从哪一天起
    pub since: NaiveDate,
    /// 另一端的联系电话，隐去中间
    pub contact: Option<String>,
}

/// 名册上的一名党员
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PartyMemberView)]
pub struct MemberView {
    /// 编号
    pub id: MemberId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 姓名：列表里只显示姓；管理这名党员的人单独查看时显示全名
    #[schema(example = "王*")]
    pub name: String,
    /// 身份证号码，只显示首末位；审计员看不到
    #[schema(example = "1****************X")]
    pub id_number: Option<String>,
    /// 是否登记了完整的身份证号码（否则只有后六位）
    pub id_number_complete: bool,
    /// 联系电话，隐去中间；审计员看不到
    #[schema(example = "138****1234")]
    pub phone: Option<String>,
    /// 性别
    pub sex: Option<Sex>,
    /// 周岁；不知道出生日期的为 null
    #[schema(example = 46)]
    pub age: Option<u32>,
    /// 入党日期
    pub joined_on: Option<NaiveDate>,
    /// 党籍
    pub standing: Standing,
    /// 党籍的中文
    pub standing_text: &'static str,
    /// 党支部
    pub branch: Option<BodyName>,
    /// 党小组或党员中心户
    pub group: Option<BodyName>,
    /// 台账
    pub ledger: Ledger,
    /// 台账的中文
    pub ledger_text: &'static str,
    /// 职级
    pub rank: Rank,
    /// 职级的中文
    pub rank_text: &'static str,
    /// 职级是否在科级及以下，受年度最低次数和时长约束
    pub bound: bool,
    /// 工作单位的党组织
    pub work_unit: Option<String>,
    /// 特长
    pub skills: Vec<String>,
    /// 健康状况
    pub health: Health,
    /// 五色管理的组
    pub colour_group: Group,
    /// 组的中文
    pub colour_group_text: &'static str,
    /// 颜色
    pub colour: Colour,
    /// 颜色的中文
    pub colour_text: &'static str,
    /// 是否已有账号经社区签署为这名党员
    pub registered: bool,
    /// 流动党员的另一端
    pub floating: Option<FloatingView>,
    /// 是否由您管理；为 false 的只是流动的另一端在您的支部
    pub own: bool,
    /// 登记的时间
    #[schema(value_type = String, format = DateTime)]
    pub added_at: Timestamp,
    /// 移出名册的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub removed_at: Option<Timestamp>,
    /// 移出名册的原因
    pub removed_as: Option<RemovedAs>,
}

impl MemberView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.added_at, id: self.id.0 }
    }
}

/// How much of a row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// The whole name.
    pub name: bool,
    /// Anything of number and telephone at all.
    pub numbers: bool,
}

fn named(code: Option<NodeCode>, name: Option<String>) -> Option<BodyName> {
    code.map(|code| BodyName { name: name.unwrap_or_default(), code })
}

/// A row as it is shown.
///
/// # Errors
/// A seal that does not open.
pub(super) fn shown(state: &State, row: Listed, what: Shown) -> Result<MemberView, Error> {
    let crypto = &state.crypto;
    let personal = Personal::open(crypto, &row.kept)?;
    let today = time::date(state.clock.now());
    let facts = Facts { ledger: row.ledger, health: row.health, born_on: row.born_on };
    let group = state.config.party.group(facts, today);
    let colour = state.config.party.colour(group);
    let number = match &personal.number {
        Number::Full(number) => number.masked(),
        Number::Tail(tail) => tail.masked(),
    };
    let floating = row.floating.map(|stay| floating(crypto, stay, what)).transpose()?;
    Ok(MemberView {
        id: row.id,
        version: row.version,
        name: if what.name { personal.name.plain().to_owned() } else { personal.name.masked() },
        id_number: what.numbers.then_some(number),
        id_number_complete: row.kept.id_number.is_some(),
        phone: personal.phone.filter(|_| what.numbers).map(|phone| phone.masked()),
        sex: row.sex,
        age: row.born_on.and_then(|born| today.years_since(born)),
        joined_on: row.joined_on,
        standing: row.standing,
        standing_text: row.standing.label(),
        branch: named(row.branch, row.branch_name),
        group: named(row.group, row.group_name),
        ledger: row.ledger,
        ledger_text: row.ledger.label(),
        rank: row.rank,
        rank_text: row.rank.label(),
        bound: row.rank.is_bound(),
        work_unit: row.work_unit,
        skills: row.skills,
        health: row.health,
        colour_group: group,
        colour_group_text: group.label(),
        colour,
        colour_text: colour.label(),
        registered: row.registered,
        floating,
        own: row.own,
        added_at: row.added_at,
        removed_at: row.removed.map(|(at, _)| at),
        removed_as: row.removed.and_then(|(_, reason)| reason),
    })
}

fn floating(crypto: &Crypto, stay: read::OtherEnd, what: Shown) -> Result<FloatingView, Error> {
    let contact = stay.contact.filter(|_| what.numbers);
    let contact = contact.map(|sealed| crypto.open_text(CONTACT, &sealed)).transpose()?;
    Ok(FloatingView {
        direction: stay.direction,
        direction_text: stay.direction.label(),
        other_branch: stay.branch,
        other_name: stay.name,
        place: stay.place,
        since: stay.since,
        contact: contact.map(|phone| Phone::trusted(phone).masked()),
    })
}

/// Whether the asker keeps the register; an auditor only reads it, without numbers.
fn keeps(ask: &Ask) -> bool {
    ask.actor.as_ref().is_some_and(|actor| actor.may(Permission::KeepRegister))
}

/// One row that the asker may read; any other is missing.
pub(super) async fn listed(tx: &mut Connection, ask: &Ask, id: MemberId) -> Result<Listed, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let filter = Filter { id: Some(id), ..Filter::default() };
    let mut rows = read::members(tx, &Scope::of(actor), &filter, None, 1).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

/// One row as the asker sees it.
pub(super) async fn one(
    tx: &mut Connection,
    here: &State,
    ask: &Ask,
    id: MemberId,
) -> Result<MemberView, Error> {
    let row = listed(tx, ask, id).await?;
    let keeps = keeps(ask);
    let what = Shown { name: keeps && row.own, numbers: keeps };
    shown(here, row, what)
}

/// One member; a look at the whole name is on record.
///
/// # Errors
/// Not within the asker's part of the register.
pub async fn read(state: &State, ask: Ask, id: MemberId) -> Result<MemberView, Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let view = one(tx, &here, &ask, id).await?;
            if keeps(&ask) && view.own {
                ask.record(tx, ("party.name_seen", "party_member", id), json!({}), now).await?;
            }
            Ok(view)
        })
    })
    .await
}

/// What somebody types to find a member: a name, a full number, a telephone, or a name and the last
/// six characters. Only the whole of it finds: what is stored is a blind index.
pub fn indexes(crypto: &Crypto, q: &str) -> Vec<Vec<u8>> {
    let of = |context: &str, plain: &str| crypto.index(context, plain.as_bytes()).to_vec();
    let mut found = vec![of(NAME, q.trim())];
    if let Ok(number) = IdNumber::parse("q", q) {
        found.push(of(ID_NUMBER, number.plain()));
    }
    if let Ok(phone) = Phone::parse("q", q) {
        found.push(of(PHONE, phone.plain()));
    }
    if let Some((name, tail)) = q.trim().rsplit_once([' ', '　'])
        && let Ok(identity) = Identity::parse("q", name, tail)
    {
        found.push(match_index(crypto, &identity));
    }
    found
}

/// A page of members within the asker's part of the register, masked.
///
/// # Errors
/// The database is away, or a seal does not open.
pub async fn list(
    state: &State,
    ask: &Ask,
    filter: Filter,
    page: PageRequest,
) -> Result<Page<MemberView>, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let mut conn = state.db.acquire().await?;
    let scope = Scope::of(actor);
    let rows = read::members(&mut conn, &scope, &filter, page.after, page.probe()).await?;
    let what = Shown { name: false, numbers: keeps(ask) };
    let views: Result<Vec<MemberView>, Error> =
        rows.into_iter().map(|row| shown(state, row, what)).collect();
    Ok(Page::of(views?, page.limit, MemberView::cursor))
}

/// The row that the asker is, if a community signed the account as a member.
///
/// # Errors
/// The database is away, or a seal does not open.
pub async fn mine(state: &State, ask: &Ask) -> Result<Option<MemberView>, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let mut conn = state.db.acquire().await?;
    let filter = Filter { account: Some(actor.account), ..Filter::default() };
    let mut rows = read::members(&mut conn, &Scope::of(actor), &filter, None, 1).await?;
    let what = Shown { name: true, numbers: true };
    rows.pop().map(|row| shown(state, row, what)).transpose()
}

/// The whole name: whoever shows it writes down that it was seen.
///
/// # Errors
/// A seal that does not open.
pub(in crate::app) fn whole_name(crypto: &Crypto, sealed: &[u8]) -> Result<PersonName, Error> {
    Ok(PersonName::trusted(crypto.open_text(NAME, sealed)?))
}

/// The name for a list: its first character.
///
/// # Errors
/// A seal that does not open.
pub fn masked_name(state: &State, sealed: &[u8]) -> Result<String, Error> {
    Ok(whole_name(&state.crypto, sealed)?.masked())
}

/// 不隐去的号码；每次查看都留有记录
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PartyUnmasked)]
pub struct Unmasked {
    /// 完整的身份证号码；只登记了后六位的为 null
    pub id_number: Option<String>,
    /// 身份证号码后六位
    #[schema(example = "10001X")]
    pub id_number_last6: String,
    /// 出生日期
    pub born_on: Option<NaiveDate>,
    /// 联系电话
    pub phone: Option<String>,
    /// 流动党员另一端的联系电话
    pub contact: Option<String>,
}

impl Unmasked {
    pub(super) fn of(state: &State, personal: &Personal, row: &Listed) -> Result<Self, Error> {
        let contact = row.floating.as_ref().and_then(|stay| stay.contact.as_ref());
        let contact = contact.map(|sealed| state.crypto.open_text(CONTACT, sealed)).transpose()?;
        Ok(Self {
            id_number: personal.number.full().map(|number| number.plain().to_owned()),
            id_number_last6: personal.number.tail().plain().to_owned(),
            born_on: row.born_on,
            phone: personal.phone.as_ref().map(|phone| phone.plain().to_owned()),
            contact,
        })
    }
}
