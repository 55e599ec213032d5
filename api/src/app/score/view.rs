//! Entries, books and quarters as they are shown: names in full for who keeps the register's part,
//! masked inside the branch, none outside.

use chrono::NaiveDate;
use domain::{
    id::{MemberId, ObjectionId, ScoreEntryId, ScoreSettlementId},
    identity::Actor,
    org::NodeCode,
    page::{Cursor, Limit, PageRequest},
    refusal::Basic,
    scope::Scope,
    score::{
        Inlet, Quarter, Refused, Status,
        catalogue::{Counted, Total, totals},
        quarterly as settlement,
    },
    time::Timestamp,
};
use infra::{
    crypto::Crypto,
    postgres::{
        Connection,
        score::{
            self as store,
            read::{self, By, EntryRow, Filter, SettlementFilter, SettlementRow},
        },
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::party::view::whole_name, error::Error, state::State};

/// What the words and names are sealed for.
pub(super) const NAMED: &str = "score_entry.named";
pub(super) const WORDS: &str = "score_entry.words";
pub(super) const OBJECTION: &str = "score_objection.words";

const ONE: PageRequest = PageRequest { after: None, limit: Limit::DEFAULT };

/// 积分管理手册的一条记录
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ScoreEntryView)]
pub struct EntryView {
    /// 编号
    pub id: ScoreEntryId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 哪名党员；只给支部及以上看
    pub member_id: Option<MemberId>,
    /// 党员姓名；只给支部及以上看
    pub member_name: Option<String>,
    /// 群众建议、党员互评里写的姓名
    pub named: Option<String>,
    /// 党支部
    pub branch: Option<NodeCode>,
    /// 党支部名称
    pub branch_name: Option<String>,
    /// 季度
    #[schema(example = "2026Q4")]
    pub quarter: String,
    /// 哪一天的事
    pub happened_on: NaiveDate,
    /// 入口
    pub inlet: Inlet,
    /// 入口的中文
    pub inlet_text: &'static str,
    /// 积分项目
    pub item: Option<String>,
    /// 积分项目的名称
    pub item_name: Option<String>,
    /// 分值
    pub points: Option<i32>,
    /// 事由
    pub words: String,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 提交时间
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: Timestamp,
    /// 提交人；只给支部及以上看
    pub submitted_by: Option<String>,
    /// 认定时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 未认定的原因
    pub reason: Option<String>,
    /// 更正哪一条
    pub corrects: Option<ScoreEntryId>,
    /// 被哪一条更正
    pub corrected_by: Option<ScoreEntryId>,
}

impl EntryView {
    /// As who reads it by a right may see it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn of(crypto: &Crypto, row: EntryRow, by: By) -> Result<Self, Error> {
        let desk = by == By::Desk;
        let open = |context, sealed: Option<&Vec<u8>>| {
            sealed.map(|sealed| crypto.open_text(context, sealed)).transpose()
        };
        let member_name = row.member_name.as_ref().filter(|_| desk);
        let member_name = member_name.map(|sealed| whole_name(crypto, sealed)).transpose()?;
        // Who is written about does not learn by which name, nor by whom.
        let named = open(NAMED, row.named.as_ref().filter(|_| by != By::Member))?;
        let quarter = Quarter::containing(row.quarter).to_string();
        // What it came to in the book is the branch's to know, not the resident's who suggested.
        let outside = by == By::Submitter && row.inlet == Inlet::Suggestion && !row.mine;
        Ok(Self {
            id: row.id,
            version: row.version,
            member_id: row.member.filter(|_| desk),
            member_name: member_name.map(|name| name.plain().to_owned()),
            named,
            // A resident who suggests does not learn to which branch somebody belongs.
            branch: row.branch.filter(|_| desk || row.mine),
            branch_name: row.branch_name.filter(|_| desk || row.mine),
            quarter,
            happened_on: row.happened_on,
            inlet: row.inlet,
            inlet_text: row.inlet.label(),
            item: row.item.filter(|_| !outside),
            item_name: row.item_name.filter(|_| !outside),
            points: row.points.filter(|_| !outside),
            words: crypto.open_text(WORDS, &row.words)?,
            status: row.status,
            status_text: row.status.label(),
            submitted_at: row.submitted_at,
            submitted_by: desk.then_some(row.submitted_by),
            decided_at: row.decided_at,
            reason: row.reason,
            corrects: row.corrects,
            corrected_by: row.corrected_by,
        })
    }

    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.submitted_at, id: self.id.0 }
    }
}

