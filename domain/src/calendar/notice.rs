//! A year's notice as it is imported: versions are added, never changed, and the newest counts.

use chrono::{Datelike, NaiveDate};

use super::{Day, WorkingCalendar, WorkingHours, parse};
use crate::{
    refusal::{Faults, Invalid},
    text,
};

/// Years that a calendar is kept for.
pub const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;
/// Most days that a notice may list.
const MOST_DAYS: usize = 100;
/// So many days before a year begins its notice should be here.
const WARNED_BEFORE: u64 = 60;

/// The year that a path names: four digits, 2000–2100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Year(i32);

impl Year {
    /// The year as a number.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for Year {
    type Error = NoYear;
    fn try_from(year: i32) -> Result<Self, NoYear> {
        if YEARS.contains(&year) { Ok(Self(year)) } else { Err(NoYear) }
    }
}

impl std::str::FromStr for Year {
    type Err = NoYear;
    fn from_str(text: &str) -> Result<Self, NoYear> {
        let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i32>().ok().filter(|_| digits).ok_or(NoYear)?.try_into()
    }
}

/// No year that a calendar is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("年份要写四位数字，2000–2100")]
pub struct NoYear;

/// One day as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayForm {
    /// The date in Asia/Shanghai.
    pub date: NaiveDate,
    /// The holiday.
    pub name: String,
    /// Worked or off.
    pub working: bool,
}

/// The fields of an import as they came.
#[derive(Debug, Clone, Default)]
pub struct NoticeForm<'a> {
    /// The notice, by number or address.
    pub source: &'a str,
    /// When it was published.
    pub published_at: Option<NaiveDate>,
    /// Only a draft.
    pub provisional: bool,
    /// The days, one by one.
    pub days: Vec<DayForm>,
    /// Or as lines of `date,name,working|off`.
    pub csv: Option<&'a str>,
}

/// What is announced for one year.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Notice {
    /// The year.
    pub year: i32,
    /// The notice, by number or address: 2–200 characters.
    pub source: String,
    /// When it was published.
    pub published_at: Option<NaiveDate>,
    /// A draft that the notice will replace: its days count, and what they touch stays provisional.
    pub provisional: bool,
    /// The days that differ from their weekday, or confirm it, by date.
    pub days: Vec<Day>,
}

impl Notice {
    /// Checks an import. A notice must fit its year: 1 January and 1 October are off in every one,
    /// a make-up day is a Saturday or Sunday, and days lie in the year or in the December before.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(year: Year, form: NoticeForm<'_>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let source = faults.take(text::line("source", form.source, 2, 200));
        let listed = form.days.into_iter().map(|DayForm { date, name, working }| Day {
            date,
            name: name.trim().to_owned(),
            working,
        });
        let mut days: Vec<Day> = listed.collect();
        match (days.is_empty(), form.csv) {
            (true, Some(csv)) => days = faults.take(parse(csv)).unwrap_or_default(),
            (false, None) => {}
            _ => {
                faults
                    .add("days", "days（逐日列出）和 csv（每行“日期,节日,working 或 off”）写一个");
            }
        }
        days.sort_by_key(|day| day.date);
        check(year.0, &days, &mut faults);
        if !form.provisional {
            complete(year.0, &days, &mut faults);
        }
        faults.check()?;
        Ok(Self {
            year: year.0,
            source: source.unwrap_or_default(),
            published_at: form.published_at,
            provisional: form.provisional,
            days,
        })
    }

    /// Whether another import says the same: then there is nothing to add.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.year, self.provisional, &self.days) == (other.year, other.provisional, &other.days)
    }
}

fn check(year: i32, days: &[Day], faults: &mut Faults) {
    if days.len() > MOST_DAYS {
        faults.add("days", format!("一年最多列 {MOST_DAYS} 天"));
    }
    let mut before = None;
    for Day { date, name, working } in days {
        if before.replace(*date) == Some(*date) {
            faults.add("days", format!("{date} 写了两次"));
        }
        let december_before = date.year() == year - 1 && date.month() == 12;
        if date.year() != year && !december_before {
            faults.add("days", format!("{date} 不在 {year} 年（可以含上一年 12 月）"));
        }
        if let Err(fault) = text::line("days", name, 1, 20) {
            faults.add("days", format!("{date} 的节日名称：{}", fault.reason));
        }
        if *working && date.weekday().num_days_from_monday() < 5 {
            faults.add("days", format!("{date} 是周一至周五，不是调休上班日"));
        }
    }
}

