//! The language in which the year is told: people who do and see things on days. Whatever differs from
//! what was said fails with the day, the person and the deed.

use std::ops::RangeInclusive;

use api::jobs::schedule::Schedule;
use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use domain::time::{Timestamp, civil, date};
use reqwest::Method;
use serde_json::{Value, json};

use super::expected::{SCORES, SETTLEMENTS};
use crate::support::{Answer, App, COMMUNITY, Client};

/// How many members there are.
pub const MEMBERS: u32 = 30;
/// Who is paid for what is redeemed; the second one is taken in during the story.
pub const SHOPS: [&str; 2] = ["wenxing", "breakfast"];
/// The branch of members 1 to 15.
const BRANCH: &str = "party-140213066004-01";

/// The year as it is told.
pub struct Story {
    pub app: App,
    /// The registrations of the members, in their order.
    pub registrations: Vec<String>,
    /// What can be redeemed at 文兴示范商户: lunch for 2 points.
    pub lunch: String,
    /// What can be redeemed at the breakfast shop: breakfast for 1 point.
    pub breakfast: String,
    /// The household in difficulty.
    pub household: String,
    /// Its pairing with member 10.
    pub pairing: String,
}

/// Somebody who acts.
#[derive(Clone)]
pub struct Person {
    name: String,
    app: App,
    client: Client,
}

fn first_of_next_month(at: Timestamp) -> NaiveDate {
    let day = date(at).with_day(1).unwrap();
    day + Months::new(1)
}

impl Story {
    /// New Year's Day of 2025, 09:00.
    pub async fn begin() -> Self {
        let app = App::new_year().await;
        let nothing = String::new;
        Self {
            app,
            registrations: Vec::new(),
            lunch: nothing(),
            breakfast: nothing(),
            household: nothing(),
            pairing: nothing(),
        }
    }

    /// Lets time pass until a moment in 平城区, such as `2025-03-05 08:30`. On the first of each month on
    /// the way, at nine, the month that is over is checked.
    pub async fn day(&self, moment: &str) {
        let until = moment_of(moment);
        loop {
            let first = first_of_next_month(self.app.now());
            let nine = moment_of(&format!("{first} 09:00"));
            if nine > until {
                break;
            }
            self.pass(nine).await;
            self.month_is_over(first - Months::new(1)).await;
        }
        self.pass(until).await;
    }

    async fn pass(&self, to: Timestamp) {
        assert!(to >= self.app.now(), "the story goes back to {to}");
        self.app.set_clock(to);
        self.app.drain().await;
        Schedule::default().enqueue_due(self.app.state(), true).await;
        self.app.drain().await;
    }

    /// After each month the books add up, and each merchant has the statement that it must have.
    async fn month_is_over(&self, month: NaiveDate) {
        let period = month.format("%Y-%m").to_string();
        self.adds_up(&period).await;
        let listed = self.desk("organiser").all(&format!("/settlements?period={period}")).await;
        let figure = |row: &Value, of: &str| row[of].as_i64().unwrap();
        let mut made: Vec<_> = listed
            .iter()
            .map(|row| {
                let figures = ["redemptions", "refunds", "points", "fen", "cash_fen"];
                let merchant = row["merchant"].as_str().unwrap().to_owned();
                (merchant, figures.map(|of| figure(row, of)))
            })
            .collect();
        made.sort();
        let wanted: Vec<_> = SETTLEMENTS
            .iter()
            .filter(|one| one.period == period)
            .map(|one| {
                let figures = [one.redemptions, one.refunds, one.points, one.fen, one.cash_fen];
                (one.merchant.to_owned(), figures)
            })
            .collect();
        assert_eq!(made, wanted, "the merchants' statements of {period}");
    }

    /// The reconciliation finds nothing.
    pub async fn adds_up(&self, when: &str) {
        let report = self.desk("auditor").sees("/ledger/reconciliation").await;
        assert_eq!(report["violations"], json!([]), "the books after {when}");
    }

    /// The n-th member.
    pub fn member(&self, n: u32) -> Person {
        let client = self.app.resident(&format!("year-{n}"));
        Person { name: format!("member {n}"), app: self.app.clone(), client }
    }

    /// A resident who is no member.
    pub fn resident(&self, name: &str) -> Person {
        let client = self.app.resident(name);
        Person { name: format!("resident {name}"), app: self.app.clone(), client }
    }

    /// Whoever sits at a desk.
    pub fn desk(&self, username: &str) -> Person {
        Person { name: username.to_owned(), app: self.app.clone(), client: self.app.as_(username) }
    }

    /// The officer of 文兴社区.
    pub fn officer(&self) -> Person {
        self.desk("community.140213066004")
    }

    /// A second officer of 文兴社区, who registered none of its households.
    pub async fn second_officer(&self) -> Person {
        self.app.grant("community.140213066001", "community_officer", COMMUNITY).await;
        self.desk("community.140213066001")
    }

