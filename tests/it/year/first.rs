//! First quarter: everybody registers, shops are taken in, the first services and redemptions.

use serde_json::{Value, json};

use super::story::{MEMBERS, SHOPS, Story, id, moment_of, name_of, number_of};
use crate::support::COMMUNITY;

pub async fn quarter(story: &mut Story) {
    story.day("2025-01-02 09:00").await;
    enlist(story).await;
    register(story).await;
    receipts(story).await;
    story.day("2025-01-03 10:00").await;
    open_shops(story).await;
    saturdays(story).await;
    story.day("2025-02-10 09:00").await;
    visits(story).await;
    long_day(story).await;
    redemptions(story).await;
    take_back(story).await;
    story.day("2025-03-20 09:00").await;
    story.member(10).was_told("visit_due", 1).await;
    score(story).await;
}

/// The register is brought as a file; a bad row stops all of it.
async fn enlist(story: &Story) {
    const HEADER: &str = "姓名,身份证号码,党支部,台账,职级,工作单位";
    let row = |n: u32| {
        let branch = if n <= 15 { "01" } else { "02" };
        let unit = match n {
            ..=10 => "区教育局机关党委",
            11..=20 => "区住房和城乡建设局机关党委",
            _ => "区市场监督管理局机关党委",
        };
        let (ledger, rank) = match n {
            29 => ("在职", "处级正职"),
            30 => ("离退", "科员"),
            _ => ("在职", "科员"),
        };
        let (name, number) = (name_of(n), number_of(n));
        format!("{name},{number},party-{COMMUNITY}-{branch},{ledger},{rank},{unit}")
    };
    let mut rows: Vec<String> = (1..=MEMBERS).map(row).collect();
    rows.push(format!("文兴党员31,500031,party-{COMMUNITY}-01,退休,科员,"));
    let officer = story.officer();
    let tried = officer.brings("/party-members/import?dry_run=true", HEADER, &rows).await;
    assert_eq!(tried["refused"][0]["cell"], "D32", "{tried}");
    rows.pop();
    let brought = officer.brings("/party-members/import", HEADER, &rows).await;
    assert_eq!(brought["added"], MEMBERS, "{brought}");
}

/// Thirty are signed for. Member 28 mistypes the number, is refused and comes again; a stranger who
/// gives member 5's name is refused.
async fn register(story: &mut Story) {
    let form = |n: u32, number: &str| {
        json!({
            "community_code": COMMUNITY,
            "party_member": { "name": name_of(n), "id_number_last6": number },
        })
    };
    let sign = |registration: &str| format!("/registrations/{registration}/sign");
    let accept = json!({ "accept": true, "note": "欢迎回家" });
    let officer = story.officer();
    for n in 1..=MEMBERS {
        let number = if n == 28 { "500082".to_owned() } else { number_of(n) };
        let made = story.member(n).does("registers", "/registrations", form(n, &number)).await;
        story.registrations.push(id(&made));
    }
    let stranger = story.resident("stranger");
    let wrong = id(&stranger.does("registers", "/registrations", form(5, "500050")).await);
    for (place, registration) in story.registrations.iter().enumerate() {
        if place != 27 {
            officer.does("signs", &sign(registration), accept.clone()).await;
        }
    }
    for refused in [&story.registrations[27], &wrong] {
        officer.cannot("signs", &sign(refused), accept.clone(), "not_on_register").await;
        let no = json!({ "accept": false, "note": "姓名和证件号码对不上，请核对" });
        let view = officer.does("refuses", &sign(refused), no).await;
        assert_eq!(view["status"], "refused");
    }
    let again = story.member(28).does("registers", "/registrations", form(28, "500028")).await;
    officer.does("signs", &sign(&id(&again)), accept).await;
    story.registrations[27] = id(&again);
    stranger.was_told("registration_refused", 1).await;
    story.member(28).was_told("registration_signed", 1).await;
    // The demo district's ten, and these.
    assert_eq!(officer.all("/registrations?status=signed").await.len(), 40);
}

