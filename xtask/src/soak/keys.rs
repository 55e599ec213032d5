//! One idempotency key in parallel: one effect, one answer; another command under it is refused.

use std::collections::BTreeSet;

use super::figures::Figures;
use super::ground::{Ground, complain, equal, expected, in_parallel, redeem};
use crate::client::Call;
use crate::failure::Result;

/// The same request `each` times at once.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let who = usize::try_from(ground.dice.below(20)).unwrap_or_default();
    let token = ground.member(who).await?;
    let key = format!("{}-key", ground.tag);
    let title = format!("压测 {}", ground.tag);
    let (call, other, effects) = if ground.dice.below(2) == 0 {
        let effects = format!("complaint where title = '{title}'");
        (complain(&title, &token, &key), complain("压测 另一件事", &token, &key), effects)
    } else {
        let (offer, another) = (ground.publish(2).await?, ground.publish(2).await?);
        let effects = format!("hold where offer in ('{offer}', '{another}')");
        (redeem(&offer, &token, &key), redeem(&another, &token, &key), effects)
    };
    one_effect(ground, &call, each).await?;
    equal("效果", ground.count(&effects)?, 1)?;
    let refused = ground.expect(&other, 422).await?;
    equal("同键异文的代码", refused.text("/code"), "idempotency_key_reused")?;
    equal("之后的效果", ground.count(&effects)?, 1)?;
    Ok(Figures::default().count("键", 1).count("请求", each + 1).count("效果", 1))
}

async fn one_effect(ground: &Ground<'_>, call: &Call, each: usize) -> Result {
    let client = ground.client.clone();
    let answers = in_parallel(each, each, |_| {
        let (client, call) = (client.clone(), call.clone());
        async move { Ok(expected(client.send(&call).await?, 201)?.body.to_string()) }
    })
    .await?;
    equal("不同的答复", answers.iter().collect::<BTreeSet<_>>().len(), 1)
}
