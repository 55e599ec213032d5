//! What every test stands on: an application of its own over HTTP, people to log in as, a clock
//! to turn, and a reader of answers that knows the OpenAPI file.

mod answer;
mod app;
mod case;
mod client;
mod database;
mod document;
mod file;
mod schema;
mod sms;
mod stream;
mod wechat;

pub use answer::Answer;
pub use app::{App, at};
pub use case::{Case, REPLY, complaint};
pub use client::Client;
pub use database::GENERATED;
pub use document::{Operation, document, operation_of, operations};
pub use file::{form, jpeg, located, photo, tells_its_place, thirty_megapixels};
pub use schema::faults;
pub use sms::{sms, sms_named, sms_refuses, sms_sent, sms_takes};
pub use stream::{Heard, Listening};
pub use wechat::{wechat, wechat_answers, wechat_asked, wechat_keys, wechat_refuses, wechat_says};

/// The lead unit of the cases that `support` makes.
pub const UNIT: &str = "urban-management";
/// Its clerk.
pub const CLERK: &str = "dept.urban-management";
/// The community of the cases that `support` makes (文兴社区).
pub const COMMUNITY: &str = "140213066004";
/// The subdistrict above it (水泊寺街道).
pub const SUBDISTRICT: &str = "140213066";
