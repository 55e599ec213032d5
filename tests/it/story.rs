//! The whole story of a resident, from the first log-in to the evaluation, against a server that
//! behaves like WeChat: what WeChat is asked and how often, what the public, she and the staff see.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use domain::screening::WITHHELD;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use crate::{
    attachment::{fetched, memory::Rise},
    privacy::scan,
    support::{
        App, CLERK, Case, Client, complaint, located, photo, tells_its_place, thirty_megapixels,
        wechat_refuses, wechat_says,
    },
    wechat::{checked_json, succeeded},
};

const LOGIN: &str = "/sns/jscode2session";
const TOKEN: &str = "/cgi-bin/stable_token";
const PHONE: &str = "/wxa/business/getuserphonenumber";
const TEXT: &str = "/wxa/msg_sec_check";
const MEDIA: &str = "/wxa/media_check_async";
const MESSAGE: &str = "/cgi-bin/message/subscribe/send";

/// What she writes first. WeChat takes it for something else.
const RISKY: &str = "文兴路口的井盖松了，危险";
/// What she writes later: WeChat has not seen her for two hours by then.
const LATER: &str = "文兴路口路灯不亮，已有两小时";

/// A WeChat with a memory: of its token, and of what it was asked to check.
#[derive(Clone, Default)]
struct Behaving {
    /// The number of the token that it gives.
    token: Arc<AtomicUsize>,
    /// Tokens up to this number are dead.
    dead: Arc<AtomicUsize>,
    traces: Arc<AtomicUsize>,
}

impl Respond for Behaving {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked = |name: &str| {
            let mut pairs = request.url.query_pairs();
            pairs.find(|(one, _)| one == name).map(|(_, value)| value.into_owned())
        };
        let body: Value = request.body_json().unwrap_or_default();
        let path = request.url.path();
        if path == LOGIN {
            let code = asked("js_code").expect("a code");
            return wechat_says(&json!({"openid": format!("oTest-{code}"), "session_key": "k"}));
        }
        if path == TOKEN {
            let forced = usize::from(body["force_refresh"] == true);
            let number = self.token.fetch_add(forced, SeqCst) + forced;
            let token = format!("token-{number}");
            return wechat_says(&json!({"access_token": token, "expires_in": 7200}));
        }
        let token = asked("access_token").expect("a token");
        let number = token.trim_start_matches("token-").parse::<usize>().expect("our token");
        if number < self.dead.load(SeqCst) {
            return wechat_refuses(42001);
        }
        let judged = |suggest: &str, label: i64| json!({"errcode": 0, "result": {"suggest": suggest, "label": label}});
        let title = body["title"].as_str().unwrap_or_default();
        match path {
            PHONE => wechat_says(&json!({"errcode": 0, "phone_info": {
                "phoneNumber": "13844445555", "purePhoneNumber": "13844445555",
                "countryCode": "86", "watermark": {"timestamp": 1, "appid": "wxdemo"}}})),
            TEXT if title == RISKY => wechat_says(&judged("risky", 20006)),
            TEXT if title == LATER => wechat_refuses(61010),
            TEXT => wechat_says(&judged("pass", 100)),
            MEDIA => {
                let trace = format!("t-{}", self.traces.fetch_add(1, SeqCst) + 1);
                wechat_says(&json!({"errcode": 0, "trace_id": trace}))
            }
            MESSAGE => wechat_says(&json!({"errcode": 0, "errmsg": "ok"})),
            other => panic!("WeChat has no {other}"),
        }
    }
}

struct Story {
    app: App,
    server: MockServer,
    wechat: Behaving,
    wang: Client,
}

impl Story {
    async fn begin() -> Self {
        let (server, wechat) = (MockServer::start().await, Behaving::default());
        Mock::given(any()).respond_with(wechat.clone()).mount(&server).await;
        let app = App::on_wechat(&server, |config| {
            config.privacy.consent_required = vec!["complaint.submit".to_owned()];
        })
        .await;
        let wang = app.wechat_person("wang").await;
        Self { app, server, wechat, wang }
    }

    /// What an interface was asked.
    async fn asked(&self, at: &str) -> Vec<Value> {
        let requests = self.server.received_requests().await.expect("recorded requests");
        let at = requests.iter().filter(|request| request.url.path() == at);
        at.map(|request| request.body_json().unwrap_or_default()).collect()
    }

    async fn counts<const N: usize>(&self, of: [&str; N]) -> [usize; N] {
        let mut counts = [0; N];
        for (count, at) in counts.iter_mut().zip(of) {
            *count = self.asked(at).await.len();
        }
        counts
    }

    /// WeChat's code becomes her number, once, however often she taps.
    async fn gives_her_number(&self) {
        for _ in 0..2 {
            let request = self.wang.request(Method::POST, "/me/phone").key("her-number");
            let given = request.json(&json!({"code": "code-1"})).send().await.expect(200);
            assert_eq!(given["phone"], "138****5555");
        }
        assert_eq!(self.counts([PHONE]).await, [1]);
    }

