//! Pages of a list: keyset cursors, never an offset.

use crate::{refusal::FieldError, time::Timestamp};

/// How many rows a page may have (1–100).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(i64);

impl Limit {
    /// The page size when none is asked for.
    pub const DEFAULT: Self = Self(20);

    /// # Errors
    /// Not within 1–100.
    pub fn new(rows: i64) -> Result<Self, FieldError> {
        if (1..=100).contains(&rows) {
            Ok(Self(rows))
        } else {
            Err(FieldError::new("limit", format!("每页条数只能是 1–100，现在是 {rows}")))
        }
    }

    /// The number of rows.
    pub const fn rows(self) -> i64 {
        self.0
    }
}

/// The place after which the next page starts: the last row's instant and id. It is handed out as
/// opaque text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The sort key of the last row.
    pub at: Timestamp,
    /// Its id, which decides between equal instants.
    pub id: uuid::Uuid,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.at.timestamp_micros(), self.id.simple())
    }
}

impl std::str::FromStr for Cursor {
    type Err = FieldError;
    fn from_str(text: &str) -> Result<Self, FieldError> {
        let wrong = || FieldError::new("cursor", "翻页标记无效，请用上一页返回的 next_cursor");
        let (at, id) = text.split_once('_').ok_or_else(wrong)?;
        let at = at.parse().ok().and_then(Timestamp::from_timestamp_micros).ok_or_else(wrong)?;
        let id = uuid::Uuid::try_parse(id).map_err(|_| wrong())?;
        // PostgreSQL's timestamps end before chrono's; an absurd cursor is refused, not sent on.
        if !(0..=4_102_444_800).contains(&at.timestamp()) {
            return Err(wrong());
        }
        Ok(Self { at, id })
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of rows that were read with one more than the limit.
    pub fn of(mut rows: Vec<T>, limit: Limit, key: impl Fn(&T) -> Cursor) -> Self {
        let size = usize::try_from(limit.rows()).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next_cursor = if more { rows.last().map(|row| key(row).to_string()) } else { None };
        Self { items: rows, next_cursor }
    }
}

impl<T> Page<T> {
    /// Makes a page of rows in the order of a text, read with one more than the limit.
    pub fn by_key(mut rows: Vec<T>, limit: Limit, key: impl Fn(&T) -> &str) -> Self {
        let size = usize::try_from(limit.rows()).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next_cursor = if more { rows.last().map(|row| key(row).to_owned()) } else { None };
        Self { items: rows, next_cursor }
    }
}

/// Which page of a list in the order of a text, such as a code, is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest {
    /// After which key.
    pub after: Option<String>,
    /// How many rows.
    pub limit: Limit,
}

impl KeyRequest {
    /// The cursor of such a list is the last row's key.
    ///
    /// # Errors
    /// No list has such a key.
    pub fn parse_key(text: &str) -> Result<String, FieldError> {
        if text.len() <= 100 && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(text.to_owned())
        } else {
            Err(FieldError::new("cursor", "翻页标记无效，请用上一页返回的 next_cursor"))
        }
    }

    /// One more than the page, which tells whether there is another.
    pub const fn probe(&self) -> i64 {
        self.limit.rows() + 1
    }
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    /// After which row.
    pub after: Option<Cursor>,
    /// How many rows.
    pub limit: Limit,
}

impl PageRequest {
    /// The first page, of the usual size: also for what is one row at most.
    pub const FIRST: Self = Self { after: None, limit: Limit::DEFAULT };

    /// One more than the page, which tells whether there is another.
    pub const fn probe(self) -> i64 {
        self.limit.rows() + 1
    }
}
