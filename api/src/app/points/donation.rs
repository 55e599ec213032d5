//! Giving points away (转赠): a person to a community or a household that they look after, a community
//! to a household in it. What arrives runs out when it would have for the donor.

use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, DonationId, HouseholdId, JobId, LedgerTxId},
    org::NodeCode,
    points::{EntryKind, Refused, donation as rules, take, year},
    redemption,
    refusal::{Basic, Invalid},
    time::{self, Month, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        identity as accounts,
        points::{
            self as store, NewLot, Posting,
            donation::{self, NewDonation},
        },
    },
    random,
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::reversal::{set_off, tell};
use crate::{
    app::{
        case::Ask,
        idempotent::{self, Answer, Once},
    },
    error::Error,
    state::State,
};

/// For whom a person's gift is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// A community.
    Community(NodeCode),
    /// A household that the person looks after.
    Household(HouseholdId),
}

/// 一次转赠
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DonationView {
    /// 编号
    pub id: DonationId,
    /// 流水编号
    pub movement: LedgerTxId,
    /// 多少分
    #[schema(example = 20)]
    pub points: i64,
    /// 给哪个社区
    pub community_code: Option<NodeCode>,
    /// 给哪户家庭
    pub household_id: Option<HouseholdId>,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A gift that is worked out: from which account to which, and for whom.
struct Gift {
    from: Uuid,
    to: Uuid,
    /// Whoever it goes to is told.
    person: Option<AccountId>,
    community: Option<NodeCode>,
    household: Option<HouseholdId>,
    /// The code of who gives, and of who gets, for the sentences of both.
    between: (&'static str, &'static str),
    reason: Option<String>,
    /// Who said whose account the household's is, where a community gives.
    bound_by: Option<AccountId>,
}

/// A person gives points away, once for each key.
///
/// # Errors
/// No community; no household that they look after; [`Refused`]; fewer free points.
pub async fn give(
    state: &State,
    ask: Ask,
    once: Once,
    (points, to): (i64, Receiver),
) -> Result<Answer<Option<JobId>>, Error> {
    let now = state.clock.now();
    let at_most = state.config.points.donate_per_day;
    let answer = idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            store::open(tx, by, now).await?;
            let gift = from_person(tx, by, to, now).await?;
            let open = donation::lock_both(tx, [gift.from, gift.to]).await?;
            let today = time::start_of(time::date(now));
            let given = donation::given_since(tx, by, today).await?;
            rules::within_day(points, given, at_most)?;
            post(tx, &ask, (points, gift, open), by, now).await
        })
    })
    .await?;
    Ok(woken(state, answer).await)
}

async fn from_person(
    tx: &mut Connection,
    by: AccountId,
    to: Receiver,
    now: Timestamp,
) -> Result<Gift, Error> {
    match to {
        Receiver::Community(code) => {
            if !store::read::community::exists(tx, &code).await? {
                return Err(Invalid::field("community_code", "没有这个社区").into());
            }
            let fresh = random::id::<DonationId>(now).0;
            let to = donation::open_community(tx, fresh, &code, now).await?;
            let between = ("person", "community");
            let community = Some(code);
            Ok(Gift {
                from: by.0,
                to,
                person: None,
                community,
                household: None,
                between,
                reason: None,
                bound_by: None,
            })
        }
        Receiver::Household(id) => {
            let found = donation::household(tx, id, Some(by)).await?;
            let found =
                found.ok_or_else(|| Invalid::field("household_id", "没有您结对的这户家庭"))?;
            let account = found.account.ok_or(Refused::NoAccount)?;
            if accounts::same_person(tx, by, &[account]).await? {
                return Err(Refused::DonationReturns.into());
            }
            store::open(tx, account, now).await?;
            let between = ("person", "household");
            let (person, household) = (Some(account), Some(id));
            let (from, to) = (by.0, account.0);
            Ok(Gift {
                from,
                to,
                person,
                community: None,
                household,
                between,
                reason: None,
                bound_by: None,
            })
        }
    }
}

