//! What stands around the cases: an announcement is read, a guide found, an opinion given.

use serde_json::json;

use super::guide::{CREATED, Guide, OK};
use crate::client::Call;
use crate::failure::Result;

/// Plays the chapter.
pub async fn play(guide: &mut Guide) -> Result {
    let news = Call::get("/announcements?community_code=140213066001&kind=activity");
    let shown = OK.with("/items/0/title", "周六上午义诊");
    guide.step("不登录看社区公告", news, shown).await?;
    let asked = Call::get("/guides/suggest?text=怎么给父母办理城乡居民医保参保");
    let found = OK.with("/items/0/title", "城乡居民医保参保登记");
    guide.step("咨询之前先找到办事指南", asked, found).await?;
    let key = guide.key("opinion");
    let body = json!({ "kind": "suggestion", "text": "希望诉求列表能按社区筛选。" });
    let given = Call::post("/feedback", body).key(&key);
    guide.step("对应用本身提一条意见", given, CREATED.with("/status", "submitted")).await?;
    Ok(())
}
