//! The use cases against a real database: many at once, and long random histories.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use chrono::TimeDelta;
use domain::{
    identity::{Grant, SCOPE_SELF},
    offer::{Category, MerchantCode, NewOffer},
    points::{Ground, NewAdjustment, ProposalStep, Source},
    redemption::Status,
    time,
};
use futures::future::join_all;
use infra::postgres::{Pool, offer::Merchant};

use super::*;
use crate::{
    app::{
        case::Ask,
        points::{
            Award, Why, adjustment,
            donation::{self, Receiver},
        },
    },
    clock::Clock,
    config::Config,
    jobs,
};

fn state(db: Pool) -> State {
    let mut config = Config::load(None).unwrap();
    config.redis.url = "redis+unix:///nowhere/redis.sock".into();
    let clock = Clock::manual("2026-11-24T08:00:00Z".parse().unwrap());
    State { db, ..State::build(config, clock).unwrap() }
}

fn asking(role: Role, scope: &str, account: AccountId) -> Asking {
    let grants = vec![Grant { role, scope: scope.to_owned() }];
    Asking { actor: Actor { account, grants }, origin: Origin::default() }
}

async fn account(state: &State, role: Role, scope: &str) -> Asking {
    let id: AccountId = random::id(state.clock.now());
    sqlx::query("insert into account (id, display_name, created_at) values ($1, 'x', $2)")
        .bind(id.0)
        .bind(state.clock.now())
        .execute(&state.db)
        .await
        .unwrap();
    sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at) values ($1, $1, $2, $3, $4)",
    )
    .bind(id.0)
    .bind(role.code())
    .bind(scope)
    .bind(state.clock.now())
    .execute(&state.db)
    .await
    .unwrap();
    asking(role, scope, id)
}

/// A resident with points from one service.
async fn resident(state: &State, points: i64) -> Asking {
    let person = account(state, Role::Resident, SCOPE_SELF).await;
    give(state, &person, points).await;
    person
}

async fn give(state: &State, person: &Asking, points: i64) -> LedgerTxId {
    static SERVICES: AtomicU64 = AtomicU64::new(0);
    let now = state.clock.now();
    let award = Award {
        account: person.actor.account,
        points,
        source: Source::Service,
        cause: format!("service:test-{}", SERVICES.fetch_add(1, Ordering::Relaxed)),
        on: time::date(now),
        data: json!({}),
    };
    let here = state.clone();
    let given = transact(&state.db, move |tx| {
        Box::pin(async move {
            crate::app::points::award(tx, &here, &award, now).await?;
            Ok(points::reversal::find(tx, points::reversal::By::Cause(&award.cause)).await?)
        })
    });
    given.await.unwrap().unwrap().id
}

/// Takes an award back; how much of it is owed.
async fn take_back(state: &State, award: LedgerTxId) -> i64 {
    let now = state.clock.now();
    let why = Why { ground: Ground::Mistake, words: None, by: None };
    let taken = transact(&state.db, move |tx| {
        Box::pin(async move { crate::app::points::take_back(tx, award, &why, now).await })
    });
    taken.await.unwrap().owed
}

fn ask(by: &Asking) -> Ask {
    Ask::new(Some(by.actor.clone()), Origin::default())
}

/// Adjusts somebody's points by two persons; what the second was told.
async fn adjust(state: &State, whose: &Asking, two: &[Asking; 2], points: i64) -> &'static str {
    let new = NewAdjustment {
        account: whose.actor.account,
        points,
        reason: "核对账目".to_owned(),
        document: "测试".to_owned(),
    };
    let [one, other] = two;
    let key = format!("adjust-{:016x}", u64::from_be_bytes(random::bytes()));
    let by = Some(one.actor.account);
    let once = Once::new(&state.crypto, by, "points.propose_adjustment", key, &new).unwrap();
    let answer = adjustment::propose(state, ask(one), once, new).await.unwrap();
    let made: Value = serde_json::from_slice(&answer.body).unwrap();
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let step = (ProposalStep::Approve, None);
    outcome(adjustment::decide(state, ask(other), id, step).await)
}

