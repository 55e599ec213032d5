//! The party members of the demo district: on the register, half of them registered with 文兴社区,
//! each with half a year of services that explain their points; and posts that can be claimed.
//!
//! Everything comes from the rules that real members go through; it is made once, with the members.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, Weekday};
use domain::{
    id::{AccountId, PostId},
    org::NodeCode,
    party::{
        Health, Identity, Ledger, Rank, Sex,
        entry::{Entry, EntryForm},
        floating::{Direction, FloatForm},
    },
    points::{Served, Source},
    registration::{Registration, Sign},
    service::{Claim, Confirm, Kind, Post, PostForm, Rules, Standing},
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection, identity as accounts, party,
        registration::{self, Sealed},
        service::{self as store, seed::History},
    },
    random,
};
use serde::Deserialize;
use serde_json::json;

use super::table;
use crate::{
    app::{
        identity::{demo_resident, resident},
        party::enlist,
        points::{self, Award},
        registration::{match_index, take_effect, told_to_unit},
    },
    error::Error,
    state::State,
};

const POSTS: &str = include_str!("../../../../infra/seed/posts.csv");

/// How many members there are, and how many of them are registered already.
const MEMBERS: (u32, usize) = (20, 10);
const COMMUNITY: &str = "140213066004";
/// Half a day each Saturday, twice counted: eight points, which is what a day can give.
const SERVICES: u64 = 25;
const SERVED: (i64, i64) = (240, 200);
/// The last service lies so far back that it meets nothing that can be put down now.
const LAST: Days = Days::new(14);
/// The register's branches and work units, in turn.
const BRANCHES: [&str; 4] = [
    "party-140213066004-01",
    "party-140213066004-02",
    "party-140213066004-03",
    "party-140213066004-04",
];
const SKILLS: [&str; 4] = ["法律咨询", "医疗护理", "家电维修", "书法"];
const WORK_UNITS: [&str; 3] =
    ["区教育局机关党委", "区住房和城乡建设局机关党委", "区市场监督管理局机关党委"];

#[derive(Deserialize)]
struct OpenPost {
    community: String,
    kind: Kind,
    title: String,
    description: String,
    place: String,
    lng: Option<f64>,
    lat: Option<f64>,
    days: u64,
    hour: u32,
    hours: i64,
    capacity: i64,
    factor_percent: i64,
    /// What helps to know, with `、` between; empty for none.
    skills: String,
}

impl OpenPost {
    fn skills(&self) -> Vec<String> {
        let skills = self.skills.split('、').filter(|skill| !skill.is_empty());
        skills.map(str::to_owned).collect()
    }
}

/// Makes what is missing; answers how many members were added.
///
/// # Errors
/// The database failed.
pub async fn insert(conn: &mut Connection, state: &State, now: Timestamp) -> Result<usize, Error> {
    let people = (1..=MEMBERS.0).map(identity).collect::<Result<Vec<_>, _>>()?;
    let mut added = 0;
    for (place, who) in (0..).zip(&people) {
        let known = party::lock_matching(conn, &match_index(&state.crypto, who)).await?;
        if known.is_empty() {
            enlist(conn, state, &member(place, who, now)?, now).await?;
            added += 1;
        }
    }
    let Some(officer) = officer(conn).await? else { return Ok(added) };
    if added == 0 {
        return Ok(0);
    }
    let mut members = Vec::new();
    for number in 1..=MEMBERS.0 {
        let (open_id, shown) = demo_resident(&format!("party-{number}"))
            .ok_or_else(|| Error::Internal("a demo member has no name".into()))?;
        members.push(resident(conn, &state.crypto, &open_id, &shown, now).await?.id);
    }
    for (who, account) in people.iter().zip(&members).take(MEMBERS.1) {
        register(conn, state, (who, *account), officer, now).await?;
    }
    serve(conn, state, &members, officer, now).await?;
    offer(conn, officer, now).await?;
    Ok(added)
}

/// 演示党员7 with 100007.
fn identity(number: u32) -> Result<Identity, Error> {
    let name = format!("演示党员{number}");
    Ok(Identity::parse("party_member", &name, &format!("100{number:03}"))?)
}

