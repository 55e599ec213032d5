//! The working calendar over HTTP: what is in force, importing a year's notice, and computing
//! deadlines anew.

use std::collections::BTreeMap;

use actix_web::{
    get, post, put,
    web::{Data, Json},
};
use chrono::{Datelike, NaiveDate};
use domain::{
    calendar::{DayForm, Notice, NoticeForm, Year},
    id::TaskId,
    org::NodeCode,
    refusal::{FieldError, Invalid},
    time::{self, Timestamp},
};
use infra::postgres::calendar::{self, Version};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Body, Caller, Query, RequestMeta, Target,
    caller::needs::{ManageCalendar, Staff},
};
use crate::{
    app::{self, calendar::Moved},
    error::Error,
    state::State,
};

routes![read, import, recompute];

/// Most tasks that a recomputation lists; it counts all of them.
const LISTED: usize = 200;

/// Which year.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct YearFilter {
    /// 年份，2000–2100；不填为今年
    #[param(required = false, example = "2026")]
    year: Option<String>,
}

/// 放假安排中的一天
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarDay {
    /// 日期
    #[schema(example = "2026-10-01")]
    date: NaiveDate,
    /// 节日
    #[schema(example = "国庆节")]
    name: String,
    /// true 调休上班 · false 放假
    working: bool,
}

/// 放假安排的一个版本
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarVersion {
    /// 版本号，从 1 起
    #[schema(example = 1)]
    version: i32,
    /// 依据的通知（文号或网址）
    source: String,
    /// 通知的公布日期
    published_at: Option<NaiveDate>,
    /// 只是草案
    provisional: bool,
    /// 导入时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    imported_at: Timestamp,
}

impl From<&Version> for CalendarVersion {
    fn from(version: &Version) -> Self {
        Self {
            version: version.version,
            source: version.notice.source.clone(),
            published_at: version.notice.published_at,
            provisional: version.notice.provisional,
            imported_at: version.imported_at,
        }
    }
}

/// 一年的工作日历
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarView {
    /// 年份
    #[schema(example = 2026)]
    year: i32,
    /// 没有放假安排（按周一至周五计算）或只有草案：涉及这一年的时限是暂定的
    provisional: bool,
    /// 现行版本号；没有导入过则为 null
    #[schema(example = 1)]
    version: Option<i32>,
    /// 现行版本中与星期不同的日子，按日期排列
    days: Vec<CalendarDay>,
    /// 全部版本，新的在前；旧版本不会改变
    versions: Vec<CalendarVersion>,
    /// 因缺少这一年的安排向系统管理员预警的时间
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    warned_at: Option<Timestamp>,
}

async fn shown(state: &State, year: i32) -> Result<CalendarView, Error> {
    let mut conn = state.db.acquire().await?;
    let kept = calendar::versions(&mut conn, Some(year)).await?;
    let newest = kept.first();
    let days = newest.map(|version| version.notice.days.clone()).unwrap_or_default();
    let day = |day: domain::calendar::Day| CalendarDay {
        date: day.date,
        name: day.name,
        working: day.working,
    };
    Ok(CalendarView {
        year,
        provisional: newest.is_none_or(|version| version.notice.provisional),
        version: newest.map(|version| version.version),
        days: days.into_iter().map(day).collect(),
        versions: kept.iter().map(CalendarVersion::from).collect(),
        warned_at: calendar::warned(&mut conn, year).await?,
    })
}

/// 工作日历
///
/// 一年的放假和调休安排、它的全部版本，以及这一年是否暂定（还没有国务院的安排，按周一至周五计算）。
#[utoipa::path(
    operation_id = "calendar.read", tag = "calendar", params(YearFilter),
    security(("bearer" = [])),
    responses((status = 200, description = "一年的工作日历", body = CalendarView)),
)]
#[get("/calendar")]
pub async fn read(
    _: Caller<Staff>,
    state: Data<State>,
    Query(filter): Query<YearFilter>,
) -> Result<Json<CalendarView>, Error> {
    let year = match filter.year.as_deref() {
        Some(text) => {
            let year = text.parse::<Year>();
            year.map_err(|reason| FieldError::new("year", reason.to_string()))?.get()
        }
        None => time::date(state.clock.now()).year(),
    };
    Ok(Json(shown(&state, year).await?))
}

/// 要导入的放假安排
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportCalendar {
    /// 依据的通知（文号或网址），2–200 字
    #[schema(example = "国务院办公厅关于2027年部分节假日安排的通知")]
    source: String,
    /// 通知的公布日期
    #[serde(default)]
    published_at: Option<NaiveDate>,
    /// 只是草案：日子照算，但涉及这一年的时限仍是暂定的
    #[serde(default)]
    provisional: bool,
    /// 逐日列出放假日和调休上班日；与 csv 写一个
    #[serde(default)]
    days: Vec<CalendarDay>,
    /// 每行“日期,节日,working 或 off”；与 days 写一个
    #[serde(default)]
    csv: Option<String>,
    /// 只检查和比较，不写入
    #[serde(default)]
    dry_run: bool,
}

