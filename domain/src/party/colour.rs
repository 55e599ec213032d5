//! Five colours (五色管理): members are looked after by group, and each group has its colour. Which
//! group somebody is in follows from ledger, health and age; which colour that is, and from which
//! age on, is configuration.

use chrono::{Datelike, NaiveDate};

use super::{Health, Ledger};

codes! {
    /// The five groups.
    pub enum Group {
        /// At work.
        Employed = "employed", "在职";
        /// Neither at work nor old nor weak.
        Regular = "regular", "常态";
        /// Old.
        Aged = "aged", "高龄";
        /// Weak.
        Frail = "frail", "体弱";
        /// Floating.
        Floating = "floating", "流动";
    }
}

codes! {
    /// The five colours.
    pub enum Colour {
        /// 红.
        Red = "red", "红色";
        /// 橙.
        Orange = "orange", "橙色";
        /// 紫.
        Purple = "purple", "紫色";
        /// 蓝.
        Blue = "blue", "蓝色";
        /// 绿.
        Green = "green", "绿色";
    }
}

/// The configurable part: `[party]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// From which age on, in full years, somebody is old.
    pub aged_from: i32,
    /// The colour of those at work.
    pub employed: Colour,
    /// The colour of 常态.
    pub regular: Colour,
    /// The colour of the old.
    pub aged: Colour,
    /// The colour of the weak.
    pub frail: Colour,
    /// The colour of the floating.
    pub floating: Colour,
}

/// domain.md, **\[default\]**: 在职 · 常态 · 高龄 · 体弱 · 流动 are red · orange · purple · blue ·
/// green. 70 is our choice.
impl Default for Rules {
    fn default() -> Self {
        Self {
            aged_from: 70,
            employed: Colour::Red,
            regular: Colour::Orange,
            aged: Colour::Purple,
            frail: Colour::Blue,
            floating: Colour::Green,
        }
    }
}

/// What the group of a member follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The ledger.
    pub ledger: Ledger,
    /// The health.
    pub health: Health,
    /// The date of birth, where it is known.
    pub born_on: Option<NaiveDate>,
}

/// The members of one group, as a list is narrowed to them: the same rule, said of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowed {
    /// In one of these ledgers.
    pub ledgers: &'static [Ledger],
    /// With this health; any where none is named.
    pub health: Option<Health>,
    /// Born on this day or earlier (`true`), or later or unknown (`false`); any where none.
    pub born: Option<(NaiveDate, bool)>,
}

impl Rules {
    /// The group, by the strongest reason to look after somebody: floating before weak before old
    /// before at work. Whose birth is unknown is not taken for old.
    pub fn group(&self, facts: Facts, today: NaiveDate) -> Group {
        let aged = facts.born_on.is_some_and(|born| born <= self.aged_born(today));
        match (facts.ledger, facts.health) {
            (Ledger::Floating, _) => Group::Floating,
            (_, Health::Frail) => Group::Frail,
            _ if aged => Group::Aged,
            (Ledger::Employed, _) => Group::Employed,
            (Ledger::Direct | Ledger::Retired, _) => Group::Regular,
        }
    }

    /// The last day of birth of those who are old today. Who was born on 29 February has the
    /// birthday on 1 March in other years.
    fn aged_born(&self, today: NaiveDate) -> NaiveDate {
        let year = today.year().saturating_sub(self.aged_from);
        today.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28)).unwrap_or(today)
    }

    /// The colour of a group.
    pub const fn colour(&self, group: Group) -> Colour {
        match group {
            Group::Employed => self.employed,
            Group::Regular => self.regular,
            Group::Aged => self.aged,
            Group::Frail => self.frail,
            Group::Floating => self.floating,
        }
    }

    /// The group that has a colour.
    pub fn group_of(&self, colour: Colour) -> Option<Group> {
        Group::ALL.iter().copied().find(|group| self.colour(*group) == colour)
    }

    /// Whether the configuration makes sense: an age that people reach, and five colours.
    pub fn is_sound(&self) -> bool {
        let all = Colour::ALL.iter().all(|colour| self.group_of(*colour).is_some());
        all && (50..=110).contains(&self.aged_from)
    }

    /// What the rows of a group have in common today.
    pub fn narrowed(&self, group: Group, today: NaiveDate) -> Narrowed {
        use Ledger::{Direct, Employed, Floating, Retired};
        let born = self.aged_born(today);
        let (ledgers, health, born): (&[Ledger], _, _) = match group {
            Group::Floating => (&[Floating], None, None),
            Group::Frail => (&[Direct, Retired, Employed], Some(Health::Frail), None),
            Group::Aged => (&[Direct, Retired, Employed], Some(Health::Good), Some((born, true))),
            Group::Employed => (&[Employed], Some(Health::Good), Some((born, false))),
            Group::Regular => (&[Direct, Retired], Some(Health::Good), Some((born, false))),
        };
        Narrowed { ledgers, health, born }
    }
}

