//! Merchants (商户): applications, shops, and who works for them. Suspensions are in [`suspension`], statements in
//! [`settlement`].

use domain::{
    id::{AccountId, ApplicationId},
    identity::{Grant, Role},
    merchant::{Application, Apply, Refused, Ruling, Shop, Status, Step},
    offer::MerchantCode,
    page::{Limit, PageRequest},
    personal::{PersonName, Phone},
    refusal::Basic,
    time::Timestamp,
};
use infra::{
    crypto::Crypto,
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        identity::{self as accounts, session::open_of},
        merchant::{
            self as store, Sealed,
            read::{self, Applied, Which},
        },
        violated,
    },
    random,
    redis::session,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    case::Ask,
    idempotent::{self, Answer, Once},
    invitation::{self, InvitationView},
    notification::announce,
    offer::keeps,
    transact,
};
use crate::{error::Error, state::State};

pub mod settlement;
pub mod suspension;

const LICENCE: &str = "merchant.licence";
const CONTACT_NAME: &str = "merchant.contact_name";
const CONTACT_PHONE: &str = "merchant.contact_phone";

/// 商户入驻申请
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ApplicationView {
    /// 申请编号
    pub id: ApplicationId,
    /// 状态
    pub status: Status,
    /// 商户名称
    #[schema(example = "幸福里便民早餐店")]
    pub name: String,
    /// 地址
    #[schema(example = "水泊寺街道文兴路 12 号")]
    pub address: String,
    /// 介绍
    pub intro: Option<String>,
    /// 经度（GCJ-02）
    pub lng: Option<f64>,
    /// 纬度（GCJ-02）
    pub lat: Option<f64>,
    /// 统一社会信用代码；除组织员审核时外只显示头尾
    #[schema(example = "91**************43")]
    pub licence: String,
    /// 联系人；除组织员审核时外只显示姓
    #[schema(example = "王*")]
    pub contact_name: String,
    /// 联系电话；除组织员审核时外遮盖中间
    #[schema(example = "138****1234")]
    pub contact_phone: String,
    /// 提交时间
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: Timestamp,
    /// 审核时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 退回或不通过的原因
    pub reason: Option<String>,
    /// 通过后的商户代码
    pub merchant: Option<String>,
    /// 版本
    pub version: i64,
}

impl ApplicationView {
    /// An application with what is sealed masked, or whole for whoever decides it.
    ///
    /// # Errors
    /// Something cannot be opened: its key is missing.
    pub fn of(crypto: &Crypto, from: Applied, whole: bool) -> Result<Self, Error> {
        let licence = crypto.open_text(LICENCE, &from.licence_sealed)?;
        let name = PersonName::trusted(crypto.open_text(CONTACT_NAME, &from.contact_name_sealed)?);
        let phone = Phone::trusted(crypto.open_text(CONTACT_PHONE, &from.contact_phone_sealed)?);
        let (licence, contact_name, contact_phone) = if whole {
            (licence, name.plain().to_owned(), phone.plain().to_owned())
        } else {
            let (head, tail) = (licence.get(..2), licence.get(16..));
            let licence =
                format!("{}**************{}", head.unwrap_or_default(), tail.unwrap_or_default());
            (licence, name.masked(), phone.masked())
        };
        Ok(Self {
            id: from.id,
            status: from.status,
            name: from.name,
            address: from.address,
            intro: from.intro,
            lng: from.lng,
            lat: from.lat,
            licence,
            contact_name,
            contact_phone,
            submitted_at: from.submitted_at,
            decided_at: from.decided_at,
            reason: from.reason,
            merchant: from.merchant,
            version: from.version,
        })
    }
}

fn sealed(crypto: &Crypto, apply: &Apply) -> Sealed {
    let licence = apply.licence.plain().as_bytes();
    Sealed {
        licence_index: crypto.index(LICENCE, licence).to_vec(),
        licence: crypto.seal(LICENCE, licence),
        contact_name: crypto.seal(CONTACT_NAME, apply.contact_name.plain().as_bytes()),
        contact_phone: crypto.seal(CONTACT_PHONE, apply.contact_phone.plain().as_bytes()),
    }
}

