//! The guide of services (办事指南): what a unit does for people, who may ask for it, with what, where,
//! and until when this holds. Its life is a [`crate::publication`]'s; its file is [`sheet`].

use chrono::{Days, NaiveDate};

use crate::{
    refusal::{self, Faults, FieldError, Invalid, Kind},
    sheet::{self as file, RefusedCell},
    text,
};

pub mod sheet;

/// The owner is told so many days before an item runs out.
pub const WARNED_BEFORE: Days = Days::new(30);
/// So many days after it ran out an item is shown, marked; then it is hidden.
pub const SHOWN_AFTER: Days = Days::new(30);
/// Items that are proposed for a text at most.
pub const PROPOSED: usize = 3;

/// The fields as they came.
#[derive(Debug, Clone, Default)]
pub struct ItemForm<'a> {
    /// 2–100 characters.
    pub title: &'a str,
    /// 2–40 characters.
    pub category: &'a str,
    /// Who may apply, 2–500 characters.
    pub eligible: &'a str,
    /// What to bring, at most 30 of 1–200 characters.
    pub materials: &'a [String],
    /// What to do, at most 30 of 1–500 characters.
    pub steps: &'a [String],
    /// Where.
    pub place: Option<&'a str>,
    /// When it is open.
    pub hours: Option<&'a str>,
    /// Whom to ask.
    pub phone: Option<&'a str>,
    /// What it costs.
    pub fee: Option<&'a str>,
    /// Working days until it is done; 0 is at once.
    pub term_days: Option<i64>,
    /// Where it is done online; `https` alone.
    pub link: Option<&'a str>,
    /// By which rule.
    pub basis: Option<&'a str>,
    /// The first day on which it holds.
    pub valid_from: Option<NaiveDate>,
    /// The last.
    pub valid_until: Option<NaiveDate>,
    /// When the owner looks through it again.
    pub next_review: Option<NaiveDate>,
}

/// What one edition says, sound in form.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Item {
    /// What it is called.
    pub title: String,
    /// Where it is looked for.
    pub category: String,
    /// Who may apply.
    pub eligible: String,
    /// What to bring.
    pub materials: Vec<String>,
    /// What to do.
    pub steps: Vec<String>,
    /// Where.
    pub place: Option<String>,
    /// When it is open.
    pub hours: Option<String>,
    /// Whom to ask.
    pub phone: Option<String>,
    /// What it costs.
    pub fee: Option<String>,
    /// Working days until it is done; 0 is at once.
    pub term_days: Option<i16>,
    /// Where it is done online.
    pub link: Option<String>,
    /// By which rule.
    pub basis: Option<String>,
    /// The first day on which it holds.
    pub valid_from: NaiveDate,
    /// The last.
    pub valid_until: Option<NaiveDate>,
    /// When the owner looks through it again.
    pub next_review: Option<NaiveDate>,
}

impl ItemForm<'_> {
    /// # Errors
    /// Every field that breaks a rule.
    pub fn parse(&self, today: NaiveDate) -> Result<Item, Invalid> {
        let mut faults = Faults::default();
        let title = faults.take(text::line("title", self.title, 2, 100));
        let category = faults.take(text::line("category", self.category, 2, 40));
        let eligible = faults.take(text::text("eligible", self.eligible, 2, 500));
        let materials = list("materials", self.materials, 200, &mut faults);
        let steps = list("steps", self.steps, 500, &mut faults);
        let mut optional = |field: &str, given: Option<&str>, max: usize| {
            faults.take(text::optional(field, given, max)).flatten()
        };
        let place = optional("place", self.place, 200);
        let hours = optional("hours", self.hours, 200);
        let phone = optional("phone", self.phone, 100);
        let fee = optional("fee", self.fee, 200);
        let basis = optional("basis", self.basis, 500);
        let link = faults.take(link(self.link)).flatten();
        let term_days = match self.term_days.map(i16::try_from) {
            None => None,
            Some(Ok(days @ 0..=365)) => Some(days),
            Some(_) => {
                faults.add("term_days", "办理期限写 0–365 个工作日，当场办结写 0");
                None
            }
        };
        let valid_from = self.valid_from.unwrap_or(today);
        if self.valid_until.is_some_and(|until| until < valid_from) {
            faults.add("valid_until", "有效期的最后一天不能早于第一天");
        } else if self.valid_until.is_some_and(|until| until < today) {
            faults.add("valid_until", "有效期已经过去，请填以后的日期，或不填");
        }
        if self.next_review.is_some_and(|day| day <= today) {
            faults.add("next_review", "下次复核的日期要在今天以后");
        }
        faults.check()?;
        Ok(Item {
            title: title.unwrap_or_default(),
            category: category.unwrap_or_default(),
            eligible: eligible.unwrap_or_default(),
            materials,
            steps,
            place,
            hours,
            phone,
            fee,
            term_days,
            link,
            basis,
            valid_from,
            valid_until: self.valid_until,
            next_review: self.next_review,
        })
    }
}

/// Lines of a list, each named by its place.
fn list(field: &str, given: &[String], max: usize, faults: &mut Faults) -> Vec<String> {
    const MOST: usize = 30;
    if given.len() > MOST {
        faults.add(field, format!("最多 {MOST} 条，现在是 {} 条", given.len()));
        return Vec::new();
    }
    let lines = given.iter().enumerate().filter_map(|(place, one)| {
        faults.take(text::line(&format!("{field}[{place}]"), one, 1, max))
    });
    lines.collect()
}

