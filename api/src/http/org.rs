//! The directory: divisions, for everybody who has to name a community; departments, for staff.
//! Each list is short and comes whole, so `next_cursor` is always null.

use actix_web::{
    get,
    web::{Data, Json},
};
use domain::{
    org::{NodeCode, NodeKind},
    page::Page,
};
use infra::postgres::org;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Query,
    caller::{Caller, needs::Staff},
};
use crate::{error::Error, state::State};

routes![divisions, departments];

/// 区划
#[derive(Debug, Serialize, ToSchema)]
pub struct DivisionView {
    /// 区划代码
    pub code: NodeCode,
    /// 种类
    pub kind: NodeKind,
    /// 名称
    #[schema(example = "文兴社区")]
    pub name: String,
    /// 下面是否还有区划
    pub has_children: bool,
}

/// 部门或公用企业
#[derive(Debug, Serialize, ToSchema)]
pub struct DepartmentView {
    /// 部门代码，派单时用
    pub code: NodeCode,
    /// 参加哪一组排名：department 部门 · utility 公用企业
    pub group: NodeKind,
    /// 名称
    #[schema(example = "区住房和城乡建设局")]
    pub name: String,
}

/// Which divisions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DivisionFilter {
    /// 上级区划的代码，例如 140213066；不填则从市开始
    #[param(required = false, example = "140213066")]
    parent: Option<String>,
}

/// 下级区划
///
/// 不需要登录：居民提交诉求时要选社区。按代码排列，一次给全。
#[utoipa::path(
    operation_id = "org.divisions", tag = "org", params(DivisionFilter), security(()),
    responses((status = 200, description = "下级区划", body = Page<DivisionView>,
        example = json!({"items": [{"code": "140213066004", "kind": "community",
            "name": "文兴社区", "has_children": true}], "next_cursor": null}))),
)]
#[get("/divisions")]
pub async fn divisions(
    state: Data<State>,
    filter: Query<DivisionFilter>,
) -> Result<Json<Page<DivisionView>>, Error> {
    let parent = code("parent", filter.0.parent.as_deref())?;
    let mut conn = state.db.acquire().await?;
    let found = org::read::divisions(&mut conn, parent.as_ref()).await?;
    Ok(whole(found, |entry| DivisionView {
        code: entry.code,
        kind: entry.kind,
        name: entry.name,
        has_children: entry.has_children,
    }))
}

/// 部门和公用企业
///
/// 按代码排列，一次给全。
#[utoipa::path(
    operation_id = "org.departments", tag = "org", security(("bearer" = [])),
    responses((status = 200, description = "部门", body = Page<DepartmentView>,
        example = json!({"items": [{"code": "housing", "group": "department",
            "name": "区住房和城乡建设局"}], "next_cursor": null}))),
)]
#[get("/departments")]
pub async fn departments(
    _caller: Caller<Staff>,
    state: Data<State>,
) -> Result<Json<Page<DepartmentView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let found = org::read::departments(&mut conn).await?;
    Ok(whole(found, |entry| DepartmentView {
        code: entry.code,
        group: entry.kind,
        name: entry.name,
    }))
}

fn code(field: &str, given: Option<&str>) -> Result<Option<NodeCode>, Error> {
    Ok(given.map(|text| NodeCode::parse(field, text)).transpose()?)
}

fn whole<E, V>(found: Vec<E>, view: impl Fn(E) -> V) -> Json<Page<V>> {
    Json(Page { items: found.into_iter().map(view).collect(), next_cursor: None })
}