/// One entry, read by a right.
pub(super) async fn one(
    tx: &mut Connection,
    crypto: &Crypto,
    actor: &Actor,
    id: ScoreEntryId,
    by: By,
) -> Result<EntryView, Error> {
    let filter = Filter { by, id: Some(id), ..Filter::default() };
    let row = read::entries(tx, &Scope::of(actor), &filter, ONE).await?.pop();
    EntryView::of(crypto, row.ok_or(Basic::NotFound)?, by)
}

/// 一名党员一个季度的积分管理手册
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BookView {
    /// 季度
    #[schema(example = "2026Q4")]
    pub quarter: String,
    /// 党员姓名；给本人看的只显示姓
    pub name: String,
    /// 党支部名称
    pub branch_name: String,
    /// 这个季度的结算走到哪一步；还没有提交的为 null
    pub settlement: Option<settlement::Status>,
    /// 结算的中文
    pub settlement_text: Option<&'static str>,
    /// 合计：每个项目计到上限，更正不受上限限制；锁定以前可能变化
    #[schema(example = 18)]
    pub points: i32,
    /// 计分的记录，按日期
    pub entries: Vec<EntryView>,
}

/// A member's book: the caller's own, or another's within the part of the register that the caller
/// keeps.
///
/// # Errors
/// The caller is no member; the other is not theirs to see.
pub async fn book(
    state: &State,
    scope: &Scope,
    member: Option<MemberId>,
    quarter: Quarter,
) -> Result<BookView, Error> {
    let mut conn = state.db.acquire().await?;
    let subject = store::subject(&mut conn, scope, member).await?;
    let missing = || match member {
        Some(_) => Error::from(Basic::NotFound),
        None => Refused::NotMember.into(),
    };
    let subject = subject.ok_or_else(missing)?;
    let by = if member.is_some() { By::Desk } else { By::Member };
    let filter =
        Filter { by, member: Some(subject.member), quarter: Some(quarter), ..Filter::default() };
    let mut entries = Vec::new();
    let mut after = None;
    loop {
        let limit = Limit::new(100)?;
        let page = PageRequest { after, limit };
        let rows = read::entries(&mut conn, scope, &filter, page).await?;
        let page = domain::page::Page::of(rows, limit, EntryRow::cursor);
        after = page.next_cursor.map(|cursor| cursor.parse()).transpose()?;
        entries.extend(page.items);
        if after.is_none() {
            break;
        }
    }
    entries.retain(|row| matches!(row.status, Status::Accepted | Status::Settled));
    entries.sort_by_key(|row| (row.happened_on, row.id));
    let members = read::members(&mut conn, scope, &subject.branch, quarter).await?;
    let name = members.iter().find(|row| row.id == subject.member).ok_or(Basic::NotFound)?;
    let name = whole_name(&state.crypto, &name.name)?;
    let counted = entries.iter().filter_map(|row| {
        let item = row.item.clone()?;
        let cap = row.cap.filter(|_| row.corrects.is_none());
        Some(Counted { member: subject.member, item, points: row.points?, cap })
    });
    let sums = totals(&counted.collect::<Vec<_>>());
    // Who went to another branch since has the quarter in the branch of that time.
    let branch = entries.first().and_then(|row| row.branch.as_ref()).unwrap_or(&subject.branch);
    let standing = read::standing(&mut conn, branch, quarter).await?;
    Ok(BookView {
        quarter: quarter.to_string(),
        name: if member.is_some() { name.plain().to_owned() } else { name.masked() },
        branch_name: standing.branch_name,
        settlement: standing.status,
        settlement_text: standing.status.map(settlement::Status::label),
        points: sums.get(&subject.member).copied().unwrap_or_default().points,
        entries: entries
            .into_iter()
            .map(|row| EntryView::of(&state.crypto, row, by))
            .collect::<Result<_, _>>()?,
    })
}

/// 公示里一名党员的合计
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ScoreLineView)]
pub struct LineView {
    /// 党员；只给支部及以上看
    pub member_id: Option<MemberId>,
    /// 姓名；支部内只显示姓
    #[schema(example = "演*****")]
    pub name: String,
    /// 是否本人
    pub mine: bool,
    /// 合计
    pub points: i32,
    /// 计分的记录数
    pub entries: i32,
}

/// 公示里的一条记录
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeView {
    /// 编号，提出异议时填写
    pub id: ScoreEntryId,
    /// 姓名；支部内只显示姓
    pub name: String,
    /// 是否本人
    pub mine: bool,
    /// 积分项目的名称
    pub item_name: String,
    /// 分值
    pub points: i32,
    /// 哪一天的事
    pub happened_on: NaiveDate,
    /// 更正哪一条
    pub corrects: Option<ScoreEntryId>,
}

