//! Use cases of the party register (党员名册). What is sealed is opened here and nowhere else; every
//! look at a name, a full number or a telephone leaves a record. Reading is in [`view`], transfers
//! in [`transfer`], the tree in [`tree`], files in [`import`] and [`sheet`].

use domain::{
    id::MemberId,
    identity::{Grant, Role, SCOPE_SELF},
    org::NodeCode,
    party::{
        ChangeKind, Identity, Ledger, Refused,
        entry::{Change, Entry, Number, Remove, Row, Unchanged},
        floating::{self, Float, OtherEnd},
    },
    personal::{IdNumber, IdTail, PersonName, Phone},
    refusal::{Basic, Invalid},
    registration::Registration,
    scope::Scope,
    time::{self, Timestamp},
};
use infra::{
    crypto::{Broken, Crypto},
    postgres::{
        Connection, identity as accounts,
        party::{self as store, Indexed, Kept, Sealed},
        registration as registrations, violated, work_unit,
    },
    random,
};
use serde_json::json;

use super::{
    case::{Ask, carry_out},
    idempotent::{self, Answer, Once},
    registration::{self, match_index},
    transact,
};
use crate::{error::Error, state::State};

pub mod import;
pub mod sheet;
pub mod transfer;
pub mod tree;
pub mod view;

/// What each part is sealed and found by.
const NAME: &str = "party_member.name";
const TAIL: &str = "party_member.number";
const ID_NUMBER: &str = "party_member.id_number";
const PHONE: &str = "party_member.phone";

/// The blind index by which a telephone is found on the register.
pub(super) fn phone_index(crypto: &Crypto, phone: &Phone) -> Vec<u8> {
    crypto.index(PHONE, phone.plain().as_bytes()).to_vec()
}
const CONTACT: &str = "party_floating.contact";

impl From<Unchanged> for Error {
    fn from(unchanged: Unchanged) -> Self {
        match unchanged {
            Unchanged::Refused(refused) => refused.into(),
            Unchanged::Invalid(invalid) => invalid.into(),
        }
    }
}

/// A member's personal data in the open.
pub(super) struct Personal {
    name: PersonName,
    number: Number,
    phone: Option<Phone>,
}

impl Personal {
    pub(super) fn of(entry: &Entry) -> Self {
        Self { name: entry.name.clone(), number: entry.number.clone(), phone: entry.phone.clone() }
    }

    pub(super) fn open(crypto: &Crypto, kept: &Kept) -> Result<Self, Broken> {
        let number = match &kept.id_number {
            Some(sealed) => Number::Full(IdNumber::trusted(crypto.open_text(ID_NUMBER, sealed)?)),
            None => Number::Tail(IdTail::trusted(crypto.open_text(TAIL, &kept.tail)?)),
        };
        let phone =
            kept.phone.as_ref().map(|sealed| crypto.open_text(PHONE, sealed)).transpose()?;
        let name = PersonName::trusted(crypto.open_text(NAME, &kept.name)?);
        Ok(Self { name, number, phone: phone.map(Phone::trusted) })
    }

    /// With what is put right.
    fn changed(self, given: &Change) -> Self {
        Self {
            name: given.name.clone().unwrap_or(self.name),
            number: given.number.clone().map_or(self.number, Number::Full),
            phone: given.phone.clone().unwrap_or(self.phone),
        }
    }

    pub(super) fn seal(&self, crypto: &Crypto) -> Sealed {
        let part = |context: &str, plain: &str| Indexed {
            sealed: crypto.seal(context, plain.as_bytes()),
            index: crypto.index(context, plain.as_bytes()).to_vec(),
        };
        let identity = Identity { name: self.name.clone(), number: self.number.tail() };
        let tail = Indexed {
            sealed: crypto.seal(TAIL, identity.number.plain().as_bytes()),
            index: match_index(crypto, &identity),
        };
        Sealed {
            name: part(NAME, self.name.plain()),
            tail,
            id_number: self.number.full().map(|number| part(ID_NUMBER, number.plain())),
            phone: self.phone.as_ref().map(|phone| part(PHONE, phone.plain())),
        }
    }
}