/// Gives points to a community.
async fn donate(state: &State, by: &Asking, points: i64, key: &str) -> &'static str {
    let to = Receiver::Community("140213066004".parse().unwrap());
    let account = Some(by.actor.account);
    let once =
        Once::new(&state.crypto, account, "points.donate", key.to_owned(), &(points, &to)).unwrap();
    outcome(donation::give(state, ask(by), once, (points, to)).await)
}

async fn set_off(state: &State) {
    let now = state.clock.now();
    let done = transact(&state.db, move |tx| {
        Box::pin(async move { crate::app::points::reversal::set_off_all(tx, now).await })
    });
    done.await.unwrap();
}

async fn clerk(state: &State, merchant: &str) -> Asking {
    let code = MerchantCode::parse("code", merchant).unwrap();
    let one = Merchant { code, name: "文兴".to_owned(), address: None };
    let conn = &mut *state.db.acquire().await.unwrap();
    offer::upsert_merchants(conn, &[one], state.clock.now()).await.unwrap();
    account(state, Role::MerchantClerk, merchant).await
}

async fn publish(state: &State, points: i64, stock: i64, per_person: i16) -> OfferId {
    let organiser = account(state, Role::Organiser, "140213").await;
    let new = NewOffer {
        title: "午餐一份".to_owned(),
        category: Category::Dining,
        points,
        stock,
        per_person,
        valid_until: state.clock.now() + TimeDelta::days(300),
        merchant: MerchantCode::parse("code", "wenxing").unwrap(),
        details: Default::default(),
    };
    let published =
        crate::app::offer::publish(state, &organiser.actor, Origin::default(), new).await;
    published.unwrap()
}

async fn try_redeem(
    state: &State,
    by: &Asking,
    offer: OfferId,
    key: &str,
) -> Result<Value, &'static str> {
    let account = Some(by.actor.account);
    let once = Once::new(&state.crypto, account, "redemption.redeem", key.to_owned(), &offer);
    let answer = redeem(state, by.clone(), once.unwrap(), key.to_owned(), offer).await;
    match answer {
        Ok(answer) => {
            assert_eq!(answer.status, 201);
            Ok(serde_json::from_slice(&answer.body).unwrap())
        }
        Err(error) => Err(error.code().unwrap_or_else(|| panic!("{error}"))),
    }
}

fn id_of(ticket: &Value) -> RedemptionId {
    ticket["id"].as_str().unwrap().parse().unwrap()
}

fn code_of(ticket: &Value) -> String {
    ticket["code"].as_str().unwrap().to_owned()
}

fn outcome<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(error) => error.code().unwrap_or_else(|| panic!("{error}")),
    }
}

async fn balance(state: &State, by: &Asking) -> (i64, i64) {
    let conn = &mut *state.db.acquire().await.unwrap();
    let scope = Scope::of(&by.actor);
    let found = infra::postgres::points::read::balance(conn, &scope).await.unwrap();
    (found.posted - found.held, found.held)
}

async fn remaining(state: &State, id: OfferId) -> i64 {
    let conn = &mut *state.db.acquire().await.unwrap();
    offer::read::find(conn, id).await.unwrap().unwrap().remaining
}

async fn adds_up(state: &State) {
    let violations = crate::app::points::violations(state).await.unwrap();
    assert!(violations.is_empty(), "{violations:?}");
}

