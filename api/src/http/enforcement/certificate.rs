//! The certificates of officers.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    enforcement::{Reason, Register},
    id::CertificateId,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
};
use infra::postgres::enforcement::read::{self, CertificateFilter, CertificateView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{case::Ask, enforcement},
    error::Error,
    http::extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, Query, RequestMeta,
        caller::needs::{ManageCertificates, Staff},
    },
    state::State,
};

routes![register, list, revoke];

async fn found(state: &State, id: CertificateId) -> Result<CertificateView, Error> {
    let filter = CertificateFilter { id: Some(id), ..CertificateFilter::default() };
    let mut conn = state.db.acquire().await?;
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut rows = read::certificates(&mut conn, &filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

impl<P> Addressed for On<P, CertificateId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 登记执法证
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateBody {
    /// 证件编号
    pub number: String,
    /// 持证人登录的用户名
    pub holder: String,
    /// 以哪个单位的名义执法
    pub unit: String,
    /// 有效期的第一天
    pub valid_from: NaiveDate,
    /// 有效期的最后一天
    pub valid_until: NaiveDate,
}

/// 登记执法证
///
/// 持证人要是该单位的工作账号；同一人的有效证件在时间上不能重叠。
#[utoipa::path(
    operation_id = "enforcement.register", tag = "enforcement",
    request_body(content = CertificateBody, example = json!({"number": "晋-B-0213-0001", "holder": "dept.urban-management", "unit": "urban-management", "valid_from": "2026-01-01", "valid_until": "2030-12-31"})),
    security(("bearer" = [])),
    responses((status = 201, description = "执法证", body = CertificateView)),
    extensions(("x-problems" = json!(["certificate_number_taken", "certificate_overlap"]))),
)]
#[post("/certificates")]
async fn register(
    caller: Caller<ManageCertificates>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<CertificateBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let dates = (body.valid_from, body.valid_until);
    let given = Register::parse(&body.number, &body.holder, &body.unit, dates)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = enforcement::register(&state, ask, given).await?;
    Ok(HttpResponse::Created().json(found(&state, id).await?))
}

/// Which certificates.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CertificatesFilter {
    /// 哪个单位的
    #[param(required = false, example = "140213066")]
    unit: Option<String>,
    /// 只要这一天有效的
    #[param(required = false, example = "2026-11-24")]
    valid_on: Option<NaiveDate>,
}

/// 执法证列表
///
/// 新登记的在前；工作人员都可以查。
#[utoipa::path(
    operation_id = "enforcement.certificates", tag = "enforcement",
    params(CertificatesFilter, Paging), security(("bearer" = [])),
    responses((status = 200, description = "一页执法证", body = Page<CertificateView>)),
)]
#[get("/certificates")]
async fn list(
    _caller: Caller<Staff>,
    state: Data<State>,
    filter: Query<CertificatesFilter>,
    Paging(page): Paging,
) -> Result<Json<Page<CertificateView>>, Error> {
    let unit = NodeCode::optional("unit", filter.0.unit.as_deref())?;
    let filter = CertificateFilter { id: None, unit, valid_on: filter.0.valid_on };
    let mut conn = state.db.acquire().await?;
    let rows = read::certificates(&mut conn, &filter, page).await?;
    Ok(Json(Page::of(rows, page.limit, CertificateView::cursor)))
}

/// 吊销执法证
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeBody {
    /// 原因，2–500 个字
    pub reason: String,
}

/// 吊销执法证
///
/// 此后不能再凭它登记执法行为；已登记的不变。
#[utoipa::path(
    operation_id = "enforcement.revoke", tag = "enforcement", params(IfMatch),
    request_body(content = RevokeBody, example = json!({"reason": "调离执法岗位"})),
    security(("bearer" = [])),
    responses((status = 200, description = "执法证现在的样子", body = CertificateView)),
    extensions(("x-problems" = json!(["certificate_revoked"]))),
)]
#[post("/certificates/{id}/revoke")]
async fn revoke(
    on: On<ManageCertificates, CertificateId>,
    body: Body<RevokeBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, |body| Reason::parse(&body.reason)).await?;
    enforcement::revoke(&on.state, on.ask(), on.id, reason).await?;
    on.shown().await
}
