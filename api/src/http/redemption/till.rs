//! At the till (到店核销) over HTTP: taking a verification back, and what a till verified in a day.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use chrono::{Datelike, NaiveDate};
use domain::{
    id::RedemptionId,
    identity::{Actor, Role},
    page::Page,
    refusal::{Basic, Invalid},
    text, time,
};
use infra::postgres::redemption::read::till::{self as read, Day, TillLine, TillOffer};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asking;
use crate::{
    app::{
        identity::confirmation,
        redemption::{
            Ticket,
            till::{self as tills, Sheeted},
        },
    },
    error::Error,
    http::{
        duty::as_workbook,
        extract::{
            Addressed, Body, Caller, On, Paging, Query, RequestMeta, Target,
            caller::needs::{ReadTill, VerifyRedemption},
        },
    },
    sheet::{Cell, Sheet, write_workbook},
    state::State,
};

routes![undo, total, lines, sheet];

/// 撤销核销
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoVerificationBody {
    /// 原因，2–200 个字；对方会看到
    #[schema(example = "扫错了码")]
    pub reason: String,
}

/// 撤销核销
///
/// 核销的店员本人在 10 分钟内办理，一次：另记一笔冲正，积分和份数退回；还需要的，对方重新兑换。
#[utoipa::path(
    operation_id = "redemption.undo", tag = "redemption",
    request_body(content = UndoVerificationBody, example = json!({"reason": "扫错了码"})),
    responses((status = 200, description = "已撤销", body = Ticket)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "redemption_not_verified", "redemption_ended", "undo_not_yours", "undo_too_late",
        "confirmation_required"
    ]))),
)]
#[post("/redemptions/{id}/undo")]
async fn undo(
    on: On<VerifyRedemption, RedemptionId>,
    body: Body<UndoVerificationBody>,
) -> Result<HttpResponse, Error> {
    let reason = on
        .read(body, |body| text::line("reason", &body.reason, 2, 200).map_err(Invalid::from))
        .await?;
    confirmation::demand(&on.state, &on.caller).await?;
    tills::undo(&on.state, asking(&on.caller, on.meta.clone()), on.id, reason).await?;
    on.shown().await
}

impl Addressed for On<VerifyRedemption, RedemptionId> {
    /// A redemption at a merchant that is not the clerk's is missing.
    async fn visible(&self) -> Result<(), Error> {
        tills::known(&self.state, &self.caller.actor, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let ticket = tills::known(&self.state, &self.caller.actor, self.id).await?;
        Ok(HttpResponse::Ok().json(ticket))
    }
}

/// Which day of which clerk.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// 哪一天，默认今天
    #[param(required = false, example = "2026-11-24")]
    day: Option<NaiveDate>,
    /// 只看本人核销的（交班时用）
    #[param(required = false)]
    mine: Option<bool>,
}

/// A till that the caller may see: clerks and managers their merchant's, the organisers and the
/// auditor every.
struct Seen {
    code: String,
    name: String,
    day: NaiveDate,
    mine: bool,
}

impl Seen {
    async fn of(
        caller: &Caller<ReadTill>,
        state: &State,
        code: String,
        asked: Result<Query<Asked>, Error>,
    ) -> Result<Self, Error> {
        let mut conn = state.db.acquire().await?;
        let name = read::merchant(&mut conn, &caller.scope(), &code).await?;
        let name = name.filter(|_| sees(&caller.actor, &code)).ok_or(Basic::NotFound)?;
        // A missing till is missing, whatever else is wrong.
        let Query(Asked { day, mine }) = asked?;
        let day = day.unwrap_or_else(|| time::date(state.clock.now()));
        if !(2000..=2100).contains(&day.year()) {
            return Err(Invalid::field("day", "日期要在 2000–2100 年之间").into());
        }
        Ok(Self { code, name, day, mine: mine.unwrap_or(false) })
    }

    fn day(&self, caller: &Caller<ReadTill>) -> Day<'_> {
        Day {
            merchant: &self.code,
            from: time::start_of(self.day),
            to: time::start_of(self.day + chrono::Days::new(1)),
            clerk: self.mine.then_some(caller.actor.account),
        }
    }
}

fn sees(actor: &Actor, merchant: &str) -> bool {
    actor.grants.iter().any(|grant| match grant.role {
        Role::MerchantClerk | Role::MerchantManager => grant.scope == merchant,
        Role::Organiser | Role::Auditor => true,
        _ => false,
    })
}

/// 一天的核销
#[derive(Debug, Serialize, ToSchema)]
pub struct TillView {
    /// 商户代码
    #[schema(example = "wenxing")]
    pub merchant: String,
    /// 商户名称
    #[schema(example = "文兴幸福餐厅")]
    pub merchant_name: String,
    /// 日期
    pub day: NaiveDate,
    /// 有效核销的份数（不含撤销和退回的）
    #[schema(example = 12)]
    pub count: i64,
    /// 有效核销的积分
    #[schema(example = 600)]
    pub points: i64,
    /// 店员撤销的份数
    #[schema(example = 1)]
    pub undone: i64,
    /// 其他原因退回的份数
    #[schema(example = 0)]
    pub refunded: i64,
    /// 按优惠分列
    pub offers: Vec<TillOffer>,
}

