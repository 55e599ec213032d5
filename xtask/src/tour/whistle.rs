//! A community whistles for three departments, and both sides judge each other in the end.

use serde_json::{Value, json};

use super::guide::{CREATED, Expect, Guide, OK, on_task, refusal};
use crate::client::{Answer, Call};
use crate::failure::{Failure, Result};

const COMMUNITY: &str = "140213066004";
const SUBDISTRICT: &str = "140213066";

/// A department that is called.
struct Unit {
    code: &'static str,
    name: &'static str,
    /// Who comes.
    person: &'static str,
    /// What it replies.
    reply: &'static str,
}

/// The lead first.
const UNITS: [Unit; 3] = [
    Unit {
        code: "urban-management",
        name: "城管局",
        person: "赵建国",
        reply: "当晚清退占道摊位三十二个，腾出消防通道，已安排两人每晚值守到23时。",
    },
    Unit {
        code: "market-supervision",
        name: "市场监管局",
        person: "孙丽",
        reply: "现场查验食品摊位二十一家，四家无证的停业，其余十七家完成备案。",
    },
    Unit {
        code: "ecology",
        name: "生态环境分局",
        person: "周强",
        reply: "监测油烟点位六处，两家超标的已责令安装净化设备，复测达标。",
    },
];

/// Where it is played.
struct Scene {
    id: String,
    blower: String,
    /// As [`UNITS`]: each unit, its clerk's token and its task.
    called: Vec<(&'static Unit, String, String)>,
}

/// Plays the chapter.
pub async fn play(guide: &mut Guide) -> Result {
    let scene = blown(guide).await?;
    came(guide, &scene).await?;
    confirmed(guide, &scene).await?;
    judged(guide, &scene).await
}

async fn blown(guide: &mut Guide) -> Result<Scene> {
    let blower = guide.staff("文兴社区登录", &format!("community.{COMMUNITY}")).await?;
    let [lead, assist @ ..] = &UNITS;
    let body = json!({
        "kind": "hard",
        "level": "yellow",
        "title": "夜市占道和油烟扰民",
        "content": "文兴路夜市三十余家摊点占道经营，油烟直排居民楼，社区多次劝导无效，需要联合执法。",
        "community_code": COMMUNITY,
        "lead": lead.code,
        "assist": assist.iter().map(|unit| unit.code).collect::<Vec<_>>(),
    });
    let draft = Call::post("/whistles", body).by(&blower).key(&guide.key("whistle"));
    let expect = CREATED.with("/status", "draft");
    let drafted = guide.step("文兴社区吹攻坚哨，叫三个部门", draft, expect).await?;
    let id = drafted.text("/id").to_owned();
    let review = on_whistle(&id, "review", json!({ "approve": true, "note": "确需联合执法" }));
    let own = review.clone().by(&blower);
    guide.step("社区自己审核：角色不对", own, refusal(403, "forbidden")).await?;
    let reviewer = guide.staff("水泊寺街道登录", &format!("subdistrict.{SUBDISTRICT}")).await?;
    let expect = OK.with("/status", "blown");
    let whistle = guide.step("街道审核通过，哨声响起", review.by(&reviewer), expect).await?;
    let called = called(guide, &whistle).await?;
    Ok(Scene { id, blower, called })
}

async fn called(
    guide: &mut Guide,
    whistle: &Answer,
) -> Result<Vec<(&'static Unit, String, String)>> {
    let mut called = Vec::with_capacity(UNITS.len());
    for unit in &UNITS {
        let told = format!("{}经办人登录", unit.name);
        let clerk = guide.staff(&told, &format!("dept.{}", unit.code)).await?;
        called.push((unit, clerk, task(whistle, unit.code)?));
    }
    Ok(called)
}

/// The task that a unit got.
fn task(whistle: &Answer, unit: &str) -> Result<String> {
    let text = |task: &Value, key| task.pointer(key).and_then(Value::as_str).map(str::to_owned);
    let mut tasks = whistle.items("/tasks").iter();
    let own = tasks.find(|task| text(task, "/unit").as_deref() == Some(unit));
    own.and_then(|task| text(task, "/id"))
        .ok_or_else(|| Failure::new(format!("没有派给 {unit} 的任务：{}", whistle.body)))
}

/// The units acknowledge, report in and reply.
async fn came(guide: &mut Guide, scene: &Scene) -> Result {
    for (unit, clerk, task) in &scene.called {
        let acknowledge = on_task(task, "acknowledge", json!({})).by(clerk);
        let expect = OK.with("/status", "acknowledged");
        guide.step(&format!("{}签收", unit.name), acknowledge, expect).await?;
    }
    scene.stands(guide, "三家都已应哨", OK.with("/status", "answered")).await?;
    for (unit, clerk, task) in &scene.called {
        let people = json!({ "people": [{ "name": unit.person, "post": "分管负责人" }] });
        let told = format!("{}{}到场报到", unit.name, unit.person);
        let report_in = on_task(task, "report-in", people).by(clerk);
        guide.step(&told, report_in, OK.with("/status", "arrived")).await?;
    }
    scene.stands(guide, "现场处置中", OK.with("/status", "handling")).await?;
    for (unit, clerk, task) in &scene.called {
        let reply = json!({ "text": unit.reply, "outcome": "solved" });
        let reply = on_task(task, "reply", reply).by(clerk);
        let told = format!("{}答复", unit.name);
        guide.step(&told, reply, OK.with("/status", "replied")).await?;
    }
    Ok(())
}

/// The blower confirms each, and only then stands down.
async fn confirmed(guide: &mut Guide, scene: &Scene) -> Result {
    let stand_down = on_whistle(&scene.id, "stand-down", json!({})).by(&scene.blower);
    let early = stand_down.clone();
    guide.step("还没确认就销哨", early, refusal(409, "tasks_open")).await?;
    for (unit, _, task) in &scene.called {
        let confirm = on_task(task, "confirm", json!({})).by(&scene.blower);
        let told = format!("社区确认{}的答复", unit.name);
        guide.step(&told, confirm, OK.with("/status", "confirmed")).await?;
    }
    let expect = OK.with("/status", "standing_down");
    guide.step("社区销哨，等待评哨", stand_down, expect).await?;
    Ok(())
}

/// A department rates the whistle, and the blower appraises each department.
async fn judged(guide: &mut Guide, scene: &Scene) -> Result {
    if let Some((unit, clerk, _)) = scene.called.first() {
        let rating = json!({ "needed": 5, "clear": 4, "comment": "确需联合，摊位数写得清楚" });
        let rate = on_whistle(&scene.id, "rate", rating).by(clerk);
        let told = format!("{}反向评价：哨该吹、说得清", unit.name);
        guide.step(&told, rate.clone(), OK).await?;
        guide.step("再评价一次", rate, refusal(409, "already_rated")).await?;
    }
    for (unit, ..) in &scene.called {
        let scores = json!({ "unit": unit.code, "speed": 5, "handling": 4, "result": 5 });
        let appraise = on_whistle(&scene.id, "appraise", scores).by(&scene.blower);
        guide.step(&format!("社区评哨：{}", unit.name), appraise, OK).await?;
    }
    scene.stands(guide, "各家都评过，已销哨", OK.with("/status", "stood_down")).await
}

impl Scene {
    /// Reads the whistle.
    async fn stands(&self, guide: &mut Guide, told: &str, expect: Expect) -> Result {
        let read = Call::get(format!("/whistles/{}", self.id)).by(&self.blower);
        guide.step(told, read, expect).await?;
        Ok(())
    }
}

/// A step on a whistle; whose it is, is said with `.by`.
fn on_whistle(id: &str, verb: &str, body: Value) -> Call {
    Call::post(format!("/whistles/{id}/{verb}"), body)
}
