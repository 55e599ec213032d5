//! The party register (党员名册) over HTTP: members as they are listed, read, added and put right.
//! Ledgers are in [`ledger`], transfers in [`transfer`], files in [`roll`], the tree in [`tree`].

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    patch, post,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    id::{MemberChangeId, MemberId},
    org::NodeCode,
    page::{Cursor, Page},
    party::{
        ChangeKind, Health, Ledger, Rank, RemovedAs, Sex, Standing,
        colour::Colour,
        entry::{Change, ChangeForm, Entry, EntryForm, Remove},
        floating::{Direction, FloatForm},
    },
    refusal::{Basic, Invalid},
    text, time,
    time::Timestamp,
};
use infra::postgres::party::read::{self, Filter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IdempotencyKey, IfMatch, On, Paging, Query, RequestMeta,
    caller::needs::{KeepRegister, ReadRegister, Register},
    kept,
};
use crate::{
    app::{
        case::Ask,
        idempotent::Once,
        party::{
            self as register,
            view::{self, MemberView, Unmasked},
        },
    },
    error::Error,
    state::State,
};

pub mod ledger;
pub mod roll;
pub mod transfer;
pub mod tree;

routes![list, add, read_one, change, remove, unmask, changes, mine];

/// Which members.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MembersFilter {
    /// 党组织的代码：它和它下面的党员
    #[param(required = false, example = "party-140213066004-01")]
    branch: Option<String>,
    /// 小区的代码：对应这个小区的党支部的党员
    #[param(required = false, example = "140213066004001")]
    estate: Option<String>,
    /// 台账
    #[param(required = false)]
    ledger: Option<Ledger>,
    /// 五色管理的颜色
    #[param(required = false)]
    colour: Option<Colour>,
    /// 特长，一字不差
    #[param(required = false, example = "法律咨询")]
    skill: Option<String>,
    /// 查找：完整的姓名、身份证号码、电话，或“姓名 后六位”；名册加密保存，只能整个匹配
    #[param(required = false, example = "演示党员1 100001")]
    q: Option<String>,
    /// 只看已移出名册的
    #[param(required = false, example = false)]
    removed: Option<bool>,
}

impl MembersFilter {
    fn read(self, state: &State) -> Result<Filter, Invalid> {
        let rules = &state.config.party;
        let today = time::date(state.clock.now());
        let q = self.q.map(|q| text::line("q", &q, 1, 60)).transpose()?;
        // Each colour belongs to a group: the configuration is checked when it is read.
        let group = self.colour.and_then(|colour| rules.group_of(colour));
        Ok(Filter {
            id: None,
            account: None,
            branch: NodeCode::optional("branch", self.branch.as_deref())?,
            estate: NodeCode::optional("estate", self.estate.as_deref())?,
            ledger: self.ledger,
            group: group.map(|group| rules.narrowed(group, today)),
            skill: self.skill.map(|skill| text::line("skill", &skill, 1, 20)).transpose()?,
            indexes: q.map(|q| view::indexes(&state.crypto, &q)),
            removed: self.removed.unwrap_or(false),
        })
    }
}

/// 党员名册
///
/// 支部书记看本支部，社区工作者看本社区的党组织，组织部看全区，审计员只读且看不到号码。姓名、号码都隐去；新登记的在前。
/// 流动的另一端在本支部的党员也列出，`own` 为 false。
#[utoipa::path(
    operation_id = "party.members",
    tag = "party",
    params(MembersFilter, Paging),
    responses((status = 200, description = "一页党员", body = Page<MemberView>)),
    security(("bearer" = [])),
)]
#[get("/party-members")]
async fn list(
    caller: Caller<ReadRegister>,
    state: Data<State>,
    meta: RequestMeta,
    filter: Query<MembersFilter>,
    page: Paging,
) -> Result<Json<Page<MemberView>>, Error> {
    let filter = filter.0.read(&state)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    Ok(Json(view::list(&state, &ask, filter, page.0).await?))
}

