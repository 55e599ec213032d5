//! The use cases that are measured, as requests.

use std::sync::Arc;

use serde_json::json;

use super::load::{Request, Requests};
use super::prepare::{self, Data, UNITS};
use crate::client::{Call, Client};
use crate::failure::Result;

const RESIDENTS: [&str; 8] = ["li", "wang", "zhao", "sun", "zhou", "wu", "zheng", "chen"];
/// The centre has one account; its log-ins have a session each.
const CENTRE_SESSIONS: usize = 4;

/// A use case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// An officer's list of 20 tasks.
    List,
    /// One complaint, read by the centre.
    Read,
    /// A resident's complaint is taken in.
    Submit,
    /// A unit acknowledges a task.
    Acknowledge,
    /// A resident's list of 20 offers of several hundred.
    Offers,
    /// What a member has, of many awards.
    Points,
    /// Members redeem the same hot offer.
    Redeem,
}

impl Case {
    /// Reads come first, while nothing else has been written.
    pub const ALL: [Self; 7] = [
        Self::List,
        Self::Read,
        Self::Offers,
        Self::Points,
        Self::Submit,
        Self::Acknowledge,
        Self::Redeem,
    ];

    /// Whether it changes nothing.
    pub const fn only_reads(self) -> bool {
        matches!(self, Self::List | Self::Read | Self::Offers | Self::Points)
    }

    /// For the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::List => "经办人看 20 件任务 GET /tasks",
            Self::Read => "看一件诉求 GET /complaints/{id}",
            Self::Offers => "居民看 20 个优惠 GET /offers",
            Self::Points => "党员看自己的积分 GET /me/points",
            Self::Submit => "接收一件诉求 POST /complaints",
            Self::Acknowledge => "签收一件任务 POST /tasks/{id}/acknowledge",
            Self::Redeem => "兑换热门优惠 POST /offers/{id}/redemptions",
        }
    }

    /// For the JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::List => "task.list",
            Self::Read => "complaint.read",
            Self::Offers => "offer.list",
            Self::Points => "points.read",
            Self::Submit => "complaint.submit",
            Self::Acknowledge => "task.acknowledge",
            Self::Redeem => "redemption.redeem",
        }
    }

    /// The least share of PostgreSQL's own limit that we want to reach, in hundredths.
    pub const fn aim(self) -> u32 {
        if self.only_reads() { 30 } else { 60 }
    }
}

/// Everybody who is needed, logged in.
#[derive(Debug)]
pub struct Cases {
    data: Data,
    residents: Vec<String>,
    centre: Vec<String>,
    /// One of each of [`UNITS`].
    clerks: Vec<String>,
    /// Token and account of each of the buyers.
    buyers: Vec<(String, String)>,
}

impl Cases {
    /// Logs everybody in: a token lives for a quarter of an hour.
    pub async fn log_in(client: &Client, data: &Data, case: Case) -> Result<Self> {
        let (residents, centre, clerks, buyers) = (vec![], vec![], vec![], vec![]);
        let mut cases = Self { data: *data, residents, centre, clerks, buyers };
        if matches!(case, Case::Redeem | Case::Points) {
            cases.buyers = prepare::buyers(client).await?;
        }
        for name in RESIDENTS {
            cases.residents.push(client.log_in(&Call::resident_login(name)).await?);
        }
        for _ in 0..CENTRE_SESSIONS {
            cases.centre.push(client.log_in(&Call::staff_login("dispatcher")).await?);
        }
        for unit in UNITS {
            cases.clerks.push(client.log_in(&Call::staff_login(&format!("dept.{unit}"))).await?);
        }
        Ok(cases)
    }

    /// The n-th request of a case.
    pub fn request(&self, case: Case, n: u64) -> Request {
        let at = |tokens: &[String]| pick(tokens, n).to_owned();
        match case {
            Case::List => get("/api/v1/tasks", &at(&self.clerks)),
            Case::Read => {
                let id = prepare::complaint_id(1 + n % self.data.cases);
                get(&format!("/api/v1/complaints/{id}"), &at(&self.centre))
            }
            Case::Offers => get("/api/v1/offers", &at(&self.residents)),
            Case::Points => get("/api/v1/me/points", self.buyer(n).0),
            Case::Submit => {
                let key = format!("Idempotency-Key: {}\r\n", submit_key(n));
                post("/api/v1/complaints", &at(&self.residents), &key, &complaint(), 201)
            }
            Case::Acknowledge => {
                let case = self.data.first_pending + n;
                let id = prepare::task_id(case);
                let clerk = pick(&self.clerks, case).to_owned();
                post(&format!("/api/v1/tasks/{id}/acknowledge"), &clerk, "", "{}", 200)
            }
            Case::Redeem => {
                let path = format!("/api/v1/offers/{}/redemptions", prepare::OFFER);
                let key = format!("Idempotency-Key: {}\r\n", redeem_key(n));
                post(&path, self.buyer(n).0, &key, "{}", 201)
            }
        }
    }