    /// Nothing is taken from her before she has read what becomes of it.
    async fn consents(&self) {
        let request = self.wang.request(Method::POST, "/complaints").key("too-early");
        let early = request.json(&complaint()).send().await;
        early.refused(409, "consent_required");
        let consent = json!({"purpose": "service", "version": 1});
        self.wang.post("/me/consents", consent).await.expect(200);
        // And for messages on her phone, as the mini-program asks her.
        let messages = json!({"accepted": ["demo-progress"], "rejected": ["demo-asked"]});
        let request = self.wang.request(Method::POST, "/me/subscriptions").key("her-messages");
        request.json(&messages).send().await.expect(200);
    }

    /// One photo says where it was taken, the other has 30 megapixels. Of both the pixels are kept.
    async fn uploads_two_photos(&self) -> Vec<Value> {
        let (placed, large) = (located(&photo(640, 480)), thirty_megapixels());
        assert!(tells_its_place(&placed), "what is looked for can be found");
        let mut ids = Vec::new();
        for (key, file, size) in
            [("with-its-place", placed, (640, 480)), ("of-30-megapixels", large, (6000, 5000))]
        {
            let rise = Rise::begin();
            let made = self.wang.upload(key, &file).await.expect(201);
            rise.is_bounded(key);
            assert_eq!((&made["width"], &made["height"]), (&json!(size.0), &json!(size.1)));
            assert!(made["bytes"].as_u64().unwrap() <= 10 * 1024 * 1024, "{made}");
            for link in ["url", "thumbnail_url"] {
                let (status, headers, served) = fetched(&self.app, &made[link]).await;
                assert_eq!((status, headers["content-type"].as_bytes()), (200, &b"image/jpeg"[..]));
                assert!(!tells_its_place(&served), "{key}: served with its place");
            }
            let id = made["id"].as_str().unwrap().parse().unwrap();
            for name in scan::left_of(&self.app, &[id]).await {
                let kept = scan::opened(&self.app, name).await;
                assert!(!tells_its_place(&kept), "{key}: kept with its place");
            }
            ids.push(made["id"].clone());
        }
        ids
    }

    async fn submits(&self, title: &str, photos: &[Value]) -> Case {
        let mut body = complaint();
        body["title"] = json!(title);
        body["attachment_ids"] = json!(photos);
        let case = self.wang.submit(&body).await;
        assert_eq!(self.public_title(&case).await, WITHHELD, "not before it is judged");
        self.app.drain().await;
        case
    }

    /// What the public reads.
    async fn public_title(&self, case: &Case) -> Value {
        let read = self.app.anonymous().post("/track", case.track(json!({}))).await;
        read.expect(200)["title"].clone()
    }

    /// WeChat objects, or cannot look: the public reads nothing, she and the centre everything, and
    /// it waits for a person where it stands, who lets it be read.
    async fn a_person_looks(&self, case: &Case, title: &str, state: &str, reason: &str) {
        assert_eq!(self.public_title(case).await, WITHHELD);
        assert_eq!(self.wang.complaint(case).await["title"], title);
        let centre = self.app.as_("dispatcher");
        assert_eq!(centre.complaint(case).await["title"], title);
        let waiting = centre.all(&format!("/screenings?state={state}")).await;
        let row = waiting.iter().find(|row| row["id"] == case.id).expect("the case");
        assert_eq!((&row["title"], &row["reason"]), (&json!(title), &json!(reason)));
        let decide = json!({"show": true, "reason": "说的是井盖和路灯"});
        let path = format!("/screenings/{}/decide", case.id);
        centre.post(&path, decide).await.expect(200);
        assert_eq!(self.public_title(case).await, title);
    }

    /// WeChat fetches both photos by the links that it was given, as they are kept.
    async fn wechat_fetches_the_photos(&self) {
        let asked = self.asked(MEDIA).await;
        assert_eq!(asked.len(), 2, "each photo once");
        for body in &asked {
            assert_eq!(
                (&body["openid"], &body["media_type"]),
                (&json!("oTest-real-wang"), &json!(2))
            );
            let url = body["media_url"].as_str().unwrap();
            let path = url.strip_prefix("https://zhixiang.test").expect("our address");
            let (status, _, photo) = fetched(&self.app, &json!(path)).await;
            assert_eq!(status, 200);
            assert!(!tells_its_place(&photo), "WeChat is told the place");
        }
    }

