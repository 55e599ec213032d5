//! Offers as everybody who is logged in sees them.

use domain::{
    id::OfferId,
    offer::Category,
    page::{Cursor, PageRequest},
    time::Timestamp,
};

use super::super::Connection;

/// An offer in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: OfferId,
    /// What one gets.
    pub title: String,
    /// What kind of benefit.
    pub category: Category,
    /// Points for one piece.
    pub points: i64,
    /// Pieces there were.
    pub stock: i32,
    /// Pieces that are left.
    pub remaining: i64,
    /// Pieces for one person.
    pub per_person: i16,
    /// No codes after this instant.
    pub valid_until: Timestamp,
    /// Who gives it.
    pub merchant: String,
    /// That merchant's name.
    pub merchant_name: String,
    /// Where the merchant is.
    pub address: Option<String>,
    /// Since when it can be redeemed.
    pub published_at: Timestamp,
}

impl Listed {
    /// Where it stands in the list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.published_at, id: self.id.0 }
    }
}

/// Which offers.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of one kind.
    pub category: Option<Category>,
    /// Of one merchant.
    pub merchant: Option<String>,
}

/// A page of the offers that are valid at `now`, the latest first, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    filter: &Filter,
    page: PageRequest,
    now: Timestamp,
) -> sqlx::Result<Vec<Listed>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        Listed,
        r#"select offer.id as "id: OfferId", title, category as "category: Category", points, stock,
               (select count(*) from offer_unit where offer_unit.offer = offer.id and hold is null)
                   as "remaining!",
               per_person, valid_until, merchant, merchant.name as merchant_name, merchant.address,
               published_at
           from offer join merchant on merchant.code = offer.merchant
           where valid_until > $1
               and ($2::text is null or category = $2)
               and ($3::text is null or merchant = $3)
               and ($4::timestamptz is null or (published_at, offer.id) < ($4, $5::uuid))
           order by published_at desc, offer.id desc
           limit $6"#,
        now,
        filter.category.map(Category::code),
        filter.merchant.as_deref(),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// One offer, also when it is over.
///
/// # Errors
/// The database's.
pub async fn find(conn: &mut Connection, id: OfferId) -> sqlx::Result<Option<Listed>> {
    sqlx::query_as!(
        Listed,
        r#"select offer.id as "id: OfferId", title, category as "category: Category", points, stock,
               (select count(*) from offer_unit where offer_unit.offer = offer.id and hold is null)
                   as "remaining!",
               per_person, valid_until, merchant, merchant.name as merchant_name, merchant.address,
               published_at
           from offer join merchant on merchant.code = offer.merchant
           where offer.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}
