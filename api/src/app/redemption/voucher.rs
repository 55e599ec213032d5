//! Vouchers on paper (代办兑换券), for people without a phone: an officer who has the person before him
//! redeems for their points and prints a page. Each print has a code of its own; the one before is dead.

use domain::{
    event::EventKind,
    id::{AccountId, OfferId, RedemptionId},
    identity::{Actor, Role},
    offer::Offer,
    org::NodeCode,
    party::Identity,
    personal::Phone,
    redemption::{Checked, Refused, Step},
    refusal::{Basic, Invalid},
};
use infra::{
    crypto::Crypto,
    postgres::{
        Connection, identity as accounts,
        redemption::{
            self as store, By, Place,
            read::Shown,
            till as tills,
            voucher::{self as vouchers, Known, NewVoucher},
        },
    },
};
use serde_json::{Value, json};

use super::{
    Answer, Asking, Once, Order, Secrets, Ticket, at_the_till, claim, held, record, reserve, step,
    till::told,
};
use crate::{
    app::{idempotent, notification::announce, party, registration, transact},
    error::Error,
    state::State,
};

/// A person's phone is found by this blind index.
const PHONE_INDEX: &str = "person.phone";

/// By what a person is known: who has no phone of their own stands on the register of members all the
/// same.
#[derive(Debug, Clone)]
pub enum Holder {
    /// By name and number.
    Member(Identity),
    /// By the phone of the account, or the telephone on the register, which may be the one at home.
    Phone(Phone),
}

impl Holder {
    fn known(&self, crypto: &Crypto) -> Known {
        match self {
            Self::Member(identity) => {
                let member = Some(registration::match_index(crypto, identity));
                Known { member, ..Known::default() }
            }
            Self::Phone(phone) => {
                let of_account = crypto.index(PHONE_INDEX, phone.plain().as_bytes()).to_vec();
                let home = Some(party::phone_index(crypto, phone));
                Known { member: None, home, phone: Some(of_account) }
            }
        }
    }

    /// The accounts that are known by this, at most two; with a community those that it may act for.
    ///
    /// # Errors
    /// The database's.
    pub async fn accounts(
        &self,
        conn: &mut Connection,
        crypto: &Crypto,
        community: Option<&NodeCode>,
    ) -> Result<Vec<AccountId>, Error> {
        Ok(vouchers::holders(conn, &self.known(crypto), community).await?)
    }

    /// What a key is compared by; never the words themselves.
    pub fn digest(&self, crypto: &Crypto) -> String {
        let Known { member, phone, .. } = self.known(crypto);
        hex::encode(member.or(phone).unwrap_or_default())
    }
}

/// A voucher as it is asked for.
#[derive(Debug, Clone)]
pub struct Issue {
    /// What is redeemed.
    pub offer: OfferId,
    /// For whom.
    pub holder: Holder,
    /// How the officer knew the person.
    pub checked: Checked,
    /// In the name of which community; an officer of one need not say.
    pub community: Option<NodeCode>,
}

/// The communities that an officer works for.
fn communities(actor: &Actor) -> Vec<NodeCode> {
    let grants = actor.grants.iter().filter(|grant| grant.role == Role::CommunityOfficer);
    grants.filter_map(|grant| NodeCode::parse("scope", &grant.scope).ok()).collect()
}

/// The community in whose name an officer acts.
fn community(actor: &Actor, named: Option<NodeCode>) -> Result<NodeCode, Invalid> {
    let fault = |said| Invalid::field("community_code", said);
    let mut own = communities(actor);
    match named {
        Some(named) if own.contains(&named) => Ok(named),
        Some(_) => Err(fault("您不在这个社区工作，请选择您工作的社区")),
        None if own.len() > 1 => Err(fault("您在几个社区工作，请选择由哪个社区办理")),
        None => own.pop().ok_or_else(|| fault("请选择由哪个社区办理")),
    }
}

