//! A broken street lamp: from the report to the reply, and later from the follow-up to “solved”.

use serde_json::{Value, json};

use super::guide::{CREATED, Guide, OK, on_task, refusal};
use crate::client::Call;
use crate::console::say;
use crate::failure::{Failure, Result};

const COMMUNITY: &str = "140213066004";
/// Under this word the first chapter leaves the complaint for the second.
const LAMP: &str = "lamp";
/// The first unit, which gives the case back; the unit that owns the lamp; and one that helps.
const FIRST: &str = "urban-management";
const OWNER: &str = "power-grid";
const HELPER: &str = "housing";

/// Who plays, and what it is about.
struct Case {
    id: String,
    resident: String,
    centre: String,
}

/// Plays the first chapter: from the report until every unit's reply is confirmed.
pub async fn play(guide: &mut Guide) -> Result {
    guide.step("服务就绪", Call::get("/readyz"), OK).await?;
    let case = reported(guide).await?;
    taken_on(guide, &case).await?;
    let owner = returned(guide, &case).await?;
    let clerk = owners_clerk(guide).await?;
    acknowledged(guide, &clerk, &owner).await?;
    hasty(guide, &clerk, &owner).await?;
    answered(guide, &case, &clerk, &owner, "更换了烧断的熔断器").await?;
    helped(guide, &case).await?;
    guide.remember(LAMP, &case.id);
    Ok(())
}

/// Plays the second chapter: the resident evaluates, it is reworked, and then it is solved.
pub async fn conclude(guide: &mut Guide) -> Result {
    let id = guide.recall(LAMP)?;
    let case = Case { id, resident: resident(guide).await?, centre: centre(guide).await? };
    let clerk = owners_clerk(guide).await?;
    followed_up(guide, &case, "首次回访由后台自动发起").await?;
    evaluated(guide, &case, &clerk).await
}

async fn resident(guide: &mut Guide) -> Result<String> {
    guide.resident("居民李女士用微信登录", "li").await
}

async fn centre(guide: &mut Guide) -> Result<String> {
    guide.staff("区中心派单员登录", "dispatcher").await
}

async fn owners_clerk(guide: &mut Guide) -> Result<String> {
    guide.staff("供电公司经办人登录", &format!("dept.{OWNER}")).await
}

async fn reported(guide: &mut Guide) -> Result<Case> {
    let resident = resident(guide).await?;
    let body = json!({
        "kind": "help",
        "title": "文兴路口路灯不亮",
        "content": "文兴路与永和街交叉口东北角的路灯三天没亮了，晚上老人出行不便。",
        "community_code": COMMUNITY,
        "address": "文兴路与永和街交叉口",
        "location": { "lng": 113.3402, "lat": 40.0911 },
        "contact": { "name": "李女士", "phone": "13800001234" },
    });
    let key = guide.key("lamp");
    let submit = Call::post("/complaints", body).by(&resident).key(&key);
    let expect = CREATED.with("/status", "submitted");
    let receipt = guide.step("居民反映路灯不亮", submit.clone(), expect).await?;
    let again = guide.step("手一抖又点了一次：还是同一件", submit, CREATED).await?;
    if again.body != receipt.body {
        return Err(Failure::new(format!(
            "同一个 Idempotency-Key 的两次答复不同：\n  {}\n  {}",
            receipt.body, again.body
        )));
    }
    let (number, code) = (receipt.text("/number"), receipt.text("/query_code"));
    let track = |code: &str| Call::post("/track", json!({ "number": number, "query_code": code }));
    let told = format!("不登录，凭编号 {number} 和查询码查进度");
    guide.step(&told, track(code), OK.with("/status", "submitted")).await?;
    guide.step("查询码不对，什么也看不到", track("2222222222"), refusal(404, "not_found")).await?;
    let centre = centre(guide).await?;
    Ok(Case { id: receipt.text("/id").to_owned(), resident, centre })
}

