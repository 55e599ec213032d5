//! The public counter of 随手拍: what was reported by photo or found on patrol, and what of it is
//! solved.

use actix_web::{
    get,
    web::{Data, Json},
};
use infra::postgres::complaint::read::{self, PhotoReports};

use crate::{error::Error, state::State};

routes![photo_reports];

/// 随手拍计数
///
/// 不需要登录。随手拍和巡查发现的问题共收到多少件、反映人或发现人评价已解决多少件；不足 5 件的不显示。
#[utoipa::path(
    operation_id = "complaint.photo_reports", tag = "complaint", security(()),
    responses((status = 200, description = "件数", body = PhotoReports)),
)]
#[get("/public/photo-reports")]
async fn photo_reports(state: Data<State>) -> Result<Json<PhotoReports>, Error> {
    let mut conn = state.db.acquire().await?;
    Ok(Json(read::photo_reports(&mut conn).await?))
}
