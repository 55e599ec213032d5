//! The demo district: the real 平城区 with its departments, duty lists, and a staff account for
//! every desk, all with one known password. Refused in production.

use std::sync::Arc;

use domain::{
    identity::password,
    refusal::{Kind, Refusal},
};
use infra::postgres::{duty, identity::staff, org};
use serde::de::DeserializeOwned;

use crate::{config::Mode, error::Error, state::State};

pub mod accounts;
pub mod around;
pub mod district;
pub mod duties;
pub mod offers;
pub mod powers;
pub mod routing;
pub mod service;
pub mod units;

/// The password of every staff account of the demo district.
pub const PASSWORD: &str = password::PUBLISHED;

/// Why the demo district is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The installation is a real one.
    #[error("这是正式环境（mode = \"production\"），不能写入演示数据：演示账号的密码是公开的")]
    Production,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        "seed_in_production"
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

/// What the seed holds, and what of it was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Nodes of the administrative tree, the departments and the party tree.
    pub nodes: usize,
    /// Of these, added or brought up to date.
    pub nodes_changed: u64,
    /// Versions of duty lists.
    pub lists: usize,
    /// Of these, new.
    pub lists_added: usize,
    /// Staff accounts.
    pub accounts: usize,
    /// Of these, new.
    pub accounts_added: usize,
    /// Offers that are new.
    pub offers_added: usize,
    /// Party members that are new, with their services and points.
    pub members_added: usize,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "演示数据已就绪：组织 {} 个（更新 {}），事项清单 {} 份（新增 {}），\
             工作人员账号 {} 个（新增 {}，密码 {PASSWORD}），新增优惠 {} 项、党员 {} 名",
            self.nodes,
            self.nodes_changed,
            self.lists,
            self.lists_added,
            self.accounts,
            self.accounts_added,
            self.offers_added,
            self.members_added,
        )
    }
}

/// Makes the demo district, or brings it up to date: a second run changes nothing.
///
/// # Errors
/// [`Refused::Production`], or the database failed.
pub async fn demo(state: &State) -> Result<Report, Error> {
    allowed(state.config.mode).map_err(|refused| Error::Refused(Box::new(refused)))?;
    let district = district::load()?;
    let lists = duties::load(&district)?;
    let powers = powers::load(&district)?;
    let mut staff = accounts::of(&district);
    staff.extend(accounts::liaisons(&units::load()?));
    let staff = Arc::new(staff);
    let now = state.clock.now();

    let here = state.clone();
    let hash = password_hash(state, &staff).await?;
    super::transact(&state.db, move |conn| {
        Box::pin(async move {
            let nodes_changed = org::upsert(conn, &district.nodes).await?;
            org::cover_estates(conn, &district.covered).await?;
            let lists_added = duty::insert_lists(conn, &lists).await?;
            powers::insert(conn, &powers).await?;
            let accounts_added = match &hash {
                Some(hash) => staff::insert(conn, &staff, hash, now).await?,
                None => 0,
            };
            routing::insert(conn, now).await?;
            let offers_added = offers::insert(conn, now).await?;
            units::insert(conn, &here).await?;
            let members_added = service::insert(conn, &here, now).await?;
            around::insert(conn, now).await?;
            Ok(Report {
                nodes: district.nodes.len(),
                nodes_changed,
                lists: lists.len(),
                lists_added,
                accounts: staff.len(),
                accounts_added,
                offers_added,
                members_added,
            })
        })
    })
    .await
}

pub(super) const fn allowed(mode: Mode) -> Result<(), Refused> {
    match mode {
        Mode::Demo => Ok(()),
        Mode::Production => Err(Refused::Production),
    }
}

/// One hash for all, and none when nobody needs it: hashing is slow by design.
async fn password_hash(
    state: &State,
    wanted: &Arc<Vec<staff::Staff>>,
) -> Result<Option<String>, Error> {
    let mut conn = state.db.acquire().await?;
    if !staff::any_missing(&mut conn, wanted).await? {
        return Ok(None);
    }
    Ok(Some(state.passwords.hash(PASSWORD.to_owned()).await?))
}

/// Reads one of the embedded data files.
pub(super) fn table<T: DeserializeOwned>(csv: &str) -> Result<Vec<T>, Error> {
    csv::Reader::from_reader(csv.as_bytes())
        .deserialize()
        .collect::<Result<_, csv::Error>>()
        .map_err(|flaw| Error::Internal(Box::new(flaw)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_never_seeded() {
        assert_eq!(allowed(Mode::Production), Err(Refused::Production));
        assert_eq!(allowed(Mode::Demo), Ok(()));
    }

    #[test]
    fn the_summary_can_be_read() {
        let report = Report {
            nodes: 433,
            nodes_changed: 0,
            lists: 56,
            lists_added: 0,
            accounts: 334,
            accounts_added: 0,
            offers_added: 16,
            members_added: 20,
        };
        assert_eq!(
            report.to_string(),
            "演示数据已就绪：组织 433 个（更新 0），事项清单 56 份（新增 0），\
             工作人员账号 334 个（新增 0，密码 Demo-2026-pass），新增优惠 16 项、党员 20 名"
        );
    }
}