async fn taken_on(guide: &mut Guide, case: &Case) -> Result {
    let accept = case.act("accept", json!({ "urgency": "ordinary", "category": "城乡建设/路灯" }));
    let by_resident = accept.clone().by(&case.resident);
    guide.step("居民自己受理：角色不对", by_resident, refusal(403, "forbidden")).await?;
    let expect = OK.with("/status", "accepted");
    let accepted =
        guide.step("区中心受理（一般事项）", accept.clone().by(&case.centre), expect).await?;
    let again = accept.clone().by(&case.centre);
    guide.step("再受理一次：这一步不合规", again, refusal(409, "complaint_step_refused")).await?;
    let stale = case.act("dispatch", json!({ "lead": FIRST })).by(&case.centre).version(1);
    guide.step("拿着旧版本派单", stale, refusal(412, "version_mismatch")).await?;
    let pushed = case.act("dispatch", json!({ "lead": COMMUNITY })).by(&case.centre);
    guide.step("甩给社区：不在责任清单上", pushed, refusal(409, "not_on_duty_list")).await?;
    let version = accepted.body.pointer("/version").and_then(Value::as_i64).unwrap_or_default();
    let order = json!({ "lead": FIRST, "assist": [HELPER], "note": "请当晚到现场查看" });
    let order = case.act("dispatch", order).by(&case.centre).version(version);
    guide.step("派单：城管局主办，住建局协办", order, OK.with("/status", "dispatched")).await?;
    Ok(())
}

/// The first unit gives the case back and the centre rules; the new lead task.
async fn returned(guide: &mut Guide, case: &Case) -> Result<String> {
    let task = case.task(guide, FIRST).await?;
    let clerk = guide.staff("城管局经办人登录", &format!("dept.{FIRST}")).await?;
    let back = json!({
        "ground": "duty",
        "basis": "该路灯由供电公司产权管理，见路灯移交清单",
        "suggested_unit": OWNER,
    });
    let back = on_task(&task, "return", back).by(&clerk);
    let expect = OK.with("/status", "return_requested");
    guide.step("城管局退单：产权属供电公司", back, expect).await?;
    let ruling = json!({ "approve": true, "to_unit": OWNER, "reason": "产权清楚，由供电公司办理" });
    let ruling = on_task(&task, "return/decide", ruling).by(&case.centre);
    let expect = OK.with("/status", "returned");
    guide.step("区中心裁定：同意，改派供电公司", ruling, expect).await?;
    case.task(guide, OWNER).await
}

async fn acknowledged(guide: &mut Guide, clerk: &str, task: &str) -> Result {
    let acknowledge = on_task(task, "acknowledge", json!({})).by(clerk);
    guide.step("供电公司签收", acknowledge, OK.with("/status", "acknowledged")).await?;
    Ok(())
}

/// What is no reply.
async fn hasty(guide: &mut Guide, clerk: &str, task: &str) -> Result {
    let reply =
        |text: &str| on_task(task, "reply", json!({ "text": text, "outcome": "solved" })).by(clerk);
    let empty = reply("已转相关部门。");
    guide.step("用套话答复", empty, refusal(422, "reply_not_substantive")).await?;
    let early = reply("当晚七点更换了烧断的熔断器。");
    guide.step("没有联系居民就答复", early, refusal(409, "contact_missing")).await?;
    Ok(())
}

/// The lead contacts the resident and replies, and the centre confirms.
async fn answered(guide: &mut Guide, case: &Case, clerk: &str, task: &str, what: &str) -> Result {
    let contact =
        json!({ "note": "电话约定今晚七点到现场", "channel": "phone", "outcome": "reached" });
    guide.step("供电公司先行联系居民", on_task(task, "contact", contact).by(clerk), OK).await?;
    let text = format!("当晚七点到现场{what}，路灯恢复照明，已请李女士现场确认。");
    let reply = on_task(task, "reply", json!({ "text": text, "outcome": "solved" })).by(clerk);
    guide.step(&format!("供电公司答复：{what}"), reply, OK.with("/status", "replied")).await?;
    let confirm = on_task(task, "confirm", json!({})).by(&case.centre);
    guide.step("区中心确认供电公司的答复", confirm, OK.with("/status", "confirmed")).await?;
    Ok(())
}

