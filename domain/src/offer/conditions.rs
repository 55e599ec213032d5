//! When an offer can be redeemed, and by whom.

use chrono::{Datelike, NaiveDate, Timelike};

use super::Refused;
use crate::{org::NodeCode, refusal::Faults, time, time::Timestamp};

codes! {
    /// For whom an offer is.
    pub enum Audience {
        /// Everybody.
        Anyone = "anyone", "所有居民";
        /// Members on the register.
        PartyMember = "party_member", "党员";
        /// Who is registered with a community (双报到).
        Registered = "registered", "已到社区报到";
    }
}

/// Days without the offer at most.
const BLACKOUT: usize = 60;
/// Communities that one offer names at most.
const COMMUNITIES: usize = 50;
/// The names of the days, Monday first.
const DAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

/// Days of the week: bit 0 is Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekdays(i16);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(127);

    /// Days by their numbers, Monday is 1; none at all means every day.
    pub fn of(days: &[u8]) -> Option<Self> {
        let mut bits = 0;
        for day in days {
            if !(1..=7).contains(day) {
                return None;
            }
            bits |= 1 << (day - 1);
        }
        Some(if bits == 0 { Self::ALL } else { Self(bits) })
    }

    /// As it is stored.
    pub const fn bits(self) -> i16 {
        self.0
    }

    /// As it was stored.
    pub const fn from_bits(bits: i16) -> Self {
        Self(bits & 127)
    }

    /// The numbers of its days, Monday is 1.
    pub fn days(self) -> Vec<u8> {
        (1..=7).filter(|day| self.has(*day)).collect()
    }

    const fn has(self, day: u8) -> bool {
        self.0 >> (day - 1) & 1 == 1
    }

    /// Its days as people say them.
    pub fn spoken(self) -> String {
        let named = DAYS.iter().zip(1..).filter(|(_, day)| self.has(*day)).map(|(name, _)| *name);
        named.collect::<Vec<_>>().join("、")
    }
}

impl Default for Weekdays {
    fn default() -> Self {
        Self::ALL
    }
}

/// Hours of the civil day, in minutes since midnight: from the first up to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// From this minute.
    pub from: i16,
    /// Up to this one, without it; 1440 is midnight.
    pub to: i16,
}

impl Hours {
    /// Reads `11:00` and `13:30`.
    fn parse(from: &str, to: &str) -> Option<Self> {
        let hours = Self { from: minute(from)?, to: minute(to)? };
        (hours.from < hours.to).then_some(hours)
    }

    /// Both ends as `11:00` and `13:30`.
    pub fn written(self) -> (String, String) {
        let clock = |minute: i16| format!("{:02}:{:02}", minute / 60, minute % 60);
        (clock(self.from), clock(self.to))
    }
}

/// The minute of a day that `11:30` names; `24:00` is its end.
fn minute(text: &str) -> Option<i16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute) = (hour.parse::<i16>().ok()?, minute.parse::<i16>().ok()?);
    let whole = hour * 60 + minute;
    (minute < 60 && whole <= 24 * 60).then_some(whole)
}

/// Conditions as they are sent.
#[derive(Debug, Clone, Default)]
pub struct ConditionsForm<'a> {
    /// Days of the week, Monday is 1; none for every day.
    pub weekdays: &'a [u8],
    /// From `11:00` …
    pub from_time: Option<&'a str>,
    /// … to `13:30`.
    pub to_time: Option<&'a str>,
    /// Days without it.
    pub blackout: &'a [NaiveDate],
    /// Pieces for one person on one day.
    pub per_day: Option<i64>,
    /// Pieces for one person in one calendar week.
    pub per_week: Option<i64>,
    /// For whom.
    pub audience: Option<Audience>,
    /// Of registered ones: with these communities.
    pub communities: &'a [String],
    /// At least so many whole years old.
    pub min_age: Option<i64>,
    /// At most so many.
    pub max_age: Option<i64>,
}

/// When an offer can be redeemed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// Days of the week.
    pub weekdays: Weekdays,
    /// Hours of the day; the whole of it where none are given.
    pub hours: Option<Hours>,
    /// Days without it, in order.
    pub blackout: Vec<NaiveDate>,
    /// Pieces for one person on one day.
    pub per_day: Option<i16>,
    /// Pieces for one person in one calendar week.
    pub per_week: Option<i16>,
    /// For whom.
    pub audience: Audience,
    /// Of registered ones: with these communities; empty for any.
    pub communities: Vec<NodeCode>,
    /// For people of these ages.
    pub ages: Ages,
}

/// Ages in whole years, both ends included. Whose birthday is not known is of no such age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ages {
    /// At least.
    pub min: Option<i16>,
    /// At most.
    pub max: Option<i16>,
}

impl Ages {
    /// Whether somebody born on a day is of these ages on another.
    fn have(self, born_on: Option<NaiveDate>, today: NaiveDate) -> bool {
        if self == Self::default() {
            return true;
        }
        let age = born_on.and_then(|born| today.years_since(born)).map(i64::from);
        age.is_some_and(|age| {
            self.min.is_none_or(|min| age >= min.into())
                && self.max.is_none_or(|max| age <= max.into())
        })
    }

