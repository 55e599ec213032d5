//! Names, numbers and telephones leave in full in few places: each is listed here with what it does
//! with them, and where a person reads them, with the entry that tells of it.

use std::{collections::BTreeMap, fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, complaint};

/// What a file of the product does with plain values.
enum Does {
    /// They go to the cipher, an index, a comparison, the hash, or to WeChat, and to nobody's eyes.
    Keeps,
    /// They come out masked.
    Masks,
    /// The person's own, or the words of whoever wrote them, given back to them.
    Own,
    /// Somebody reads them in full: these entries say who, and why where a reason is asked for.
    Shows(&'static [&'static str]),
    /// Those of the office on duty, which its own people must have.
    Office,
}

use Does::{Keeps, Masks, Office, Own, Shows};

const PLAIN: &[(&str, Does)] = &[
    ("api/src/app/complaint.rs", Shows(&["complaint.unmask"])),
    ("api/src/app/enforcement/act.rs", Shows(&["enforcement.name_seen"])),
    ("api/src/app/evaluation.rs", Own),
    ("api/src/app/export/rows.rs", Shows(&["export.make"])),
    ("api/src/app/feedback.rs", Shows(&["feedback.unmask"])),
    ("api/src/app/household.rs", Keeps),
    ("api/src/app/household/view.rs", Shows(&["household.seen"])),
    ("api/src/app/identity.rs", Keeps),
    ("api/src/app/identity/accounts.rs", Keeps),
    ("api/src/app/identity/password.rs", Keeps),
    ("api/src/app/identity/phone.rs", Masks),
    ("api/src/app/identity/phone_code.rs", Keeps),
    ("api/src/app/identity/staff.rs", Keeps),
    ("api/src/app/identity/totp.rs", Keeps),
    ("api/src/app/merchant.rs", Shows(&["merchant.unmask"])),
    ("api/src/app/party.rs", Shows(&["party.unmask"])),
    ("api/src/app/party/view.rs", Shows(&["party.name_seen", "party.export"])),
    ("api/src/app/privacy/export.rs", Own),
    ("api/src/app/redemption.rs", Own),
    ("api/src/app/redemption/voucher.rs", Keeps),
    ("api/src/app/registration.rs", Shows(&["registration.name_seen"])),
    ("api/src/app/registration/change.rs", Own),
    ("api/src/app/request.rs", Shows(&["request.unmask"])),
    ("api/src/app/score/view.rs", Shows(&["score.book_seen"])),
    ("api/src/app/seed/service.rs", Keeps),
    ("api/src/app/supervision/roster.rs", Office),
    ("api/src/http/complaint/view.rs", Shows(&["complaint.unmask"])),
    ("api/src/http/identity/credential.rs", Shows(&["account.set_password"])),
    ("api/src/http/score.rs", Keeps),
    ("api/src/http/supervision/roster.rs", Office),
    ("infra/src/crypto.rs", Keeps),
    ("infra/src/postgres/privacy/rekey.rs", Keeps),
    ("infra/src/sms/aliyun.rs", Keeps),
    ("infra/src/wechat/content_check.rs", Keeps),
    ("infra/src/wechat/message.rs", Keeps),
    ("infra/src/wechat/token.rs", Keeps),
];

/// What brings a plain value out.
const WAYS: [&str; 4] = [".plain()", "Phone::plain", "PersonName::plain", "open_text("];

fn sources(folder: &Path, found: &mut BTreeMap<String, String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.insert(path.display().to_string(), fs::read_to_string(entry.path()).unwrap());
        }
    }
}

fn all(folders: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    folders.iter().for_each(|folder| sources(Path::new(folder), &mut found));
    found
}

