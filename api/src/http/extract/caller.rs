//! Who is asking, and whether they may.
//!
//! The token is looked at once, before any extractor runs ([`identify`]): actix polls a handler's
//! extractors together and the first to fail wins, so one that waits for Redis would let a bad
//! path (404) overtake a missing token (401). With this, [`Caller`] answers at once, and as the
//! handler's first argument it comes first.

use std::{
    future::{Ready, ready},
    marker::PhantomData,
    ops::Deref,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header::AUTHORIZATION,
    middleware::Next,
    web::Data,
};
use domain::{
    identity::{Permission, Refused},
    refusal::{Basic, Refusal},
    scope::Scope,
};

use crate::{
    app::identity::{Who, authenticate, network},
    error::Error,
    http::extract::RequestMeta,
    state::State,
};

/// A marker that names a permission in a handler's signature.
pub trait Needs: 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident),+ $(,)?) => {
        /// One marker for each permission, with the permission's name.
        pub mod needs {
            use domain::identity::Permission;

            $(
                #[doc = concat!("The caller needs `Permission::", stringify!($name), "`.")]
                #[derive(Debug, Clone, Copy)]
                pub struct $name;

                impl super::Needs for $name {
                    const PERMISSION: Permission = Permission::$name;
                }
            )+

            /// A permission without its marker does not compile.
            const _: fn(Permission) = |permission| match permission {
                $(Permission::$name => (),)+
            };
        }
    };
}
needs![
    ReadSelf,
    SubmitComplaint,
    OwnComplaint,
    ReadComplaint,
    CentreDesk,
    ExcludeComplaint,
    UnmaskContact,
    ReadTask,
    AttachFile,
    JudgeAttachment,
    ExportList,
    WatchReturns,
    WorkTask,
    SignForUnit,
    JudgeTask,
    Supervise,
    WriteNote,
    KeepTemplate,
    Instruct,
    KeepRoster,
    ReadWhistle,
    BlowWhistle,
    ReviewWhistle,
    RateWhistle,
    ReadRates,
    PublishBulletin,
    Staff,
    ManageDutyLists,
    ManageCertificates,
    ProposeDuty,
    DecideDuty,
    ManageAccounts,
    ReadGrants,
    ManageCalendar,
    ManageJobs,
    ManageRouting,
    UsePoints,
    ManageOffers,
    VerifyRedemption,
    ReadTill,
    IssueVoucher,
    ReadFlags,
    ReviewFlags,
    ApplyMerchant,
    AcceptInvitation,
    KeepFieldWorkers,
    ManageMerchants,
    KeepShop,
    ReadSettlement,
    AgreeSettlement,
    ReadBudget,
    ReadLedger,
    ReadPoints,
    KeepPoints,
    GivePoints,
    ReadCommunityPoints,
    ObjectAward,
    Register,
    SignRegistration,
    KeepWorkUnit,
    ReadWorkUnit,
    ActForWorkUnit,
    EndUnitRegistration,
    ReadReceipt,
    ReadResults,
    KeepPairing,
    ReadPairing,
    LogMatter,
    ReadRegister,
    KeepRegister,
    KeepPartyTree,
    OrganisePost,
    ClaimPost,
    ManageHouseholds,
    ReadHousehold,
    LookAfter,
    CountHouseholds,
    DeclareScore,
    ReadScore,
    KeepScore,
    SettleScore,
    ManageScore,
    LiftPause,
    ReadAudit,
    HandleFeedback,
    KeepAnnouncement,
    KeepGuide,
];

/// An authenticated caller who holds the permission `P`: 401 `unauthenticated`, then 403
/// `forbidden`. Make it the handler's first argument.
#[derive(Debug, Clone)]
pub struct Caller<P> {
    who: Who,
    needs: PhantomData<P>,
}

impl<P> Caller<P> {
    /// Which rows they may read.
    pub fn scope(&self) -> Scope {
        Scope::of(&self.who.actor)
    }
}

/// `.actor` and `.session`.
impl<P> Deref for Caller<P> {
    type Target = Who;

    fn deref(&self) -> &Who {
        &self.who
    }
}

impl<P: Needs> FromRequest for Caller<P> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = match request.extensions().get::<Identified>() {
            Some(Identified::Known(who)) if who.actor.may(P::PERMISSION) => {
                Ok(Self { who: who.clone(), needs: PhantomData })
            }
            Some(Identified::Known(_)) => Err(Basic::Forbidden.into()),
            Some(Identified::Barred) => Err(Refused::NetworkNotAllowed.into()),
            Some(Identified::Nobody | Identified::Refused) | None => {
                Err(Basic::Unauthenticated.into())
            }
        };
        ready(caller)
    }
}

/// A caller who may do without a token. Whoever sends one is held to it: a bad token is 401, and a
/// role without the permission is 403.
#[derive(Debug, Clone)]
pub struct MaybeCaller<P>(pub Option<Caller<P>>);

impl<P: Needs> FromRequest for MaybeCaller<P> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if matches!(request.extensions().get(), Some(Identified::Nobody)) {
            return ready(Ok(Self(None)));
        }
        ready(Caller::from_request(request, payload).into_inner().map(|caller| Self(Some(caller))))
    }
}

