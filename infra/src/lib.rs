//! What the rules need from outside: PostgreSQL (the truth), Redis (hints), the file store, WeChat,
//! text messages, cryptography, and the decoding of pictures.
//!
//! Store functions are plain `async fn(&mut PgConnection, …)`; only `api::app` and the job runner
//! begin or commit. SQL stands only in this crate.

pub mod crypto;
pub mod heads;
pub mod oidc;
pub mod outside;
pub mod password;
pub mod picture;
pub mod postgres;
pub mod random;
pub mod redis;
pub mod sms;
pub mod storage;
pub mod totp;
pub mod wechat;