    /// Who serves a merchant's till.
    pub fn till(&self, shop: &str) -> Person {
        if shop == SHOPS[0] { self.desk("merchant.wenxing") } else { self.resident("liu") }
    }

    /// A post of 文兴社区 of a kind, from one moment of today to another; its id.
    pub async fn post(&self, title: &str, kind: &str, hours: [&str; 2], capacity: u32) -> String {
        let today = date(self.app.now());
        let [starts_at, ends_at] = hours.map(|hour| moment_of(&format!("{today} {hour}")));
        let body = json!({
            "community_code": COMMUNITY, "kind": kind, "title": title, "capacity": capacity,
            "starts_at": starts_at, "ends_at": ends_at,
        });
        id(&self.officer().does("publishes a post", "/posts", body).await)
    }

    /// Member 10 visits the household.
    pub async fn visit(&self, moment: &str) {
        let path = format!("/pairings/{}/visits", self.pairing);
        let visit = json!({
            "kind": "visit", "visited_at": moment_of(moment), "done": "送去米面油",
        });
        self.member(10).does("visits", &path, visit).await;
    }

    /// Members take a post and the organiser confirms their minutes: each is awarded so many points.
    pub async fn serve(&self, post: &str, members: RangeInclusive<u32>, minutes: i64, points: i64) {
        let officer = self.officer();
        for n in members {
            let claim = self.member(n).claims(post, "claimed").await;
            let done = officer.confirms(&claim, minutes).await;
            assert_eq!(done["points"], points, "{}: points of member {n}", self.app.now());
        }
    }
}

/// The score book of the branch of members 1 to 15 (文兴苑小区党支部).
impl Story {
    /// The secretary of the branch.
    pub fn secretary(&self) -> Person {
        self.desk("secretary.party-140213066004-01")
    }

    /// The n-th member's row of the register.
    pub async fn on_register(&self, n: u32) -> String {
        let found = self.officer().all(&format!("/party-members?q={}", name_of(n))).await;
        assert_eq!(found.len(), 1, "member {n} on the register");
        id(&found[0])
    }

    /// The branch records something of a member, and the community accepts it.
    pub async fn scored(&self, n: u32, item: &str, on: &str) {
        let entry = json!({
            "member_id": self.on_register(n).await, "item": item, "happened_on": on,
            "words": "支部记录",
        });
        let made = id(&self.secretary().does("records", "/score-entries", entry).await);
        let path = format!("/score-entries/{made}/accept");
        self.officer().does("accepts", &path, json!({})).await;
    }

    /// The branch proposes a quarter, and the community puts it up for notice; where it is found.
    pub async fn published(&self, quarter: &str) -> String {
        let body = json!({ "branch": BRANCH, "quarter": quarter });
        let made = id(&self.secretary().does("proposes", "/score-settlements", body).await);
        let path = format!("/score-settlements/{made}");
        let published =
            self.officer().does("publishes", &format!("{path}/publish"), json!({})).await;
        let (_, until, _) = SCORES.iter().find(|one| one.0 == quarter).expect("a quarter");
        let midnight = moment_of(&format!("{until} 00:00")) + TimeDelta::days(1);
        assert_eq!(published["notice_until"], json!(midnight), "{quarter}: the notice's end");
        path
    }

    /// A quarter's notice is over: it is locked with the points that it must have.
    pub async fn locked(&self, quarter: &str) {
        let path = format!("/score-settlements?branch={BRANCH}&quarter={quarter}");
        let found = self.officer().all(&path).await;
        assert_eq!((found.len(), &found[0]["status"]), (1, &json!("locked")), "{quarter}");
        let book = self.officer().sees(&format!("/score-settlements/{}", id(&found[0]))).await;
        let mut lines: Vec<(String, i64)> = book["lines"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["entries"] != 0)
            .map(|line| {
                (line["name"].as_str().unwrap().to_owned(), line["points"].as_i64().unwrap())
            })
            .collect();
        lines.sort();
        let (_, _, wanted) = SCORES.iter().find(|one| one.0 == quarter).expect("a quarter");
        let wanted: Vec<_> = wanted.iter().map(|(n, points)| (name_of(*n), *points)).collect();
        assert_eq!(lines, wanted, "the score book of {quarter}");
    }
}

impl Person {
    fn at(&self, what: &str) -> String {
        format!("{} {} {what}", civil(self.app.now()).format("%Y-%m-%d %H:%M"), self.name)
    }

    async fn ask(&self, path: &str, body: &Value) -> Answer {
        let key = format!("key-{:016x}", u64::from_be_bytes(infra::random::bytes()));
        self.client.request(Method::POST, path).key(&key).json(body).send().await
    }

    /// Does something, which works.
    pub async fn does(&self, what: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(path, &body).await;
        assert!((200..300).contains(&answer.status), "{}: {answer}", self.at(what));
        answer.body
    }

    /// Tries something, which is refused with a code.
    pub async fn cannot(&self, what: &str, path: &str, body: Value, code: &str) {
        let answer = self.ask(path, &body).await;
        assert_eq!(answer.code(), code, "{}: {answer}", self.at(what));
    }