/// Whether a party body lies in the part of the register that the asker keeps.
async fn reaches(tx: &mut Connection, ask: &Ask, code: Option<&NodeCode>) -> Result<bool, Error> {
    let Some(actor) = ask.actor.as_ref() else { return Ok(false) };
    Ok(store::within(tx, Scope::of(actor).register(), code).await?)
}

/// A row of the asker's part of the register, locked; any other is missing.
async fn lock_own(tx: &mut Connection, ask: &Ask, id: MemberId) -> Result<(Row, Kept), Error> {
    let (row, kept) = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    if !reaches(tx, ask, row.branch.as_ref()).await? {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(row.version)?;
    Ok((row, kept))
}

/// Refuses a branch that is none in use or none of the asker's, and a group that does not hang
/// below it. The branch stays locked, so that nobody puts it out of use meanwhile.
async fn check_place(
    tx: &mut Connection,
    ask: &Ask,
    branch: &NodeCode,
    group: Option<&NodeCode>,
) -> Result<(), Error> {
    if !tree::is_branch(tx, branch).await? || !reaches(tx, ask, Some(branch)).await? {
        let reason = "没有这个在用的党支部，或者不在您的管理范围内";
        return Err(Invalid::field("branch", reason).into());
    }
    check_group(tx, branch, group).await
}

async fn check_group(
    tx: &mut Connection,
    branch: &NodeCode,
    group: Option<&NodeCode>,
) -> Result<(), Error> {
    match group {
        Some(group) if !tree::is_below(tx, group, branch).await? => {
            let reason = "党小组（中心户）要在用，并且属于这个党支部";
            Err(Invalid::field("group", reason).into())
        }
        _ => Ok(()),
    }
}

/// What the database says of somebody who stands on the register already.
fn taken(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("party_member_id_number") => Refused::NumberThere.into(),
        Some("party_member_match_once") => Refused::MatchThere.into(),
        _ => error.into(),
    }
}

/// Adds somebody who is not on the register yet.
///
/// # Errors
/// No such branch of the asker's; the person stands there already; a reused key.
pub async fn add(state: &State, ask: Ask, once: Once, entry: Entry) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            store::hold(tx).await?;
            check_place(tx, &ask, &entry.branch, entry.group.as_ref()).await?;
            let sealed = Personal::of(&entry).seal(&here.crypto);
            for one in store::alike(tx, &sealed).await? {
                if one.same_number {
                    return Err(Refused::NumberThere.into());
                }
                if !one.has_number || sealed.id_number.is_none() {
                    return Err(Refused::MatchThere.into());
                }
            }
            let id = put(tx, &here, &ask, (&entry, &sealed), ChangeKind::Added, now).await?;
            ask.record(
                tx,
                ("party.add", "party_member", id),
                json!({ "branch": entry.branch }),
                now,
            )
            .await?;
            Ok((view::one(tx, &here, &ask, id).await?, ()))
        })
    })
    .await
}

/// Puts a demo member on the register.
pub(super) async fn enlist(
    tx: &mut Connection,
    here: &State,
    entry: &Entry,
    now: Timestamp,
) -> Result<MemberId, Error> {
    let sealed = Personal::of(entry).seal(&here.crypto);
    put(tx, here, &Ask::worker(), (entry, &sealed), ChangeKind::Added, now).await
}

/// Writes a new row, with the other end of a floating member.
async fn put(
    tx: &mut Connection,
    here: &State,
    ask: &Ask,
    (entry, sealed): (&Entry, &Sealed),
    kind: ChangeKind,
    now: Timestamp,
) -> Result<MemberId, Error> {
    let id: MemberId = random::id(now);
    store::insert(tx, id, entry, sealed, now).await.map_err(taken)?;
    if let Some(float) = &entry.floating {
        check_other_end(tx, float, &entry.branch).await?;
        put_stay(tx, here, ask, id, float, now).await?;
    }
    let data = json!({ "branch": entry.branch, "ledger": entry.ledger });
    store::note(tx, id, kind, ask.account(), &data, now).await?;
    Ok(id)
}