    /// The ages as people say them.
    pub fn spoken(self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{min}–{max} 周岁"),
            (Some(min), None) => format!("{min} 周岁以上"),
            (None, Some(max)) => format!("{max} 周岁以下"),
            (None, None) => "不限年龄".to_owned(),
        }
    }
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            weekdays: Weekdays::ALL,
            hours: None,
            blackout: Vec::new(),
            per_day: None,
            per_week: None,
            audience: Audience::Anyone,
            communities: Vec::new(),
            ages: Ages::default(),
        }
    }
}

/// What is known of a person who would have a piece.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// They stand on the register of members.
    pub party_member: bool,
    /// The community that signed their registration.
    pub registered: Option<NodeCode>,
    /// Their birthday, where the register knows it.
    pub born_on: Option<NaiveDate>,
}

/// Pieces of one offer that a person has taken: held or verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Today.
    pub day: i64,
    /// In this calendar week.
    pub week: i64,
}

impl Conditions {
    /// Reads conditions; what is wrong is noted.
    pub(super) fn parse(form: &ConditionsForm<'_>, faults: &mut Faults) -> Self {
        let weekdays = Weekdays::of(form.weekdays).unwrap_or_else(|| {
            faults.add("weekdays", "星期写 1–7，周一是 1");
            Weekdays::ALL
        });
        let hours = match (form.from_time, form.to_time) {
            (None, None) => None,
            (from, to) => {
                let hours = Hours::parse(from.unwrap_or_default(), to.unwrap_or_default());
                if hours.is_none() {
                    faults.add("from_time", "时段写成 11:00 和 13:30，开始早于结束，最晚 24:00");
                }
                hours
            }
        };
        let mut blackout = form.blackout.to_vec();
        blackout.sort_unstable();
        blackout.dedup();
        if blackout.len() > BLACKOUT {
            faults.add("blackout", format!("不能兑换的日子最多 {BLACKOUT} 天"));
        }
        let mut each = |field: &str, given: Option<i64>| {
            let given = given?;
            let fits = i16::try_from(given).ok().filter(|each| (1..=1000).contains(each));
            if fits.is_none() {
                faults.add(field, format!("只能是 1–1000 的整数，现在是 {given}"));
            }
            fits
        };
        let (per_day, per_week) = (each("per_day", form.per_day), each("per_week", form.per_week));
        let audience = form.audience.unwrap_or(Audience::Anyone);
        let mut communities = Vec::new();
        for code in form.communities {
            communities.extend(faults.take(NodeCode::parse("communities", code)));
        }
        communities.sort_unstable();
        communities.dedup();
        if communities.len() > COMMUNITIES {
            faults.add("communities", format!("最多写 {COMMUNITIES} 个社区"));
        } else if !communities.is_empty() && audience != Audience::Registered {
            faults.add("communities", "只有面向已报到的人时才写社区");
        }
        let mut age = |field: &str, given: Option<i64>| {
            let given = given?;
            let fits = i16::try_from(given).ok().filter(|age| (1..=120).contains(age));
            if fits.is_none() {
                faults.add(field, format!("年龄为 1–120 周岁，现在是 {given}"));
            }
            fits
        };
        let ages = Ages { min: age("min_age", form.min_age), max: age("max_age", form.max_age) };
        if ages.min.zip(ages.max).is_some_and(|(min, max)| min > max) {
            faults.add("min_age", "最小年龄不能大于最大年龄");
        }
        Self { weekdays, hours, blackout, per_day, per_week, audience, communities, ages }
    }

    /// Whether a person may have a piece now.
    ///
    /// # Errors
    /// Not today, not at this hour; not for this person; enough for a day or a week.
    pub fn judge(&self, person: &Person, taken: Taken, now: Timestamp) -> Result<(), Refused> {
        let civil = time::civil(now);
        let day = u8::try_from(civil.weekday().number_from_monday()).unwrap_or(1);
        if !self.weekdays.has(day) {
            return Err(Refused::NotToday {
                when: format!("只在{}兑换", self.weekdays.spoken())
            });
        }
        if self.blackout.contains(&civil.date()) {
            return Err(Refused::NotToday { when: "今天不在兑换的日子里".to_owned() });
        }
        let minute = i16::try_from(civil.hour() * 60 + civil.minute()).unwrap_or(0);
        if let Some(hours) = self.hours.filter(|hours| !(hours.from..hours.to).contains(&minute)) {
            let (from, to) = hours.written();
            return Err(Refused::NotToday { when: format!("每天 {from}–{to} 兑换") });
        }
        let fits = match (self.audience, &person.registered) {
            (Audience::Anyone, _) => true,
            (Audience::PartyMember, _) => person.party_member,
            (Audience::Registered, None) => false,
            (Audience::Registered, Some(with)) => {
                self.communities.is_empty() || self.communities.contains(with)
            }
        };
        if !fits {
            let named = !self.communities.is_empty();
            return Err(Refused::Audience { audience: self.audience, named });
        }
        if !self.ages.have(person.born_on, civil.date()) {
            return Err(Refused::Age { ages: self.ages.spoken() });
        }
        let reached =
            |limit: Option<i16>, taken: i64| limit.filter(|limit| taken >= (*limit).into());
        if let Some(limit) = reached(self.per_day, taken.day) {
            return Err(Refused::PeriodLimit { per: "每天", limit });
        }
        if let Some(limit) = reached(self.per_week, taken.week) {
            return Err(Refused::PeriodLimit { per: "每周", limit });
        }
        Ok(())
    }
}
