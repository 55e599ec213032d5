//! SIGKILL to the worker between a message's way to WeChat and the note of it: nobody gets it twice,
//! and the administrator sees that nobody knows.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::complaints::title;
use super::figures::Figures;
use super::ground::{Ground, complain, equal};
use crate::app::Part;
use crate::client::Call;
use crate::failure::{Failure, Result};

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// `each` kills, and after each a message that arrives.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    for n in 0..each {
        let code = format!("{}-{n}", ground.tag);
        let login = Call::post("/auth/wechat", json!({ "code": code }));
        let token = ground.client.log_in(&login).await?;
        let consent = json!({ "accepted": ["demo-progress"] });
        let consent =
            Call::post("/me/subscriptions", consent).by(&token).key(&format!("{code}-yes"));
        ground.expect(&consent, 200).await?;

        ground.wechat.hold(true);
        let killed = accepted(ground, &token, &format!("{code}-killed")).await;
        let sent = match &killed {
            Ok(_) => until_taken(ground, &code, 1).await,
            Err(_) => Ok(()),
        };
        let crashed = ground.app.crash(ground.running, Part::Worker).await;
        ground.wechat.hold(false);
        let killed = killed?;
        sent?;
        crashed?;
        ground
            .until(&format!("{} and state = 'unknown'", deliveries(&killed)), 1, PATIENCE)
            .await?;
        let arrived = accepted(ground, &token, &format!("{code}-arrived")).await?;
        ground.until(&format!("{} and state = 'sent'", deliveries(&arrived)), 1, PATIENCE).await?;
        until_taken(ground, &code, 2).await?;
        let most = ground.wechat.taken(&code).into_iter().max().unwrap_or_default();
        equal("同一条消息发出的次数", most, 1)?;
        equal("发送中的消息", ground.count("delivery where state = 'sending'")?, 0)?;
    }
    Ok(Figures::default().count("kill -9", each).count("消息", 2 * each))
}

/// A complaint that the centre has accepted; its id.
async fn accepted(ground: &mut Ground<'_>, token: &str, key: &str) -> Result<String> {
    let title = format!("{} {key}", title(ground));
    let receipt = ground.expect(&complain(&title, token, key), 201).await?;
    let id = receipt.text("/id").to_owned();
    let centre = ground.staff("dispatcher").await?;
    let body = json!({ "urgency": "ordinary", "category": "城乡建设/路灯" });
    let accept = Call::post(format!("/complaints/{id}/accept"), body).by(&centre);
    ground.expect(&accept, 200).await?;
    Ok(id)
}

fn deliveries(complaint: &str) -> String {
    format!(
        "delivery where notification_id in (
             select id from notification where subject_id = '{complaint}') and kind = 'accepted'"
    )
}

/// Waits until WeChat took so many messages to the person.
async fn until_taken(ground: &Ground<'_>, code: &str, wanted: usize) -> Result {
    let since = Instant::now();
    while ground.wechat.taken(code).len() < wanted {
        if since.elapsed() > PATIENCE {
            return Err(Failure::new(format!("微信没有收到第 {wanted} 条消息")));
        }
        sleep(POLL).await;
    }
    Ok(())
}