/// The unit of members 1 to 10 gets their receipts, signs for one, and registers itself.
async fn receipts(story: &Story) {
    let liaison = story.desk("liaison.education");
    let receipts = liaison.all("/receipts?acknowledged=false").await;
    assert_eq!(receipts.len(), 4 + 10, "the demo district's four, and members 1 to 10");
    assert!(receipts.iter().all(|one| one["cause"] == "signed"), "{receipts:?}");
    let path = format!("/receipts/{}/acknowledge", id(&receipts[0]));
    liaison.does("signs for a receipt", &path, json!({})).await;
    assert_eq!(liaison.all("/receipts?acknowledged=false").await.len(), 13);
    let body = json!({ "unit": "education", "community_code": COMMUNITY, "offers": "每月一次家庭教育讲座" });
    let made = id(&liaison.does("registers its unit", "/unit-registrations", body).await);
    let path = format!("/unit-registrations/{made}/sign");
    let signed = story.officer().does("signs", &path, json!({ "accept": true })).await;
    assert_eq!(signed["status"], "signed");
}

/// A breakfast shop applies, is sent back once, is taken in, and binds a clerk. A fund pays for offers.
async fn open_shops(story: &mut Story) {
    let (owner, organiser) = (story.resident("zhao"), story.desk("organiser"));
    let form = |address: &str| {
        json!({
            "name": "幸福里早餐", "address": address, "licence": "91140200MA0K00003J",
            "contact_name": "赵秀英", "contact_phone": "13934567890",
        })
    };
    let made = owner.does("applies", "/merchant-applications", form("文兴路 12 号")).await;
    let path = format!("/merchant-applications/{}/decide", id(&made));
    let back = json!({ "decision": "send_back", "reason": "这个地址已有商户，请写到门牌" });
    organiser.does("sends back", &path, back).await;
    let path = format!("/merchant-applications/{}", id(&made));
    owner.puts("applies again", &path, form("文兴路 12 号一层")).await;
    let approve = json!({ "decision": "approve", "code": SHOPS[1] });
    organiser.does("takes in", &format!("{path}/decide"), approve).await;
    let path = format!("/merchants/{}/invitations", SHOPS[1]);
    let invited = owner.does("invites", &path, json!({ "role": "merchant_clerk" })).await;
    let code = json!({ "code": invited["code"] });
    story.resident("liu").does("is bound", "/invitations/accept", code).await;

    let fund = json!({ "name": "2025 年惠民资金", "payer": "fund", "cap_fen": 200_000 });
    let fund = organiser.does("funds", "/budgets", fund).await["id"].clone();
    let offer = |title: &str, merchant: &str, points: i64, [fen, cash]: [i64; 2]| {
        json!({
            "title": title, "category": "dining", "points": points, "stock": 100, "per_person": 10,
            "valid_until": moment_of("2026-01-01 00:00"), "merchant": merchant, "budget": fund,
            "settlement_fen": fen, "cash_fen": cash,
        })
    };
    let lunch = offer("幸福餐厅午餐一份", SHOPS[0], 2, [800, 300]);
    story.lunch = id(&organiser.does("publishes", "/offers", lunch).await);
    let breakfast = offer("豆浆油条一份", SHOPS[1], 1, [500, 100]);
    story.breakfast = id(&organiser.does("publishes", "/offers", breakfast).await);
}

