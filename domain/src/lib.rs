//! The rules of 智享平城, pure: no database calls, no network, no clock, no randomness.
//!
//! Every function here takes the state, a command, the facts it needs and `now`, and answers
//! with a [`decision::Decision`] or a [`refusal::Refusal`]. See `docs/ARCHITECTURE.md`.

#[macro_use]
pub mod code;

pub mod announcement;
pub mod attachment;
pub mod audit;
pub mod bulletin;
pub mod calendar;
pub mod complaint;
pub mod consultation;
pub mod decision;
pub mod delivery;
pub mod duty;
pub mod edition;
pub mod enforcement;
pub mod evaluation;
pub mod event;
pub mod export;
pub mod fairness;
pub mod feedback;
pub mod final_reply;
pub mod follow_up;
pub mod grant;
pub mod guide;
pub mod household;
pub mod id;
pub mod identity;
pub mod import;
pub mod invitation;
pub mod live;
pub mod merchant;
pub mod note;
pub mod notification;
pub mod offer;
pub mod org;
pub mod page;
pub mod pairing;
pub mod party;
pub mod personal;
pub mod points;
pub mod privacy;
pub mod publication;
pub mod rates;
pub mod redemption;
pub mod refusal;
pub mod registration;
pub mod request;
pub mod routing;
pub mod scope;
pub mod score;
pub mod screening;
pub mod service;
pub mod sheet;
pub mod sla;
pub mod supervision;
pub mod task;
pub mod template;
#[cfg(test)]
mod testing;
pub mod text;
pub mod time;
pub mod transitions;
pub mod view;
pub mod whistle;
pub mod work_unit;