/// An address that is opened for people: `https`, a host, no user and no blank.
fn link(given: Option<&str>) -> Result<Option<String>, FieldError> {
    let Some(given) = given.map(str::trim).filter(|given| !given.is_empty()) else {
        return Ok(None);
    };
    let host = given.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    let sound = host.is_some_and(|host| host.contains('.') && !host.contains('@'))
        && given.len() <= 500
        && given.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\'));
    if sound {
        Ok(Some(given.to_owned()))
    } else {
        let reason = "网上办理的地址要以 https:// 开头，例如 https://www.shanxi.gov.cn/";
        Err(FieldError::new("link", reason))
    }
}

/// Whether an item has run out: its last day has passed.
pub fn expired(valid_until: Option<NaiveDate>, today: NaiveDate) -> bool {
    valid_until.is_some_and(|until| until < today)
}

/// An item whose last day was before this one is hidden.
pub fn hidden_before(today: NaiveDate) -> NaiveDate {
    today.checked_sub_days(SHOWN_AFTER).unwrap_or(today)
}

/// The owner is told of an item whose last day is up to this one.
pub fn warned_until(today: NaiveDate) -> NaiveDate {
    today.checked_add_days(WARNED_BEFORE).unwrap_or(today)
}

/// What somebody says of an item (有用没用).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Whether it helped.
    pub useful: bool,
    /// What is missing or wrong.
    pub comment: Option<String>,
}

impl Vote {
    /// # Errors
    /// The comment is too long.
    pub fn parse(useful: bool, comment: Option<&str>) -> Result<Self, Invalid> {
        Ok(Self { useful, comment: text::optional("comment", comment, 500)? })
    }
}

/// Why something about the guide is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The unit has one of this title.
    #[error("本单位已有同名的办事指南，请修改原来的那一条，或换一个名称")]
    TitleTaken,
    /// The file lacks a column, or has no row.
    #[error("{0}")]
    Sheet(String),
    /// Rows of the file cannot be taken in; nothing was written.
    #[error("有 {} 处不能导入，一行也没有写入：{}", .0.len(), file::first(.0))]
    Cells(Vec<RefusedCell>),
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::TitleTaken => "guide_title_taken",
            Self::Sheet(_) => "guide_sheet_refused",
            Self::Cells(_) => "guide_cells_refused",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::TitleTaken => Kind::Conflict,
            Self::Sheet(_) | Self::Cells(_) => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Cells(cells) => cells.iter().map(RefusedCell::field).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const TODAY: &str = "2026-11-24";

    fn form() -> ItemForm<'static> {
        ItemForm {
            title: "高龄津贴申领",
            category: "民政",
            eligible: "本区户籍、年满 80 周岁的老人",
            ..ItemForm::default()
        }
    }

    #[test]
    fn an_item_is_checked_field_by_field() {
        let item = form().parse(day(TODAY)).unwrap();
        assert_eq!((item.valid_from, item.term_days), (day(TODAY), None));
        let blank = [String::new()];
        let bad = ItemForm {
            title: "高",
            category: "",
            eligible: "谁",
            materials: &blank,
            steps: &vec!["填表".to_owned(); 31],
            phone: Some(&*"长".repeat(101).leak()),
            link: Some("http://www.shanxi.gov.cn/"),
            term_days: Some(366),
            valid_from: Some(day("2027-01-01")),
            valid_until: Some(day("2026-12-31")),
            next_review: Some(day(TODAY)),
            ..form()
        };
        let faults = bad.parse(day(TODAY)).unwrap_err().0;
        let fields: Vec<&str> = faults.iter().map(|one| one.field.as_str()).collect();
        let named = [
            "title",
            "category",
            "eligible",
            "materials[0]",
            "steps",
            "phone",
            "link",
            "term_days",
            "valid_until",
            "next_review",
        ];
        assert_eq!(fields, named);
        let past = ItemForm {
            valid_from: Some(day("2020-01-01")),
            valid_until: Some(day("2026-11-23")),
            ..form()
        };
        assert_eq!(past.parse(day(TODAY)).unwrap_err().0[0].field, "valid_until");
    }

    #[test]
    fn a_link_is_https_and_says_where_it_leads() {
        for bad in [
            "http://a.gov.cn",
            "https://",
            "https://localhost",
            "https://a.gov.cn@evil.com/",
            "javascript:alert(1)",
            "https://a.gov.cn/\"x",
            "https://a.gov.cn/ x",
            "https://政务.中国/",
        ] {
            assert!(link(Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(link(Some(" ")).unwrap(), None);
        assert!(link(Some("https://www.shanxi.gov.cn/a?b=c#d")).unwrap().is_some());
    }

    #[test]
    fn an_item_runs_out_after_its_last_day_and_is_hidden_a_month_later() {
        let last = Some(day(TODAY));
        assert!(!expired(last, day(TODAY)) && expired(last, day("2026-11-25")));
        assert!(!expired(None, day("2099-01-01")));
        assert_eq!(hidden_before(day("2026-12-24")), day(TODAY), "still shown on that day");
        assert_eq!(warned_until(day("2026-10-25")), day(TODAY));
    }
}
