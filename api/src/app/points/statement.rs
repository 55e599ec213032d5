//! What the bookkeeper asks for: whether the books add up, and one account line by line.

use chrono::{Days, NaiveDate};
use domain::{
    id::AccountId,
    refusal::Basic,
    service::Year,
    time::{self, civil},
};
use infra::postgres::{
    audit::{self, AuditEntry, Origin},
    points::{
        self as store, Violation,
        read::Entry,
        statement::{self, Of, Totals},
    },
};
use serde_json::json;

use crate::{
    app::transact,
    error::Error,
    sheet::{Cell, Sheet},
    state::State,
};

/// An account over some days.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it came to before the first day.
    pub opening: i64,
    /// Its entries, the first first.
    pub lines: Vec<Entry>,
}

impl Statement {
    /// What it comes to at the end of the last day.
    pub fn closing(&self) -> i64 {
        self.opening + self.lines.iter().map(|line| line.points).sum::<i64>()
    }

    /// The statement as a sheet: opening balance, a line for each entry with the balance after it,
    /// closing balance.
    pub fn sheet(&self) -> Sheet {
        const COLUMNS: [&str; 8] =
            ["时间", "类别", "说明", "积分", "余额", "流水号", "冲正的流水", "规则版本"];
        let text = |words: &str, balance: i64| -> Vec<Cell> {
            vec![Cell::Empty, Cell::Empty, words.into(), Cell::Empty, number(balance)]
        };
        let mut balance = self.opening;
        let mut rows = vec![text("期初余额", balance)];
        for line in &self.lines {
            balance += line.points;
            rows.push(row(line, balance));
        }
        rows.push(text("期末余额", balance));
        Sheet {
            name: "积分明细账".to_owned(), columns: COLUMNS.map(str::to_owned).to_vec(), rows
        }
    }
}

fn row(line: &Entry, balance: i64) -> Vec<Cell> {
    vec![
        civil(line.at).format("%Y-%m-%d %H:%M:%S").to_string().into(),
        line.kind.label().into(),
        line.movement().sentence().into(),
        number(line.points),
        number(balance),
        line.id.to_string().into(),
        line.reverses.map(|id| id.to_string()).into(),
        line.rule_version.clone().into(),
    ]
}

fn number(points: i64) -> Cell {
    // A workbook's numbers are whole up to 2^53, and so many points nobody has.
    i32::try_from(points)
        .map_or_else(|_| points.to_string().into(), |points| Cell::Number(points.into()))
}

/// The statement of an account from the first day to the last, both of them included. Who looks at
/// an account leaves a trace.
///
/// # Errors
/// `not_found`: the account was never opened.
pub async fn statement(
    state: &State,
    of: Of<'_>,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Statement, Error> {
    let now = state.clock.now();
    let account = statement::account(&mut *state.db.acquire().await?, of).await?;
    let account = account.ok_or(Basic::NotFound)?;
    let (from, to) = (time::start_of(first), time::start_of(last + Days::new(1)));
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let entry = json!({ "first": first, "last": last });
            let origin = Origin::default();
            let entry =
                AuditEntry::new("points.statement", "points_account", account, &origin).with(entry);
            audit::append(tx, &entry, now).await?;
            let opening = statement::before(tx, account, from).await?;
            let lines = statement::lines(tx, account, from, to).await?;
            Ok(Statement { opening, lines })
        })
    })
    .await
}

/// A person's own statement of a calendar year; one that never had points has an empty one.
///
/// # Errors
/// The database's.
pub async fn own(state: &State, account: AccountId, year: Year) -> Result<Statement, Error> {
    let mut conn = state.db.acquire().await?;
    let Some(id) = statement::account(&mut conn, Of::Person(account)).await? else {
        return Ok(Statement { opening: 0, lines: Vec::new() });
    };
    let (from, to) = year.bounds();
    let opening = statement::before(&mut conn, id, from).await?;
    let lines = statement::lines(&mut conn, id, from, to).await?;
    Ok(Statement { opening, lines })
}

/// What the books come to, and what does not add up.
///
/// # Errors
/// The database's.
pub async fn verify(state: &State) -> Result<(Totals, Vec<Violation>), Error> {
    let mut conn = state.db.acquire().await?;
    Ok((statement::totals(&mut conn).await?, store::violations(&mut conn).await?))
}