async fn record(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    (object, id): (&'static str, &str),
    data: Value,
    now: Timestamp,
) -> Result<(), Error> {
    let entry = AuditEntry::new(action, object, id, &ask.origin);
    Ok(audit::append(tx, &entry.by(ask.actor.as_ref()).with(data), now).await?)
}

async fn hand_in(
    tx: &mut Connection,
    state: &State,
    application: &Application,
    apply: &Apply,
    now: Timestamp,
) -> Result<(), Error> {
    let sealed = sealed(&state.crypto, apply);
    if store::licensed(tx, &sealed.licence_index).await? {
        return Err(Refused::LicenceTaken.into());
    }
    store::hand_in(tx, application, &apply.shop, &sealed, now).await.map_err(
        |error| match violated(&error) {
            Some("merchant_application_open") => Refused::LicenceTaken.into(),
            _ => Error::from(error),
        },
    )
}

/// One application as a view; the caller has made sure that it may be seen.
async fn viewed(
    tx: &mut Connection,
    state: &State,
    id: ApplicationId,
) -> Result<ApplicationView, Error> {
    let which = Which { id: Some(id), ..Which::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let found = read::applications(tx, which, one).await?.pop().ok_or(Basic::NotFound)?;
    ApplicationView::of(&state.crypto, found, false)
}

/// Asks to become a merchant, once for each key.
///
/// # Errors
/// The licence belongs to a merchant, or waits in another application; the key was used for another.
pub async fn apply(state: &State, ask: Ask, once: Once, apply: Apply) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let application = Application::submit(random::id(now), by);
            hand_in(tx, &here, &application, &apply, now).await?;
            let id = application.id.to_string();
            record(tx, &ask, "merchant.apply", ("merchant_application", &id), Value::Null, now)
                .await?;
            Ok((viewed(tx, &here, application.id).await?, ()))
        })
    })
    .await
}

/// The caller's own application, locked; another's is missing.
async fn lock_own(tx: &mut Connection, ask: &Ask, id: ApplicationId) -> Result<Application, Error> {
    let found = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    if ask.account() != Some(found.applicant) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(found.version)?;
    Ok(found)
}

/// Puts an application right and hands it in again.
///
/// # Errors
/// Not the caller's; stale; decided for good; the licence is taken.
pub async fn correct(
    state: &State,
    ask: Ask,
    id: ApplicationId,
    apply: Apply,
) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let application = lock_own(tx, &ask, id).await?.take_up(Step::Correct)?;
            hand_in(tx, &here, &application, &apply, now).await?;
            let id = id.to_string();
            record(tx, &ask, "merchant.correct", ("merchant_application", &id), Value::Null, now)
                .await
        })
    })
    .await
}

/// Takes an application back.
///
/// # Errors
/// Not the caller's; stale; decided for good.
pub async fn withdraw(state: &State, ask: Ask, id: ApplicationId) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let application = lock_own(tx, &ask, id).await?.take_up(Step::Withdraw)?;
            store::save(tx, &application, &[], ask.account(), now).await?;
            let id = id.to_string();
            record(tx, &ask, "merchant.withdraw", ("merchant_application", &id), Value::Null, now)
                .await
        })
    })
    .await
}

/// The organiser decides. One that is approved becomes a merchant, and the applicant its manager and clerk.
///
/// # Errors
/// There is none; stale; it does not wait; the applicant's own; code or licence are taken.
pub async fn decide(
    state: &State,
    ask: Ask,
    id: ApplicationId,
    ruling: Ruling,
) -> Result<(), Error> {
    let now = state.clock.now();
    let (job, sessions) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let found = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            ask.check_version(found.version)?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let decision = found.decide(&ruling, by, now)?;
            let mut sessions = Vec::new();
            if let Some(code) = &decision.state.merchant {
                open(tx, code, id, now).await?;
                // In most shops who manages it stands at the till too.
                for role in [Role::MerchantManager, Role::MerchantClerk] {
                    bind(tx, code.as_str(), role, found.applicant, now).await?;
                }
                sessions = open_of(tx, found.applicant).await?;
            }
            let (application, events) = (&decision.state, &decision.events);
            let last = store::save(tx, application, events, Some(by), now).await?;
            let data = json!({ "status": application.status, "merchant": application.merchant });
            let object = id.to_string();
            record(tx, &ask, "merchant.decide", ("merchant_application", &object), data, now)
                .await?;
            Ok((announce(tx, id.0, last, events.len(), now).await?, sessions))
        })
    })
    .await?;
    session::forget(&state.redis, &sessions).await;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}

async fn open(
    tx: &mut Connection,
    code: &MerchantCode,
    id: ApplicationId,
    now: Timestamp,
) -> Result<(), Error> {
    let ledger = random::id::<domain::id::LedgerTxId>(now).0;
    store::open(tx, code, id, ledger, now).await.map_err(|error| match violated(&error) {
        Some("merchant_pkey") => Refused::CodeTaken(code.as_str().to_owned()).into(),
        Some("merchant_licence") => Refused::LicenceTaken.into(),
        _ => Error::from(error),
    })
}

async fn bind(
    tx: &mut Connection,
    merchant: &str,
    role: Role,
    account: AccountId,
    now: Timestamp,
) -> Result<(), Error> {
    let grant = Grant { role, scope: merchant.to_owned() };
    Ok(accounts::grant(tx, random::id(now), account, &grant, now).await?)
}