    /// A request that no run reaches, whose statements are captured.
    pub const fn captured(&self, case: Case) -> u64 {
        match case {
            Case::List | Case::Read | Case::Offers | Case::Points => 0,
            Case::Submit | Case::Redeem => 999_999_999_999,
            Case::Acknowledge => self.data.spare - self.data.first_pending,
        }
    }

    /// Something harmless by the same caller as the n-th request.
    pub fn greeting(&self, case: Case, n: u64) -> Request {
        let token = match case {
            Case::List => pick(&self.clerks, n),
            Case::Read => pick(&self.centre, n),
            Case::Submit | Case::Offers => pick(&self.residents, n),
            Case::Acknowledge => pick(&self.clerks, self.data.first_pending + n),
            Case::Redeem | Case::Points => self.buyer(n).0,
        };
        get("/api/v1/me", token)
    }

    /// Token and account of who makes the n-th redemption.
    pub fn buyer(&self, n: u64) -> (&str, &str) {
        let turn = usize::try_from(n).unwrap_or_default() % self.buyers.len().max(1);
        self.buyers.get(turn).map_or(("", ""), |(token, id)| (token, id))
    }

    /// All requests of a case.
    pub fn requests(self, case: Case) -> Requests {
        Arc::new(move |n| self.request(case, n))
    }

    /// What the cases work on.
    pub const fn data(&self) -> &Data {
        &self.data
    }
}

/// The idempotency key of the n-th submission.
pub fn submit_key(n: u64) -> String {
    format!("bench-http-{n:012}")
}

/// The idempotency key of the n-th redemption.
pub fn redeem_key(n: u64) -> String {
    format!("bench-redeem-{n:012}")
}

/// An ordinary complaint of an ordinary length.
pub fn complaint() -> String {
    json!({
        "kind": "help",
        "title": "文兴路口路灯不亮",
        "content": "文兴路与永和街交叉口东北角的路灯三天没亮了，晚上老人出行不便，孩子放学也看不清路。\
                    上周已经有人在这里绊倒过一次，请尽快派人来看看，谢谢。",
        "community_code": "140213066004",
        "address": "文兴路与永和街交叉口",
        "location": { "lng": 113.3402, "lat": 40.0911 },
    })
    .to_string()
}

fn pick(tokens: &[String], n: u64) -> &str {
    let turn = usize::try_from(n).unwrap_or_default();
    tokens.get(turn % tokens.len().max(1)).map_or("", String::as_str)
}

fn get(path: &str, token: &str) -> Request {
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n");
    Request { bytes: head.into_bytes(), status: 200 }
}

fn post(path: &str, token: &str, more: &str, body: &str, status: u16) -> Request {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{more}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Request { bytes: request.into_bytes(), status }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_acknowledged_by_its_own_clerk() {
        let data = Data { cases: 40, first_pending: 41, spare: 100, copies: 1_000 };
        let clerks: Vec<String> = UNITS.iter().map(|unit| format!("token-{unit}")).collect();
        let cases = Cases { data, residents: vec![], centre: vec![], clerks, buyers: vec![] };
        for n in 0..16 {
            let request = cases.request(Case::Acknowledge, n);
            let text = String::from_utf8(request.bytes).unwrap();
            let case = data.first_pending + n;
            assert!(text.contains(&prepare::task_id(case)), "{text}");
            assert!(text.contains(&format!("Bearer token-{}\r\n", prepare::unit(case))), "{text}");
        }
    }

    #[test]
    fn buyers_redeem_the_hot_offer_in_turn_with_a_key_each() {
        let data = Data { cases: 40, first_pending: 41, spare: 100, copies: 1_000 };
        let buyers = vec![("token-0".into(), "id-0".into()), ("token-1".into(), "id-1".into())];
        let cases = Cases { data, residents: vec![], centre: vec![], clerks: vec![], buyers };
        for n in 0..4 {
            let request = cases.request(Case::Redeem, n);
            let text = String::from_utf8(request.bytes).unwrap();
            assert!(text.starts_with(&format!("POST /api/v1/offers/{}/", prepare::OFFER)));
            assert!(text.contains(&format!("Bearer token-{}\r\n", n % 2)), "{text}");
            assert!(text.contains(&redeem_key(n)), "{text}");
            assert_eq!(cases.buyer(n).1, format!("id-{}", n % 2));
        }
    }

    #[test]
    fn a_body_says_its_length_in_bytes() {
        let request = post("/x", "t", "", "路灯", 200);
        let text = String::from_utf8(request.bytes).unwrap();
        assert!(text.ends_with("Content-Length: 6\r\n\r\n路灯"), "{text}");
    }
}
