//! Many want few: what is sold, what is given back and what is left come to the stock, exactly.

use serde_json::json;

use super::dice::Dice;
use super::figures::Figures;
use super::ground::{Ground, equal, expected, in_parallel, redeem};
use crate::client::{Call, Client};
use crate::failure::{Failure, Result};

const STOCK: usize = 100;
const AT_A_TIME: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Sold,
    GivenBack,
    SoldOut,
}

/// One person's try: a piece, which one in five gives back at once.
async fn attempt(client: Client, call: Call, token: String, gives_back: bool) -> Result<Outcome> {
    let answer = client.send(&call).await?;
    match (answer.status, answer.text("/code")) {
        (201, _) if gives_back => {
            let path = format!("/redemptions/{}/cancel", answer.text("/id"));
            expected(client.send(&Call::post(path, json!({})).by(&token)).await?, 200)?;
            Ok(Outcome::GivenBack)
        }
        (201, _) => Ok(Outcome::Sold),
        (409, "offer_sold_out") => Ok(Outcome::SoldOut),
        (status, _) => Err(Failure::new(format!("兑换：{status} {}", answer.body))),
    }
}

/// `each` requests for a stock of [`STOCK`].
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let offer = ground.publish(STOCK).await?;
    let people = ground.members().await?;
    let (client, tag, seed) = (ground.client.clone(), ground.tag.clone(), ground.dice.roll());
    let outcomes = in_parallel(each, AT_A_TIME, |n| {
        let token = people.get(n % people.len()).cloned().unwrap_or_default();
        let gives_back = Dice::new(seed, u64::try_from(n).unwrap_or_default()).below(5) == 0;
        let call = redeem(&offer, &token, &format!("{tag}-{n:06}"));
        attempt(client.clone(), call, token, gives_back)
    })
    .await?;
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let (sold, given_back) = (count(Outcome::Sold), count(Outcome::GivenBack));
    exact(ground, &offer, sold)?;
    // What was given back last is still to be had, and not one piece more.
    let buyer = ground.member(0).await?;
    for n in sold..STOCK {
        let key = format!("{tag}-rest-{n:06}");
        ground.expect(&redeem(&offer, &buyer, &key), 201).await?;
    }
    ground.expect(&redeem(&offer, &buyer, &format!("{tag}-one-more")), 409).await?;
    exact(ground, &offer, STOCK)?;
    ground.books_balance()?;
    Ok(Figures::default()
        .count("请求", each)
        .count("兑换成功", sold + given_back)
        .count("其中取消", given_back)
        .count("售罄答复", count(Outcome::SoldOut)))
}

fn exact(ground: &Ground<'_>, offer: &str, sold: usize) -> Result {
    let held = ground.count(&format!("hold where offer = '{offer}' and state = 'pending'"))?;
    equal("库里占用的份数", held, sold)?;
    let free = ground.count(&format!("offer_unit where offer = '{offer}' and hold is null"))?;
    equal("剩余份数", free, STOCK.saturating_sub(sold))
}
