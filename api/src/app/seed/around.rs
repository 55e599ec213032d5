//! A few items of the guide, announcements and an opinion for the demo district, in our own words.

use chrono::TimeDelta;
use domain::{
    announcement::{Audience, EditionForm, Kind},
    attachment::Chosen,
    feedback::{self, Feedback, Opinion},
    guide::ItemForm,
    id::{AccountId, AnnouncementId, FeedbackId, GuideId, Id},
    org::NodeCode,
    publication::{Publication, Review},
    refusal::Basic,
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        announcement::{self, Head},
        feedback::{self as opinions, Kept},
        guide, identity, publication,
    },
    random,
};

use crate::error::Error;

/// Unit, author, title, category, who may apply, materials, steps, working days.
type Service = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    i64,
);

const SERVICES: &[Service] = &[
    (
        "medical-insurance",
        "dept.medical-insurance",
        "城乡居民医保参保登记",
        "医疗保障",
        "未参加职工医保的本区居民",
        &["居民身份证或户口簿", "银行卡"],
        &["在小程序或窗口登记", "缴费", "次年一月起享受待遇"],
        1,
    ),
    (
        "housing",
        "dept.housing",
        "住宅专项维修资金使用备案",
        "住房",
        "业主委员会、物业管理委员会或受托的物业企业",
        &["使用方案", "业主表决结果", "施工合同"],
        &["提交方案", "公示七日", "备案", "划款"],
        10,
    ),
    (
        "human-resources",
        "dept.human-resources",
        "创业担保贷款咨询",
        "就业创业",
        "在本区创业的劳动者和小微企业",
        &["营业执照", "居民身份证"],
        &["窗口咨询", "资格审核", "银行放款"],
        15,
    ),
];

/// Body, author, kind, title, text, area.
const NEWS: &[(&str, &str, Kind, &str, &str, &str)] = &[
    (
        "140213066",
        "subdistrict.140213066",
        Kind::Policy,
        "居民医保开始缴费",
        "新一年度的城乡居民医保已开始缴费，可以在手机上办理，也可以到社区请工作人员协助。",
        "140213066001",
    ),
    (
        "140213066001",
        "community.140213066001",
        Kind::Activity,
        "周六上午义诊",
        "周六上午九点，社区党群服务站请医生义诊、量血压，欢迎老人前来，行动不便的可以预约上门。",
        "140213066001",
    ),
];

/// An id that follows from a number, so that a second run finds it again. Each thing has a number of
/// its own: all of them are subjects of one stream of events.
fn fixed<T: Id>(n: u8) -> T {
    T::from_parts(Timestamp::UNIX_EPOCH, &[n; 10])
}

/// Adds what is not there.
///
/// # Errors
/// The database's.
pub async fn insert(conn: &mut Connection, now: Timestamp) -> Result<(), Error> {
    for (n, service) in (201_u8..).zip(SERVICES) {
        add_service(conn, fixed(n), service, now).await?;
    }
    for (n, news) in (221_u8..).zip(NEWS) {
        add_news(conn, fixed(n), news, now).await?;
    }
    add_opinion(conn, fixed(241), now).await
}

async fn author(conn: &mut Connection, username: &str) -> Result<AccountId, Error> {
    Ok(identity::find_by_username(conn, username).await?.ok_or(Basic::NotFound)?)
}

async fn add_service(
    conn: &mut Connection,
    id: GuideId,
    service: &Service,
    now: Timestamp,
) -> Result<(), Error> {
    if guide::latest(conn, id).await?.is_some() {
        return Ok(());
    }
    let (unit, username, title, category, eligible, materials, steps, days) = *service;
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let (materials, steps) = (lines(materials), lines(steps));
    let form = ItemForm {
        title,
        category,
        eligible,
        materials: &materials,
        steps: &steps,
        place: Some("区政务服务中心综合窗口"),
        hours: Some("工作日 8:30–12:00，14:00–17:30"),
        fee: Some("不收费"),
        term_days: Some(days),
        ..ItemForm::default()
    };
    let item = form.parse(time::date(now))?;
    let by = author(conn, username).await?;
    guide::insert(conn, id, &NodeCode::parse("unit", unit)?, &item, (by, now)).await?;
    let shown = Publication::draft().submit(Review::Nobody)?;
    Ok(publication::save(conn, id.into(), &shown, None, now).await?)
}

async fn add_news(
    conn: &mut Connection,
    id: AnnouncementId,
    (body, username, kind, title, text, area): &(&str, &str, Kind, &str, &str, &str),
    now: Timestamp,
) -> Result<(), Error> {
    if publication::lock(conn, id.into()).await?.is_some() {
        return Ok(());
    }
    let body = NodeCode::parse("body", body)?;
    let areas = [(*area).to_owned()];
    let form = EditionForm {
        title,
        text,
        areas: &areas,
        pinned: false,
        starts_at: now,
        ends_at: now + TimeDelta::days(90),
        pictures: Chosen::default(),
    };
    let edition = form.parse(&body, now)?;
    let by = author(conn, username).await?;
    let head = Head { body, kind: *kind, audience: Audience::Residents };
    announcement::insert(conn, id, &head, &edition, (by, now)).await?;
    let shown = Publication::draft().submit(Review::Nobody)?;
    Ok(publication::save(conn, id.into(), &shown, None, now).await?)
}

/// Nobody holds its code: it is there to be answered.
async fn add_opinion(conn: &mut Connection, id: FeedbackId, now: Timestamp) -> Result<(), Error> {
    if opinions::lock(conn, id).await?.is_some() {
        return Ok(());
    }
    let kind = feedback::Kind::Accessibility;
    let words = "字号调到最大以后，提交页的按钮会被挡住，希望能往下滑动。";
    let opinion = Opinion::parse(kind, words, Some("提交诉求"), None, None)?;
    let kept = Kept { query_code_mac: random::bytes(), contact: None, flagged: false };
    let state = Feedback::submit(id, kind, None).state;
    opinions::insert(conn, &state, &opinion, &kept, now).await?;
    Ok(())
}