/// 异议
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ScoreObjectionView)]
pub struct ObjectionView {
    /// 编号
    pub id: ObjectionId,
    /// 对哪一条记录；对整个公示的为 null
    pub entry_id: Option<ScoreEntryId>,
    /// 内容
    pub words: String,
    /// 提出时间
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// 处理时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 是否成立
    pub upheld: Option<bool>,
    /// 处理的理由
    pub reason: Option<String>,
}

/// 党支部一个季度的结算
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ScoreSettlementView)]
pub struct SettlementView {
    /// 编号
    pub id: ScoreSettlementId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 党支部
    pub branch: NodeCode,
    /// 党支部名称
    pub branch_name: String,
    /// 季度
    #[schema(example = "2026Q3")]
    pub quarter: String,
    /// 状态
    pub status: settlement::Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 提交时间
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// 公示或退回的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 退回的原因
    pub reason: Option<String>,
    /// 公示到什么时候
    #[schema(value_type = Option<String>, format = DateTime)]
    pub notice_until: Option<Timestamp>,
    /// 锁定时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub locked_at: Option<Timestamp>,
    /// 还没有处理的异议
    pub open_objections: i64,
    /// 各党员的合计，按名册的顺序，不排名；列表里没有
    pub lines: Vec<LineView>,
    /// 计分的记录，按日期；列表里没有
    pub entries: Vec<NoticeView>,
    /// 异议：支部及以上看全部，支部成员看自己提出的；列表里没有
    pub objections: Vec<ObjectionView>,
}

impl SettlementView {
    /// For a list.
    pub fn brief(row: &SettlementRow) -> Self {
        Self {
            id: row.id,
            version: row.version,
            branch: row.branch.clone(),
            branch_name: row.branch_name.clone(),
            quarter: Quarter::containing(row.quarter).to_string(),
            status: row.status,
            status_text: row.status.label(),
            proposed_at: row.proposed_at,
            decided_at: row.decided_at,
            reason: row.reason.clone(),
            notice_until: row.notice_until,
            locked_at: row.locked_at,
            open_objections: row.open_objections,
            lines: Vec::new(),
            entries: Vec::new(),
            objections: Vec::new(),
        }
    }
}

/// One quarter whole, for who keeps the branch's book and, once in public notice, for the branch.
///
/// # Errors
/// Not the caller's to see.
pub async fn detail(
    state: &State,
    scope: &Scope,
    id: ScoreSettlementId,
) -> Result<SettlementView, Error> {
    let mut conn = state.db.acquire().await?;
    let filter = SettlementFilter { id: Some(id), ..SettlementFilter::default() };
    let row = read::settlements(&mut conn, scope, &filter, ONE).await?.pop();
    let row = row.ok_or(Basic::NotFound)?;
    let quarter = Quarter::containing(row.quarter);
    // What was locked stands as it was locked.
    let sums = match row.locked_at {
        Some(_) => read::lines(&mut conn, row.id).await?,
        None => totals(&store::counted(&mut conn, &row.branch, quarter).await?),
    };
    let mut names = std::collections::HashMap::new();
    let mut lines = Vec::new();
    for member in read::members(&mut conn, scope, &row.branch, quarter).await? {
        let name = whole_name(&state.crypto, &member.name)?;
        let name = if row.desk { name.plain().to_owned() } else { name.masked() };
        let Total { points, entries } = sums.get(&member.id).copied().unwrap_or_default();
        names.insert(member.id, (name.clone(), member.mine));
        let member_id = row.desk.then_some(member.id);
        lines.push(LineView { member_id, name, mine: member.mine, points, entries });
    }
    let notice = read::notice(&mut conn, &row).await?.into_iter().map(|entry| {
        let (name, mine) = names.get(&entry.member).cloned().unwrap_or_default();
        NoticeView {
            id: entry.id,
            name,
            mine,
            item_name: entry.item_name,
            points: entry.points,
            happened_on: entry.happened_on,
            corrects: entry.corrects,
        }
    });
    let entries = notice.collect();
    let mut objections = Vec::new();
    for made in read::objections(&mut conn, scope, &row).await? {
        objections.push(ObjectionView {
            id: made.id,
            entry_id: made.entry,
            words: state.crypto.open_text(OBJECTION, &made.words)?,
            made_at: made.made_at,
            decided_at: made.decided_at,
            upheld: made.upheld,
            reason: made.reason,
        });
    }
    Ok(SettlementView { lines, entries, objections, ..SettlementView::brief(&row) })
}
