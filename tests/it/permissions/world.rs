//! The objects that the personas have, and how an operation is sent on them.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::rows::{About, LOGGED_IN, OFFICERS, PERSONAS, TASK_READERS, UNITS, UPLOADERS};
use crate::support::{
    Answer, App, CLERK, COMMUNITY, Case, Client, Operation, SUBDISTRICT, UNIT, complaint, photo,
};

mod around;
mod enforcement;
mod household;
mod merchant;
mod party;
mod points;
mod score;
mod service;
mod supervision;
mod units;

/// Operations that need an `Idempotency-Key`.
const KEYED: &[&str] = &[
    "complaint.submit",
    "identity.set_phone",
    "whistle.draft",
    "export.order",
    "redemption.redeem",
    "attachment.upload",
    "points.propose_adjustment",
    "delivery.subscribe",
    "points.donate",
    "points.pass_on",
    "redemption.issue_voucher",
    "merchant.apply",
    "offer.draft",
    "offer.stock",
    "note.write",
    "note.write_on_whistle",
    "household.register",
    "household.visit",
    "party.add",
    "score.declare",
    "score.enter",
    "request.submit",
    "request.order",
    "service.publish_series",
    "feedback.submit",
    "announcement.draft",
    "guide.draft",
];

/// The objects of everybody.
pub(super) struct World {
    pub(super) app: App,
    /// Each persona's own and foreign objects.
    pub(super) own: BTreeMap<(About, &'static str), String>,
    pub(super) foreign: BTreeMap<(About, &'static str), Vec<String>>,
    /// Submitted without a log-in.
    pub(super) tracked: Case,
    /// A redemption code for the till.
    pub(super) code: Value,
    /// An opinion's number and query code.
    pub(super) opinion: Value,
}

impl World {
    pub(super) async fn build() -> Self {
        let app = App::with(|config| {
            config.limits.login_per_minute = 100_000;
            config.limits.phone_codes_per_hour = 100_000;
            config.limits.track_per_minute = 100_000;
            config.limits.anonymous_per_hour = 100_000;
        })
        .await;
        // 文兴社区's, by li, with 城市管理局.
        let here = app.dispatched().await;
        // Another community's, by wang, with another department.
        let mut body = complaint();
        body["community_code"] = json!("140213051001");
        let mut there = app.resident("wang").submit(&body).await;
        app.accept(&there, "ordinary").await;
        app.dispatch(&mut there, json!({"lead": "housing"})).await;
        // An emergency that is pushed down to 文兴社区 and 水泊寺街道.
        let mut down = app.resident("wang").submit(&complaint()).await;
        app.accept(&down, "emergency").await;
        let approved =
            json!({"lead": COMMUNITY, "assist": [SUBDISTRICT], "emergency_approver": "leader"});
        app.dispatch(&mut down, approved).await;
        let assist = app.tasks(&down).await;
        let assist = assist.iter().find(|task| task["role"] == "assist").unwrap()["id"].clone();
        let assist = assist.as_str().unwrap().to_owned();
        // A complaint that is tracked by anybody who holds its code.
        let tracked = app.anonymous().submit(&complaint()).await;

        // Emergencies are blown at once: 文兴社区's, its subdistrict's, and another community's.
        let ours = whistle(&app, "community.140213066004", COMMUNITY, UNIT).await;
        let above = whistle(&app, "subdistrict.140213066", COMMUNITY, UNIT).await;
        let theirs = whistle(&app, "community.140213051001", "140213051001", "housing").await;

        let mut world = Self {
            app,
            own: BTreeMap::new(),
            foreign: BTreeMap::new(),
            tracked,
            code: Value::Null,
            opinion: Value::Null,
        };
        world.dead_job().await;
        world.inboxes().await;
        world.delivery().await;
        let bystander = world.app.resident("bystander").get("/me").await.expect(200);
        let bystander = bystander["id"].as_str().unwrap().to_owned();
        for persona in PERSONAS {
            world.own.insert((About::Account, persona), bystander.clone());
            world.own.insert((About::Year, persona), "2027".to_owned());
            world.own.insert((About::Case, persona), here.id.clone());
            let (own, foreign) = match persona {
                "subdistrict.140213066" => (&assist, vec![&here.lead, &there.lead, &down.lead]),
                "community.140213066004" => (&down.lead, vec![&here.lead, &there.lead, &assist]),
                "dept.urban-management" | "head.urban-management" => {
                    (&here.lead, vec![&there.lead, &down.lead, &assist])
                }
                _ => (&here.lead, vec![]),
            };
            world.own.insert((About::Task, persona), own.clone());
            let foreign: Vec<String> = foreign.into_iter().cloned().collect();
            let judged = if OFFICERS.contains(&persona) { foreign.clone() } else { vec![] };
            world.foreign.insert((About::Task, persona), foreign);
            world.foreign.insert((About::Judged, persona), judged);
            // An officer of the area reads the case; its notes are for who works on it.
            let (noted, others) = match persona {
                "subdistrict.140213066" | "community.140213066004" => (&down, [&here, &there]),
                _ => (&here, [&there, &down]),
            };
            let others = others.map(|case| case.id.clone()).to_vec();
            world.own.insert((About::Noted, persona), noted.id.clone());
            let others = if UNITS.contains(&persona) { others } else { vec![] };
            world.foreign.insert((About::Noted, persona), others);
            let stranger = persona == "demo:li" || UNITS.contains(&persona);
            let foreign = if stranger { vec![there.id.clone()] } else { vec![] };
            world.foreign.insert((About::Case, persona), foreign);
        }
        let rules = world.app.as_("sysadmin").all("/routing-rules").await;
        for persona in PERSONAS {
            let rule = rules[0]["id"].as_str().unwrap().to_owned();
            world.own.insert((About::Rule, persona), rule);
        }
        world.own.insert((About::Judged, "dispatcher"), here.lead.clone());
        world.whistles(&ours, &above, &theirs).await;
        world.lists().await;
        world.attachments().await;
        world.templates().await;
        world.link().await;
        supervision::supervisions(&mut world, &here, &there, &down).await;
        world.consultations().await;
        world.final_replies().await;
        world.duties().await;
        enforcement::acts(&mut world).await;
        service::registrations(&mut world).await;
        units::units(&mut world).await;
        units::pairings(&mut world).await;
        party::members(&mut world).await;
        service::posts_and_claims(&mut world).await;
        service::requests_and_disputes(&mut world).await;
        service::redemptions(&mut world).await;
        points::kept(&mut world).await;
        household::households(&mut world).await;
        service::tills(&mut world).await;
        service::flags(&mut world).await;
        merchant::shops(&mut world).await;
        score::quarters(&mut world).await;
        service::imported(&mut world).await;
        around::around(&mut world).await;
        world
    }

    /// Whoever holds a link has it; the one here is nobody's.
    async fn link(&mut self) {
        let case = self.app.replied().await;
        let given =
            self.app.as_("dispatcher").post(&case.path("/evaluation-link"), json!({})).await;
        let path = given.expect(200)["path"].as_str().unwrap().to_owned();
        let token = path.rsplit('/').next().unwrap().to_owned();
        self.own.insert((About::Link, "anonymous"), token);
    }

    async fn whistles(&mut self, ours: &str, above: &str, theirs: &str) {
        for persona in PERSONAS {
            self.own.insert((About::Whistle, persona), ours.to_owned());
            let foreign = if UNITS.contains(&persona) { vec![theirs.to_owned()] } else { vec![] };
            for about in [About::Whistle, About::Blown, About::Reviewed, About::Called] {
                self.foreign.insert((about, persona), foreign.clone());
            }
        }
        for persona in ["dept.urban-management", "head.urban-management"] {
            self.own.insert((About::Called, persona), ours.to_owned());
        }
        for persona in PERSONAS {
            let (own, foreign) = match persona {
                "subdistrict.140213066" => (above, vec![ours.to_owned(), theirs.to_owned()]),
                "community.140213066004" => (ours, vec![above.to_owned(), theirs.to_owned()]),
                persona if UNITS.contains(&persona) => (ours, vec![theirs.to_owned()]),
                _ => (ours, vec![]),
            };
            self.own.insert((About::NotedWhistle, persona), own.to_owned());
            self.foreign.insert((About::NotedWhistle, persona), foreign);
        }
        let (community, subdistrict) = ("community.140213066004", "subdistrict.140213066");
        self.own.insert((About::Blown, community), ours.to_owned());
        self.own.insert((About::Blown, subdistrict), above.to_owned());
        self.own.insert((About::Reviewed, subdistrict), ours.to_owned());
        self.own.insert((About::Reviewed, "supervisor"), above.to_owned());
        for (persona, whistle) in [(community, ours), (subdistrict, above)] {
            let tasks =
                self.app.as_("dispatcher").all(&format!("/tasks?whistle_id={whistle}")).await;
            let task = tasks[0]["id"].as_str().unwrap().to_owned();
            self.own.insert((About::Judged, persona), task);
        }
    }

    /// Everybody who reads lists keeps a view and has ordered an export; others' are foreign.
    async fn lists(&mut self) {
        let mut all = Vec::new();
        for persona in TASK_READERS {
            let who = self.client(persona);
            let view = json!({"name": "待签收", "list": "tasks", "query": "status=pending"});
            let view = who.post("/me/views", view).await.expect(201);
            let order = json!({"list": "tasks", "query": ""});
            let request = who.request(Method::POST, "/exports").key("matrix-export").json(&order);
            let export = request.send().await.expect(202);
            for (about, made) in [(About::View, view), (About::Export, export)] {
                all.push((about, *persona, made["id"].as_str().unwrap().to_owned()));
            }
        }
        for (about, persona, id) in &all {
            self.own.insert((*about, *persona), id.clone());
            let others = all.iter().filter(|(other, who, _)| other == about && who != persona);
            let others = others.map(|(.., id)| id.clone()).take(2).collect();
            self.foreign.insert((*about, *persona), others);
        }
    }

    /// Everybody who may has uploaded a photo; li's belongs to a complaint.
    async fn attachments(&mut self) {
        let mut all = Vec::new();
        for persona in UPLOADERS {
            let who = self.client(persona);
            let made = who.upload("matrix-photo", &photo(64, 48)).await.expect(201);
            all.push((*persona, made["id"].as_str().unwrap().to_owned()));
        }
        for (persona, id) in &all {
            self.own.insert((About::Upload, *persona), id.clone());
            let others = all.iter().filter(|(who, _)| who != persona);
            let others = others.map(|(_, id)| id.clone()).take(2).collect();
            self.foreign.insert((About::Upload, *persona), others);
        }
        let mut body = complaint();
        body["attachment_ids"] = json!([all[0].1]);
        self.app.resident("li").submit(&body).await;
        for persona in PERSONAS {
            self.own.insert((About::Attached, persona), all[0].1.clone());
        }
    }

    /// The centre's template, and each unit's own.
    async fn templates(&mut self) {
        let mut made: Vec<(&str, String)> = Vec::new();
        for persona in ["dispatcher", "dept.urban-management"].iter().chain(OFFICERS) {
            let body = json!({"name": "现场处置", "text": "已到现场处置，情况如下：已修复。"});
            let one = self.client(persona).post("/reply-templates", body).await.expect(201);
            made.push((*persona, one["id"].as_str().unwrap().to_owned()));
        }
        let of = |who: &str| made.iter().find(|(of, _)| *of == who).map(|(_, id)| id.clone());
        for persona in PERSONAS {
            // A head works for the same unit as its clerk.
            let unit = if UNITS.contains(&persona) { persona } else { "dispatcher" };
            let unit = unit.replace("head.", "dept.");
            let own = of(&unit).unwrap();
            let units = made.iter().skip(1).map(|(_, id)| id.clone());
            let others: Vec<String> = units.filter(|id| *id != own).collect();
            let foreign = if UNITS.contains(&persona) { others.clone() } else { vec![] };
            self.foreign.insert((About::Template, persona), foreign);
            let centre = (unit != "dispatcher").then(|| made[0].1.clone());
            let foreign = others.into_iter().chain(centre).collect();
            self.foreign.insert((About::OwnTemplate, persona), foreign);
            self.own.insert((About::Template, persona), own.clone());
            self.own.insert((About::OwnTemplate, persona), own);
        }
    }

    /// One that 城市管理局 is invited to; to other units it is foreign.
    async fn consultations(&mut self) {
        let case = self.app.resident("wang").submit(&complaint()).await;
        self.app.accept(&case, "ordinary").await;
        let body = json!({"units": [UNIT, "housing"], "question": "路面塌陷由谁修复？"});
        let opened = self.app.as_("dispatcher").post(&case.path("/consultations"), body).await;
        let opened = opened.expect(201)["id"].as_str().unwrap().to_owned();
        for persona in PERSONAS {
            if OFFICERS.contains(&persona) {
                self.foreign.insert((About::Consultation, persona), vec![opened.clone()]);
            } else {
                self.own.insert((About::Consultation, persona), opened.clone());
            }
        }
    }

    /// One of 城市管理局's; to other units it is foreign.
    async fn final_replies(&mut self) {
        let case = self.app.reworked().await;
        let body = json!({
            "text": "该处为规划预留用地，经两次现场核查，近期不能增设路灯，已当面说明。",
            "legal_basis": "照明专项规划", "evidence": "两次现场核查记录和规划批复",
        });
        let made = self.app.as_(CLERK).post(&case.path("/final-replies"), body).await.expect(201);
        let made = made["id"].as_str().unwrap().to_owned();
        for persona in PERSONAS {
            if OFFICERS.contains(&persona) {
                self.foreign.insert((About::FinalReply, persona), vec![made.clone()]);
            } else {
                self.own.insert((About::FinalReply, persona), made.clone());
            }
        }
    }

    async fn duties(&mut self) {
        let lists = self.client("dispatcher").get("/duty-lists?limit=1").await.expect(200);
        let list = lists["items"][0]["id"].to_string();
        let objection = json!({"item": "city-08", "text": "社会生活噪声宜由公安牵头处理。"});
        let made = self.client("dept.ecology").post("/duty-proposals", objection).await;
        let made = made.expect(201)["id"].as_str().unwrap().to_owned();
        for persona in PERSONAS {
            self.own.insert((About::List, persona), list.clone());
            self.own.insert((About::Item, persona), "city-05".to_owned());
            self.own.insert((About::Objection, persona), made.clone());
        }
    }

    async fn dead_job(&mut self) {
        let now = self.app.now();
        let id: domain::id::JobId = infra::random::id(now);
        let job = infra::postgres::job::NewJob {
            id,
            kind: "of_tomorrow",
            dedupe: "of_tomorrow:1".to_owned(),
            payload: json!({}),
            run_at: now,
            max_attempts: 1,
        };
        let mut conn = self.app.db().acquire().await.unwrap();
        infra::postgres::job::enqueue(&mut conn, &job, now).await.unwrap();
        drop(conn);
        self.app.drain().await;
        for persona in PERSONAS {
            self.own.insert((About::Job, persona), id.to_string());
        }
    }

    /// A message that did not go out, for the administrator's desk.
    async fn delivery(&mut self) {
        let id: domain::id::DeliveryId = infra::random::id(self.app.now());
        let made = sqlx::query(
            "insert into delivery (id, notification_id, account_id, channel, kind, template,
                 template_version, state, reason, attempt, created_at, updated_at)
             select $1, n.id, n.account_id, 'subscribe', 'accepted', 'progress', 1, 'failed',
                 'refused', 0, n.created_at, n.created_at
             from notification n limit 1",
        );
        assert_eq!(made.bind(id.0).execute(self.app.db()).await.unwrap().rows_affected(), 1);
        for persona in PERSONAS {
            self.own.insert((About::Delivery, persona), id.to_string());
            self.own.insert((About::MessageTemplate, persona), "points".to_owned());
        }
    }

    /// Who was told of something has a notification; for everybody else it is foreign.
    async fn inboxes(&mut self) {
        let mut all = BTreeMap::new();
        for persona in LOGGED_IN {
            let inbox = self.client(persona).all("/notifications").await;
            if let Some(first) = inbox.first() {
                all.insert(*persona, first["id"].as_str().unwrap().to_owned());
            }
        }
        assert!(all.len() >= 4, "too few were told: {all:?}");
        for persona in LOGGED_IN {
            let others = all.iter().filter(|(who, _)| *who != persona).map(|(_, id)| id.clone());
            self.foreign.insert((About::Notification, persona), others.take(2).collect());
        }
        for (persona, id) in all {
            self.own.insert((About::Notification, persona), id);
        }
    }

    pub(super) fn client(&self, persona: &str) -> Client {
        match persona.strip_prefix("demo:") {
            Some(resident) => self.app.resident(resident),
            None if persona == "anonymous" => self.app.anonymous(),
            None => self.app.as_(persona),
        }
    }

    /// The documented example, made to fit this world.
    pub(super) async fn body(&self, operation: &Operation, about: About) -> Option<Value> {
        let (_, example) = operation.body()?;
        let mut body = example.clone();
        if about == About::Code {
            body["number"] = json!(self.tracked.number);
            body["query_code"] = json!(self.tracked.query_code);
        }
        if operation.id == "identity.refresh" {
            let code = json!({"code": "demo:li"});
            let session = self.app.anonymous().post("/auth/wechat", code).await.expect(200);
            body["refresh_token"] = session["refresh_token"].clone();
        }
        // A password that may not be chosen: the others log in with the one there is.
        if operation.id == "identity.renew_password" {
            body = json!({
                "username": "dispatcher", "password": api::app::seed::PASSWORD, "new": "short",
            });
        }
        if operation.id == "redemption.verify" {
            body["code"] = self.code.clone();
        }
        if operation.id == "feedback.track" {
            body["number"] = self.opinion["number"].clone();
            body["query_code"] = self.opinion["query_code"].clone();
        }
        // The template of this world has no field to fill in.
        if operation.id == "template.preview" {
            body["fields"] = json!({});
        }
        // What ends a case for good would take it away from the other rows.
        if operation.id == "task.decide_return" {
            body["approve"] = json!(false);
        }
        Some(body)
    }

    /// Sends an operation on an object with a body, as somebody.
    pub(super) async fn send(
        &self,
        who: &Client,
        operation: &Operation,
        id: &str,
        body: Option<&Value>,
    ) -> Answer {
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let mut request = who.request(method, &operation.path_with(id));
        if KEYED.contains(&operation.id.as_str()) {
            request =
                request.key(&format!("matrix-{:016x}", u64::from_be_bytes(infra::random::bytes())));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await
    }
}

/// An emergency whistle; its id.
async fn whistle(app: &App, blower: &str, community: &str, lead: &str) -> String {
    let body = json!({
        "kind": "emergency", "level": "red", "title": "供水主管爆裂",
        "content": "文兴路主管爆裂，路面塌陷，三栋楼停水，需要联合抢修。",
        "community_code": community, "lead": lead, "assist": [],
    });
    let key = format!("whistle-{:016x}", u64::from_be_bytes(infra::random::bytes()));
    let request = app.as_(blower).request(Method::POST, "/whistles").key(&key).json(&body);
    request.send().await.expect(201)["id"].as_str().unwrap().to_owned()
}