/// 流动党员的另一端
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyFloatingBody)]
pub struct FloatingBody {
    /// out 本支部的党员流出；in 外面的党员流入本支部
    pub direction: Direction,
    /// 另一端是本区的党支部：它的代码
    pub other_branch: Option<String>,
    /// 另一端在外地：党组织的名称
    pub other_name: Option<String>,
    /// 流动到哪里，或从哪里来，2–100 个字
    pub place: String,
    /// 从哪一天起
    pub since: NaiveDate,
    /// 另一端的联系电话
    pub contact: Option<String>,
    /// 流动结束后回到哪个台账，不填为直管；对已在其他台账的党员不用填
    pub ledger: Option<Ledger>,
}

impl FloatingBody {
    /// As the rules read it.
    pub(super) fn form(&self) -> FloatForm<'_> {
        FloatForm {
            direction: self.direction,
            other_branch: self.other_branch.as_deref(),
            other_name: self.other_name.as_deref(),
            place: &self.place,
            since: self.since,
            contact: self.contact.as_deref(),
            ledger: self.ledger,
        }
    }
}

/// 登记一名党员
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyMemberAddBody)]
pub struct AddBody {
    /// 姓名
    #[schema(example = "王芳")]
    pub name: String,
    /// 身份证号码：18 位，暂时不知道的写后六位
    #[schema(example = "11010519491231002X")]
    pub id_number: String,
    /// 联系电话
    pub phone: Option<String>,
    /// 性别；填了 18 位号码的不用填
    pub sex: Option<Sex>,
    /// 出生日期；填了 18 位号码的不用填
    pub born_on: Option<NaiveDate>,
    /// 入党日期
    pub joined_on: Option<NaiveDate>,
    /// 党籍，不填为正式党员
    pub standing: Option<Standing>,
    /// 党支部的代码
    #[schema(example = "party-140213066004-01")]
    pub branch: String,
    /// 党小组或党员中心户的代码
    pub group: Option<String>,
    /// 台账，不填为在职
    pub ledger: Option<Ledger>,
    /// 职级，不填为无职级
    pub rank: Option<Rank>,
    /// 工作单位的党组织
    pub work_unit: Option<String>,
    /// 特长，最多 20 项
    #[serde(default)]
    pub skills: Vec<String>,
    /// 健康状况，不填为正常
    pub health: Option<Health>,
    /// 流动台账的党员必填
    pub floating: Option<FloatingBody>,
}

impl AddBody {
    fn read(&self, today: NaiveDate) -> Result<Entry, Invalid> {
        let form = EntryForm {
            name: &self.name,
            id_number: &self.id_number,
            phone: self.phone.as_deref(),
            sex: self.sex,
            born_on: self.born_on,
            joined_on: self.joined_on,
            standing: self.standing,
            branch: &self.branch,
            group: self.group.as_deref(),
            ledger: self.ledger,
            rank: self.rank,
            work_unit: self.work_unit.as_deref(),
            skills: &self.skills,
            health: self.health,
            floating: self.floating.as_ref().map(FloatingBody::form),
        };
        form.parse(today)
    }
}

/// 登记党员
///
/// 有 18 位身份证号码的，性别和出生日期由号码得出，号码在全名册唯一；只有后六位的，以后用更正补全。
#[utoipa::path(
    operation_id = "party.add",
    tag = "party",
    params(IdempotencyKey),
    request_body(content = AddBody, example = json!({
        "name": "王芳", "id_number": "11010519491231002X", "phone": "13800001234",
        "branch": "party-140213066004-01", "ledger": "retired", "joined_on": "1971-07-01",
        "skills": ["书法"]
    })),
    responses((status = 201, description = "已登记；重复提交同一个键得到同样的答复", body = MemberView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["party_number_there", "party_match_there"]))),
)]
#[post("/party-members")]
async fn add(
    caller: Caller<KeepRegister>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<AddBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let entry = body.read(time::date(state.clock.now()))?;
    let account = Some(caller.actor.account);
    let once = Once::new(&state.crypto, account, "party.add", key.0, &body)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let answer = register::add(&state, ask, once, entry).await?;
    Ok(kept(answer))
}

