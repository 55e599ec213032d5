//! Use cases: one transaction each. They know the rules and the stores, and nothing of HTTP.

use domain::{org::NodeCode, refusal::Invalid};
use futures::future::BoxFuture;
use infra::postgres::{Connection, Pool, org};
use tracing::Instrument;

use crate::error::Error;

pub mod announcement;
pub mod attachment;
pub mod audit;
pub mod bulletin;
pub mod calendar;
pub mod case;
pub mod complaint;
pub mod consultation;
pub mod delivery;
pub mod duty;
pub mod enforcement;
pub mod evaluation;
pub mod export;
pub mod fairness;
pub mod feedback;
pub mod final_reply;
pub mod follow_up;
pub mod generate;
pub mod grant;
pub mod guide;
pub mod household;
pub mod idempotent;
pub mod identity;
pub mod import;
pub mod invitation;
pub mod job;
pub mod live;
pub mod merchant;
pub mod note;
pub mod notification;
pub mod offer;
pub mod pairing;
pub mod party;
pub mod points;
pub mod privacy;
pub mod publication;
pub mod redemption;
pub mod registration;
pub mod request;
pub mod routing;
pub mod score;
pub mod screening;
pub mod seed;
pub mod service;
pub mod supervision;
pub mod task;
pub mod template;
pub mod view;
pub mod wechat;
pub mod whistle;
pub mod work_unit;

/// Runs `work` in one transaction: committed when it succeeds, rolled back when it fails.
///
/// It runs in a task of its own, so that a client that hangs up cannot drop it half way: the
/// transaction always ends, and its outcome is the same as if the client had waited. A future dropped
/// inside `begin` would hand its connection back with an open transaction, on which later writes
/// vanish (sqlx issue 4385): only here is one begun.
///
/// # Errors
/// Whatever `work` failed with, or the database's own refusal to commit.
pub async fn transact<T, W>(db: &Pool, work: W) -> Result<T, Error>
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
{
    let db = db.clone();
    let run = async move {
        let mut transaction = db.begin().await?;
        match work(&mut transaction).await {
            Ok(done) => {
                transaction.commit().await?;
                Ok(done)
            }
            Err(error) => {
                transaction.rollback().await?;
                Err(error)
            }
        }
    };
    tokio::spawn(run.in_current_span()).await?
}

/// # Errors
/// The code that stands in `field` is no community or village in use.
async fn check_community(
    tx: &mut Connection,
    field: impl Into<String>,
    code: &NodeCode,
) -> Result<(), Error> {
    if org::community_exists(tx, code).await? {
        return Ok(());
    }
    Err(Invalid::field(field, "没有这个社区或村，请从列表中选择").into())
}
