//! Where a request came from, for the audit trail and the rate limits.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{HeaderValue, USER_AGENT as USER_AGENT_HEADER},
    web::Data,
};
use ipnet::IpNet;
use tracing_actix_web::RequestId;

use crate::state::State;

/// The request's id and the client's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMeta {
    /// The id that the answer carries in `x-request-id`.
    pub request_id: String,
    /// The client's address, in text form.
    pub address: String,
    /// What the client calls itself: 200 characters at most, none of them a control character.
    pub user_agent: String,
}

/// Characters of a user agent that are kept.
const USER_AGENT: usize = 200;

impl FromRequest for RequestMeta {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request_id =
            request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        let proxies = request
            .app_data::<Data<State>>()
            .map(|state| state.config.http.trusted_proxies.as_slice())
            .unwrap_or_default();
        let forwarded: Vec<&str> = request
            .headers()
            .get_all("x-forwarded-for")
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let peer = request.peer_addr().map(|peer| peer.ip());
        let address =
            client(peer, &forwarded, proxies).map(|ip| ip.to_string()).unwrap_or_default();
        let said = request.headers().get(USER_AGENT_HEADER).map(HeaderValue::as_bytes);
        let user_agent = String::from_utf8_lossy(said.unwrap_or_default())
            .chars()
            .filter(|c| !c.is_control())
            .take(USER_AGENT)
            .collect();
        ready(Ok(Self { request_id, address, user_agent }))
    }
}

/// The nearest address that is not one of our own proxies. What a stranger writes into
/// `X-Forwarded-For` stands further left, or is not looked at: it is never believed.
fn client(peer: Option<IpAddr>, forwarded: &[&str], proxies: &[IpNet]) -> Option<IpAddr> {
    let ours = |ip: &IpAddr| proxies.iter().any(|net| net.contains(ip));
    let mut nearest = peer?.to_canonical();
    for hop in forwarded.iter().rev() {
        if !ours(&nearest) {
            break;
        }
        let Ok(before) = hop.trim().parse::<IpAddr>() else { break };
        nearest = before.to_canonical();
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_proxies_are_believed() {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let ask = |peer: &str, forwarded: &[&str]| {
            client(Some(peer.parse().unwrap()), forwarded, &proxies).unwrap().to_string()
        };
        assert_eq!(ask("1.2.3.4", &["9.9.9.9"]), "1.2.3.4");
        assert_eq!(ask("10.0.0.1", &["9.9.9.9", " 5.6.7.8"]), "5.6.7.8");
        assert_eq!(ask("10.0.0.1", &["9.9.9.9", "5.6.7.8", "10.1.1.1"]), "5.6.7.8");
        assert_eq!(ask("10.0.0.1", &["not an address"]), "10.0.0.1");
        assert_eq!(ask("::ffff:10.0.0.1", &["::ffff:5.6.7.8"]), "5.6.7.8");
        assert_eq!(ask("10.0.0.1", &[]), "10.0.0.1");
    }
}