impl<P> Addressed for On<P, MemberId> {
    /// A member outside the caller's part of the register is missing.
    async fn visible(&self) -> Result<(), Error> {
        let filter = Filter { id: Some(self.id), ..Filter::default() };
        let mut conn = self.state.db.acquire().await?;
        let rows = read::members(&mut conn, &self.caller.scope(), &filter, None, 1).await?;
        rows.first().map(|_| ()).ok_or_else(|| Basic::NotFound.into())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let ask = Ask { expected: None, ..self.ask() };
        let view = view::read(&self.state, ask, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看一名党员
///
/// 管理这名党员的人看到全名，每次查看都留有记录；号码和电话仍隐去。
#[utoipa::path(
    operation_id = "party.member",
    tag = "party",
    responses((status = 200, description = "党员", body = MemberView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/party-members/{id}")]
async fn read_one(on: On<ReadRegister, MemberId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 更正
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyMemberChangeBody)]
pub struct ChangeBody {
    /// 姓名
    pub name: Option<String>,
    /// 18 位身份证号码；只用来补全，登记过的不能改成另一个
    pub id_number: Option<String>,
    /// 联系电话；空为删去
    pub phone: Option<String>,
    /// 性别；有 18 位号码的不能另写
    pub sex: Option<Sex>,
    /// 出生日期；有 18 位号码的不能另写
    pub born_on: Option<NaiveDate>,
    /// 入党日期
    pub joined_on: Option<NaiveDate>,
    /// 党籍
    pub standing: Option<Standing>,
    /// 本支部的党小组或中心户；空为不在小组
    pub group: Option<String>,
    /// 职级
    pub rank: Option<Rank>,
    /// 工作单位的党组织；空为没有
    pub work_unit: Option<String>,
    /// 全部特长
    pub skills: Option<Vec<String>>,
    /// 健康状况
    pub health: Option<Health>,
}

impl ChangeBody {
    fn read(&self) -> Result<Change, Invalid> {
        let rest = Change {
            sex: self.sex,
            born_on: self.born_on,
            joined_on: self.joined_on,
            standing: self.standing,
            rank: self.rank,
            health: self.health,
            ..Change::default()
        };
        let form = ChangeForm {
            name: self.name.as_deref(),
            id_number: self.id_number.as_deref(),
            phone: self.phone.as_deref(),
            group: self.group.as_deref(),
            work_unit: self.work_unit.as_deref(),
            skills: self.skills.as_deref(),
        };
        form.parse(&rest)
    }
}

/// 更正一名党员的登记
///
/// 只改填写了的项目。党支部由组织关系转接改变，台账由变更台账、登记流动改变。
#[utoipa::path(
    operation_id = "party.change",
    tag = "party",
    params(IfMatch),
    request_body(content = ChangeBody, example = json!({"rank": "clerk", "skills": ["法律咨询"]})),
    responses((status = 200, description = "党员现在的样子", body = MemberView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "party_member_removed", "party_number_fixed", "party_number_there", "party_match_there"
    ]))),
)]
#[patch("/party-members/{id}")]
async fn change(
    on: On<KeepRegister, MemberId>,
    body: Body<ChangeBody>,
) -> Result<HttpResponse, Error> {
    let change = on.read(body, |body| body.read()).await?;
    register::change(&on.state, on.ask(), on.id, change).await?;
    on.shown().await
}

/// 移出名册
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyMemberRemoveBody)]
pub struct RemoveBody {
    /// 原因
    pub reason: RemovedAs,
    /// 说明，最多 200 个字
    pub note: Option<String>,
}