/// The register has all ledgers, ages and skills; numbers stay the contract's last six.
fn member(place: usize, who: &Identity, now: Timestamp) -> Result<Entry, Error> {
    let turn = |all: &[&str]| all.get(place % all.len().max(1)).map(ToString::to_string);
    let ledger = match place {
        ..12 => Ledger::Employed,
        12..15 => Ledger::Retired,
        15..18 => Ledger::Direct,
        _ => Ledger::Floating,
    };
    let years = u32::try_from(if place < 12 { 30 + place } else { 60 + place }).unwrap_or(40);
    let born_on = time::date(now).checked_sub_months(chrono::Months::new(years * 12));
    let branch = turn(&BRANCHES).unwrap_or_default();
    let work_unit = turn(&WORK_UNITS).filter(|_| place < 12);
    let skills: Vec<String> = turn(&SKILLS).into_iter().collect();
    let elsewhere = FloatForm {
        direction: Direction::Out,
        other_branch: None,
        other_name: Some("北京市朝阳区流动党员党支部"),
        place: "北京市朝阳区",
        since: time::date(now) - Days::new(200),
        contact: None,
        ledger: Some(Ledger::Direct),
    };
    let form = EntryForm {
        name: who.name.plain(),
        id_number: who.number.plain(),
        sex: Some(if place.is_multiple_of(2) { Sex::Male } else { Sex::Female }),
        born_on,
        branch: &branch,
        ledger: Some(ledger),
        rank: Some(if place < 12 { Rank::Clerk } else { Rank::None }),
        work_unit: work_unit.as_deref(),
        skills: &skills,
        health: Some(if place == 16 { Health::Frail } else { Health::Good }),
        floating: Some(elsewhere).filter(|_| ledger == Ledger::Floating),
        ..EntryForm::default()
    };
    Ok(form.parse(time::date(now))?)
}

/// The officer of 文兴社区, who signs and confirms.
async fn officer(conn: &mut Connection) -> Result<Option<AccountId>, Error> {
    Ok(accounts::find_by_username(conn, &format!("community.{COMMUNITY}")).await?)
}

/// Hands in and signs, as member and officer would.
async fn register(
    conn: &mut Connection,
    state: &State,
    (who, account): (&Identity, AccountId),
    officer: AccountId,
    now: Timestamp,
) -> Result<(), Error> {
    if registration::lock_active(conn, account).await?.is_some() {
        return Ok(());
    }
    let index = match_index(&state.crypto, who);
    let name = crate::app::registration::sealed_name(&state.crypto, who);
    let sealed = Sealed { name, match_index: index.clone() };
    let community = NodeCode::parse("community_code", COMMUNITY)?;
    let given = Registration::submit(random::id(now), account, community, now);
    registration::hand_in(conn, &given.state, &sealed, &given.events, now).await?;
    let found = party::lock_matching(conn, &index).await?;
    let signed = given.state.sign(&Sign { accept: true, note: None }, &found, officer, now)?;
    let signed = told_to_unit(conn, signed).await?;
    registration::save(conn, &signed.state, &signed.events, Some(officer), now).await?;
    take_effect(conn, &signed.state, now).await
}

/// Half a year of Saturdays.
fn saturdays(now: Timestamp) -> impl Iterator<Item = NaiveDate> {
    let latest = time::date(now) - LAST;
    let saturday = latest.week(Weekday::Sat).first_day();
    (0..SERVICES).map(move |week| saturday - Days::new(7 * week))
}

/// Lets every member serve each Saturday, and posts what that gives.
async fn serve(
    conn: &mut Connection,
    state: &State,
    members: &[AccountId],
    officer: AccountId,
    now: Timestamp,
) -> Result<(), Error> {
    let titles = [
        (Kind::Environment, "周末清洁家园"),
        (Kind::Elderly, "周末陪伴独居老人"),
        (Kind::Civility, "周末文明劝导"),
        (Kind::Policy, "周末政策宣传"),
    ];
    for (day, (kind, title)) in saturdays(now).zip(titles.into_iter().cycle()) {
        let starts_at = time::instant(day.and_time(NaiveTime::MIN)) + TimeDelta::hours(9);
        let ends_at = starts_at + TimeDelta::minutes(SERVED.0);
        let form = PostForm {
            community_code: COMMUNITY,
            kind,
            title,
            description: None,
            place: Some("文兴社区党群服务站"),
            location: Some((113.3402, 40.0911)),
            tolerance_metres: None,
            starts_at,
            ends_at,
            capacity: 30,
            skills: &[],
            factor_percent: Some(SERVED.1),
        };
        let announced = starts_at - TimeDelta::days(3);
        let post = publish(conn, &form, officer, announced).await?;
        let mut histories = Vec::with_capacity(members.len());
        for member in members {
            histories.push(history(state, &post, *member, officer, announced)?);
        }
        store::seed::insert(conn, &histories).await?;
        store::recount(conn, &post).await?;
        for one in &histories {
            give(conn, state, &post, &one.claim).await?;
        }
    }
    Ok(())
}

