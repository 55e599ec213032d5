//! Duty rosters (值班表): kept by each unit, asked for by whoever must call it.

use actix_web::{HttpResponse, get, put, web::Json};
use domain::{
    org::NodeCode,
    page::Page,
    refusal::Basic,
    supervision::{Roster, Shift, ShiftForm},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::supervision as supervisions,
    error::Error,
    http::extract::{
        Addressed, Body, On, Query,
        caller::{
            Needs,
            needs::{KeepRoster, ReadTask},
        },
    },
};

routes![keep, on_duty];

/// 一班值班
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShiftBody {
    /// 开始时间
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// 结束时间
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// 值班人
    pub name: String,
    /// 值班（工作）电话
    pub phone: String,
}

/// 值班表
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RosterBody {
    /// 全部班次，互不重叠，最多 366 班；原来的值班表被替换
    pub shifts: Vec<ShiftBody>,
}

/// 一班值班
#[derive(Debug, Serialize, ToSchema)]
pub struct ShiftView {
    /// 开始时间
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// 结束时间
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// 值班人；区中心、督查和区领导以外的人只看到姓
    #[schema(example = "王**")]
    pub name: String,
    /// 值班电话；区中心、督查和区领导以外的人看到的是隐去中间数字的
    #[schema(example = "035****4567")]
    pub phone: String,
}

impl ShiftView {
    fn of(shift: &Shift, full: bool) -> Self {
        let (name, phone) = if full {
            (shift.name.plain().to_owned(), shift.phone.plain().to_owned())
        } else {
            (shift.name.masked(), shift.phone.masked())
        };
        Self { starts_at: shift.starts_at, ends_at: shift.ends_at, name, phone }
    }
}

impl<P> On<P, NodeCode> {
    async fn shifts(&self, at: Timestamp) -> Result<Page<ShiftView>, Error> {
        let mut conn = self.state.db.acquire().await?;
        let shifts = supervisions::on_duty(&self.state, &mut conn, &self.id, at).await?;
        let full = supervisions::reads_phones(&self.caller.actor);
        let items = shifts.iter().map(|shift| ShiftView::of(shift, full)).collect();
        Ok(Page { items, next_cursor: None })
    }
}

impl<P: Needs> Addressed for On<P, NodeCode> {
    async fn visible(&self) -> Result<(), Error> {
        if self.caller.actor.works_for(&self.id) { Ok(()) } else { Err(Basic::NotFound.into()) }
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::Ok().json(self.shifts(self.state.clock.now()).await?))
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the documentation of the path is derived from it")]
pub(in crate::http) struct UnitPath {
    /// 单位代码
    #[param(example = "urban-management")]
    id: String,
}

/// 排值班表
///
/// 由本单位负责人（街道、社区为其工作者）整表替换；电话写值班或工作电话。
#[utoipa::path(
    operation_id = "supervision.keep_roster",
    tag = "supervision",
    params(UnitPath),
    request_body(content = RosterBody, example = json!({"shifts": [{
        "starts_at": "2026-11-24T10:00:00Z", "ends_at": "2026-11-25T00:30:00Z",
        "name": "值班室", "phone": "0352-5010000"}]})),
    responses((status = 200, description = "还没有过去的班次", body = Page<ShiftView>)),
    security(("bearer" = [])),
)]
#[put("/units/{id}/roster")]
async fn keep(on: On<KeepRoster, NodeCode>, body: Body<RosterBody>) -> Result<HttpResponse, Error> {
    let parse = |body: RosterBody| {
        let forms: Vec<ShiftForm<'_>> = body
            .shifts
            .iter()
            .map(|shift| ShiftForm {
                starts_at: shift.starts_at,
                ends_at: shift.ends_at,
                name: &shift.name,
                phone: &shift.phone,
            })
            .collect();
        Roster::parse(&forms)
    };
    let roster = on.read(body, parse).await?;
    supervisions::keep(&on.state, on.ask(), on.id.clone(), roster).await?;
    on.shown().await
}

/// 什么时候
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Instant {
    /// 时间；不填为现在
    #[param(required = false, value_type = Option<String>, example = "2026-11-24T12:00:00Z")]
    at: Option<Timestamp>,
}

/// 谁在值班
///
/// 第一班是那时正在值的（或下一班），其后的按时间先后。区中心、督查和区领导看到完整的姓名和电话。
#[utoipa::path(
    operation_id = "supervision.roster",
    tag = "supervision",
    params(UnitPath, Instant),
    responses((status = 200, description = "值班人", body = Page<ShiftView>)),
    security(("bearer" = [])),
)]
#[get("/units/{id}/roster")]
async fn on_duty(
    on: On<ReadTask, NodeCode>,
    asked: Query<Instant>,
) -> Result<Json<Page<ShiftView>>, Error> {
    let at = asked.0.at.unwrap_or_else(|| on.state.clock.now());
    Ok(Json(on.shifts(at).await?))
}
