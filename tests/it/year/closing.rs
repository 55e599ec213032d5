//! The books are closed: the members' and the merchants' year, the certificates to the units; and at the end
//! of the next year what was left runs out.

use api::app::points::statement::{statement, verify};
use infra::postgres::points::statement::Of;
use serde_json::{Value, json};

use super::{
    expected::{
        ADJUSTED, CERTIFICATES, COMMUNITY_LEFT, HOUSEHOLD, HOUSEHOLD_LEFT, ISSUED, KINDS,
        MERCHANTS, PEOPLE, SETTLEMENTS, YEARS, Year,
    },
    story::{MEMBERS, Person, Story, id},
};
use crate::support::COMMUNITY;

pub async fn year(story: &mut Story) {
    story.day("2025-12-31 23:00").await;
    for expected in &YEARS {
        points(story, expected).await;
    }
    household(story).await;
    trial_balance(story, PEOPLE, 0).await;
    merchants(story).await;
    pay(story).await;

    story.day("2026-01-05 10:00").await;
    story.resident("party-1").has(0, 0, 0).await;
    story.published("2025Q4").await;
    story.day("2026-01-13 09:00").await;
    story.locked("2025Q4").await;
    story.day("2026-01-15 10:00").await;
    results(story).await;
    certificates(story).await;
}

/// A member's statement of account: each kind of movement, their sum, and what can be spent.
async fn points(story: &Story, expected: &Year) {
    let member = story.member(expected.n);
    let lines = member.all("/me/points/entries").await;
    let sum = |kind: &str| -> i64 {
        let of_kind = lines.iter().filter(|line| line["kind"] == kind);
        of_kind.map(|line| line["points"].as_i64().unwrap()).sum()
    };
    let moved = KINDS.map(sum);
    assert_eq!(moved, expected.moved, "member {}: {KINDS:?}", expected.n);
    let all: i64 = lines.iter().map(|line| line["points"].as_i64().unwrap()).sum();
    assert_eq!(all, expected.left, "member {}: the sum of the movements", expected.n);
    member.has(expected.left, 0, 0).await;
    for line in &lines {
        assert!(!line["text"].as_str().unwrap().is_empty(), "each line says what it is: {line}");
    }
    let own = story.account_book(Of::Person(account(&member).await), 2025).await;
    assert_eq!(own, (0, expected.left), "member {}: the bookkeeper's statement", expected.n);
}

async fn account(person: &Person) -> domain::id::AccountId {
    person.account().await.as_str().unwrap().parse().unwrap()
}

async fn household(story: &Story) {
    let chen = story.resident("chen");
    let lines = chen.all("/me/points/entries").await;
    for (kind, points) in HOUSEHOLD {
        let of_kind = lines.iter().filter(|line| line["kind"] == kind);
        let sum: i64 = of_kind.map(|line| line["points"].as_i64().unwrap()).sum();
        assert_eq!(sum, points, "the household: {kind}");
    }
    chen.has(HOUSEHOLD_LEFT, 0, 0).await;
    let path = format!("/communities/{COMMUNITY}/points");
    assert_eq!(story.officer().sees(&path).await["available"], COMMUNITY_LEFT);
    let book = story.account_book(Of::Community(COMMUNITY), 2025).await;
    assert_eq!(book, (0, COMMUNITY_LEFT), "the account of the community");
}

/// What was issued is what people, the community, merchants, expiry and adjustments have.
async fn trial_balance(story: &Story, people: i64, expired: i64) {
    let (totals, violations) = verify(story.app.state()).await.unwrap();
    assert_eq!(violations, []);
    assert_eq!(totals.issued, ISSUED, "{totals:?}");
    assert_eq!((totals.people, totals.held, totals.owed), (people, 0, 0), "{totals:?}");
    assert_eq!((totals.adjusted, totals.expired), (ADJUSTED, expired), "{totals:?}");
    let merchants: i64 = MERCHANTS.iter().map(|(_, points)| points).sum();
    assert_eq!(totals.merchants, merchants, "{totals:?}");
    let sum =
        totals.people + totals.communities + totals.merchants + totals.expired + totals.adjusted
            - totals.owed;
    assert_eq!(totals.issued, sum, "{totals:?}");
}

/// A merchant's account and its statements of the months come to the same points. December's statement
/// is made on New Year's Day.
async fn merchants(story: &Story) {
    for (merchant, points) in MERCHANTS {
        let (opening, closing) = story.account_book(Of::Merchant(merchant), 2025).await;
        assert_eq!((opening, closing), (0, points), "the account of {merchant}");
        let months: i64 =
            SETTLEMENTS.iter().filter(|one| one.merchant == merchant).map(|one| one.points).sum();
        assert_eq!(months, points, "the months of {merchant}");
    }
}

/// What nobody disputed in time is paid without a confirmation: all but the newest.
async fn pay(story: &Story) {
    let organiser = story.desk("organiser");
    let mut paid = 0;
    for one in organiser.all("/settlements?status=frozen").await {
        let path = format!("/settlements/{}/pay", id(&one));
        let document = json!({ "document_no": format!("2025-12-{paid:04}") });
        organiser.does("pays", &path, document).await;
        paid += 1;
    }
    // Seven until November; March's was paid in April.
    assert_eq!(paid, 6);
}

