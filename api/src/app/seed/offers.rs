//! The merchants and offers of the demo district.

use chrono::Datelike;
use domain::{
    id::{Id, OfferId},
    merchant::{Shop, ShopForm},
    offer::{Category, Details, MerchantCode, NewOffer},
    time::{self, Timestamp},
};
use infra::postgres::{
    Connection, merchant,
    offer::{self, Merchant},
};
use serde::Deserialize;

use super::table;
use crate::error::Error;

const MERCHANTS: &str = include_str!("../../../../infra/seed/merchants.csv");
const OFFERS: &str = include_str!("../../../../infra/seed/offers.csv");

#[derive(Deserialize)]
struct MerchantRow {
    code: String,
    name: String,
    address: String,
    intro: String,
    opening: String,
    lng: f64,
    lat: f64,
}

#[derive(Deserialize)]
struct OfferRow {
    /// Its number: its id follows from it, so that a second run finds it again.
    n: u8,
    merchant: String,
    category: Category,
    points: i64,
    stock: i64,
    per_person: i16,
    title: String,
}

/// Adds the merchants and the offers that are not there; answers how many offers are new.
///
/// # Errors
/// The database's.
pub async fn insert(conn: &mut Connection, now: Timestamp) -> Result<usize, Error> {
    offer::upsert_merchants(conn, &merchants()?, now).await?;
    for (code, shop) in shops()? {
        merchant::describe(conn, &code, &shop).await?;
    }
    let mut added = 0;
    for (id, new) in offers(now)? {
        added += usize::from(offer::publish(conn, id, &new, None, now).await?);
    }
    Ok(added)
}

/// The shops as residents see them.
fn shops() -> Result<Vec<(MerchantCode, Shop)>, Error> {
    let rows = table::<MerchantRow>(MERCHANTS)?.into_iter();
    let shop = |row: MerchantRow| {
        let form = ShopForm {
            name: &row.name,
            address: &row.address,
            intro: Some(&row.intro),
            opening: Some(&row.opening),
            shop_phone: None,
            location: Some((row.lng, row.lat)),
        };
        Ok((MerchantCode::parse("code", &row.code)?, Shop::parse(form)?))
    };
    rows.map(shop).collect()
}

fn merchants() -> Result<Vec<Merchant>, Error> {
    let rows = table::<MerchantRow>(MERCHANTS)?.into_iter();
    let merchant = |row: MerchantRow| {
        let code = MerchantCode::parse("code", &row.code)?;
        Ok(Merchant { code, name: row.name, address: Some(row.address) })
    };
    rows.map(merchant).collect()
}

/// The offers, valid until the end of next year.
fn offers(now: Timestamp) -> Result<Vec<(OfferId, NewOffer)>, Error> {
    let end = time::date(now).with_day(1).and_then(|day| day.with_month(1));
    let end = end.and_then(|day| day.with_year(day.year() + 2));
    let valid_until = end.map_or(now, time::start_of);
    let rows = table::<OfferRow>(OFFERS)?.into_iter();
    let offer = |row: OfferRow| {
        let id = OfferId::from_parts(Timestamp::UNIX_EPOCH, &[row.n; 10]);
        let offer = NewOffer {
            merchant: MerchantCode::parse("merchant", &row.merchant)?,
            title: row.title,
            category: row.category,
            points: row.points,
            stock: row.stock,
            per_person: row.per_person,
            valid_until,
            details: Details::default(),
        };
        Ok((id, offer))
    };
    rows.map(offer).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::offer::{ConditionsForm, Funding, OfferForm};

    use super::*;

    #[test]
    fn every_offer_could_be_published_and_its_merchant_exists() {
        let now = "2026-11-24T00:30:00Z".parse().unwrap();
        let known: Vec<MerchantCode> =
            merchants().unwrap().into_iter().map(|merchant| merchant.code).collect();
        assert!(known.iter().any(|code| code.as_str() == "wenxing"));
        let offers = offers(now).unwrap();
        assert!(offers.len() >= 12);
        let ids: BTreeSet<OfferId> = offers.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), offers.len());
        let categories: BTreeSet<Category> = offers.iter().map(|(_, one)| one.category).collect();
        assert_eq!(categories.len(), Category::ALL.len());
        for (_, one) in &offers {
            assert!(known.contains(&one.merchant), "{one:?}");
            let form = OfferForm {
                title: &one.title,
                description: None,
                category: one.category,
                points: one.points,
                stock: one.stock,
                per_person: i64::from(one.per_person),
                valid_from: None,
                valid_until: one.valid_until,
                merchant: one.merchant.as_str(),
                conditions: ConditionsForm::default(),
                funding: Funding::default(),
            };
            assert_eq!(NewOffer::parse(&form, now).as_ref(), Ok(one));
        }
    }
}