/// Redeems an offer for a person who stands before the officer. The code is nobody's yet: it comes
/// with the print.
///
/// # Errors
/// No such offer; not a community of the officer's, or none named of several; nobody whom the
/// community may act for is known by this; the officer themself; [`Refused`] as for everybody; the key
/// was used for another command.
pub async fn issue(
    state: &State,
    by: Asking,
    once: Once,
    key: String,
    issue: Issue,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let officer = by.actor.account;
            let Issue { offer, holder, checked, community: named } = issue;
            let community = community(&by.actor, named)?;
            let found = holder.accounts(tx, &here.crypto, Some(&community)).await?;
            let &[account] = found.as_slice() else { return Err(Refused::HolderUnknown.into()) };
            if accounts::same_person(tx, officer, &[account]).await? {
                return Err(Refused::OwnVoucher.into());
            }
            let rules = &here.config.till;
            let order = Order {
                account,
                offer,
                key: &format!("voucher:{officer}:{key}"),
                expires_at: |offer: &Offer| rules.voucher_expiry(now, offer.valid_until),
            };
            let ticket = reserve(tx, &here, order, now).await?;
            let id = ticket.id;
            let new = NewVoucher { id, community: &community, account, by: officer, checked };
            vouchers::insert(tx, &new, now).await?;
            let data = json!({ "offer": offer, "checked": checked });
            record(tx, &by, "voucher.issue", id, data, now).await?;
            let place = store::find(tx, By::Id(id)).await?.ok_or(Basic::NotFound)?;
            let mut event = told(EventKind::VoucherIssued, &place);
            if let Some(data) = event.data.as_object_mut() {
                data.insert("expires_at".to_owned(), json!(ticket.expires_at));
            }
            let last = tills::tell(tx, id, &[event], Some(officer), now).await?;
            announce(tx, id.0, last, 1, now).await?;
            claim(tx, &ticket).await?;
            Ok((Ticket { code: None, digits: None, ..ticket }, ()))
        })
    })
    .await
}

/// A voucher of the officer's community; another's is missing.
async fn of_community(
    tx: &mut Connection,
    actor: &Actor,
    id: RedemptionId,
) -> Result<Place, Error> {
    let voucher = vouchers::find(tx, id).await?.ok_or(Basic::NotFound)?;
    if !communities(actor).contains(&voucher.community) {
        return Err(Basic::NotFound.into());
    }
    store::find(tx, By::Id(id)).await?.ok_or_else(|| Basic::NotFound.into())
}

/// A voucher as an officer of its community sees it, without its code.
///
/// # Errors
/// The voucher is of no community of the officer's.
pub async fn known(state: &State, actor: &Actor, id: RedemptionId) -> Result<Ticket, Error> {
    let mut conn = state.db.acquire().await?;
    of_community(&mut conn, actor, id).await?;
    at_the_till(&mut conn, id).await
}

/// A voucher as it is printed.
#[derive(Debug, Clone)]
pub struct Printed {
    /// What it is for.
    pub shown: Shown,
    /// The code, for the picture.
    pub code: String,
    /// The eight digits.
    pub digits: Option<String>,
    /// The how many-th print it is; only the last is good.
    pub print: i32,
}

/// Prints a voucher: it gets a new code and new digits, and what was printed before is dead.
///
/// # Errors
/// Not of the officer's community; used, revoked or run out.
pub async fn print(state: &State, by: Asking, id: RedemptionId) -> Result<Printed, Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let place = of_community(tx, &by.actor, id).await?;
            // Whoever may be verified or cancelled may be printed.
            step(tx, &place, Step::Verify, now).await?;
            let secrets = Secrets::draw(&here.crypto, id, &place.merchant);
            let digits = store::recode(tx, id, &secrets.sealed, &secrets.digits_sealed).await;
            let digits = secrets.taken(digits.map_err(held)?);
            let print = vouchers::printed(tx, id, now).await?;
            record(tx, &by, "voucher.print", id, json!({ "print": print }), now).await?;
            let shown = store::read::one(tx, id).await?.ok_or(Basic::NotFound)?;
            Ok(Printed { shown, code: secrets.code, digits, print })
        })
    })
    .await
}

/// Takes a voucher back before it is used (作废): points and piece come back at once.
///
/// # Errors
/// Not of the officer's community; used, revoked or run out.
pub async fn revoke(
    state: &State,
    by: Asking,
    id: RedemptionId,
    reason: String,
) -> Result<(), Error> {
    let now = state.clock.now();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let place = of_community(tx, &by.actor, id).await?;
            let officer = by.actor.account;
            let status = step(tx, &place, Step::Cancel, now).await?;
            store::release(tx, id, status, now).await?;
            vouchers::revoked(tx, id, officer, &reason, now).await?;
            record(tx, &by, "voucher.revoke", id, Value::Null, now).await?;
            let event = told(EventKind::VoucherRevoked, &place).note(reason);
            let last = tills::tell(tx, id, &[event], Some(officer), now).await?;
            announce(tx, id.0, last, 1, now).await
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}
