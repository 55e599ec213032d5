//! Movements on people's accounts as those who keep points and those who audit them read them.

use domain::{
    id::{AccountId, LedgerTxId},
    page::{Cursor, PageRequest},
    points::{EntryKind, Source, Terms},
};
use serde_json::Value;
use sqlx::types::Json;

use super::Entry;
use crate::postgres::Connection;

/// A movement on a person's account.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Whose account.
    pub account: AccountId,
    /// The line as the person reads it.
    pub entry: Entry,
    /// What the rule says that computed it, where it is kept.
    pub terms: Option<Terms>,
    /// The movement that took it back.
    pub reversed_by: Option<LedgerTxId>,
}

impl Line {
    /// Where the next page starts when this is the last row.
    pub const fn cursor(&self) -> Cursor {
        self.entry.cursor()
    }

    /// How many points an award comes to when it is computed again; `configured` is the
    /// configuration's version, which may not be kept yet.
    pub fn again(&self, configured: (&str, &Terms)) -> Option<i64> {
        let source = self.entry.source.filter(|_| self.entry.kind == EntryKind::Earn)?;
        let (name, terms) = configured;
        let own = (self.entry.rule_version.as_deref() == Some(name)).then_some(terms);
        self.terms.as_ref().or(own)?.again(source, &self.entry.data)
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One movement.
    pub id: Option<LedgerTxId>,
    /// Of one account.
    pub account: Option<AccountId>,
    /// What moved.
    pub kind: Option<EntryKind>,
    /// What gave the points.
    pub source: Option<Source>,
}

/// Movements on people's accounts, the latest first, one more than the page.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    filter: Filter,
    page: PageRequest,
) -> sqlx::Result<Vec<Line>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query!(
        r#"select line.id as "id!: LedgerTxId", line.account as "account!: AccountId",
               line.kind as "kind!: EntryKind", source as "source: Source", points as "points!",
               at as "at!", data as "data!: Value", offer, rule_version,
               reverses as "reverses: LedgerTxId", line.reason, document,
               rule.terms as "terms?: Json<Terms>",
               (select back.id from ledger_tx as back where back.reverses = line.id)
                   as "reversed_by: LedgerTxId"
           from ledger_line as line
           join points_account as owner on owner.id = line.account and owner.kind = 'user'
           left join points_rule as rule on rule.name = rule_version
           where ($1::uuid is null or line.id = $1) and ($2::uuid is null or line.account = $2)
               and ($3::text is null or line.kind = $3) and ($4::text is null or source = $4)
               and ($5::timestamptz is null or (at, line.id) < ($5, $6::uuid))
           order by at desc, line.id desc, points limit $7"#,
        filter.id.map(|id| id.0),
        filter.account.map(|account| account.0),
        filter.kind.map(EntryKind::code),
        filter.source.map(Source::code),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Line {
            account: row.account,
            entry: Entry {
                id: row.id,
                kind: row.kind,
                source: row.source,
                points: row.points,
                at: row.at,
                data: row.data,
                offer: row.offer,
                rule_version: row.rule_version,
                reverses: row.reverses,
                reason: row.reason,
                document: row.document,
            },
            terms: row.terms.map(|terms| terms.0),
            reversed_by: row.reversed_by,
        })
        .collect())
}
