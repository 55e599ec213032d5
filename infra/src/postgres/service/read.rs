//! Posts, claims and years of service as they are read.

use domain::{
    id::{ClaimId, PostId, PostSeriesId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    service::{Kind, Oddity, Proof, Served, Status, Year, dispute::Status as Disputed},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

pub mod dispute;
pub mod pause;
pub mod profile;

/// 位置（GCJ-02）
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Spot {
    /// 经度
    #[schema(example = 113.3402)]
    pub lng: f64,
    /// 纬度
    #[schema(example = 40.0911)]
    pub lat: f64,
}

/// 服务岗位
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PostView {
    /// 编号
    pub id: PostId,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 类别
    pub kind: Kind,
    /// 类别的中文
    pub kind_text: &'static str,
    /// 名称
    #[schema(example = "陪独居老人就医")]
    pub title: String,
    /// 做什么
    pub description: Option<String>,
    /// 集合地点
    pub place: Option<String>,
    /// 地图位置
    pub location: Option<Spot>,
    /// 开始时间
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// 结束时间
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// 需要几人
    pub capacity: i32,
    /// 已有几人
    pub taken: i32,
    /// 几人候补
    pub waiting: i64,
    /// 需要的技能
    pub skills: Vec<String>,
    /// 积分系数，100 即每小时 1 分
    pub factor_percent: i32,
    /// 现在能否认领（已满时列入候补）
    pub open: bool,
    /// 取消的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub cancelled_at: Option<Timestamp>,
    /// 版本号
    pub version: i64,
    /// 本人的认领；没有认领或已取消时为空
    pub my_claim: Option<MyClaim>,
    /// 定位签到要在多少米以内；不填为默认值
    #[schema(example = 300)]
    pub tolerance_metres: Option<i32>,
    /// 属于哪一组重复岗位
    pub series_id: Option<PostSeriesId>,
    /// 是否本人发布、或为本人的点单安排的；自己的不能认领
    pub own: bool,
}

/// 本人的认领
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MyClaim {
    /// 编号
    pub id: ClaimId,
    /// 状态
    pub status: Status,
}

impl PostView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.starts_at, id: self.id.0 }
    }
}

/// What a list of posts is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct PostFilter {
    /// One post alone.
    pub id: Option<PostId>,
    /// Those of one series alone.
    pub series: Option<PostSeriesId>,
    /// In this division.
    pub community: Option<NodeCode>,
    /// About this.
    pub kind: Option<Kind>,
    /// Whether it can be claimed.
    pub open: Option<bool>,
    /// Of these alone.
    pub among: Option<Vec<PostId>>,
}

/// Posts for anybody who is logged in, the latest start first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn posts(
    conn: &mut Connection,
    scope: &Scope,
    filter: &PostFilter,
    page: PageRequest,
    now: Timestamp,
) -> Result<Vec<PostView>, sqlx::Error> {
    let among: Option<Vec<Uuid>> =
        filter.among.as_ref().map(|posts| posts.iter().map(|id| id.0).collect());
    let rows = sqlx::query!(
        r#"select p.id as "id: PostId", p.community_code as "community: NodeCode",
               o.name as community_name, p.kind as "kind: Kind", p.title, p.description, p.place,
               p.lng, p.lat, p.starts_at, p.ends_at, p.capacity, p.taken, p.skills,
               p.factor_percent, p.cancelled_at is null and p.ends_at > $1 as "open!",
               p.cancelled_at, p.version,
               (select count(*) from claim w where w.post_id = p.id and w.status = 'waitlisted')
                   as "waiting!",
               c.id as "claim?: ClaimId", c.status as "claim_status?: Status",
               p.tolerance_metres, p.series_id as "series_id: PostSeriesId",
               p.created_by = $2 or exists (select from service_request r
                   where r.id = p.request_id and r.account_id = $2) as "own!"
           from post p
           join org_node o on o.code = p.community_code
           left join claim c
               on c.post_id = p.id and c.account_id = $2 and c.status <> 'cancelled'
           where ($3::uuid is null or p.id = $3)
               and ($4::text is null or p.community_code like $4)
               and ($5::text is null or p.kind = $5)
               and ($6::bool is null or (p.cancelled_at is null and p.ends_at > $1) = $6)
               and ($7::timestamptz is null or (p.starts_at, p.id) < ($7, $8::uuid))
               and ($10::uuid is null or p.series_id = $10)
               and ($11::uuid[] is null or p.id = any($11))
           order by p.starts_at desc, p.id desc
           limit $9"#,
        now,
        scope.account().0,
        filter.id.map(|id| id.0),
        // A division's code holds digits only, so nothing needs escaping.
        filter.community.as_ref().map(|code| format!("{code}%")),
        filter.kind.map(Kind::code),
        filter.open,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
        filter.series.map(|id| id.0),
        among.as_deref(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PostView {
            id: row.id,
            community_code: row.community,
            community_name: row.community_name,
            kind: row.kind,
            kind_text: row.kind.label(),
            title: row.title,
            description: row.description,
            place: row.place,
            location: row.lng.zip(row.lat).map(|(lng, lat)| Spot { lng, lat }),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            capacity: row.capacity,
            taken: row.taken,
            waiting: row.waiting,
            skills: row.skills,
            factor_percent: row.factor_percent,
            open: row.open,
            cancelled_at: row.cancelled_at,
            version: row.version,
            my_claim: row.claim.zip(row.claim_status).map(|(id, status)| MyClaim { id, status }),
            tolerance_metres: row.tolerance_metres,
            series_id: row.series_id,
            own: row.own,
        })
        .collect())
}