/// Saturdays until the end of March, but for the Saturday of the Spring Festival. Of the first, six places
/// are taken by 1 to 6 and 7 and 8 wait; 6 calls off in time, 5 late, 4 does not come.
async fn saturdays(story: &Story) {
    story.day("2025-01-06 09:00").await;
    let officer = story.officer();
    let series = json!({
        "post": {
            "community_code": COMMUNITY, "kind": "environment", "title": "周六清洁家园",
            "starts_at": moment_of("2025-01-11 09:00"), "ends_at": moment_of("2025-01-11 11:00"),
            "capacity": 6,
        },
        "weekdays": [6], "until": "2025-03-29", "skip_holidays": true,
    });
    let made = officer.does("makes a series", "/post-series", series).await;
    assert_eq!(made["posts"].as_array().unwrap().len(), 11, "twelve Saturdays but one");
    assert_eq!(made["skipped"].as_array().unwrap().len(), 1, "{}", made["skipped"]);
    assert!(made["skipped"][0].to_string().contains("2025-02-01"), "{}", made["skipped"]);
    let post = made["posts"][0]["id"].as_str().unwrap();

    story.day("2025-01-08 09:00").await;
    let mut claims = Vec::new();
    for n in 1..=8 {
        let status = if n <= 6 { "claimed" } else { "waitlisted" };
        claims.push(story.member(n).claims(post, status).await);
    }
    let claim = |n: usize| claims[n - 1].as_str();
    let early = story.member(6).steps(claim(6), "cancel", json!({})).await;
    assert_eq!(early["cancelled_late"], false);
    story.member(7).claim_is(claim(7), "claimed").await;
    story.day("2025-01-10 15:00").await;
    let late = story.member(5).steps(claim(5), "cancel", json!({})).await;
    assert_eq!(late["cancelled_late"], true);
    story.member(8).claim_is(claim(8), "claimed").await;
    story.member(8).was_told("claim_promoted", 1).await;

    // 1 and 2 by the code that changes, the others by the organiser's word.
    story.day("2025-01-11 08:50").await;
    for n in [1_u32, 2] {
        let code = officer.sees(&format!("/posts/{post}/check-in-code")).await["code"].clone();
        let n_th = usize::try_from(n).unwrap();
        let there = story.member(n).steps(claim(n_th), "check-in", json!({ "code": code })).await;
        assert_eq!(there["checked_in_by"], "code");
    }
    story.day("2025-01-11 11:00").await;
    story.member(1).steps(claim(1), "check-out", json!({})).await;
    for n in [1, 2, 3, 7, 8] {
        assert_eq!(officer.confirms(claim(n), 120).await["points"], 2, "member {n}");
    }
    let absent = officer.steps(claim(4), "no-show", json!({})).await;
    assert_eq!(absent["status"], "no_show");
    let standing = story.member(4).sees("/me/service-standing").await;
    assert_eq!(standing["no_shows"], 1, "{standing}");
}

/// A household in difficulty, whose resident is chen; member 10 looks after it.
async fn visits(story: &mut Story) {
    let officer = story.officer();
    let home = json!({
        "community_code": COMMUNITY, "category": "elderly_alone", "name": "演示老人",
        "address": "文兴苑 3 号楼 2 单元 201", "consented_on": "2025-02-09",
        "account": story.resident("chen").account().await,
    });
    story.household = id(&officer.does("registers a household", "/households", home).await);
    let path = format!("/households/{}/pairings", story.household);
    let registration = &story.registrations[9];
    let pairing = json!({ "registration_id": registration, "until": "2026-06-30" });
    story.pairing = id(&officer.does("pairs", &path, pairing).await);
    let path = format!("/pairings/{}/accept", story.pairing);
    story.member(10).does("accepts", &path, json!({})).await;
    for (day, points) in [("2025-02-11", 1), ("2025-02-13", 2), ("2025-02-14", 2)] {
        story.day(&format!("{day} 16:00")).await;
        story.visit(&format!("{day} 15:00")).await;
        story.member(10).has(points, 0, 0).await;
    }
}

async fn long_day(story: &Story) {
    story.day("2025-03-05 08:30").await;
    let post = story.post("学雷锋志愿服务日", "civility", ["08:30", "14:30"], 30).await;
    story.serve(&post, 1..=28, 360, 6).await;
}