/// The year's result: as the member reads it, as the community reads it, settled for good.
async fn results(story: &Story) {
    let organiser = story.desk("organiser");
    let all = organiser.all("/registrations/results?year=2025").await;
    for (expected, registration) in YEARS.iter().zip(&story.registrations) {
        let n = expected.n;
        let line = all.iter().find(|one| one["registration_id"] == **registration);
        let line = line.unwrap_or_else(|| panic!("member {n} has no result"));
        assert_eq!(line["services"], expected.services, "member {n}: services");
        assert_eq!(line["hours"], expected.hours, "member {n}: hours");
        assert_eq!(line["text"], expected.result, "member {n}: the year in words");
        assert!(!line["settled_at"].is_null(), "member {n}: settled");
        let own = story.member(n).sees("/me/service-year?year=2025").await;
        assert_eq!(own["settled"]["hours"], expected.hours, "member {n}: one's own result");
        let next = story.member(n).sees("/me/service-year?year=2026").await;
        assert_eq!(next["services"], 0, "member {n}: nothing carries over");
    }
    let officer = story.officer();
    let own = officer.all("/registrations/results?year=2025").await;
    assert_eq!(own.len(), 10 + 30 - 1, "the demo's ten, these, and without member 23");
    let new = story.desk("community.140213066005").all("/registrations/results?year=2025").await;
    assert_eq!(new.len(), 1, "member 23 is the new community's");
}

/// Each unit's certificate of the year, on paper and as a workbook with whole names.
async fn certificates(story: &Story) {
    for (unit, members, missing) in CERTIFICATES {
        let liaison = story.desk(&format!("liaison.{unit}"));
        let reports = liaison.all("/unit-reports").await;
        let year: Vec<&Value> = reports.iter().filter(|one| one["kind"] == "year").collect();
        assert_eq!(year.len(), 1, "{unit} has one certificate");
        let figures = (&year[0]["members"], &year[0]["missing"]);
        assert_eq!(figures, (&json!(members), &json!(missing)), "the certificate of {unit}");
        let quarters = reports.iter().filter(|one| one["kind"] == "quarter").count();
        assert_eq!(quarters, 3, "{unit} had feedback after three quarters");

        let path = format!("/unit-reports/{}/file", id(year[0]));
        let (_, book) = liaison.takes(&format!("{path}?format=xlsx")).await;
        let table = api::sheet::read(book).unwrap();
        for expected in &YEARS {
            let name = super::story::name_of(expected.n);
            let found = table.rows.iter().find(|row| row.cells[0] == name);
            let own = match unit {
                "education" => (1..=10).contains(&expected.n),
                "housing" => (11..=20).contains(&expected.n),
                _ => (21..=MEMBERS).contains(&expected.n),
            };
            assert_eq!(found.is_some(), own, "{name} on the certificate of {unit}");
            if let Some(row) = found {
                let services = expected.services.to_string();
                assert_eq!(row.cells[3], services, "{name} on the certificate of {unit}");
            }
        }
        if api::paper::font(&story.app.state().config.pdf).is_err() {
            eprintln!("SKIPPED: no Chinese font for the certificate on paper");
            continue;
        }
        let (media_type, paper) = liaison.takes(&format!("{path}?format=pdf")).await;
        assert_eq!(media_type, "application/pdf");
        assert!(paper.starts_with(b"%PDF-"), "the certificate of {unit} on paper");
    }
}

/// What 2025 left is warned of in December 2026 and runs out at the year's end.
pub async fn next_years_end(story: &mut Story) {
    story.day("2026-12-02 09:00").await;
    let told = story.member(1).was_told("points_expiring", 1).await;
    assert!(told.contains("19 分"), "{told}");
    story.day("2027-01-01 08:00").await;
    for expected in &YEARS {
        let member = story.member(expected.n);
        member.has(0, 0, 0).await;
        let lines = member.all("/me/points/entries").await;
        let ran_out: i64 = lines
            .iter()
            .filter(|line| line["kind"] == "expire")
            .map(|line| -line["points"].as_i64().unwrap())
            .sum();
        assert_eq!(ran_out, expected.left, "member {}: what ran out", expected.n);
    }
    let expired = PEOPLE + COMMUNITY_LEFT;
    trial_balance(story, 0, expired).await;
    story.adds_up("what was left ran out").await;
}

impl Story {
    /// A year of an account as `zhixiang admin ledger statement` prints it: opening and closing balance.
    async fn account_book(&self, of: Of<'_>, year: i32) -> (i64, i64) {
        let day = |month, day| chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap();
        match statement(self.app.state(), of, day(1, 1), day(12, 31)).await {
            Ok(book) => (book.opening, book.closing()),
            // Whoever never had a point has no account.
            Err(error) => {
                assert_eq!(error.code(), Some("not_found"), "{error}");
                (0, 0)
            }
        }
    }
}
