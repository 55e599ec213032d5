//! Books (积分管理手册) over HTTP: a member's own, and for the branch and above each member's; as
//! JSON and as a page to print.

use actix_web::{
    HttpResponse, get,
    web::{Data, Json},
};
use domain::{
    id::MemberId,
    score::{Inlet, Quarter},
    time,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    app::{
        case::Ask,
        score::{self as scores, BookView},
    },
    error::Error,
    http::{
        extract::{
            Caller, Query, RequestMeta, Target,
            caller::needs::{DeclareScore, KeepScore},
        },
        printed::{self, escaped},
    },
    state::State,
};

routes![mine, my_page, of_one, page_of_one];

/// Which quarter.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfQuarter {
    /// 季度；不填为本季度
    #[param(required = false, example = "2026Q4")]
    quarter: Option<String>,
}

impl OfQuarter {
    fn read(&self, state: &State) -> Result<Quarter, Error> {
        Ok(match self.quarter.as_deref() {
            Some(text) => Quarter::parse("quarter", text)?,
            None => Quarter::of(state.clock.now()),
        })
    }
}

/// 我的积分管理手册
///
/// 本人一个季度计分的记录和合计；锁定以前可能变化。不与他人比较，也不能兑换。
#[utoipa::path(
    operation_id = "score.mine",
    tag = "score",
    params(OfQuarter),
    responses((status = 200, description = "手册", body = BookView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["score_not_member"]))),
)]
#[get("/me/score-book")]
async fn mine(
    caller: Caller<DeclareScore>,
    state: Data<State>,
    quarter: Query<OfQuarter>,
) -> Result<Json<BookView>, Error> {
    let quarter = quarter.0.read(&state)?;
    Ok(Json(scores::book(&state, &caller.scope(), None, quarter).await?))
}

/// 可打印的我的积分管理手册
///
/// 适合打印和另存为 PDF 的网页；不填季度就是本季度。
#[utoipa::path(
    operation_id = "score.my_page",
    tag = "score",
    params(OfQuarter),
    responses((status = 200, description = "网页", body = String, content_type = "text/html")),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["score_not_member"]))),
)]
#[get("/me/score-book/page")]
async fn my_page(
    caller: Caller<DeclareScore>,
    state: Data<State>,
    quarter: Query<OfQuarter>,
) -> Result<HttpResponse, Error> {
    let quarter = quarter.0.read(&state)?;
    let book = scores::book(&state, &caller.scope(), None, quarter).await?;
    Ok(printed::answer(html(&book, &state)))
}

/// Another's book; each look at it is on record.
async fn of_member(
    caller: &Caller<KeepScore>,
    (state, meta): (&State, RequestMeta),
    member: MemberId,
    quarter: &OfQuarter,
) -> Result<BookView, Error> {
    // A foreign member is missing, whatever else is wrong.
    let now = Quarter::of(state.clock.now());
    let asked = quarter.read(state);
    let which = *asked.as_ref().unwrap_or(&now);
    let book = scores::book(state, &caller.scope(), Some(member), which).await?;
    asked?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    scores::seen(state, ask, member).await?;
    Ok(book)
}

/// 一名党员的积分管理手册
///
/// 支部书记看本支部的，社区看本社区的，组织部看全部；每次查看都留有记录。
#[utoipa::path(
    operation_id = "score.book",
    tag = "score",
    params(OfQuarter),
    responses((status = 200, description = "手册", body = BookView)),
    security(("bearer" = [])),
)]
#[get("/score-books/{id}")]
async fn of_one(
    caller: Caller<KeepScore>,
    target: Target<MemberId>,
    state: Data<State>,
    meta: RequestMeta,
    quarter: Query<OfQuarter>,
) -> Result<Json<BookView>, Error> {
    Ok(Json(of_member(&caller, (&state, meta), target.0, &quarter.0).await?))
}

/// 可打印的积分管理手册
///
/// 适合打印和另存为 PDF 的网页，查阅会留痕；只在支部和它的上级能看。
#[utoipa::path(
    operation_id = "score.book_page",
    tag = "score",
    params(OfQuarter),
    responses((status = 200, description = "网页", body = String, content_type = "text/html")),
    security(("bearer" = [])),
)]
#[get("/score-books/{id}/page")]
async fn page_of_one(
    caller: Caller<KeepScore>,
    target: Target<MemberId>,
    state: Data<State>,
    meta: RequestMeta,
    quarter: Query<OfQuarter>,
) -> Result<HttpResponse, Error> {
    let book = of_member(&caller, (&state, meta), target.0, &quarter.0).await?;
    Ok(printed::answer(html(&book, &state)))
}

const STYLE: &str = "body{font:14px/1.6 'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',\
    sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}\
    h1{text-align:center;color:#a00}table{border-collapse:collapse;width:100%}\
    th,td{border:1px solid #bbb;padding:.2rem .5rem;text-align:left}th{background:#f4f1ee}\
    .note{color:#555}.total{text-align:right;font-weight:bold}@media print{body{margin:0}tr{break-inside:avoid}}";

fn html(book: &BookView, state: &State) -> String {
    let rows = book.entries.iter().map(|entry| {
        vec![
            entry.happened_on.to_string(),
            entry.inlet_text.to_owned(),
            entry.item_name.clone().unwrap_or_default(),
            match entry.corrects {
                Some(_) => format!("更正：{}", entry.words),
                None => entry.words.clone(),
            },
            entry.points.map(|points| format!("{points:+}")).unwrap_or_default(),
        ]
    });
    let columns = ["日期", "入口", "项目", "事由", "分值"];
    let table = printed::table(&columns, rows, "本季度没有计分的记录。");
    let inlets: Vec<&str> = Inlet::ALL.iter().map(|inlet| inlet.label()).collect();
    format!(
        "<!DOCTYPE html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>积分管理手册</title>\
         <style>{STYLE}</style></head><body><h1>党员积分管理手册</h1>\
         <p>{} · {} · {} · {}</p>{table}<p class=\"total\">合计 {} 分</p>\
         <p class=\"note\">入口：{}。每个项目计到季度上限，更正不受上限限制。打印于 {}。\
         本手册不公开排名，不能兑换。</p></body></html>",
        escaped(&book.branch_name),
        escaped(&book.name),
        escaped(&book.quarter),
        book.settlement_text.unwrap_or("未提交结算"),
        book.points,
        inlets.join("、"),
        time::written(state.clock.now()),
    )
}