/// Whether a post is there, and the caller may organise it.
///
/// # Errors
/// The database is away.
pub async fn organised(
    conn: &mut Connection,
    scope: &Scope,
    id: PostId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from post where id = $1 and ($2 or community_code = any($3))
           ) as "organised!""#,
        id.0,
        scope.organises(),
        scope.units(),
    )
    .fetch_one(conn)
    .await
}

/// 认领
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClaimView {
    /// 编号
    pub id: ClaimId,
    /// 岗位编号
    pub post_id: PostId,
    /// 岗位名称
    #[schema(example = "陪独居老人就医")]
    pub title: String,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 岗位开始时间
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// 岗位结束时间
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// 认领人显示的名字；看本人的认领时为空
    pub person: Option<String>,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 候补的第几位
    pub waitlist_position: Option<i64>,
    /// 认领时间
    #[schema(value_type = String, format = DateTime)]
    pub claimed_at: Timestamp,
    /// 签到时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub checked_in_at: Option<Timestamp>,
    /// 签到方式
    pub checked_in_by: Option<Proof>,
    /// 签到时手机离岗位多少米；没有提供位置时为空
    pub check_in_away_metres: Option<i32>,
    /// 签到时值得人工看一看的情况；不影响签到
    pub check_in_oddities: Vec<OddityView>,
    /// 候补转正太晚，来不了不算未到
    pub short_notice: bool,
    /// 临近开始才取消
    pub cancelled_late: bool,
    /// 签退时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub checked_out_at: Option<Timestamp>,
    /// 确认的服务时长（分钟），如实全额记录
    #[schema(example = 120)]
    pub minutes: Option<i32>,
    /// 由此获得的积分；当日到上限时可能少于时长
    #[schema(example = 2)]
    pub points: Option<i64>,
    /// 组织者的话
    pub comment: Option<String>,
    /// 最近一次异议的状态；没有提出过的为空
    pub dispute_status: Option<Disputed>,
    /// 组织者确认、登记未到或不予认可的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Timestamp>,
}

/// 签到时值得人工看一看的情况
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct OddityView {
    /// 代码
    pub code: Oddity,
    /// 中文
    #[schema(example = "签到码正确，但手机不在岗位附近")]
    pub text: &'static str,
}

impl From<Oddity> for OddityView {
    fn from(code: Oddity) -> Self {
        Self { code, text: code.label() }
    }
}

impl ClaimView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.claimed_at, id: self.id.0 }
    }
}

/// Which claims are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClaimFilter {
    /// One claim alone.
    pub id: Option<ClaimId>,
    /// Of one post.
    pub post: Option<PostId>,
    /// The caller's own alone.
    pub own_only: bool,
}

/// Claims within the scope — the caller's own, and those on posts that the caller may organise —
/// the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn claims(
    conn: &mut Connection,
    scope: &Scope,
    filter: ClaimFilter,
    page: PageRequest,
) -> Result<Vec<ClaimView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select c.id as "id: ClaimId", c.post_id as "post: PostId", p.title,
               p.community_code as "community: NodeCode", p.starts_at, p.ends_at,
               case when c.account_id <> $1 then a.display_name end as person,
               c.status as "status: Status", c.version,
               case when c.status = 'waitlisted' then (
                   select count(*) from claim w
                   where w.post_id = c.post_id and w.status = 'waitlisted'
                       and w.line <= c.line
               ) end as position,
               c.claimed_at, c.checked_in_at, c.checked_in_by as "checked_in_by: Proof",
               c.checked_in_away, c.check_in_oddities as "check_in_oddities: Vec<Oddity>", c.short_notice, c.cancelled_late,
               c.checked_out_at, c.minutes, c.points, c.comment, c.settled_at,
               (select d.status from claim_dispute d where d.claim_id = c.id
                   order by d.raised_at desc limit 1) as "dispute_status: Disputed"
           from claim c
           join post p on p.id = c.post_id
           join account a on a.id = c.account_id
           where (c.account_id = $1 or not $2 and ($3 or p.community_code = any($4)))
               and ($5::uuid is null or c.id = $5)
               and ($6::uuid is null or c.post_id = $6)
               and ($7::timestamptz is null or (c.claimed_at, c.id) < ($7, $8::uuid))
           order by c.claimed_at desc, c.id desc
           limit $9"#,
        scope.account().0,
        filter.own_only,
        scope.organises(),
        scope.units(),
        filter.id.map(|id| id.0),
        filter.post.map(|id| id.0),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ClaimView {
            id: row.id,
            post_id: row.post,
            title: row.title,
            community_code: row.community,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            person: row.person,
            status: row.status,
            status_text: row.status.label(),
            version: row.version,
            waitlist_position: row.position,
            claimed_at: row.claimed_at,
            checked_in_at: row.checked_in_at,
            checked_in_by: row.checked_in_by,
            check_in_away_metres: row.checked_in_away,
            check_in_oddities: row.check_in_oddities.into_iter().map(OddityView::from).collect(),
            short_notice: row.short_notice,
            cancelled_late: row.cancelled_late,
            checked_out_at: row.checked_out_at,
            minutes: row.minutes,
            points: row.points,
            comment: row.comment,
            dispute_status: row.dispute_status,
            settled_at: row.settled_at,
        })
        .collect())
}

/// What the caller served in a year: a service belongs to the year in which its post began.
///
/// # Errors
/// The database is away.
pub async fn served(
    conn: &mut Connection,
    scope: &Scope,
    year: Year,
) -> Result<Served, sqlx::Error> {
    let (from, to) = year.bounds();
    sqlx::query_as!(
        Served,
        r#"select count(*) as "services!", coalesce(sum(minutes), 0)::bigint as "minutes!"
           from service_done
           where account_id = $1 and began_at >= $2 and began_at < $3"#,
        scope.account().0,
        from,
        to,
    )
    .fetch_one(conn)
    .await
}
