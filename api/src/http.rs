//! The HTTP interface: for each word its DTOs and handlers. A handler takes, calls the use case,
//! and shows; it decides nothing.

use actix_web::{
    middleware::from_fn,
    web::{Data, ServiceConfig, scope, to},
};

use crate::state::State;

/// Mounts handlers below `/api/v1` and contributes them to the OpenAPI file, so that no route is
/// undocumented: `routes![submit, accept];` at the end of each word's file.
macro_rules! routes {
    ($($handler:ident),+ $(,)?) => {
        /// The operations of this word.
        pub fn routes() -> $crate::http::Routes {
            #[derive(utoipa::OpenApi)]
            #[openapi(paths($($handler),+))]
            struct Word;
            $crate::http::Routes {
                configure: |services| { services$(.service($handler))+; },
                openapi: <Word as utoipa::OpenApi>::openapi,
            }
        }
    };
}

pub mod announcement;
pub mod attachment;
pub mod audit;
pub mod bulletin;
pub mod calendar;
pub mod complaint;
pub mod consultation;
pub mod deadline;
pub mod delivery;
pub mod docs;
pub mod duty;
pub mod enforcement;
pub mod envelope;
pub mod evaluation;
pub mod export;
pub mod extract;
pub mod fairness;
pub mod feedback;
pub mod final_reply;
pub mod follow_up;
pub mod grant;
pub mod guide;
pub mod household;
pub mod identity;
pub mod invitation;
pub mod job;
pub mod live;
pub mod merchant;
pub mod note;
pub mod notification;
pub mod offer;
pub mod openapi;
pub mod operations;
pub mod org;
pub mod pairing;
pub mod party;
pub mod points;
pub mod printed;
pub mod privacy;
pub mod problem;
pub mod publication;
pub mod rates;
pub mod redemption;
pub mod registration;
pub mod request;
pub mod routing;
pub mod score;
pub mod screening;
pub mod service;
pub mod supervision;
pub mod task;
pub mod template;
pub mod track;
pub mod view;
pub mod wechat;
pub mod whistle;
pub mod work_unit;

/// The operations of one word: how to mount them, and what they are.
pub struct Routes {
    /// Mounts them.
    pub configure: fn(&mut ServiceConfig),
    /// Documents them, with paths below [`BASE`].
    pub openapi: fn() -> utoipa::openapi::OpenApi,
}

/// What every path of the interface begins with.
pub const BASE: &str = "/api/v1";

/// Every word. A new one is one line here.
pub fn words() -> Vec<Routes> {
    vec![
        identity::routes(),
        identity::credential::routes(),
        identity::phone_code::routes(),
        identity::oidc::routes(),
        privacy::routes(),
        org::routes(),
        duty::routes(),
        duty::import::routes(),
        duty::proposal::routes(),
        complaint::routes(),
        complaint::centre::routes(),
        complaint::hot::routes(),
        complaint::photo::routes(),
        complaint::merging::routes(),
        complaint::reporter::routes(),
        complaint::sheet::routes(),
        track::routes(),
        screening::routes(),
        wechat::routes(),
        routing::routes(),
        task::routes(),
        task::assist::routes(),
        task::bulk::routes(),
        task::draft::routes(),
        task::ruling::routes(),
        // Before the whistles themselves, one of which `rates` is not.
        whistle::watch::routes(),
        task::returns::routes(),
        consultation::routes(),
        final_reply::routes(),
        attachment::routes(),
        attachment::judging::routes(),
        note::routes(),
        template::routes(),
        task::exclusion::routes(),
        enforcement::routes(),
        enforcement::import::routes(),
        enforcement::certificate::routes(),
        enforcement::act::routes(),
        task::hand::routes(),
        task::approval::routes(),
        follow_up::routes(),
        grant::routes(),
        invitation::routes(),
        evaluation::routes(),
        whistle::routes(),
        view::routes(),
        export::routes(),
        supervision::routes(),
        supervision::demand::routes(),
        supervision::roster::routes(),
        notification::routes(),
        delivery::routes(),
        delivery::template::routes(),
        live::routes(),
        job::routes(),
        calendar::routes(),
        deadline::routes(),
        rates::routes(),
        bulletin::routes(),
        // Before the registrations themselves, one of which `results` is not.
        registration::result::routes(),
        registration::change::routes(),
        registration::routes(),
        pairing::routes(),
        pairing::matter::routes(),
        work_unit::routes(),
        work_unit::told::routes(),
        // `/party-members/template` comes before `/party-members/{id}`.
        party::roll::routes(),
        party::routes(),
        party::ledger::routes(),
        party::transfer::routes(),
        party::tree::routes(),
        request::routes(),
        service::routes(),
        service::claim::routes(),
        service::hours::routes(),
        household::routes(),
        household::pairing::routes(),
        score::routes(),
        score::book::routes(),
        score::settlement::routes(),
        service::dispute::routes(),
        service::matching::routes(),
        service::page_code::routes(),
        service::pause::routes(),
        service::series::routes(),
        points::routes(),
        points::book::routes(),
        points::donation::routes(),
        points::rule::routes(),
        points::adjustment::routes(),
        points::notice::routes(),
        merchant::routes(),
        merchant::application::routes(),
        merchant::settlement::routes(),
        offer::routes(),
        offer::shop::routes(),
        offer::budget::routes(),
        redemption::routes(),
        redemption::till::routes(),
        redemption::voucher::routes(),
        fairness::routes(),
        feedback::routes(),
        announcement::routes(),
        // `/guides/template` comes before `/guides/{id}`.
        guide::sheet::routes(),
        guide::routes(),
        guide::voice::routes(),
        audit::routes(),
    ]
}

/// Mounts the whole interface on an application, as `serve` and the tests do.
pub fn configure(services: &mut ServiceConfig, state: &State) {
    services.app_data(Data::new(state.clone()));
    let mut interface = scope(BASE);
    for word in words() {
        interface = interface.configure(word.configure);
    }
    let interface = interface.wrap(from_fn(extract::caller::identify));
    services.service(interface).configure(docs::configure).configure(operations::configure);
    services.default_service(to(envelope::unrouted));
}
