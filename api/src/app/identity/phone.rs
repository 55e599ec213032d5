//! The phone number of one's own account, by a code of WeChat: a number that nobody typed, and that
//! WeChat verified.

use std::time::Duration;

use domain::{
    id::AccountId,
    identity::{Actor, Refused},
    personal::Phone,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        identity as store,
    },
    wechat::phone,
};
use serde::Serialize;

use super::{CODE_LENGTH, DEMO_CODE, admit, not_given};
use crate::{
    app::idempotent::{self, Answer, Once},
    config::Mode,
    error::Error,
    state::State,
};

/// For which column it is sealed and indexed.
pub(super) const CONTEXT: &str = "person.phone";
/// WeChat charges for each number.
const PER_DAY: u32 = 10;

/// The number, as it is shown to the person.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OwnPhone)]
pub struct OwnPhone {
    /// 手机号码，中间四位隐去；没有绑定时为空
    #[schema(example = "138****1234")]
    pub phone: Option<String>,
}

/// Exchanges the code and keeps the number. A second click with the same key gets the first answer,
/// although its code is used up by then.
///
/// # Errors
/// `wechat_…`, `phone_foreign`, `rate_limited`; the key was used for another code.
pub async fn set(
    state: &State,
    by: &Actor,
    origin: Origin,
    once: Once,
    code: &str,
) -> Result<Answer<()>, Error> {
    let account = by.account;
    if let Some(answer) = idempotent::repeated(state, &once, state.clock.now()).await? {
        return Ok(answer);
    }
    admit(state, "phone", &account.to_string(), PER_DAY, Duration::from_hours(24)).await?;
    let given = who_wechat_says(state, code).await;
    let (now, here, by) = (state.clock.now(), state.clone(), by.clone());
    idempotent::run(state, once, 200, move |tx| {
        Box::pin(async move {
            // What refuses the code is told here: a twin may have used it, and has the answer.
            let phone = given?;
            let plain = phone.plain().as_bytes();
            let index = here.crypto.index(CONTEXT, plain);
            store::set_phone(tx, account, &index, &here.crypto.seal(CONTEXT, plain)).await?;
            let entry = AuditEntry::new("identity.set_phone", "account", account, &origin);
            audit::append(tx, &entry.by(Some(&by)), now).await?;
            Ok((OwnPhone { phone: Some(phone.masked()) }, ()))
        })
    })
    .await
}

async fn who_wechat_says(state: &State, code: &str) -> Result<Phone, Error> {
    if code.is_empty() || code.len() > CODE_LENGTH || code.chars().any(char::is_control) {
        return Err(Refused::WechatCodeInvalid.into());
    }
    if state.config.mode == Mode::Demo
        && let Some(number) = code.strip_prefix(DEMO_CODE)
    {
        return Phone::parse("code", number).map_err(|_| Refused::WechatCodeInvalid.into());
    }
    let number = phone::number(&state.wechat, code).await.map_err(not_given)?;
    number.ok_or_else(|| Refused::PhoneForeign.into())
}

/// The number of an account, masked.
///
/// # Errors
/// The database's; a key is missing.
pub async fn shown(state: &State, account: AccountId) -> Result<OwnPhone, Error> {
    let phone = of(state, &mut *state.db.acquire().await?, account).await?;
    Ok(OwnPhone { phone: phone.map(|phone| phone.masked()) })
}

/// The number of an account.
///
/// # Errors
/// The database's; a key is missing.
pub(in crate::app) async fn of(
    state: &State,
    conn: &mut Connection,
    account: AccountId,
) -> Result<Option<Phone>, Error> {
    let sealed = store::phone(conn, account).await?;
    let plain = sealed.map(|sealed| state.crypto.open_text(CONTEXT, &sealed)).transpose()?;
    Ok(plain.map(Phone::trusted))
}