async fn check_other_end(tx: &mut Connection, float: &Float, own: &NodeCode) -> Result<(), Error> {
    match &float.other {
        OtherEnd::Branch(code) if code == own || !tree::is_branch(tx, code).await? => {
            let reason = "另一端要写本区另一个在用的党支部的代码；外地的写 other_name";
            Err(Invalid::field("floating.other_branch", reason).into())
        }
        _ => Ok(()),
    }
}

async fn put_stay(
    tx: &mut Connection,
    here: &State,
    ask: &Ask,
    id: MemberId,
    float: &Float,
    now: Timestamp,
) -> Result<(), Error> {
    let contact = float.contact.as_ref();
    let contact = contact.map(|phone| here.crypto.seal(CONTACT, phone.plain().as_bytes()));
    Ok(store::float(tx, id, float, contact.as_deref(), ask.account(), now).await?)
}

/// Refuses when a community signed, or let go of, a locked member since its registration was looked
/// for.
async fn same_registered(
    tx: &mut Connection,
    row: &Row,
    registered: Option<&Registration>,
) -> Result<(), Error> {
    let signed = registrations::signed_for(tx, row.id).await?;
    if signed == registered.map(|signed| signed.id) {
        return Ok(());
    }
    Err(Basic::VersionMismatch { current: row.version }.into())
}

/// Puts something right. Who works elsewhere now is registered for the other unit. Returns the row
/// as it stands.
///
/// # Errors
/// Not the asker's; stale, or a community signed just now; removed; a field contradicts another; the
/// number is somebody else's.
pub async fn change(state: &State, ask: Ask, id: MemberId, given: Change) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let renamed = given.name.is_some() || given.number.is_some();
            if renamed || given.group.is_some() {
                store::hold(tx).await?;
            }
            let mut registered = None;
            if given.work_unit.is_some() {
                work_unit::steady(tx).await?;
                // Whoever signs or changes a registration locks it before the member, too.
                registered = registrations::lock_signed(tx, id).await?;
            }
            let (row, kept) = lock_own(tx, &ask, id).await?;
            let changed = row.change(&given, time::date(now))?;
            if given.group.is_some()
                && let Some(branch) = &changed.branch
            {
                check_group(tx, branch, changed.group.as_ref()).await?;
            }
            if renamed || given.phone.is_some() {
                let personal = Personal::open(&here.crypto, &kept)?.changed(&given);
                let sealed = personal.seal(&here.crypto);
                let alike = if renamed { store::alike(tx, &sealed).await? } else { Vec::new() };
                let meets = |other: &store::Alike| {
                    other.id != id && (!other.has_number || !changed.has_number)
                };
                if alike.iter().any(meets) {
                    return Err(Refused::MatchThere.into());
                }
                store::reseal(tx, id, &sealed).await.map_err(taken)?;
            }
            store::save(tx, &changed).await?;
            let data = json!({ "fields": given.fields() });
            store::note(tx, id, ChangeKind::Changed, ask.account(), &data, now).await?;
            ask.record(tx, ("party.change", "party_member", id), data, now).await?;
            if changed.work_unit == row.work_unit {
                return Ok(Vec::new());
            }
            same_registered(tx, &row, registered.as_ref()).await?;
            let Some(signed) = registered else { return Ok(Vec::new()) };
            registration::works_for(tx, &ask, signed, changed.work_unit, now).await
        })
    })
    .await
}

/// Takes somebody off the register. The registration that a community signed for them ends with it.
///
/// # Errors
/// Not the asker's; stale, or a community signed just now; removed before.
pub async fn remove(state: &State, ask: Ask, id: MemberId, given: Remove) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            // Whoever signs or changes a registration locks it before the member, too.
            let registered = registrations::lock_signed(tx, id).await?;
            let (row, _) = lock_own(tx, &ask, id).await?;
            row.standing_there()?;
            same_registered(tx, &row, registered.as_ref()).await?;
            store::remove(tx, id, &given, by, now).await?;
            // Whoever stands on the register no more is no party member here.
            if let Some(account) = row.account {
                let grant = Grant { role: Role::PartyMember, scope: SCOPE_SELF.to_owned() };
                accounts::revoke(tx, account, &grant, now).await?;
            }
            let data = json!({ "reason": given.reason, "branch": row.branch });
            store::note(tx, id, ChangeKind::Removed, Some(by), &data, now).await?;
            ask.record(tx, ("party.remove", "party_member", id), data, now).await?;
            let Some(signed) = registered else { return Ok(Vec::new()) };
            registration::lapse(tx, &ask, &signed, given.reason, now).await
        })
    })
    .await
}