/// One application that the caller may see: the applicant's own, and any for the organiser, who decides
/// it. Answers whether the caller does.
async fn seen(tx: &mut Connection, ask: &Ask, id: ApplicationId) -> Result<(Applied, bool), Error> {
    let which = Which { id: Some(id), ..Which::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let found = read::applications(tx, which, one).await?.pop().ok_or(Basic::NotFound)?;
    let decides = ask.actor.as_ref().is_some_and(|actor| actor.has(Role::Organiser));
    if !decides && ask.account() != Some(found.applicant) {
        return Err(Basic::NotFound.into());
    }
    Ok((found, decides))
}

/// # Errors
/// There is no such application, or it is another's.
pub async fn exists(state: &State, ask: &Ask, id: ApplicationId) -> Result<(), Error> {
    seen(&mut *state.db.acquire().await?, ask, id).await.map(drop)
}

/// One application: the applicant's own, masked; for the organiser whole, and each look is on record.
///
/// # Errors
/// There is none, or it is another's.
pub async fn read(state: &State, ask: Ask, id: ApplicationId) -> Result<ApplicationView, Error> {
    let now = state.clock.now();
    let crypto = state.crypto.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (found, decides) = seen(tx, &ask, id).await?;
            if decides {
                let object = ("merchant_application", &*id.to_string());
                record(tx, &ask, "merchant.contact_seen", object, Value::Null, now).await?;
            }
            ApplicationView::of(&crypto, found, decides)
        })
    })
    .await
}

/// A shop that the caller keeps, locked; another's is missing.
async fn lock_kept(tx: &mut Connection, ask: &Ask, code: &MerchantCode) -> Result<(), Error> {
    let version = store::lock_shop(tx, code).await?;
    let version = version.filter(|_| keeps(ask.actor.as_ref(), code.as_str()));
    ask.check_version(version.ok_or(Basic::NotFound)?)
}

/// Writes what residents see of a shop.
///
/// # Errors
/// Not the caller's; stale.
pub async fn change(state: &State, ask: Ask, code: MerchantCode, shop: Shop) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            lock_kept(tx, &ask, &code).await?;
            store::change(tx, &code, &shop).await?;
            record(tx, &ask, "merchant.change", ("merchant", code.as_str()), Value::Null, now).await
        })
    })
    .await
}

/// Who is behind a merchant, in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MerchantContactView)]
pub struct ContactView {
    /// 统一社会信用代码
    #[schema(example = "91350100M000100Y43")]
    pub licence: Option<String>,
    /// 联系人
    pub contact_name: Option<String>,
    /// 联系电话
    pub contact_phone: Option<String>,
}

/// Opens who is behind a merchant, with a reason and on record.
///
/// # Errors
/// There is no such merchant.
pub async fn unmask(
    state: &State,
    ask: Ask,
    code: MerchantCode,
    reason: String,
) -> Result<ContactView, Error> {
    let now = state.clock.now();
    let crypto = state.crypto.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let behind = read::behind(tx, &code).await?.ok_or(Basic::NotFound)?;
            let data = json!({ "reason": reason });
            record(tx, &ask, "merchant.unmask", ("merchant", code.as_str()), data, now).await?;
            let open = |context: &str, sealed: Option<Vec<u8>>| {
                sealed.map(|sealed| crypto.open_text(context, &sealed)).transpose()
            };
            Ok(ContactView {
                licence: open(LICENCE, behind.licence)?,
                contact_name: open(CONTACT_NAME, behind.contact_name)?,
                contact_phone: open(CONTACT_PHONE, behind.contact_phone)?,
            })
        })
    })
    .await
}

/// Invites somebody to work for a merchant.
///
/// # Errors
/// Not the caller's merchant.
pub async fn invite(
    state: &State,
    ask: Ask,
    merchant: MerchantCode,
    role: Role,
) -> Result<InvitationView, Error> {
    let (now, inner) = (state.clock.now(), state.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            lock_kept(tx, &ask, &merchant).await?;
            let grant = Grant { role, scope: merchant.as_str().to_owned() };
            invitation::make(&inner, tx, &ask, grant, now).await
        })
    })
    .await
}

/// Takes an account's roles on a merchant away; within a second it verifies nothing any more.
///
/// # Errors
/// Not the caller's merchant; the account does not work for it; its last manager would go, which only
/// an organiser may do.
pub async fn unbind(
    state: &State,
    ask: Ask,
    merchant: MerchantCode,
    account: AccountId,
) -> Result<(), Error> {
    let now = state.clock.now();
    let sessions = transact(&state.db, move |tx| {
        Box::pin(async move {
            lock_kept(tx, &ask, &merchant).await?;
            let held = store::unbind(tx, &merchant, account, now).await?;
            if held.is_empty() {
                return Err(Refused::NotBound.into());
            }
            let organises = ask.actor.as_ref().is_some_and(|actor| actor.has(Role::Organiser));
            let managed = held.contains(&Role::MerchantManager);
            if managed && !organises && store::managers(tx, &merchant).await? == 0 {
                return Err(Refused::LastManager.into());
            }
            let data = json!({ "account": account, "roles": held });
            record(tx, &ask, "merchant.unbind", ("merchant", merchant.as_str()), data, now).await?;
            Ok(open_of(tx, account).await?)
        })
    })
    .await?;
    session::forget(&state.redis, &sessions).await;
    Ok(())
}
