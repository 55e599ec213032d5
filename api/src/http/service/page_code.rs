//! The page code (小程序码) of a post: on a poster, it opens the post in the mini-program.

use actix_web::{HttpResponse, get, http::header::CACHE_CONTROL, web::Data};
use domain::id::PostId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::organised;
use crate::{
    app::wechat,
    error::Error,
    http::extract::{Caller, Query, Target, caller::needs::OrganisePost},
    state::State,
};

routes![draw];

/// How wide the picture is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Width {
    /// 宽度（像素），280–1280，不填为 430；超出的取最近的
    #[param(example = 430)]
    width: Option<u16>,
}

/// 岗位的小程序码
///
/// 印在海报上，居民用微信扫一扫就打开这个岗位。图片由微信绘制，可以保存下来反复使用；
/// 码里只有岗位的编号。
#[utoipa::path(
    operation_id = "service.page_code",
    tag = "service",
    params(Width),
    responses((status = 200, description = "图片",
        content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg")))),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["wechat_unavailable"]))),
)]
#[get("/posts/{id}/page-code")]
async fn draw(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    id: Target<PostId>,
    query: Query<Width>,
) -> Result<HttpResponse, Error> {
    organised(&state, &caller, id.0).await?;
    let picture = wechat::post_code(&state, id.0, query.0.width.unwrap_or(430)).await?;
    let media_type = if picture.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CACHE_CONTROL, "private, max-age=86400"))
        .body(picture))
}