/// A community passes points on to a household in it, once for each key. Two persons stand behind it:
/// who entered the household's account passes nothing on to it.
///
/// # Errors
/// Not one's own community; no household in it; [`Refused`]; fewer free points.
pub async fn pass_on(
    state: &State,
    ask: Ask,
    once: Once,
    community: NodeCode,
    (points, household, reason): (i64, HouseholdId, String),
) -> Result<Answer<Option<JobId>>, Error> {
    let now = state.clock.now();
    let at_most = state.config.points.pass_on_per_month;
    let answer = idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let found = donation::household(tx, household, None).await?;
            let found = found.filter(|found| found.community == community);
            let found =
                found.ok_or_else(|| Invalid::field("household_id", "本社区没有这户家庭"))?;
            let account = found.account.ok_or(Refused::NoAccount)?;
            let bound_by = found.account_by.ok_or(Refused::NoAccount)?;
            if accounts::same_person(tx, by, &[bound_by]).await? {
                return Err(Refused::HouseholdByOneself.into());
            }
            let fresh = random::id::<DonationId>(now).0;
            let from = donation::open_community(tx, fresh, &community, now).await?;
            store::open(tx, account, now).await?;
            let open = donation::lock_both(tx, [from, account.0]).await?;
            // What somebody gave does not come back to them by way of the community, as long as it may
            // still be there: points of a year run out with the next.
            let this = year(time::date(now)).0;
            let since = time::start_of(this.pred_opt().map_or(this, |last| year(last).0));
            if accounts::same_person(tx, by, &[account]).await?
                || donation::gave_to(tx, (account, from), since).await?
            {
                return Err(Refused::DonationReturns.into());
            }
            let month = time::start_of(Month::of(now).first());
            let given = donation::passed_on_since(tx, (from, household), month).await?;
            rules::within_month(points, given, at_most)?;
            let gift = Gift {
                from,
                to: account.0,
                person: Some(account),
                community: None,
                household: Some(household),
                between: ("community", "household"),
                reason: Some(reason),
                bound_by: Some(bound_by),
            };
            post(tx, &ask, (points, gift, open), by, now).await
        })
    })
    .await?;
    Ok(woken(state, answer).await)
}

async fn woken(state: &State, answer: Answer<Option<JobId>>) -> Answer<Option<JobId>> {
    let jobs: Vec<JobId> = answer.fresh.iter().flatten().copied().collect();
    state.redis.wake(&jobs).await;
    answer
}

/// Posts a gift under the locks of both accounts: out of what the giver has free, first in first out,
/// into lots that run out on the same dates.
async fn post(
    tx: &mut Connection,
    ask: &Ask,
    (points, gift, open): (i64, Gift, bool),
    by: AccountId,
    now: Timestamp,
) -> Result<(DonationView, Option<JobId>), Error> {
    if !open {
        return Err(redemption::Refused::LedgerBlocked.into());
    }
    // An account of the ledger has an id of its owner's form, also where a community owns it.
    let lots = store::spendable(tx, AccountId(gift.from), now).await?;
    let short = || redemption::Refused::PointsInsufficient {
        needed: points,
        available: rules::free(&lots),
    };
    let parts = take(&lots, points).ok_or_else(short)?;
    let ends = donation::ends(tx, &parts).await?;
    let (id, movement): (DonationId, LedgerTxId) = (random::id(now), random::id(now));
    let (from, to) = gift.between;
    let posting = Posting {
        id: movement,
        kind: EntryKind::Donate,
        cause: &id.to_string(),
        amount: points,
        from: gift.from,
        to: gift.to,
        data: &json!({ "donation": id, "from": from, "to": to }),
        award: None,
        reverses: None,
    };
    store::post(tx, &posting, now).await?;
    store::take_parts(tx, gift.from, &parts).await?;
    for (expires_at, points) in rules::arriving(&parts, &ends) {
        let lot = random::id(now);
        let (account, given_by) = (gift.to, movement);
        store::add_lot(tx, &NewLot { id: lot, account, points, expires_at, given_by }).await?;
    }
    let new = NewDonation {
        id,
        tx: movement,
        from: gift.from,
        to: gift.to,
        household: gift.household,
        points,
        reason: gift.reason.as_deref(),
        by,
        bound_by: gift.bound_by,
    };
    donation::insert(tx, &new, now).await?;
    let entry = AuditEntry::new("points.donate", "donation", id, &ask.origin)
        .by(ask.actor.as_ref())
        .with(json!({
            "points": points, "from": from, "to": to, "household": gift.household,
            "account_by": gift.bound_by,
        }));
    audit::append(tx, &entry, now).await?;
    let mut job = None;
    if let Some(person) = gift.person {
        set_off(tx, person, now).await?;
        let told = NewEvent::new(EventKind::PointsReceived, Visibility::Reporter)
            .with(json!({ "account": person, "points": points, "from": from }))
            .note(gift.reason.clone());
        job = tell(tx, person, &[told], Some(by), now).await?;
    }
    let view = DonationView {
        id,
        movement,
        points,
        community_code: gift.community,
        household_id: gift.household,
        at: now,
    };
    Ok((view, job))
}
