//! Saved views (常用筛选): a list's filters under a name, each account's own.

use crate::{
    refusal::{FieldError, Kind, Refusal},
    text,
};

/// So many an account may keep.
pub const MOST: i64 = 50;
/// The longest query that is kept, in characters.
const LONGEST: usize = 1000;

codes! {
    /// The lists that clerks live in.
    pub enum List {
        /// Complaints.
        Complaints = "complaints", "诉求列表";
        /// Tasks.
        Tasks = "tasks", "任务列表";
    }
}

/// The name of a view: one line of 1–40 characters.
///
/// # Errors
/// Anything else.
pub fn name(given: &str) -> Result<String, FieldError> {
    text::line("name", given, 1, 40)
}

/// The query of a view: one line of up to 1,000 characters, without a leading `?`. Whether it means
/// anything, the list's own parser says.
///
/// # Errors
/// Too long, or with control characters.
pub fn query(given: &str) -> Result<String, FieldError> {
    text::line("query", given.trim().trim_start_matches('?'), 0, LONGEST)
}

/// Why a view is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There are too many.
    #[error("常用筛选最多保存 {MOST} 个，请先删去不用的")]
    Limit,
    /// The account has one of this name.
    #[error("已有同名的常用筛选，请换一个名称，或先删去原来的")]
    NameTaken,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Limit => "view_limit_reached",
            Self::NameTaken => "view_name_taken",
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
    fn a_name_is_a_short_line() {
        assert_eq!(name(" 明天到期 ").unwrap(), "明天到期");
        assert!(name("").is_err() && name("两\n行").is_err() && name(&"长".repeat(41)).is_err());
    }

    #[test]
    fn a_query_may_begin_with_its_mark() {
        assert_eq!(query("?status=pending").unwrap(), "status=pending");
        assert_eq!(query("").unwrap(), "");
        assert!(query(&"q".repeat(1001)).is_err());
    }
}