    /// Its answers come encrypted, some several times and one from somebody else. The photo that it
    /// objects to is hidden from all but those who judge.
    async fn wechat_answers_about_the_photos(&self, case: &Case) {
        let app = &self.app;
        let objection = checked_json("t-1", "risky");
        for answer in join_all((0..3).map(|_| app.push_safe(&objection))).await {
            succeeded(answer);
        }
        succeeded(app.push_safe(&checked_json("t-2", "pass")).await);
        let forged = checked_json("t-2", "risky");
        let forged = app.push("signature=x&timestamp=1&nonce=n", "application/json", &forged).await;
        forged.refused(422, "wechat_signature_wrong");
        app.drain().await;
        // And once more, when all is done.
        succeeded(app.push_safe(&objection).await);
        app.drain().await;
        assert_eq!(app.count("job where kind = 'media_checked'").await, 2);
        assert_eq!(app.count("audit_entry where action = 'attachment.checked'").await, 2);

        let hidden = app.as_("dispatcher").all("/attachments?check=hidden").await;
        assert_eq!((hidden.len(), &hidden[0]["complaint_id"]), (1, &json!(case.id)));
        assert_eq!(fetched(app, &hidden[0]["url"]).await.0, 200, "who judges it sees it");
        let files = format!("{}/attachments", case.path(""));
        for reader in [&self.wang, &app.as_("community.140213066004")] {
            let files = reader.get(&files).await.expect(200);
            let shown: Vec<bool> = files["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|file| {
                    assert_eq!(file["url"].is_null(), file["id"] == hidden[0]["id"]);
                    file["url"].is_string()
                })
                .collect();
            assert_eq!(shown.iter().filter(|shown| **shown).count(), 1, "{files}");
        }
        for body in self.asked(MEDIA).await {
            let url = body["media_url"].as_str().unwrap();
            let objected = url.contains(hidden[0]["id"].as_str().unwrap());
            let path = url.strip_prefix("https://zhixiang.test").expect("our address");
            let status = fetched(app, &json!(path)).await.0;
            assert_eq!(status, if objected { 404 } else { 200 }, "a link that was given out");
        }
    }

    /// The case goes its way as any other, and she is told of each step.
    async fn the_case_is_handled(&self, case: &mut Case) {
        let app = &self.app;
        let (centre, clerk) = (app.as_("dispatcher"), app.as_(CLERK));
        app.accept(case, "ordinary").await;
        app.drain().await;
        app.dispatch(case, json!({"lead": crate::support::UNIT})).await;
        app.drain().await;
        clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
        app.contact_and_reply(case).await;
        centre.post(&case.task("/confirm"), json!({})).await.expect(200);
        app.drain().await;
        let stars = json!({"solved": true, "satisfaction": 5, "contacted": true});
        let done = self.wang.post(&case.path("/evaluate"), stars).await.expect(200);
        assert_eq!(done["status"], "closed");
        app.drain().await;
        let inbox = self.wang.all("/notifications").await;
        let of_case = inbox.iter().filter(|one| one["complaint_id"] == case.id);
        let mut told: Vec<&str> = of_case.map(|one| one["kind"].as_str().unwrap()).collect();
        // Of one instant all of them, as the clock stands still here.
        told.sort_unstable();
        let steps = [
            "accepted",
            "contacted",
            "follow_up_started",
            "replied",
            "task_acknowledged",
            "task_dispatched",
        ];
        assert_eq!(told, steps);
    }
}

/// Two of the centre's steps, for which she had consented, came to her phone, each once.
async fn messages_were_sent_once(story: &Story) {
    let sent = story.asked(MESSAGE).await;
    let phrases: Vec<&Value> = sent.iter().map(|body| &body["data"]["phrase3"]["value"]).collect();
    assert_eq!(phrases, ["已受理", "已派单"], "{sent:?}");
    assert!(sent.iter().all(|body| body["touser"] == "oTest-real-wang"), "{sent:?}");
    assert_eq!(story.app.count("delivery where state = 'sent'").await, 2);
    assert_eq!(story.app.count("delivery where state in ('sending', 'unknown')").await, 0);
}

#[tokio::test]
async fn a_resident_from_the_first_log_in_to_the_evaluation() {
    let story = Story::begin().await;
    story.gives_her_number().await;
    story.consents().await;
    let photos = story.uploads_two_photos().await;

    let mut case = story.submits(RISKY, &photos).await;
    story.a_person_looks(&case, RISKY, "hidden", "machine").await;
    story.wechat_fetches_the_photos().await;

    // The token dies between two calls: it is renewed once, and the check sent again.
    story.wechat.dead.store(1, SeqCst);
    let later = story.submits(LATER, &[]).await;
    story.a_person_looks(&later, LATER, "waiting", "unchecked").await;
    let forced = story.asked(TOKEN).await;
    let forced = forced.iter().filter(|body| body["force_refresh"] == true).count();
    assert_eq!(forced, 1);

    story.wechat_answers_about_the_photos(&case).await;
    story.the_case_is_handled(&mut case).await;
    story.app.accept(&later, "ordinary").await;
    messages_were_sent_once(&story).await;

    // Of the texts the second was sent twice: with the dead token, and with the new one.
    assert_eq!(story.counts([LOGIN, PHONE, TEXT, MEDIA]).await, [1, 1, 3, 2]);
}
