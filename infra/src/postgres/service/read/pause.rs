//! Pauses of new claims as they are read, and how somebody stands.

use domain::{
    id::{ClaimId, ServicePauseId},
    page::{Cursor, PageRequest},
    scope::Scope,
    service::{Missed, Rules},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::{Connection, service::pause};

/// What the caller missed of late, and until when new claims pause.
///
/// # Errors
/// The database is away.
pub async fn standing(
    conn: &mut Connection,
    scope: &Scope,
    rules: &Rules,
    now: Timestamp,
) -> Result<(Missed, Option<Timestamp>), sqlx::Error> {
    let account = scope.account();
    let since = Missed::since(rules, pause::last(conn, account).await?, now);
    let missed = pause::missed(conn, account, since).await?;
    Ok((missed, pause::until(conn, account, now).await?))
}

/// 一次暂停认领
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PauseView {
    /// 编号
    pub id: ServicePauseId,
    /// 显示的名字
    #[schema(example = "李**")]
    pub person: String,
    /// 由哪一次认领引起
    pub claim_id: ClaimId,
    /// 当时未到的次数
    pub no_shows: i32,
    /// 当时临时取消的次数
    pub lates: i32,
    /// 开始时间
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Timestamp,
    /// 到什么时候
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// 现在是否仍在暂停
    pub active: bool,
    /// 提前恢复的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub lifted_at: Option<Timestamp>,
    /// 提前恢复的原因；因更正而恢复的为空
    pub lift_reason: Option<String>,
}

impl PauseView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.began_at, id: self.id.0 }
    }
}

/// Pauses for whoever may read the posts of every community, the latest first, one more than the
/// page; for others their own.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    (id, active): (Option<ServicePauseId>, Option<bool>),
    page: PageRequest,
    now: Timestamp,
) -> Result<Vec<PauseView>, sqlx::Error> {
    sqlx::query_as!(
        PauseView,
        r#"select s.id as "id: ServicePauseId", a.display_name as person,
               s.claim_id as "claim_id: ClaimId", s.no_shows, s.lates, s.began_at,
               s.until_at as until, s.lifted_at is null and s.until_at > $1 as "active!",
               s.lifted_at, s.lift_reason
           from service_pause s
           join account a on a.id = s.account_id
           where ($2 or s.account_id = $3)
               and ($4::uuid is null or s.id = $4)
               and ($5::bool is null or (s.lifted_at is null and s.until_at > $1) = $5)
               and ($6::timestamptz is null or (s.began_at, s.id) < ($6, $7::uuid))
           order by s.began_at desc, s.id desc
           limit $8"#,
        now,
        scope.organises(),
        scope.account().0,
        id.map(|id| id.0),
        active,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