    /// Puts something in the place of what was there.
    pub async fn puts(&self, what: &str, path: &str, body: Value) -> Value {
        let answer = self.client.request(Method::PUT, path).json(&body).send().await;
        assert_eq!(answer.status, 200, "{}: {answer}", self.at(what));
        answer.body
    }

    /// Brings a file as CSV.
    pub async fn brings(&self, path: &str, header: &str, rows: &[String]) -> Value {
        let text = format!("{header}\n{}\n", rows.join("\n"));
        let answer = self.client.request(Method::POST, path).raw("text/csv", text).send().await;
        assert!((200..300).contains(&answer.status), "{}: {answer}", self.at("brings a file"));
        answer.body
    }

    /// Reads something.
    pub async fn sees(&self, path: &str) -> Value {
        let answer = self.client.get(path).await;
        assert_eq!(answer.status, 200, "{}: {answer}", self.at("reads"));
        answer.body
    }

    /// Reads a whole list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        self.client.all(path).await
    }

    /// Takes a file away: its media type and bytes.
    pub async fn takes(&self, path: &str) -> (String, Vec<u8>) {
        let url = format!("{}/api/v1{path}", self.app.base());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let token = self.client.token().await.unwrap();
        let answer = http.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", self.at(path));
        let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (media_type, answer.bytes().await.unwrap().to_vec())
    }

    /// Was told of something so often, once the jobs that tell have run; the newest text.
    pub async fn was_told(&self, kind: &str, times: usize) -> String {
        self.app.drain().await;
        let all = self.all("/notifications").await;
        let texts: Vec<&str> = all
            .iter()
            .filter(|one| one["kind"] == kind)
            .map(|one| one["text"].as_str().unwrap())
            .collect();
        assert_eq!(texts.len(), times, "{}: {texts:?}", self.at(&format!("was told {kind}")));
        texts.first().map(|text| (*text).to_owned()).unwrap_or_default()
    }

    /// Whose account it is.
    pub async fn account(&self) -> Value {
        self.sees("/me").await["id"].clone()
    }

    /// Available, held and pending points.
    pub async fn has(&self, available: i64, held: i64, pending: i64) {
        let now = self.sees("/me/points").await;
        let found = ["available", "held", "pending"].map(|field| now[field].as_i64().unwrap());
        assert_eq!(found, [available, held, pending], "{}", self.at("has points"));
    }

    /// Claims a post, which gives a place or a place on the waitlist; the claim.
    pub async fn claims(&self, post: &str, status: &str) -> String {
        let claim = self.does("claims", &format!("/posts/{post}/claims"), json!({})).await;
        assert_eq!(claim["status"], status, "{}", self.at("claims"));
        id(&claim)
    }

    /// Takes a step with a claim.
    pub async fn steps(&self, claim: &str, step: &str, body: Value) -> Value {
        self.does(step, &format!("/claims/{claim}/{step}"), body).await
    }

    /// Confirms the minutes of a claim.
    pub async fn confirms(&self, claim: &str, minutes: i64) -> Value {
        self.steps(claim, "confirm", json!({ "minutes": minutes })).await
    }

    /// How a claim of one's own stands.
    pub async fn claim_is(&self, claim: &str, status: &str) {
        let mine = self.all("/me/claims").await;
        let found = mine.iter().find(|one| one["id"] == claim).expect("one's own claim");
        assert_eq!(found["status"], status, "{}", self.at("looks at a claim"));
    }

    /// Redeems an offer; the ticket with its code.
    pub async fn redeems(&self, offer: &str) -> Value {
        self.does("redeems", &format!("/offers/{offer}/redemptions"), json!({})).await
    }

    /// Takes a step with a redemption.
    pub async fn steps_ticket(&self, ticket: &Value, step: &str, body: Value) -> Value {
        self.does(step, &format!("/redemptions/{}/{step}", id(ticket)), body).await
    }

    /// Verifies what is shown at the till.
    pub async fn verifies(&self, shown: &Value) -> Value {
        self.does("verifies", "/redemptions/verify", json!({ "code": shown })).await
    }

    /// How a redemption of one's own stands.
    pub async fn ticket_is(&self, ticket: &Value, status: &str) {
        let mine = self.all("/me/redemptions").await;
        let found = mine.iter().find(|one| one["id"] == ticket["id"]).expect("one's own ticket");
        assert_eq!(found["status"], status, "{}", self.at("looks at a redemption"));
    }
}

/// The id of an object.
pub fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id: {object}")).to_owned()
}

/// A moment in 平城区, such as `2025-03-05 08:30`.
pub fn moment_of(text: &str) -> Timestamp {
    crate::support::at(&format!("{}:00+08:00", text.replace(' ', "T")))
}

/// The register's name of the n-th member.
pub fn name_of(n: u32) -> String {
    format!("文兴党员{n}")
}

/// The last six characters of the n-th member's ID number.
pub fn number_of(n: u32) -> String {
    format!("500{n:03}")
}