/// What the request's token says.
#[derive(Debug, Clone)]
enum Identified {
    /// There is none.
    Nobody,
    /// It is wrong or its session is over.
    Refused,
    /// It is good, and its roles may not be used from there.
    Barred,
    /// It is good.
    Known(Who),
}

/// The middleware that looks at the token. It refuses nothing: public operations ignore a stale
/// token, and the extractors decide for the others.
///
/// # Errors
/// PostgreSQL is needed and away.
pub async fn identify(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let identified = match bearer(request.request()) {
        None => Identified::Nobody,
        Some(None) => Identified::Refused,
        Some(Some(token)) => {
            let state = request.app_data::<Data<State>>().ok_or(Basic::Unavailable);
            let state = state.map_err(Error::from)?;
            match authenticate(state, &token).await? {
                Some(who) => in_place(state, who, request.request()).await?,
                None => Identified::Refused,
            }
        }
    };
    request.extensions_mut().insert(identified);
    next.call(request).await
}

/// Whoever holds a good token, where their roles may be used.
async fn in_place(state: &State, who: Who, request: &HttpRequest) -> Result<Identified, Error> {
    let Ok(meta) = RequestMeta::extract(request).into_inner();
    match network::check(state, &who, &meta.into()).await {
        Ok(()) => Ok(Identified::Known(who)),
        Err(error) if error.code() == Some(Refused::NetworkNotAllowed.code()) => {
            Ok(Identified::Barred)
        }
        Err(error) => Err(error),
    }
}

/// The token of `Authorization: Bearer …`: `None` without the header, `Some(None)` when it is
/// something else or stands twice.
fn bearer(request: &HttpRequest) -> Option<Option<String>> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next()?;
    if headers.next().is_some() {
        return Some(None);
    }
    let token = header.to_str().ok().and_then(|value| value.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    Some(token.map(|(_, token)| token.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use domain::{
        id::Id,
        identity::{Actor, Grant, Role},
    };

    use super::{
        needs::{CentreDesk, SubmitComplaint},
        *,
    };

    fn known(role: Role) -> Identified {
        let actor = Actor {
            account: Id::from_parts(chrono::DateTime::UNIX_EPOCH, &[1; 10]),
            grants: vec![Grant { role, scope: "140213".to_owned() }],
        };
        let session = Id::from_parts(chrono::DateTime::UNIX_EPOCH, &[2; 10]);
        Identified::Known(Who { actor, session, ends: chrono::DateTime::UNIX_EPOCH })
    }

    fn request(identified: Option<Identified>) -> HttpRequest {
        let request = TestRequest::default().to_http_request();
        if let Some(identified) = identified {
            request.extensions_mut().insert(identified);
        }
        request
    }

    fn code<P: Needs>(identified: Option<Identified>) -> Option<&'static str> {
        let request = request(identified);
        Caller::<P>::extract(&request).into_inner().err().and_then(|error| error.code())
    }

    #[test]
    fn who_comes_before_whether() {
        assert_eq!(code::<CentreDesk>(None), Some("unauthenticated"), "closed by default");
        assert_eq!(code::<CentreDesk>(Some(Identified::Nobody)), Some("unauthenticated"));
        assert_eq!(code::<CentreDesk>(Some(Identified::Refused)), Some("unauthenticated"));
        assert_eq!(code::<CentreDesk>(Some(Identified::Barred)), Some("network_not_allowed"));
        assert_eq!(code::<CentreDesk>(Some(known(Role::Resident))), Some("forbidden"));
        assert_eq!(code::<CentreDesk>(Some(known(Role::Dispatcher))), None);
    }

    #[test]
    fn without_a_token_is_not_with_a_bad_one() {
        let ask = |identified| {
            MaybeCaller::<SubmitComplaint>::extract(&request(identified))
                .into_inner()
                .map(|MaybeCaller(caller)| caller.is_some())
                .map_err(|error| error.code())
        };
        assert_eq!(ask(Some(Identified::Nobody)), Ok(false));
        assert_eq!(ask(Some(known(Role::Resident))), Ok(true));
        assert_eq!(ask(Some(Identified::Refused)), Err(Some("unauthenticated")));
        assert_eq!(ask(Some(known(Role::Auditor))), Err(Some("forbidden")));
        assert_eq!(ask(None), Err(Some("unauthenticated")));
    }

    #[test]
    fn only_one_bearer_token_counts() {
        let read = |values: &[&str]| {
            let mut request = TestRequest::default();
            for value in values {
                request = request.append_header((AUTHORIZATION, *value));
            }
            bearer(&request.to_http_request())
        };
        assert_eq!(read(&[]), None);
        assert_eq!(read(&["Bearer abc"]), Some(Some("abc".to_owned())));
        assert_eq!(read(&["bearer abc"]), Some(Some("abc".to_owned())));
        for bad in [&["abc"][..], &["Basic abc"], &[""], &["Bearer"], &["Bearer a", "Bearer b"]] {
            assert_eq!(read(bad), Some(None), "{bad:?}");
        }
    }
}