/// How often each outcome occurs.
fn tally<'o>(outcomes: impl IntoIterator<Item = &'o str>) -> BTreeMap<&'o str, usize> {
    outcomes.into_iter().fold(BTreeMap::new(), |mut counts, one| {
        *counts.entry(one).or_default() += 1;
        counts
    })
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_redemption_from_hold_to_refund(db: Pool) {
    let state = state(db);
    let (clerk, li) = (clerk(&state, "wenxing").await, resident(&state, 120).await);
    let offer = publish(&state, 50, 10, 2).await;
    let ticket = try_redeem(&state, &li, offer, "key-00001").await.unwrap();
    assert_eq!(ticket["status"], "held");
    assert_eq!(ticket["expires_at"], "2026-11-25T08:00:00Z");
    assert_eq!((balance(&state, &li).await, remaining(&state, offer).await), ((70, 50), 9));
    let picture = till::picture(&state, &Scope::of(&li.actor), id_of(&ticket)).await.unwrap();
    assert!(!picture.token.contains(&code_of(&ticket)), "a picture gives no code away");

    let stranger = account(&state, Role::MerchantClerk, "elsewhere").await;
    let foreign = verify(&state, stranger, &code_of(&ticket)).await;
    assert_eq!(outcome(foreign), "not_found");
    assert_eq!(outcome(verify(&state, clerk.clone(), "no-such-code").await), "not_found");
    let wang = resident(&state, 1).await;
    assert_eq!(outcome(cancel(&state, wang, id_of(&ticket)).await), "not_found");

    let verified = verify(&state, clerk.clone(), &code_of(&ticket)).await.unwrap();
    assert_eq!((verified.status, verified.code), (Status::Verified, None));
    assert_eq!(balance(&state, &li).await, (70, 0));
    let again = verify(&state, clerk.clone(), &code_of(&ticket)).await;
    assert_eq!(outcome(again), "redemption_already_verified");
    let late = cancel(&state, li.clone(), id_of(&ticket)).await;
    assert_eq!(outcome(late), "redemption_already_verified");
    adds_up(&state).await;

    let organiser = account(&state, Role::Organiser, "140213").await;
    let give_back = || refund(&state, organiser.clone(), id_of(&ticket), "停业".to_owned());
    give_back().await.unwrap();
    assert_eq!(outcome(give_back().await), "redemption_ended");
    assert_eq!(outcome(verify(&state, clerk, &code_of(&ticket)).await), "redemption_ended");
    assert_eq!((balance(&state, &li).await, remaining(&state, offer).await), ((120, 0), 10));
    adds_up(&state).await;
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn each_refusal_moves_nothing(db: Pool) {
    let state = state(db);
    let li = resident(&state, 100).await;
    clerk(&state, "wenxing").await;
    let (dear, scarce, cheap) = (
        publish(&state, 101, 5, 1).await,
        publish(&state, 10, 1, 5).await,
        publish(&state, 10, 5, 1).await,
    );
    let try_ = async |offer, key| try_redeem(&state, &li, offer, key).await.map(drop);
    assert_eq!(try_(dear, "key-00001").await, Err("points_insufficient"));
    assert_eq!(try_(random::id(state.clock.now()), "key-00002").await, Err("not_found"));
    assert_eq!(try_(cheap, "key-00003").await, Ok(()));
    assert_eq!(try_(cheap, "key-00004").await, Err("redemption_limit_reached"));
    assert_eq!(try_(scarce, "key-00005").await, Ok(()));
    assert_eq!(try_(scarce, "key-00006").await, Err("offer_sold_out"));
    assert_eq!(balance(&state, &li).await, (80, 20));
    // The same key gives the same answer; for another offer it is refused.
    assert_eq!(try_(cheap, "key-00003").await, Ok(()));
    assert_eq!(try_(scarce, "key-00003").await, Err("idempotency_key_reused"));
    assert_eq!(balance(&state, &li).await, (80, 20));

    let nobody = account(&state, Role::Resident, SCOPE_SELF).await;
    let refused = try_redeem(&state, &nobody, cheap, "key-00001").await;
    assert_eq!(refused, Err("points_insufficient"));

    sqlx::query("update points_account set posted = posted + 1 where account_id = $1")
        .bind(li.actor.account.0)
        .execute(&state.db)
        .await
        .unwrap();
    let now = state.clock.now();
    let reconciled = transact(&state.db, move |tx| {
        Box::pin(async move { crate::app::points::reconcile(tx, now).await })
    });
    assert!(!reconciled.await.unwrap().is_empty());
    assert_eq!(try_(dear, "key-00007").await, Err("ledger_blocked"));

    state.clock.set(now + TimeDelta::days(300));
    assert_eq!(try_(dear, "key-00008").await, Err("offer_ended"));
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn two_hundred_at_once_sell_exactly_the_stock(db: Pool) {
    let state = state(db);
    clerk(&state, "wenxing").await;
    let people = join_all((0..20).map(|_| resident(&state, 200))).await;
    for per_person in [1, 10] {
        let offer = publish(&state, 10, 10, per_person).await;
        let requests =
            (0..200).map(|n| {
                let (state, by) = (&state, &people[n % people.len()]);
                async move {
                    try_redeem(state, by, offer, &format!("{offer}-{n}")).await.map(|_| "sold")
                }
            });
        let outcomes = join_all(requests).await;
        let counts = tally(outcomes.iter().map(|one| one.unwrap_or_else(|code| code)));
        assert_eq!(counts["sold"], 10, "{counts:?}");
        let known = ["sold", "offer_sold_out", "redemption_limit_reached", "points_insufficient"];
        assert!(counts.keys().all(|one| known.contains(one)), "{counts:?}");
        assert_eq!(remaining(&state, offer).await, 0);
    }
    let held: i64 = join_all(people.iter().map(|one| balance(&state, one)))
        .await
        .into_iter()
        .map(|(_, held)| held)
        .sum();
    assert_eq!(held, 2 * 10 * 10);
    adds_up(&state).await;
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn one_key_many_times_at_once_is_one_hold(db: Pool) {
    let state = state(db);
    clerk(&state, "wenxing").await;
    let li = resident(&state, 200).await;
    let offer = publish(&state, 10, 100, 20).await;
    for round in 0..5 {
        let key = format!("one-key-{round}");
        let answers = join_all((0..20).map(|_| try_redeem(&state, &li, offer, &key))).await;
        let first = answers.first().unwrap().clone().unwrap();
        assert!(answers.iter().all(|one| one.as_ref() == Ok(&first)), "{answers:?}");
    }
    assert_eq!(balance(&state, &li).await, (150, 50));
    // Also when the first answer is forgotten, the key makes no second hold.
    state.clock.set(state.clock.now() + TimeDelta::hours(25));
    assert_eq!(try_redeem(&state, &li, offer, "one-key-0").await, Err("idempotency_key_reused"));
    adds_up(&state).await;
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn of_all_ends_at_once_one_comes_true(db: Pool) {
    let state = state(db);
    let clerk = clerk(&state, "wenxing").await;
    let li = resident(&state, 200).await;
    let offer = publish(&state, 10, 100, 100).await;
    let mut ends = BTreeMap::new();
    for round in 0..20 {
        let ticket = try_redeem(&state, &li, offer, &format!("round-{round:04}")).await.unwrap();
        let (id, code) = (id_of(&ticket), code_of(&ticket));
        let verifies =
            (0..3).map(|_| async { outcome(verify(&state, clerk.clone(), &code).await) });
        let cancels = (0..3).map(|_| async { outcome(cancel(&state, li.clone(), id).await) });
        let (verified, cancelled) = if round % 2 == 0 {
            futures::join!(join_all(verifies), join_all(cancels))
        } else {
            let (c, v) = futures::join!(join_all(cancels), join_all(verifies));
            (v, c)
        };
        let (verified, cancelled) = (tally(verified), tally(cancelled));
        let done = verified.get("done").unwrap_or(&0) + cancelled.get("done").unwrap_or(&0);
        assert_eq!(done, 1, "{verified:?} {cancelled:?}");
        let refusal = if verified.contains_key("done") {
            "redemption_already_verified"
        } else {
            "redemption_ended"
        };
        let refused = verified.get(refusal).unwrap_or(&0) + cancelled.get(refusal).unwrap_or(&0);
        assert_eq!(refused, 5, "{verified:?} {cancelled:?}");
        *ends.entry(refusal).or_insert(0) += 1;
        adds_up(&state).await;
    }
    let verified = ends.get("redemption_already_verified").unwrap_or(&0);
    assert_eq!(balance(&state, &li).await, (200 - 10 * verified, 0));
    assert_eq!(remaining(&state, offer).await, 100 - verified);
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn what_is_not_used_in_time_comes_back(db: Pool) {
    let state = state(db);
    let clerk = clerk(&state, "wenxing").await;
    let li = resident(&state, 30).await;
    let offer = publish(&state, 10, 3, 3).await;
    let used = try_redeem(&state, &li, offer, "key-00001").await.unwrap();
    let unused = try_redeem(&state, &li, offer, "key-00002").await.unwrap();
    verify(&state, clerk.clone(), &code_of(&used)).await.unwrap();
    state.clock.set(state.clock.now() + TimeDelta::hours(24) - TimeDelta::seconds(1));
    jobs::drain(&state).await;
    assert_eq!(balance(&state, &li).await, (10, 10), "not a second too early");

    state.clock.set(state.clock.now() + TimeDelta::seconds(1));
    let late = verify(&state, clerk.clone(), &code_of(&unused)).await;
    assert_eq!(outcome(late), "redemption_ended", "also before the worker came");
    jobs::drain(&state).await;
    assert_eq!((balance(&state, &li).await, remaining(&state, offer).await), ((20, 0), 2));
    assert_eq!(outcome(cancel(&state, li.clone(), id_of(&unused)).await), "redemption_ended");
    assert_eq!(jobs::drain(&state).await, 0);
    adds_up(&state).await;
}

/// A person as the model sees them: lots by expiry, and what each code holds.
#[derive(Default)]
struct Model {
    posted: i64,
    held: i64,
    sold: i64,
    reserved: i64,
    /// The id, and what is shown at the till: the code, the digits.
    open: Vec<(RedemptionId, [String; 2])>,
    verified: Vec<RedemptionId>,
    /// Awards that stand, with their points.
    awards: Vec<(LedgerTxId, i64)>,
    owed: i64,
}

impl Model {
    /// Makes good what is owed, out of what is free.
    fn set_off(&mut self) {
        let paid = self.owed.min(self.posted - self.held);
        self.posted -= paid;
        self.owed -= paid;
    }
}

/// A small generator of its own, so that a failing seed can be replayed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

const STOCK: i64 = 6;
const PRICE: i64 = 10;
const LIMIT: i64 = 4;

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn random_histories_agree_with_a_simple_model(db: Pool) {
    let state = state(db);
    let clerk = clerk(&state, "wenxing").await;
    sqlx::query(
        "insert into org_node (code, tree, kind, name)
         values ('140213066004', 'admin', 'community', '文兴社区')",
    )
    .execute(&state.db)
    .await
    .unwrap();
    let mut given = 0;
    for seed in 0..50 {
        history(&state, &clerk, seed, &mut given).await;
    }
    let conn = &mut *state.db.acquire().await.unwrap();
    let community = "140213066004".parse().unwrap();
    let now = state.clock.now();
    let lots = points::read::community::lots(conn, &community, now).await.unwrap();
    assert_eq!(lots.iter().map(|lot| lot.points).sum::<i64>(), given);
    assert!(given > 0, "nobody gave anything");
    adds_up(&state).await;
}

async fn history(state: &State, clerk: &Asking, seed: u64, given: &mut i64) {
    let mut dice = Dice(seed);
    let two = [
        account(state, Role::Organiser, "140213").await,
        account(state, Role::Organiser, "140213").await,
    ];
    let organiser = account(state, Role::Organiser, "140213").await;
    let offer = publish(state, PRICE, STOCK, i16::try_from(LIMIT).unwrap()).await;
    let mut people = Vec::new();
    for _ in 0..2 {
        people.push((account(state, Role::Resident, SCOPE_SELF).await, Model::default()));
    }
    for step in 0..20 {
        let taken: i64 = people.iter().map(|(_, model)| model.sold + model.reserved).sum();
        let who = dice.roll(2);
        let (by, model) = &mut people[who];
        match dice.roll(10) {
            0 => {
                let points = i64::try_from(dice.roll(25) + 1).unwrap();
                model.awards.push((give(state, by, points).await, points));
                model.posted += points;
                model.set_off();
            }
            6 if !model.awards.is_empty() => {
                let (award, points) = model.awards.remove(dice.roll(model.awards.len()));
                let given = points.min(model.posted - model.held);
                assert_eq!(take_back(state, award).await, points - given, "seed {seed}.{step}");
                model.posted -= given;
                model.owed += points - given;
            }
            8 => {
                let points = i64::try_from(dice.roll(20)).unwrap() - 10;
                let points = if points == 0 { 10 } else { points };
                let free = model.posted - model.held;
                let expected = if free + points < 0 { "adjustment_exceeds_points" } else { "done" };
                let done = adjust(state, by, &two, points).await;
                assert_eq!(done, expected, "seed {seed}.{step}");
                if done == "done" {
                    model.posted += points;
                    model.set_off();
                }
            }
            9 => {
                let points = i64::try_from(dice.roll(10) + 1).unwrap();
                let free = model.posted - model.held;
                let expected = if free < points { "points_insufficient" } else { "done" };
                let done = donate(state, by, points, &format!("{offer}-{step}")).await;
                assert_eq!(done, expected, "seed {seed}.{step}");
                if done == "done" {
                    model.posted -= points;
                    *given += points;
                }
            }
            7 => {
                set_off(state).await;
                people.iter_mut().for_each(|(_, model)| model.set_off());
            }
            1 | 2 => {
                let expected = if model.sold + model.reserved == LIMIT {
                    Err("redemption_limit_reached")
                } else if model.posted - model.held < PRICE {
                    Err("points_insufficient")
                } else if taken == STOCK {
                    Err("offer_sold_out")
                } else {
                    Ok(())
                };
                let key = format!("{offer}-{step}");
                let ticket = try_redeem(state, by, offer, &key).await;
                assert_eq!(
                    ticket.as_ref().map(drop).map_err(|code| *code),
                    expected,
                    "seed {seed}.{step}"
                );
                if let Ok(ticket) = ticket {
                    model.held += PRICE;
                    model.reserved += 1;
                    let digits = ticket["digits"].as_str().unwrap().to_owned();
                    model.open.push((id_of(&ticket), [code_of(&ticket), digits]));
                }
            }
            3 if !model.open.is_empty() => {
                let (id, _) = model.open.remove(0);
                cancel(state, by.clone(), id).await.unwrap();
                model.held -= PRICE;
                model.reserved -= 1;
            }
            4 if !model.open.is_empty() => {
                let (id, shown) = model.open.remove(dice.roll(model.open.len()));
                verify(state, clerk.clone(), &shown[dice.roll(2)]).await.unwrap();
                model.held -= PRICE;
                model.posted -= PRICE;
                model.reserved -= 1;
                model.sold += 1;
                model.verified.push(id);
            }
            5 if !model.verified.is_empty() => {
                let id = model.verified.remove(0);
                let reason = "测试退回".to_owned();
                match dice.roll(2) {
                    0 => refund(state, organiser.clone(), id, reason).await.unwrap(),
                    _ => till::undo(state, clerk.clone(), id, reason).await.unwrap(),
                };
                model.posted += PRICE;
                model.sold -= 1;
            }
            _ => {}
        }
        let (by, model) = &people[who];
        assert_eq!(
            balance(state, by).await,
            (model.posted - model.held, model.held),
            "seed {seed}.{step}"
        );
    }
    let taken: i64 = people.iter().map(|(_, model)| model.sold + model.reserved).sum();
    assert_eq!(remaining(state, offer).await, STOCK - taken, "seed {seed}");
}
