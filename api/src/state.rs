//! What every use case has at hand.

use std::sync::Arc;

use domain::sla::Rules;
use infra::{
    crypto::Crypto,
    oidc::Oidc,
    password::Passwords,
    postgres::Pool,
    redis::Redis,
    sms::Sms,
    storage::Storage,
    wechat::{WeChat, callback::Callback},
};

use crate::{
    calendars::Calendars,
    clock::{Clock, Steadiness},
    config::{Config, Mode},
    streams::Streams,
    token::Tokens,
};

/// The shared state; cloning it clones handles.
#[derive(Clone)]
pub struct State {
    /// The truth.
    pub db: Pool,
    /// Hints and short-lived state; may be away.
    pub redis: Redis,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Whether it goes as steadily as the machine.
    pub steadiness: Steadiness,
    /// The configuration as read at start.
    pub config: Arc<Config>,
    /// Field encryption, blind indexes and MACs.
    pub crypto: Arc<Crypto>,
    /// Password hashes.
    pub passwords: Arc<Passwords>,
    /// Access and refresh tokens.
    pub tokens: Arc<Tokens>,
    /// Working days and hours.
    pub calendars: Calendars,
    /// Deadlines and limits.
    pub rules: Arc<Rules>,
    /// Photos and voice.
    pub files: Storage,
    /// WeChat's server interfaces.
    pub wechat: WeChat,
    /// Text messages.
    pub sms: Sms,
    /// The directory that staff may log in with, where there is one.
    pub oidc: Option<Oidc>,
    /// What opens WeChat's pushes.
    pub callback: Arc<Callback>,
    /// Who listens to what happens.
    pub streams: Streams,
}

impl State {
    /// Whether text messages are sent, to people or, in the demo, to the log.
    pub fn texts(&self) -> bool {
        self.sms.reaches_people() || self.config.mode == Mode::Demo
    }

    /// What rules reckon time by.
    pub fn terms(&self) -> domain::sla::Terms<'_> {
        domain::sla::Terms { calendar: self.calendars.current(), rules: &self.rules }
    }
}