/// Moves a member to another ledger.
///
/// # Errors
/// Not the asker's; stale; removed; there already; from or to the floating ledger.
pub async fn relist(
    state: &State,
    ask: Ask,
    id: MemberId,
    (ledger, reason): (Ledger, String),
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (row, _) = lock_own(tx, &ask, id).await?;
            let changed = row.relist(ledger)?;
            store::save(tx, &changed).await?;
            let data = json!({ "from": row.ledger, "to": ledger });
            store::note(tx, id, ChangeKind::LedgerChanged, ask.account(), &data, now).await?;
            // People's words stand in the trail alone: a history row cannot be erased.
            let data = json!({ "from": row.ledger, "to": ledger, "reason": reason });
            ask.record(tx, ("party.relist", "party_member", id), data, now).await
        })
    })
    .await
}

/// Notes that a member floats, with the other end.
///
/// # Errors
/// Not the asker's; stale; removed; floats already; a transfer is under way; no such other end.
pub async fn float(state: &State, ask: Ask, id: MemberId, given: Float) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (row, _) = lock_own(tx, &ask, id).await?;
            let changed = row.float()?;
            let branch = row.branch.clone().ok_or(Basic::NotFound)?;
            if store::transfer::under_way(tx, id).await? {
                return Err(Refused::TransferOpen.into());
            }
            check_other_end(tx, &given, &branch).await?;
            // Whoever stood in a ledger comes back to it.
            let stay = Float { ledger: row.ledger, ..given };
            put_stay(tx, &here, &ask, id, &stay, now).await?;
            store::save(tx, &changed).await?;
            let data = json!({ "direction": stay.direction, "since": stay.since });
            store::note(tx, id, ChangeKind::Floated, ask.account(), &data, now).await?;
            ask.record(tx, ("party.float", "party_member", id), data, now).await
        })
    })
    .await
}

/// Notes that a member floats no more.
///
/// # Errors
/// Not the asker's; stale; removed; does not float; the day lies before the stay or ahead.
pub async fn come_back(
    state: &State,
    ask: Ask,
    id: MemberId,
    on: chrono::NaiveDate,
    ledger: Option<Ledger>,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let (row, _) = lock_own(tx, &ask, id).await?;
            row.standing_there()?;
            let stay = store::stay(tx, id).await?.ok_or(Refused::NotFloating)?;
            let changed = row.come_back(ledger.unwrap_or(stay.ledger))?;
            floating::ended(stay.since, on, time::date(now))?;
            store::end_stay(tx, stay.id, on, by).await?;
            store::save(tx, &changed).await?;
            let data = json!({ "on": on, "ledger": changed.ledger });
            store::note(tx, id, ChangeKind::Returned, Some(by), &data, now).await?;
            ask.record(tx, ("party.return", "party_member", id), data, now).await
        })
    })
    .await
}

/// Shows a member's full number and telephones, with a reason and on record.
///
/// # Errors
/// Not the asker's.
pub async fn unmask(
    state: &State,
    ask: Ask,
    id: MemberId,
    reason: String,
) -> Result<view::Unmasked, Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (_, kept) = lock_own(tx, &ask, id).await?;
            ask.record(tx, ("party.unmask", "party_member", id), json!({ "reason": reason }), now)
                .await?;
            let personal = Personal::open(&here.crypto, &kept)?;
            let listed = view::listed(tx, &ask, id).await?;
            view::Unmasked::of(&here, &personal, &listed)
        })
    })
    .await
}