async fn publish(
    conn: &mut Connection,
    form: &PostForm<'_>,
    by: AccountId,
    at: Timestamp,
) -> Result<Post, Error> {
    let id: PostId = random::id(at);
    let published = form.publish(id, &Rules::default(), by, at)?;
    store::insert_post(conn, &published, at).await?;
    Ok(published.post)
}

/// Claimed when it was announced, confirmed in full when it was over.
fn history(
    state: &State,
    post: &Post,
    member: AccountId,
    officer: AccountId,
    announced: Timestamp,
) -> Result<History, Error> {
    let claimed = post.claim(random::id(announced), member, &Standing::default(), announced)?;
    let confirm = Confirm { minutes: i32::try_from(SERVED.0).unwrap_or_default(), comment: None };
    let confirmed = claimed.state.confirm(post, &confirm, officer, post.ends_at)?;
    // Each service has its day to itself, so that nothing was given on it before.
    let points = state.config.points.award.service(&Served::first(SERVED.0, SERVED.1));
    let confirmed = Claim::with_points(confirmed, points);
    let first = claimed.events.into_iter().map(|event| (event, announced, member));
    let then = confirmed.events.into_iter().map(|event| (event, post.ends_at, officer));
    Ok(History { claim: confirmed.state, events: first.chain(then).collect() })
}

async fn give(
    conn: &mut Connection,
    state: &State,
    post: &Post,
    claim: &Claim,
) -> Result<(), Error> {
    let award = Award {
        account: claim.account,
        points: claim.points.unwrap_or_default(),
        source: Source::Service,
        cause: format!("service:{}", claim.id),
        on: time::date(post.starts_at),
        data: json!({
            "claim": claim.id, "post_kind": post.kind, "minutes": claim.minutes,
            "factor": SERVED.1, "day": 0, "week": 0, "year": 0,
        }),
    };
    points::award(conn, state, &award, post.ends_at).await
}

/// Publishes the posts that can be claimed.
async fn offer(conn: &mut Connection, officer: AccountId, now: Timestamp) -> Result<(), Error> {
    for row in table::<OpenPost>(POSTS)? {
        let day = time::date(now) + Days::new(row.days);
        let hour = TimeDelta::hours(row.hour.into());
        let starts_at = time::instant(day.and_time(NaiveTime::MIN)) + hour;
        let skills = row.skills();
        let form = PostForm {
            community_code: &row.community,
            kind: row.kind,
            title: &row.title,
            description: Some(&row.description),
            place: Some(&row.place),
            location: row.lng.zip(row.lat),
            tolerance_metres: None,
            starts_at,
            ends_at: starts_at + TimeDelta::hours(row.hours),
            capacity: row.capacity,
            skills: &skills,
            factor_percent: Some(row.factor_percent),
        };
        let own = accounts::find_by_username(conn, &format!("community.{}", row.community)).await?;
        publish(conn, &form, own.unwrap_or(officer), now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn half_a_year_of_saturdays_lies_behind() {
        let now: Timestamp = "2026-11-24T01:00:00Z".parse().unwrap();
        let days: Vec<NaiveDate> = saturdays(now).collect();
        assert_eq!(days[0].to_string(), "2026-11-07");
        assert_eq!(days[24].to_string(), "2026-05-23");
        assert!(days.iter().all(|day| chrono::Datelike::weekday(day) == Weekday::Sat));
        assert_eq!(days.iter().collect::<HashSet<_>>().len(), 25);
    }

    #[test]
    fn the_open_posts_are_sound() {
        let now: Timestamp = "2026-11-24T01:00:00Z".parse().unwrap();
        let rows = table::<OpenPost>(POSTS).unwrap();
        assert!(rows.len() >= 10);
        for row in rows {
            let starts_at = now + TimeDelta::days(1);
            let skills = row.skills();
            let form = PostForm {
                community_code: &row.community,
                kind: row.kind,
                title: &row.title,
                description: Some(&row.description),
                place: Some(&row.place),
                location: row.lng.zip(row.lat),
                tolerance_metres: None,
                starts_at,
                ends_at: starts_at + TimeDelta::hours(row.hours),
                capacity: row.capacity,
                skills: &skills,
                factor_percent: Some(row.factor_percent),
            };
            let by = domain::id::Id::from_parts(now, &[1; 10]);
            let published =
                form.publish(domain::id::Id::from_parts(now, &[2; 10]), &Rules::default(), by, now);
            assert!(published.is_ok(), "{}: {published:?}", row.title);
        }
    }

    #[test]
    fn the_members_are_the_contracts() {
        let key = |number| identity(number).unwrap().key();
        assert_eq!(key(1), "演示党员1\n100001");
        assert_eq!(key(20), "演示党员20\n100020");
    }
}