#[test]
fn every_place_where_a_plain_value_comes_out_is_known_and_its_reading_is_on_record() {
    let product = all(&["api/src", "infra/src"]);
    let is_test = |path: &str| path.ends_with("tests.rs") || path.contains("/tests/");
    let bring_out = |code: &str| {
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        WAYS.iter().any(|way| code.contains(way))
    };
    let there: Vec<&str> = product
        .iter()
        .filter(|(path, code)| !is_test(path) && bring_out(code))
        .map(|(path, _)| path.as_str())
        .collect();
    let known: Vec<&str> = PLAIN.iter().map(|(path, _)| *path).collect();
    assert_eq!(there, known, "each has its line in PLAIN, in order, and says what it does");

    let tests = all(&["tests/it"]);
    let app = all(&["api/src/app"]);
    let mut faults = Vec::new();
    for (path, does) in PLAIN {
        let Shows(entries) = does else { continue };
        for entry in *entries {
            let written = format!("\"{entry}\"");
            if !app.values().any(|code| code.contains(&written)) {
                faults.push(format!("{path}: nobody writes {entry}"));
            }
            // As the statements of the tests quote it, and this table does not.
            let asked = format!("'{entry}'");
            if !tests.values().any(|code| code.contains(&asked)) {
                faults.push(format!("{path}: no test looks for {entry}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// None of the types can be serialised, and both ways of printing them mask.
#[test]
fn what_is_personal_cannot_be_written_out_by_accident() {
    let code = all(&["domain/src"]).remove("domain/src/personal.rs").unwrap();
    for derive in code.lines().filter(|line| line.trim_start().starts_with("#[derive(")) {
        for way in ["Serialize", "ToSchema", "sqlx::Type", "Debug", "Display"] {
            assert!(!derive.contains(way) || derive.contains("//"), "{way}: {derive}");
        }
    }
    for way in ["impl Serialize", "impl From<$name> for String", "impl Deref", "impl AsRef<str>"] {
        assert!(!code.contains(way), "{way} would let a plain value out");
    }
    use domain::personal::{IdNumber, IdTail, OpenId, PersonName, Phone};
    let phone = Phone::trusted("13812345678".into());
    let id = IdNumber::trusted("140202199001011234".into());
    let values = [
        (format!("{phone} {phone:?}"), "13812345678"),
        (format!("{id} {id:?}"), "140202199001011234"),
        (format!("{0} {0:?}", IdTail::trusted("011234".into())), "011234"),
        (format!("{0} {0:?}", PersonName::trusted("欧阳文兴".into())), "欧阳文兴"),
        (format!("{0} {0:?}", OpenId::trusted("oABCDEF0123456789".into())), "oABCDEF0123456789"),
    ];
    for (printed, plain) in values {
        assert!(!printed.contains(plain), "{printed}");
    }
}

async fn entries(app: &App, action: &str) -> i64 {
    app.count(&format!("audit_entry where action = {action}")).await
}

#[tokio::test]
async fn whoever_asks_for_a_contact_says_why_and_is_on_record() {
    let app = App::spawn().await;
    let case = app.resident("li").submit(&complaint()).await;
    let centre = app.as_("dispatcher");
    let (unmask, action) = (case.path("/unmask"), "'complaint.unmask'");
    let refused = centre.post(&unmask, json!({"reason": ""})).await;
    assert_eq!((refused.status, entries(&app, action).await), (422, 0));
    let seen = centre.post(&unmask, json!({"reason": "电话回访"})).await.expect(200);
    assert_eq!(seen["phone"], "13834567890");
    let data: Value =
        sqlx::query_scalar("select data from audit_entry where action = 'complaint.unmask'")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(data["reason"], "电话回访");
    assert!(!data.to_string().contains("13834567890"), "the entry does not repeat it");

    let (shop, action) = ("/merchants/wenxing/unmask", "'merchant.unmask'");
    let organiser = app.as_("organiser");
    organiser.post(shop, json!({"reason": "核对执照"})).await.expect(200);
    assert_eq!(entries(&app, action).await, 1);
}

#[tokio::test]
async fn a_look_at_a_members_name_and_the_export_of_the_register_are_on_record() {
    let app = App::spawn().await;
    let organiser = app.as_("organiser");
    let members = organiser.all("/party-members").await;
    let path = format!("/party-members/{}", members[0]["id"].as_str().unwrap());
    organiser.request(Method::GET, &path).send().await.expect(200);
    assert_eq!(entries(&app, "'party.name_seen'").await, 1);
}