/// A final notice lists the days that are off in every year; a file of another year does not.
fn complete(year: i32, days: &[Day], faults: &mut Faults) {
    for (month, name) in [(1, "元旦"), (10, "国庆节")] {
        let off = NaiveDate::from_ymd_opt(year, month, 1)
            .is_some_and(|date| days.iter().any(|day| day.date == date && !day.working));
        if !off {
            let reason = format!(
                "缺少 {month} 月 1 日（{name}）放假；请核对年份，只有草案时请写 provisional: true"
            );
            faults.add("days", reason);
        }
    }
}

impl WorkingCalendar {
    /// The calendar of some years' notices, one for each year. A year whose notice is a draft
    /// stays provisional.
    pub fn of(notices: &[&Notice], hours: WorkingHours) -> Self {
        let mut sorted = notices.to_vec();
        sorted.sort_by_key(|notice| notice.year);
        let days = sorted.iter().flat_map(|notice| notice.days.iter().cloned());
        let years = sorted.iter().filter(|notice| !notice.provisional).map(|notice| notice.year);
        Self::new(days, years, hours)
    }

    /// The first year whose notice should be here on a day and is not: the day's own, or the one
    /// that begins within 60 days.
    pub fn missing(&self, today: NaiveDate) -> Option<i32> {
        let soon = today.checked_add_days(chrono::Days::new(WARNED_BEFORE)).unwrap_or(today);
        (today.year()..=soon.year()).find(|year| self.is_provisional(*year))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;

    const GOOD: &str = "2027-01-01,元旦,off\n2027-01-02,元旦,off\n2027-10-01,国庆节,off\n\
                        2027-10-09,国庆节,working";

    fn read(csv: &str, provisional: bool) -> Result<Notice, Vec<String>> {
        let year = "2027".parse().unwrap();
        let form =
            NoticeForm { source: "测试", csv: Some(csv), provisional, ..NoticeForm::default() };
        Notice::parse(year, form)
            .map_err(|refused| refused.fields().into_iter().map(|field| field.reason).collect())
    }

    #[test]
    fn a_notice_fits_its_year() {
        assert_eq!(read(GOOD, false).unwrap().days.len(), 4);
        let refused = |csv: &str, says: &str| {
            let reasons = read(csv, false).unwrap_err();
            assert!(reasons.iter().any(|reason| reason.contains(says)), "{csv}: {reasons:?}");
        };
        refused(&GOOD.replace("2027", "2026"), "不在 2027 年");
        refused(&GOOD.replace("2027-10-09", "2027-10-08"), "不是调休上班日");
        refused("2027-01-01,元旦,off", "10 月 1 日");
        refused(&format!("{GOOD}\n2027-01-01,元旦,off"), "同一天只写一次");
        refused("", "缺少 1 月 1 日");
        assert!(read("2027-01-01,元旦,off", true).is_ok(), "a draft may be incomplete");
        let eve = format!("2026-12-26,元旦,working\n{GOOD}");
        assert!(read(&eve, false).is_ok(), "a make-up day in the December before");
    }

    #[test]
    fn a_year_has_four_digits() {
        for bad in ["", "27", "1999", "2101", "+2027", "２０２７", "20270", "-2027", "2027.0"] {
            assert!(bad.parse::<Year>().is_err(), "{bad}");
        }
        assert_eq!("2027".parse::<Year>().unwrap().get(), 2027);
    }

    #[test]
    fn a_missing_year_is_noticed_sixty_days_before() {
        let calendar = WorkingCalendar::embedded();
        let on = |text: &str| calendar.missing(text.parse().unwrap());
        assert_eq!(on("2026-11-01"), None);
        assert_eq!(on("2026-11-02"), Some(2027));
        assert_eq!(on("2027-03-01"), Some(2027));
        assert_eq!(on("2023-12-01"), Some(2023));
    }

    #[test]
    fn a_draft_gives_days_and_stays_provisional() {
        let draft = read("2027-02-08,春节,off", true).unwrap();
        let calendar = WorkingCalendar::of(&[&draft], WorkingHours::default());
        assert!(!calendar.is_working_day("2027-02-08".parse().unwrap()));
        assert!(calendar.is_provisional(2027));
        let last = read(GOOD, false).unwrap();
        let calendar = WorkingCalendar::of(&[&last], WorkingHours::default());
        assert!(!calendar.is_provisional(2027));
        assert!(calendar.is_working_day("2027-10-09".parse().unwrap()));
    }
}
