//! Exports (导出): a filtered list as a workbook, made in the background.

use chrono::TimeDelta;

use crate::{
    refusal::{FieldError, Invalid, Kind, Refusal},
    text,
    time::Timestamp,
};

/// So many rows a workbook has at most; the list is cut there, and says so.
pub const MOST_ROWS: usize = 20_000;
/// So many of an account's exports wait or run at once.
pub const AT_ONCE: i64 = 2;
/// How long a workbook is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// How long a link to it is good.
pub const LINK: TimeDelta = TimeDelta::minutes(10);
/// What has not ended by then never will: its worker gave up.
pub const LONGEST: TimeDelta = TimeDelta::hours(1);

codes! {
    /// Where an export stands.
    pub enum Status {
        /// Waits for a worker.
        Queued = "queued", "排队中";
        /// Rows are being read.
        Running = "running", "导出中";
        /// The workbook is there.
        Done = "done", "已完成";
        /// There will be none.
        Failed = "failed", "未完成";
    }
}

/// Telephone numbers in full are asked for with a reason, and the reason with nothing else.
///
/// # Errors
/// The reason is missing, too long, or given for nothing.
pub fn reason(unmask: bool, given: Option<&str>) -> Result<Option<String>, Invalid> {
    match (unmask, given) {
        (false, None) => Ok(None),
        (true, Some(reason)) => Ok(Some(text::text("reason", reason, 2, 200)?)),
        (true, None) => Err(Invalid::field("reason", "导出完整的联系电话须写明原因")),
        (false, Some(_)) => {
            Err(FieldError::new("reason", "只有导出完整的联系电话才写原因，请删去").into())
        }
    }
}

/// Until when a link that is handed out now is good.
pub fn link_until(now: Timestamp, expires_at: Timestamp) -> Timestamp {
    expires_at.min(now + LINK)
}

/// Why nothing is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Others of this account are not ready yet.
    #[error("您已有 {AT_ONCE} 个导出在进行，请等其中一个完成再导出")]
    Limit,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Limit => "export_limit_reached",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_comes_with_numbers_in_full_alone() {
        assert_eq!(reason(false, None), Ok(None));
        assert_eq!(reason(true, Some("逐件回访")), Ok(Some("逐件回访".to_owned())));
        for (unmask, given) in [(true, None), (true, Some(" ")), (false, Some("逐件回访"))] {
            assert!(reason(unmask, given).is_err(), "{unmask} {given:?}");
        }
    }

    #[test]
    fn no_link_outlives_its_file() {
        let now: Timestamp = "2026-11-24T01:00:00Z".parse().unwrap();
        assert_eq!(link_until(now, now + KEPT), now + LINK);
        assert_eq!(link_until(now, now + TimeDelta::minutes(3)), now + TimeDelta::minutes(3));
    }
}