impl ImportCalendar {
    fn parse(self, year: Year) -> Result<(Notice, bool), Invalid> {
        let day =
            |day: CalendarDay| DayForm { date: day.date, name: day.name, working: day.working };
        let form = NoticeForm {
            source: &self.source,
            published_at: self.published_at,
            provisional: self.provisional,
            days: self.days.into_iter().map(day).collect(),
            csv: self.csv.as_deref(),
        };
        Notice::parse(year, form).map(|notice| (notice, self.dry_run))
    }
}

/// 导入的结果
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedCalendar {
    /// 只是试算
    dry_run: bool,
    /// 是否成为新版本；与现行版本相同的内容不重复导入
    added: bool,
    /// 版本号
    #[schema(example = 1)]
    version: i32,
    /// 与此前计算不同的日子
    changed: Vec<NaiveDate>,
    /// 现在的工作日历
    calendar: CalendarView,
}

/// 导入一年的放假安排
///
/// 按国务院办公厅每年的通知导入；每次成为一个新版本，旧版本不变。各进程一秒内采用，不用重启；已有任务的时限
/// 不会自动改变，要另行重算。最终的安排必须有元旦和国庆节，否则请标明草案。
#[utoipa::path(
    operation_id = "calendar.import", tag = "calendar",
    params(("id" = i32, Path, description = "年份，2000–2100", example = 2027)),
    request_body(content = ImportCalendar, example = json!({
        "source": "国务院办公厅关于2027年部分节假日安排的通知", "published_at": "2026-11-20",
        "days": [{"date": "2027-01-01", "name": "元旦", "working": false},
            {"date": "2027-10-01", "name": "国庆节", "working": false}],
        "dry_run": false})),
    security(("bearer" = [])),
    responses((status = 200, description = "导入结果和现在的日历", body = ImportedCalendar)),
)]
#[put("/calendar/{id}")]
pub async fn import(
    caller: Caller<ManageCalendar>,
    target: Target<Year>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<ImportCalendar>,
) -> Result<Json<ImportedCalendar>, Error> {
    let Target(year) = target;
    let (notice, dry_run) = body.read()?.parse(year)?;
    let done =
        app::calendar::import(&state, Some(&caller.actor), meta.into(), notice, dry_run).await?;
    Ok(Json(ImportedCalendar {
        dry_run,
        added: done.added,
        version: done.version,
        changed: done.changed,
        calendar: shown(&state, year.get()).await?,
    }))
}

/// 怎样重算
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecomputeDeadlines {
    /// 只试算，不改变任何时限
    #[serde(default)]
    dry_run: bool,
}

/// 时限有变的一个任务
#[derive(Debug, Serialize, ToSchema)]
pub struct MovedTask {
    /// 任务
    task: TaskId,
    /// 承办单位
    unit: NodeCode,
    /// 改变的时限，原来的时间
    #[schema(value_type = BTreeMap<String, chrono::DateTime<chrono::Utc>>)]
    before: BTreeMap<&'static str, Timestamp>,
    /// 改变的时限，现在的时间
    #[schema(value_type = BTreeMap<String, chrono::DateTime<chrono::Utc>>)]
    after: BTreeMap<&'static str, Timestamp>,
}

impl From<Moved> for MovedTask {
    fn from(Moved { task, unit, before, after }: Moved) -> Self {
        let (was, is) = (before.differing(&after), after.differing(&before));
        Self { task, unit, before: was.into_iter().collect(), after: is.into_iter().collect() }
    }
}

/// 时限重算的结果
#[derive(Debug, Serialize, ToSchema)]
pub struct RecomputedDeadlines {
    /// 年份
    #[schema(example = 2027)]
    year: i32,
    /// 按哪个版本
    #[schema(example = 1)]
    version: i32,
    /// 只是试算
    dry_run: bool,
    /// 时限有变的任务数
    #[schema(example = 12)]
    tasks: usize,
    /// 其中前 200 个的变化
    changes: Vec<MovedTask>,
}

/// 按一年的安排重算时限
///
/// 导入新版本以后，把未结束任务中按旧日历算出的时限改按现行版本计算。已经完成的环节、裁定和延期定下的时间、
/// 已结束的任务都不变；提前的时限不会早于现在。逐件在后台完成，每个任务留下一条“时限重算”记录；重复执行
/// 不再有变化。先用 dry_run 试算。
#[utoipa::path(
    operation_id = "calendar.recompute", tag = "calendar",
    params(("id" = i32, Path, description = "年份，2000–2100", example = 2027)),
    request_body(content = RecomputeDeadlines, example = json!({"dry_run": true})),
    security(("bearer" = [])),
    responses((status = 200, description = "变化的任务", body = RecomputedDeadlines)),
    extensions(("x-problems" = json!(["calendar_year_missing"]))),
)]
#[post("/calendar/{id}/recompute")]
pub async fn recompute(
    caller: Caller<ManageCalendar>,
    target: Target<Year>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<RecomputeDeadlines>,
) -> Result<Json<RecomputedDeadlines>, Error> {
    let Target(year) = target;
    let dry_run = body.read()?.dry_run;
    let done =
        app::calendar::recompute(&state, caller.actor.clone(), meta.into(), year, dry_run).await?;
    Ok(Json(RecomputedDeadlines {
        year: year.get(),
        version: done.version,
        dry_run,
        tasks: done.moved.len(),
        changes: done.moved.into_iter().take(LISTED).map(MovedTask::from).collect(),
    }))
}