/// 当日核销合计
///
/// 某一天（按北京时间）在这家商户核销的份数和积分，按优惠分列，撤销和退回的另计。店员和商户负责人看本店的，组织员和审计员看各店的。
#[utoipa::path(
    operation_id = "redemption.till", tag = "redemption",
    params(("id" = String, Path, description = "商户代码", example = "wenxing"), Asked),
    responses((status = 200, description = "合计", body = TillView)),
    security(("bearer" = [])),
)]
#[get("/merchants/{id}/till")]
async fn total(
    caller: Caller<ReadTill>,
    target: Target<String>,
    state: Data<State>,
    asked: Result<Query<Asked>, Error>,
) -> Result<Json<TillView>, Error> {
    let seen = Seen::of(&caller, &state, target.0, asked).await?;
    let mut conn = state.db.acquire().await?;
    let offers = read::offers(&mut conn, &caller.scope(), seen.day(&caller)).await?;
    let sum = |of: fn(&TillOffer) -> i64| offers.iter().map(of).sum();
    Ok(Json(TillView {
        count: sum(|one| one.count),
        points: sum(|one| one.points),
        undone: sum(|one| one.undone),
        refunded: sum(|one| one.refunded),
        merchant: seen.code,
        merchant_name: seen.name,
        day: seen.day,
        offers,
    }))
}

/// 当日核销明细
///
/// 某一天的每一次核销，新的在前；不显示是谁的积分。
#[utoipa::path(
    operation_id = "redemption.till_lines", tag = "redemption",
    params(("id" = String, Path, description = "商户代码", example = "wenxing"), Asked, Paging),
    responses((status = 200, description = "一页核销", body = Page<TillLine>)),
    security(("bearer" = [])),
)]
#[get("/merchants/{id}/till/lines")]
async fn lines(
    caller: Caller<ReadTill>,
    target: Target<String>,
    state: Data<State>,
    asked: Result<Query<Asked>, Error>,
    page: Result<Paging, Error>,
) -> Result<Json<Page<TillLine>>, Error> {
    let seen = Seen::of(&caller, &state, target.0, asked).await?;
    let Paging(page) = page?;
    let mut conn = state.db.acquire().await?;
    let rows = read::lines(&mut conn, &caller.scope(), seen.day(&caller), Some(page)).await?;
    Ok(Json(Page::of(rows, page.limit, TillLine::cursor)))
}

/// 导出当日核销
///
/// 同样内容的表格（XLSX），一张合计、一张明细；交班时可以只导出本人的。导出会留痕。
#[utoipa::path(
    operation_id = "redemption.till_sheet", tag = "redemption",
    params(("id" = String, Path, description = "商户代码", example = "wenxing"), Asked),
    responses((status = 200, description = "表格", body = Value,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
    security(("bearer" = [])),
)]
#[get("/merchants/{id}/till/sheet")]
async fn sheet(
    caller: Caller<ReadTill>,
    target: Target<String>,
    state: Data<State>,
    meta: RequestMeta,
    asked: Result<Query<Asked>, Error>,
) -> Result<HttpResponse, Error> {
    let seen = Seen::of(&caller, &state, target.0, asked).await?;
    let by = asking(&caller, meta);
    let Sheeted { offers, lines: all } =
        tills::sheet(&state, by, (&seen.code, seen.day), seen.mine).await?;
    let sheets = [totals(&offers), details(&all)];
    let book = write_workbook(&sheets).map_err(|fault| Error::Internal(Box::new(fault)))?;
    let name = format!("till-{}-{}", seen.code, seen.day);
    Ok(as_workbook(&name, book))
}

fn tab(name: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> Sheet {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    Sheet { name: name.to_owned(), columns, rows }
}

fn number(given: i64) -> Cell {
    u32::try_from(given).map_or_else(|_| Cell::Text(given.to_string()), Cell::from)
}

fn totals(offers: &[TillOffer]) -> Sheet {
    let row = |title: &str, figures: [i64; 4]| {
        std::iter::once(Cell::from(title)).chain(figures.map(number)).collect()
    };
    let mut rows: Vec<Vec<Cell>> = offers
        .iter()
        .map(|one| row(&one.title, [one.count, one.points, one.undone, one.refunded]))
        .collect();
    let sum = |of: fn(&TillOffer) -> i64| offers.iter().map(of).sum();
    let all = [
        sum(|one| one.count),
        sum(|one| one.points),
        sum(|one| one.undone),
        sum(|one| one.refunded),
    ];
    rows.push(row("合计", all));
    tab("合计", &["优惠", "有效份数", "积分", "撤销", "退回"], rows)
}

fn details(all: &[TillLine]) -> Sheet {
    let rows = all.iter().map(|line| {
        let stands = match (line.refunded_at, &line.undone_reason) {
            (None, _) => "有效",
            (Some(_), Some(_)) => "已撤销",
            (Some(_), None) => "已退回",
        };
        vec![
            time::civil(line.verified_at).format("%Y-%m-%d %H:%M:%S").to_string().into(),
            line.title.clone().into(),
            number(line.points),
            line.clerk.clone().into(),
            stands.into(),
            line.undone_reason.clone().into(),
            line.id.to_string().into(),
        ]
    });
    let columns = ["核销时间", "优惠", "积分", "店员", "状态", "撤销原因", "兑换编号"];
    tab("明细", &columns, rows.collect())
}