/// Assist tasks are duties: the case is answered only when they are confirmed, too.
async fn helped(guide: &mut Guide, case: &Case) -> Result {
    let task = case.task(guide, HELPER).await?;
    let clerk = guide.staff("住建局经办人登录", &format!("dept.{HELPER}")).await?;
    let act = |verb: &str, body: Value| on_task(&task, verb, body);
    guide.step("协办的住建局签收", act("acknowledge", json!({})).by(&clerk), OK).await?;
    let text = "已核对管线图，路口地下电缆完好，无需开挖。";
    let reply = act("reply", json!({ "text": text, "outcome": "solved" })).by(&clerk);
    guide.step("住建局答复", reply, OK.with("/status", "replied")).await?;
    let confirm = act("confirm", json!({})).by(&case.centre);
    guide.step("区中心确认住建局的答复", confirm, OK.with("/status", "confirmed")).await?;
    Ok(())
}

async fn followed_up(guide: &mut Guide, case: &Case, told: &str) -> Result {
    guide.wait(told, case.read(&case.resident), |body| is(body, "/status", "follow_up")).await
}

/// “Not solved”, rework, “solved”.
async fn evaluated(guide: &mut Guide, case: &Case, clerk: &str) -> Result {
    let unsolved = json!({
        "solved": false, "satisfaction": 2, "contacted": true, "comment": "亮了一晚又灭了",
    });
    let unsolved = case.act("evaluate", unsolved).by(&case.resident);
    guide.step("居民评价：没有解决", unsolved, OK.with("/status", "handling")).await?;
    let rework = case.task(guide, OWNER).await?;
    acknowledged(guide, clerk, &rework).await?;
    answered(guide, case, clerk, &rework, "换掉了整段老化电缆").await?;
    followed_up(guide, case, "再次请居民评价").await?;
    let solved = json!({
        "solved": true, "satisfaction": 5, "contacted": true, "comment": "这回一直亮着，谢谢",
    });
    let solved = case.act("evaluate", solved).by(&case.resident);
    guide.step("居民评价：已解决，非常满意", solved, OK.with("/status", "closed")).await?;
    let unread = Call::get("/notifications/unread-count").by(&case.resident);
    let some = |body: &Value| body.pointer("/count").and_then(Value::as_i64) > Some(5);
    guide.wait("李女士一路都收到通知", unread, some).await?;
    let events = Call::get(format!("/complaints/{}/events?limit=100", case.id)).by(&case.resident);
    let events = guide.step("李女士看办理记录", events, OK).await?;
    for event in events.items("/items") {
        let text = event.pointer("/text").and_then(Value::as_str).unwrap_or_default();
        say(format!("               · {text}"));
    }
    Ok(())
}

impl Case {
    /// A step on the complaint; whose it is, is said with `.by`.
    fn act(&self, verb: &str, body: Value) -> Call {
        Call::post(format!("/complaints/{}/{verb}", self.id), body)
    }

    fn read(&self, token: &str) -> Call {
        Call::get(format!("/complaints/{}", self.id)).by(token)
    }

    /// The task that a unit has to acknowledge.
    async fn task(&self, guide: &mut Guide, unit: &str) -> Result<String> {
        let list = Call::get(format!("/tasks?complaint_id={}&status=pending", self.id));
        let list = guide.step("区中心看未签收的任务", list.by(&self.centre), OK).await?;
        let found = list.items("/items").iter().find(|task| is(task, "/unit", unit));
        let id = found.and_then(|task| task.pointer("/id")).and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or_else(|| Failure::new(format!("没有 {unit} 待签收的任务：{}", list.body)))
    }
}

fn is(body: &Value, pointer: &str, value: &str) -> bool {
    body.pointer(pointer).and_then(Value::as_str) == Some(value)
}
