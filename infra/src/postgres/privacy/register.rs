//! The register of personal data (个人信息登记): for every table and column of the database, whether it
//! can hold something of a person, whose, what the person is shown of it, and what an erasure does
//! to it. A test compares it with the database: a column without an entry fails.
//!
//! Conditions are SQL in which `$1` is the person's account.

mod cases;
mod identity;
mod organisation;
mod points;
mod service;

/// What an erasure does to a column of a person's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Kept(Why),
    /// It becomes null.
    Gone,
    /// The text becomes [`super::MARK`], where there is one.
    Marked,
    /// The bytes become none.
    Blank,
    /// What is sealed becomes [`super::MARK`], sealed in this context.
    Sealed(&'static str),
    /// A name for people to read becomes [`super::NOBODY`].
    Renamed,
    /// In rows *about* the person, written by others on duty, the person's names and numbers become
    /// [`super::MARK`]; the rest of the text stays.
    Scrubbed,
    /// In the person's rows it becomes null; in rows about the person where it names the person.
    Forgotten,
    /// In rows about the person it becomes [`super::MARK`] as a whole where it names the person.
    MarkedIfNamed,
    /// The whole row is destroyed.
    WithRow,
    /// The same; and of rows about the person the whole row where it names the person.
    WithRowIfNamed,
}

/// Why something stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Ids, codes, figures, instants and MACs: pseudonymous once the person's row is gone.
    Code,
    /// A law demands it: the audit trail (网络安全法 21, 互联网政务应用安全管理规定), files of enforcement
    /// (行政处罚法).
    Law,
    /// Words of staff on duty about their work, not about a resident.
    Office,
    /// About no person: lists, notices, rules, names of bodies.
    Public,
    /// A register that a body keeps of its own members, households or merchants, on a ground of its
    /// own. Its link to the erased account goes.
    Register,
}

impl Why {
    /// The reason, as a person is told it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Code => "编号、代码、数字和时间，注销后不再指向任何人",
            Self::Law => "法律规定必须保存",
            Self::Office => "工作人员的履职记录",
            Self::Public => "与个人无关",
            Self::Register => "组织自己的名册，由组织依职责保存",
        }
    }
}

/// What a person is shown of a table.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The name in the export.
    pub word: &'static str,
    /// Columns, as they stand.
    pub columns: &'static str,
    /// Sealed columns: the column, its name in the export, and its context, in which `{column}`
    /// stands for a told column's value.
    pub sealed: &'static [(&'static str, &'static str, &'static str)],
    /// Of the person's rows only these.
    pub only: Option<&'static str>,
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Which rows are the person's; none where no row is.
    pub whose: Option<&'static str>,
    /// Which rows others wrote about the person.
    pub about: Option<&'static str>,
    /// Every column once.
    pub columns: &'static [(Fate, &'static str)],
    /// What the person is shown.
    pub told: Option<Told>,
}

impl Table {
    /// Every column with what becomes of it.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, Fate)> {
        self.columns
            .iter()
            .flat_map(|(fate, names)| names.split_whitespace().map(move |name| (name, *fate)))
    }
}

/// Every table, in the order in which an erasure visits them: cases first, as locks are taken.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    [cases::TABLES, service::TABLES, points::TABLES, organisation::TABLES, identity::TABLES]
        .into_iter()
        .flatten()
}