/// Monday, 10 March, at the till of 文兴示范商户.
async fn redemptions(story: &Story) {
    story.day("2025-03-10 11:30").await;
    let till = story.till(SHOPS[0]);
    let lunch = &story.lunch;

    let one = story.member(1);
    let ticket = one.redeems(lunch).await;
    one.has(6, 2, 0).await;
    let path = format!("/redemptions/{}/qr-token", id(&ticket));
    let picture = one.sees(&path).await["token"].clone();
    till.verifies(&picture).await;
    let code = json!({ "code": ticket["code"] });
    till.cannot("verifies again", "/redemptions/verify", code, "redemption_already_verified").await;
    one.has(6, 0, 0).await;

    // The clerk took the wrong code, and takes it back five minutes later.
    let two = story.member(2);
    let ticket = two.redeems(lunch).await;
    till.verifies(&ticket["digits"]).await;
    story.day("2025-03-10 11:35").await;
    let undone = till.steps_ticket(&ticket, "undo", json!({ "reason": "扫错了码" })).await;
    assert_eq!(undone["status"], "refunded");
    two.has(8, 0, 0).await;
    let again = two.redeems(lunch).await;
    till.verifies(&again["code"]).await;
    story.day("2025-03-10 11:46").await;
    let path = format!("/redemptions/{}/undo", id(&again));
    till.cannot("undoes late", &path, json!({ "reason": "扫错了码" }), "undo_too_late").await;

    let three = story.member(3);
    let ticket = three.redeems(lunch).await;
    three.steps_ticket(&ticket, "cancel", json!({})).await;
    three.has(8, 0, 0).await;
    let five = story.member(5);
    let unused = five.redeems(lunch).await;
    five.has(4, 2, 0).await;
    for _ in 0..2 {
        let ticket = story.member(13).redeems(lunch).await;
        till.verifies(&ticket["code"]).await;
    }
    let day = till.sees("/merchants/wenxing/till").await;
    let figures = ["count", "points", "undone"].map(|of| day[of].as_i64().unwrap());
    assert_eq!(figures, [4, 8, 1], "the till's day: {day}");

    story.day("2025-03-11 11:46").await;
    five.ticket_is(&unused, "expired").await;
    five.has(6, 0, 0).await;
}

/// Member 13 was put down for 5 March by mistake, and has spent 4 of the 6 points: 2 are taken, 4 are owed.
async fn take_back(story: &Story) {
    story.day("2025-03-12 10:00").await;
    let member = story.member(13);
    let lines = member.all("/me/points/entries").await;
    let award: &Value = lines.iter().find(|line| line["kind"] == "earn").unwrap();
    let path = format!("/ledger/entries/{}/reverse", id(award));
    let body = json!({ "ground": "duplicate", "reason": "同一天的服务在别处已经给过积分" });
    story.desk("organiser").does("takes back", &path, body).await;
    member.has(0, 0, 0).await;
    assert_eq!(member.sees("/me/points").await["owed"], 4, "member 13 owes what was spent");
    let told = member.was_told("points_taken_back", 1).await;
    assert!(told.contains("同一天的服务在别处已经给过积分"), "{told}");
}

/// Five inlets of the score book of members 1 to 15's branch.
async fn score(story: &Story) {
    story.day("2025-03-21 19:00").await;
    let (officer, secretary) = (story.officer(), story.secretary());
    for n in 1..=4 {
        story.scored(n, "meeting", "2025-03-20").await;
    }
    let honour = json!({
        "member_id": story.on_register(4).await, "item": "honour", "happened_on": "2025-03-08",
        "words": "获得优秀志愿者称号",
    });
    let honour = id(&officer.does("enters", "/score-entries", honour).await);
    secretary.does("accepts", &format!("/score-entries/{honour}/accept"), json!({})).await;
    for (who, inlet, named, item, n) in [
        (story.member(5), "declaration", None, "service", 5),
        (story.member(6), "review", Some(2), "household", 2),
        (story.resident("li"), "suggestion", Some(3), "service", 3),
    ] {
        let mut body = json!({
            "inlet": inlet, "happened_on": "2025-03-15", "words": "帮助邻里，群众认可",
        });
        if let Some(named) = named {
            body["named"] = json!(name_of(named));
        }
        if inlet == "suggestion" {
            body["community_code"] = json!(COMMUNITY);
        }
        let entry = id(&who.does(inlet, "/me/score-entries", body).await);
        let mut accept = json!({ "item": item });
        if named.is_some() {
            accept["member_id"] = json!(story.on_register(n).await);
        }
        officer.does("accepts", &format!("/score-entries/{entry}/accept"), accept).await;
    }
}