/// 移出名册
///
/// 记录保留，不再列入名册；正在办理的转接和流动随之结束，同一人以后可以重新登记。
#[utoipa::path(
    operation_id = "party.remove",
    tag = "party",
    params(IfMatch),
    request_body(content = RemoveBody, example = json!({"reason": "moved_away"})),
    responses((status = 200, description = "党员现在的样子", body = MemberView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["party_member_removed"]))),
)]
#[post("/party-members/{id}/remove")]
async fn remove(
    on: On<KeepRegister, MemberId>,
    body: Body<RemoveBody>,
) -> Result<HttpResponse, Error> {
    let given = on.read(body, |body| Remove::parse(body.reason, body.note.as_deref())).await?;
    register::remove(&on.state, on.ask(), on.id, given).await?;
    on.shown().await
}

/// 查看号码的原因
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyUnmaskBody)]
pub struct UnmaskBody {
    /// 原因，2–200 个字，进入审计记录
    pub reason: String,
}

/// 查看完整的号码
///
/// 身份证号码、电话；每次查看连同原因都留有审计记录。
#[utoipa::path(
    operation_id = "party.unmask",
    tag = "party",
    request_body(content = UnmaskBody, example = json!({"reason": "核对组织关系介绍信"})),
    responses((status = 200, description = "号码", body = Unmasked)),
    security(("bearer" = [])),
)]
#[post("/party-members/{id}/unmask")]
async fn unmask(
    on: On<KeepRegister, MemberId>,
    body: Body<UnmaskBody>,
) -> Result<HttpResponse, Error> {
    let reason = |body: UnmaskBody| Ok(text::text("reason", &body.reason, 2, 200)?);
    let reason = on.read(body, reason).await?;
    let unmasked = register::unmask(&on.state, on.ask(), on.id, reason).await?;
    Ok(HttpResponse::Ok().json(unmasked))
}

/// 名册的一次变动
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartyMemberChangeView)]
pub struct ChangeView {
    /// 编号
    pub id: MemberChangeId,
    /// 种类
    pub kind: ChangeKind,
    /// 种类的中文
    pub kind_text: &'static str,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// 谁办的；演示数据没有
    pub by: Option<String>,
    /// 从哪里到哪里、改了哪些项目，只有代码
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// 一名党员的变动记录
///
/// 登记、更正、台账、流动、转接、移出，新的在前；只增不改。
#[utoipa::path(
    operation_id = "party.changes",
    tag = "party",
    params(Paging),
    responses((status = 200, description = "一页变动", body = Page<ChangeView>)),
    security(("bearer" = [])),
)]
#[get("/party-members/{id}/changes")]
async fn changes(
    on: On<ReadRegister, MemberId>,
    page: Paging,
) -> Result<Json<Page<ChangeView>>, Error> {
    on.visible().await?;
    let mut conn = on.state.db.acquire().await?;
    let rows = read::changes(&mut conn, &on.caller.scope(), on.id, page.0).await?;
    let shown = rows.into_iter().map(|row| ChangeView {
        id: row.id,
        kind: row.kind,
        kind_text: row.kind.label(),
        at: row.at,
        by: row.by,
        data: row.data,
    });
    let key = |view: &ChangeView| Cursor { at: view.at, id: view.id.0 };
    Ok(Json(Page::of(shown.collect(), page.0.limit, key)))
}

/// 本人在名册上的登记
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MyPartyView)]
pub struct MineView {
    /// 社区签署为党员的登记；还没有签署的为 null
    pub member: Option<MemberView>,
}

/// 我在党员名册上的登记
///
/// 社区签署报到以后才看得到；签署以前，填了什么都不会得到名册的答复。
#[utoipa::path(
    operation_id = "party.mine",
    tag = "party",
    responses((status = 200, description = "本人的登记", body = MineView)),
    security(("bearer" = [])),
)]
#[get("/me/party")]
async fn mine(
    caller: Caller<Register>,
    state: Data<State>,
    meta: RequestMeta,
) -> Result<Json<MineView>, Error> {
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    Ok(Json(MineView { member: view::mine(&state, &ask).await? }))
}
