//! Use cases of series (重复岗位): made at once, changed or called off from a day on. What is to be done
//! with one of them alone is done with that post.

use chrono::NaiveDate;
use domain::{
    id::{JobId, PostId, PostSeriesId},
    refusal::{Basic, Invalid},
    service::{Post, PostForm, Published, series::Rhythm},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        service::{self as store, series as all},
    },
    random,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{may_publish, organises, put_right, take_off};
use crate::{
    app::{
        case::{Ask, carry_out},
        idempotent::{self, Answer, Once},
    },
    error::Error,
    state::State,
};

/// 一组重复岗位
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SeriesView {
    /// 编号
    pub id: PostSeriesId,
    /// 发布了哪些岗位，按时间排列
    pub posts: Vec<SeriesPost>,
    /// 因法定节假日跳过的日子
    pub skipped: Vec<NaiveDate>,
}

/// 其中一个岗位
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SeriesPost {
    /// 岗位编号
    pub id: PostId,
    /// 开始时间
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// 结束时间
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
}

/// Publishes a post for each day of a rhythm, all or none.
///
/// # Errors
/// A field that breaks a rule, of any of them; no such community, or not one's own.
pub async fn publish(
    state: &State,
    ask: Ask,
    once: Once,
    form: &PostForm<'_>,
    rhythm: Rhythm,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let by = ask.account().ok_or(Basic::Unauthenticated)?;
    let days = rhythm.occurrences((form.starts_at, form.ends_at), state.terms().calendar)?;
    let mut posts = Vec::with_capacity(days.spans.len());
    for (starts_at, ends_at) in &days.spans {
        let one = PostForm { starts_at: *starts_at, ends_at: *ends_at, ..form.clone() };
        posts.push(one.publish(random::id(now), &state.config.service, by, now)?);
    }
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let id: PostSeriesId = random::id(now);
            let community = &posts.first().ok_or(Basic::NotFound)?.post.community;
            may_publish(tx, &ask, community).await?;
            all::insert(tx, (id, community, by), &rhythm, now).await?;
            for one in &posts {
                store::insert_post(tx, one, now).await?;
            }
            let ids: Vec<PostId> = posts.iter().map(|one| one.post.id).collect();
            all::bind(tx, id, &ids).await?;
            let data = json!({ "community": community, "posts": ids.len() });
            ask.record(tx, ("post.publish_series", "post_series", id.0), data, now).await?;
            let shown = |one: &Published| SeriesPost {
                id: one.post.id,
                starts_at: one.post.starts_at,
                ends_at: one.post.ends_at,
            };
            let posts = posts.iter().map(shown).collect();
            Ok((SeriesView { id, posts, skipped: days.skipped }, ()))
        })
    })
    .await
}

/// What is left of a series from a day on, each post locked in ascending id; another community's
/// series is missing.
async fn rest(
    tx: &mut Connection,
    ask: &Ask,
    (id, from): (PostSeriesId, NaiveDate),
    now: Timestamp,
) -> Result<Vec<Post>, Error> {
    let community = all::community(tx, id).await?.ok_or(Basic::NotFound)?;
    if !organises(ask, &community) {
        return Err(Basic::NotFound.into());
    }
    let mut left = Vec::new();
    for post in all::posts(tx, id).await? {
        let post = store::lock_post(tx, post).await?.ok_or(Basic::NotFound)?;
        if post.is_rest(from, now) {
            left.push(post);
        }
    }
    if left.is_empty() {
        let reason = "从这一天起没有可以更改的岗位：已开始、已取消的不再更改";
        return Err(Invalid::field("from", reason).into());
    }
    Ok(left)
}

/// Calls off what is left of a series from a day on; answers which posts.
///
/// # Errors
/// Not one's own to organise; nothing is left.
pub async fn cancel(
    state: &State,
    ask: Ask,
    id: PostSeriesId,
    from: NaiveDate,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let mut jobs: Vec<JobId> = Vec::new();
            for post in rest(tx, &ask, (id, from), now).await? {
                jobs.extend(take_off(tx, &ask, &post, now).await?);
            }
            let action = ("post.cancel_series", "post_series", id.0);
            ask.record(tx, action, json!({ "from": from }), now).await?;
            Ok(jobs)
        })
    })
    .await
}

/// Changes what is left of a series from a day on, all or none. `form` makes of each post what it
/// shall be; its times stay.
///
/// # Errors
/// Not one's own to organise; nothing is left; a field that breaks a rule; `capacity_taken`.
pub async fn change(
    state: &State,
    ask: Ask,
    (id, from): (PostSeriesId, NaiveDate),
    form: impl Fn(&Post, Timestamp) -> Result<Published, Invalid> + Send + Sync + 'static,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let mut jobs: Vec<JobId> = Vec::new();
            for post in rest(tx, &ask, (id, from), now).await? {
                let published = form(&post, now)?;
                jobs.extend(put_right(tx, here, &ask, (&post, published), now).await?);
            }
            let action = ("post.change_series", "post_series", id.0);
            ask.record(tx, action, json!({ "from": from }), now).await?;
            Ok(jobs)
        })
    })
    .await
}