impl Narrowed {
    /// Whether a row belongs to them; what the store asks in SQL.
    pub fn holds(&self, facts: Facts) -> bool {
        self.ledgers.contains(&facts.ledger)
            && self.health.is_none_or(|health| health == facts.health)
            && self.born.is_none_or(|(day, earlier)| {
                facts.born_on.is_some_and(|born| born <= day) == earlier
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn everybody() -> Vec<Facts> {
        let births =
            [None, Some(day("1956-11-24")), Some(day("1956-11-25")), Some(day("1990-01-01"))];
        let all = Ledger::ALL.iter().flat_map(|ledger| {
            Health::ALL.iter().flat_map(move |health| {
                births.map(|born_on| Facts { ledger: *ledger, health: *health, born_on })
            })
        });
        all.collect()
    }

    #[test]
    fn each_ledger_health_and_age_has_its_group() {
        let (rules, today) = (Rules::default(), day("2026-11-24"));
        for facts in everybody() {
            let old = facts.born_on == Some(day("1956-11-24"));
            let expected = match facts {
                Facts { ledger: Ledger::Floating, .. } => Group::Floating,
                Facts { health: Health::Frail, .. } => Group::Frail,
                _ if old => Group::Aged,
                Facts { ledger: Ledger::Employed, .. } => Group::Employed,
                _ => Group::Regular,
            };
            assert_eq!(rules.group(facts, today), expected, "{facts:?}");
        }
    }

    /// Every row belongs to exactly the group that the rule says, also as the list finds it.
    #[test]
    fn a_list_by_group_holds_the_group() {
        let (rules, today) = (Rules::default(), day("2026-11-24"));
        for facts in everybody() {
            for group in Group::ALL {
                let there = rules.narrowed(*group, today).holds(facts);
                assert_eq!(there, rules.group(facts, today) == *group, "{group} {facts:?}");
            }
        }
    }

    #[test]
    fn the_five_are_paired_in_order() {
        let rules = Rules::default();
        let colours: Vec<Colour> = Group::ALL.iter().map(|group| rules.colour(*group)).collect();
        assert_eq!(colours, Colour::ALL);
        for group in Group::ALL {
            assert_eq!(rules.group_of(rules.colour(*group)), Some(*group));
        }
        assert!(rules.is_sound());
        assert!(!Rules { aged: Colour::Red, ..rules }.is_sound(), "two groups of one colour");
        assert!(!Rules { aged_from: 5, ..rules }.is_sound());
    }

    #[test]
    fn a_birthday_in_a_leap_year_comes_each_year() {
        let rules = Rules { aged_from: 70, ..Rules::default() };
        let born = |born: &str| Facts {
            ledger: Ledger::Direct,
            health: Health::Good,
            born_on: Some(day(born)),
        };
        // 2024 is a leap year, 1954 is none.
        assert_eq!(rules.group(born("1954-02-28"), day("2024-02-29")), Group::Aged);
        assert_eq!(rules.group(born("1954-03-01"), day("2024-02-29")), Group::Regular);
        assert_eq!(rules.group(born("1956-02-29"), day("2026-02-28")), Group::Regular);
        assert_eq!(rules.group(born("1956-02-29"), day("2026-03-01")), Group::Aged);
    }
}
